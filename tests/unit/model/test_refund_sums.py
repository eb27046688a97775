# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What refunds add up to, and what is in no sum."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Refund
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund_rows import (
    Tally,
    count_exceeding,
    not_in_sums,
    sums_of,
    tallies_of,
)

# 2023-11-14T22:13:20Z
NOW = 1_700_000_000_000
PLAIN = Refund("20", NOW, "10", "coins", "Consumable", 3, NOW - 500_000, 9990, "EUR", 50_000, 1, "REFUND_PRORATED",
               "PURCHASED", "DEU", "u1", NOW + 1000)  # fmt: skip
ROW = {
    "refund_date": "2023-11-14T22:13:20Z",
    "product_id": "coins",
    "currency": "EUR",
    "amount": -4995,
    "reason": 1,
    "is_family_shared": False,
    "is_reversed": False,
}


def row(**changes: t.Any) -> dict[str, t.Any]:
    """A row of a refund."""
    return {**ROW, **changes}


def test_sums_are_by_group_and_currency_and_leave_out_what_was_not_paid_back() -> None:
    rows = [
        row(),
        row(amount=-5),
        row(amount=None),
        row(currency="USD", amount=None),
        row(currency=None, amount=None, product_id=None),
        row(currency="USD", amount=None),
        row(is_reversed=True),
        row(is_family_shared=True, amount=None),
        row(is_family_shared=True, is_reversed=True),
    ]
    tallies = tallies_of(rows, ["product_id", "day", "month"])
    assert tallies[0] == Tally(("coins", "2023-11-14", "2023-11"), "EUR", False, False, 1, 1, -4995)
    assert (tallies[2].known, tallies[6].is_reversed, tallies[7].is_family_shared) == (0, True, True)
    group = {"product_id": "coins", "day": "2023-11-14", "month": "2023-11"}
    money = {"amount": -5000, "amount_units": "-5.00", "amount_unknown_count": 1}
    unknown = {"count": 1, "amount": None, "amount_units": None, "amount_unknown_count": 1}
    assert sums_of(tallies, ["product_id", "day", "month"]) == [
        {**group, "currency": "EUR", "count": 3, **money},
        {**group, "currency": "USD", **unknown, "count": 2, "amount_unknown_count": 2},
        {**group, "product_id": None, "currency": None, **unknown},
    ]
    assert not_in_sums(tallies) == {"reversed": 1, "family_shared": 2}
    assert sums_of([], []) == [] and not_in_sums([]) == {"reversed": 0, "family_shared": 0}


def test_transactions_with_more_refunds_than_price_are_counted() -> None:
    full = replace(PLAIN, percentage=100_000)
    twice = [full, replace(full, revocation_date=NOW + 1)]
    assert count_exceeding(twice) == 1 and count_exceeding([full]) == 0
    assert count_exceeding([*twice, *(replace(one, transaction_id="21") for one in twice)]) == 2
    assert count_exceeding([full, replace(full, revocation_date=NOW + 1, transaction_id="21")]) == 0
    assert count_exceeding([full, replace(twice[1], reversed_at=NOW)]) == 0
    assert count_exceeding([full, replace(twice[1], currency=None)]) == 0
    assert count_exceeding([replace(one, price=None, refunded=99_999) for one in twice]) == 0


def test_every_row_counts_in_whatever_order() -> None:
    rows = [
        row(is_reversed=True),
        row(is_family_shared=True),
        row(currency="JPY", amount=-120_000),
        row(is_reversed=True),
        row(amount=-5),
        row(currency="JPY", amount=-1_000),
    ]
    for order in (rows, rows[::-1]):
        tallies = tallies_of(order, [])
        assert [(one["currency"], one["count"], one["amount_units"]) for one in sums_of(tallies, [])] == [
            ("EUR", 1, "-0.005"),
            ("JPY", 2, "-121"),
        ]
        assert not_in_sums(tallies) == {"reversed": 2, "family_shared": 1}


def test_groups_are_in_the_order_of_their_values_and_none_is_last() -> None:
    for reasons in ([None, 2, 1, 0], [0, 1, None, 2]):
        sums = sums_of(tallies_of([row(reason=reason) for reason in reasons], ["reason"]), ["reason"])
        assert [one["reason"] for one in sums] == [0, 1, 2, None]
