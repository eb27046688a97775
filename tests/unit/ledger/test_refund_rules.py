# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What notifications make: amounts to the milliunit, and one state for every order of arrival."""

from __future__ import annotations

import itertools
import typing as t
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_support import ledger_at
from unit_examples import examples

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App, compare, put
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import (
    Notification,
    NotificationType,
    Refund,
    refunded_amount,
    settle,
)

APP = App("apple", "production", "com.example.one")
START = 1_760_000_000_000
KINDS: tuple[NotificationType, ...] = ("REFUND", "REFUND", "REFUND_REVERSED", "REFUND_DECLINED")


def notification(
    number: int, kind: NotificationType, signed: int, transaction: str, date: int | None, **money: t.Any
) -> Notification:
    """Make a notification of one transaction; dates are in ms after START."""
    uuid, when = f"{number:032x}", START + signed
    refund = None
    if kind == "REFUND":
        assert date is not None
        empty: dict[str, t.Any] = dict.fromkeys(
            ("original_transaction_id", "product_id", "product_type", "quantity", "purchase_date", "storefront")
        )
        named: dict[str, t.Any] = dict.fromkeys(("revocation_reason", "revocation_type", "ownership"))
        # Of every notification another price, so that it matters which of them counts.
        money = {"price": number * 10, "currency": "EUR", "percentage": None, **money}
        told: dict[str, t.Any] = {"first_notification_uuid": uuid, "first_signed_date": when}
        refund = Refund(transaction_id=transaction, revocation_date=START + date, **empty, **named, **money, **told)
    return Notification(
        uuid, kind, when, transaction, None if date is None else START + date, () if refund is None else (refund,)
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Notification]:
    """Give refunds, reversals with and without a date, and declined ones, of few transactions at few times."""
    made = []
    for number in range(draw(st.integers(1, 9))):
        kind = draw(st.sampled_from(KINDS))
        date = draw(st.integers(0, 4)) if kind == "REFUND" else draw(st.none() | st.integers(0, 4))
        signed = draw(st.integers(date or 0, 8))
        transaction = draw(st.sampled_from("AB"))
        more: dict[str, t.Any] = {}
        if kind == "REFUND":
            more["percentage"] = draw(st.none() | st.just(number))
            more |= draw(st.sampled_from(({}, {"price": None}, {"currency": None})))
        made.append(notification(number, kind, signed, transaction, date, **more))
        if kind == "REFUND" and draw(st.booleans()):
            # The same notification, signed again, which then says more or less.
            more["percentage"] = draw(st.none() | st.just(number + 50))
            made.append(notification(number, kind, signed + 1, transaction, date, **more))
    return made


def arrive(path: Path, batches: t.Iterable[t.Sequence[Notification]]) -> dict[tuple[str, int], Refund]:
    """Record batches one after the other; give what the ledger holds then."""
    path.unlink(missing_ok=True)
    ledger = ledger_at(f"sqlite:///{path}")
    everything: list[Notification] = []
    for batch in batches:
        everything += batch
        with ledger.writing() as connection:
            put(connection, APP, compare(connection, APP, batch), "2026-01-01T00:00:00Z")
    with ledger.reading() as connection:
        # What is already held as it should be is no step, so this must be empty.
        assert compare(connection, APP, everything).steps == ()
        columns = "transaction_id, revocation_date, price, currency, percentage, amount, first_signed_date, reversed_at"
        found = connection.exec_driver_sql(f"SELECT {columns} FROM refund_tracking_refunds")
        held = {(row[0], row[1]): row for row in found}
    ledger.close()
    return t.cast("dict[tuple[str, int], Refund]", held)


@settings(max_examples=examples(60))
@given(history=histories(), data=st.data())
def test_every_order_of_arrival_gives_the_same_ledger(
    history: list[Notification], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "order.db"
    doubled = data.draw(st.permutations([*history, *data.draw(st.lists(st.sampled_from(history), max_size=4))]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(doubled)), max_size=3)))
    edges = [0, *cuts, len(doubled)]
    batches = [doubled[start:end] for start, end in itertools.pairwise(edges)]
    assert arrive(path, batches) == arrive(path, [sorted(history, key=lambda one: one.signed_date)])


def settled(*history: Notification) -> list[tuple[int, int | None]]:
    """Settle one transaction; give refund date and reversal, in ms after START."""
    found = settle([], history)
    return [(one.revocation_date - START, one.reversed_at and one.reversed_at - START) for one in found]


def test_dates_decide_what_is_reversed() -> None:
    first, again = notification(1, "REFUND", 11, "A", 10), notification(2, "REFUND", 31, "A", 30)
    named = notification(3, "REFUND_REVERSED", 41, "A", 10)
    assert settled(again, notification(4, "REFUND_REVERSED", 20, "A", None), first) == [(10, 20), (30, None)]
    assert settled(first, again, notification(4, "REFUND_REVERSED", 41, "A", None)) == [(10, None), (30, 41)]
    assert settled(named, first, again) == [(10, 41), (30, None)]
    assert settled(notification(4, "REFUND_REVERSED", 5, "A", None), first) == [(10, None)]
    assert settled(first, notification(5, "REFUND_DECLINED", 50, "A", None)) == [(10, None)]


def test_each_reversal_cancels_one_refund() -> None:
    first, again = notification(1, "REFUND", 11, "A", 10), notification(2, "REFUND", 31, "A", 30)
    one, other = (notification(number, "REFUND_REVERSED", 40 + number, "A", None) for number in (3, 4))
    assert settled(first, again, one, other) == [(10, 44), (30, 43)]
    assert settled(first, again, one, notification(4, "REFUND_REVERSED", 42, "A", 30)) == [(10, 43), (30, 42)]
    # Of one refund no more than one.
    assert settled(first, one, other) == [(10, 43)]


@given(price=st.integers(0, 10**12), percentage=st.integers(0, 100_000))
def test_amounts_are_rounded_half_away_from_zero(price: int, percentage: int) -> None:
    exact = Decimal(price) * percentage / 100_000
    assert refunded_amount(price, percentage) == -int(exact.to_integral_value(ROUND_HALF_UP))


def test_no_percentage_is_all_of_it() -> None:
    assert refunded_amount(9_990, None) == -9_990
    assert [refunded_amount(1, share) for share in (49_999, 50_000, 100_000, 0)] == [0, -1, -1, 0]


def test_a_copy_that_was_signed_later_may_know_more(tmp_path: Path) -> None:
    vague, exact = (notification(1, "REFUND", signed, "A", 0, percentage=one) for signed, one in ((1, None), (2, 7)))
    orders = ([[vague], [exact]], [[exact], [vague]], [[vague, exact]], [[exact, vague]])
    first, *others = (arrive(tmp_path / "copies.db", batches) for batches in orders)
    assert all(one == first for one in others) and [row[4] for row in t.cast("t.Any", first).values()] == [7]
