# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which money a verified transaction tells of: never more than Apple says."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._apple.refund_fields import (
    UnexpectedFields,
    notification_of,
    refunds_of,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Notification, settle

DAY = 86_400_000
DATE = 1_760_000_000_000
WHOLE: dict[str, t.Any] = {"transactionId": "1", "signedDate": DATE + 1, "price": 9_990, "currency": "EUR"}
SIMPLE = {**WHOLE, "revocationDate": DATE}


def told(**fields: t.Any) -> list[tuple[int | None, bool]]:
    """Give amount and whether it is assumed, by date."""
    return [(one.amount, one.assumed_full) for one in refunds_of({**WHOLE, **fields})]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (-9_990, True)),
        ({"revocationType": "REFUND_FULL", "revocationReason": 1}, (-9_990, True)),
        ({"revocationType": "REFUND_FULL", "revocationPercentage": 100_000}, (-9_990, False)),
        ({"revocationType": "REFUND_PRORATED", "revocationPercentage": 50_000}, (-4_995, False)),
        # Prorated is never all of it.
        ({"revocationType": "REFUND_PRORATED"}, (None, False)),
        # Access that ended for another reason than a payment back; these words are guesses, as Apple names none.
        ({"revocationType": "ASSIGNMENT_REVOKE"}, (None, False)),
        ({"revocationType": "REFUND_FULL", "revocationReason": 2}, (None, False)),
        ({"revocationReason": 7}, (None, False)),
        ({"revocationReason": 7, "revocationPercentage": 10_000}, (-999, False)),
        ({"revocationType": "FAMILY_REVOKE", "revocationPercentage": 100_000}, (None, False)),
        ({"price": None}, (None, False)),
        ({"currency": None}, (None, False)),
    ],
)
def test_the_whole_price_is_assumed_only_where_apple_pays_it(
    fields: dict[str, t.Any], expected: tuple[int | None, bool]
) -> None:
    assert told(revocationDate=DATE, **fields) == [expected]


def items(*refunds: list[dict[str, t.Any]], **fields: t.Any) -> dict[str, t.Any]:
    """Make a transaction of the Advanced Commerce API, an item for each list of refunds."""
    listed = [{"SKU": f"sku {number}", "price": 5_000, "refunds": one} for number, one in enumerate(refunds)]
    return {**WHOLE, "advancedCommerceInfo": {"items": listed}, **fields}


def refund(amount: int | None, date: int | None = DATE) -> dict[str, t.Any]:
    """Make a refund of an item."""
    made = {"refundAmount": amount, "refundDate": date, "refundReason": "LEGAL", "refundType": "CUSTOM"}
    return {name: value for name, value in made.items() if value is not None}


def dated(transaction: dict[str, t.Any]) -> list[tuple[int, int | None]]:
    """Give date and amount of each refund."""
    return [(one.revocation_date - DATE, one.amount) for one in refunds_of(transaction)]


def test_the_sum_that_apple_names_is_taken() -> None:
    assert dated(items([refund(5_000)])) == [(0, -5_000)]
    assert dated(items([refund(5_000)], revocationDate=DATE, revocationType="REFUND_FULL")) == [(0, -5_000)]
    assert dated(items([refund(1_000)], [refund(200), refund(30, DATE + DAY)])) == [(0, -1_200), (DAY, -30)]
    assert dated(items([refund(0)])) == [(0, 0)]
    assert dated(items([refund(7)], currency=None)) == [(0, None)]
    assert dated(items([refund(7)], inAppOwnershipType="FAMILY_SHARED")) == [(0, None)]


def test_a_sum_that_is_missing_is_no_price() -> None:
    assert dated(items([refund(None)])) == [(0, None)]
    assert dated(items([refund(1_000), refund(None)], [refund(30, DATE + DAY)])) == [(0, None), (DAY, -30)]


def test_an_item_without_refunds_leaves_the_transaction_as_it_is() -> None:
    for none in ([], None):
        assert dated({**items(), "revocationDate": DATE, "advancedCommerceInfo": {"items": none}}) == [(0, -9_990)]
    assert dated(items([], revocationDate=DATE)) == [(0, -9_990)]


def test_an_items_refund_has_a_date_from_somewhere() -> None:
    assert dated(items([refund(1, None)], revocationDate=DATE + DAY)) == [(DAY, -1)]
    made = items([refund(1, None)])
    made["advancedCommerceInfo"]["items"][0]["revocationDate"] = DATE + 5
    assert dated(made) == [(5, -1)]
    with pytest.raises(UnexpectedFields):
        refunds_of(items([refund(1, None)]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"advancedCommerceInfo": []},
        {"advancedCommerceInfo": {"items": {}}},
        {"advancedCommerceInfo": {"items": ["x"]}},
        {"advancedCommerceInfo": {"items": [{"refunds": 1}]}},
        items([refund(-1)]),
        items([{"refundAmount": 1.5, "refundDate": DATE}]),
        items([refund(2**62), refund(2**62)]),
        items([refund(1, 10**18)]),
    ],
)
def test_fields_of_another_kind_are_no_money(wrong: dict[str, t.Any]) -> None:
    with pytest.raises(UnexpectedFields):
        refunds_of({**SIMPLE, **wrong})


def told_by(number: int, kind: str, transaction: dict[str, t.Any]) -> Notification:
    """Make a verified notification of it."""
    payload = {"notificationType": kind, "notificationUUID": f"{number}", "signedDate": DATE + number * DAY}
    return notification_of(payload, transaction)


def test_a_further_refund_of_an_item_counts_once() -> None:
    first = told_by(1, "REFUND", items([refund(1_000)], revocationDate=DATE))
    more = told_by(3, "REFUND", items([refund(1_000), refund(30, DATE + 2 * DAY)], revocationDate=DATE + 2 * DAY))
    assert first.date == DATE and more.date == DATE + 2 * DAY
    for order in ((first, more), (more, first)):
        assert [one.amount for one in settle([], order)] == [-1_000, -30]


def test_a_reversal_by_the_transactions_date_finds_the_items_refund() -> None:
    made = told_by(1, "REFUND", items([refund(1_000)], revocationDate=DATE + 5))
    back = told_by(2, "REFUND_REVERSED", {**WHOLE, "revocationDate": DATE + 5})
    assert [one.reversed_at for one in settle([], [made, back])] == [DATE + 2 * DAY]
