# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a batch of notifications adds to the rows that are there, and what removing old rows leaves."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy
from ledger_support import ledger_at

from ansible_collections.storeops.refunds.plugins.module_utils._ledger import refunds as module
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.events import Consumer
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import (
    App,
    Changes,
    Old,
    Step,
    compare,
    count_before,
    put,
    removal_target,
    remove_before,
)
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.schema import refund_notifications, refunds
from ansible_collections.storeops.refunds.plugins.module_utils._model.permit import Permit, Proof
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Notification, Refund

APP = App("apple", "production", "com.example.one")
OTHERS = [
    replace(APP, source="other:1"),
    replace(APP, environment="sandbox"),
    replace(APP, bundle_id="com.example.two"),
]
# 2023-11-14T22:13:20Z
DATE = 1_700_000_000_000
FIRST, LATER = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


@pytest.fixture
def ledger(tmp_path: Path) -> t.Iterator[Ledger]:
    """An empty one."""
    made = ledger_at(f"sqlite:///{tmp_path}/ledger.db")
    yield made
    made.close()


def told(number: int, signed: int = DATE, date: int = DATE, **changes: t.Any) -> Notification:
    """A notification of a refund of a transaction."""
    made = Refund(str(number), date, "1", "coins", "Consumable", 1, date, 9990, "EUR", 100_000, 1, "REFUND_FULL",
                  "PURCHASED", "DEU", f"u{number}", signed)  # fmt: skip
    return Notification(f"u{number}", "REFUND", signed, str(number), date, (replace(made, **changes),))


def reversal(uuid: str, signed: int) -> Notification:
    """A notification that one of the refunds of transaction 1 was taken back."""
    return Notification(uuid, "REFUND_REVERSED", signed, "1", None)


def record(ledger: Ledger, *batch: Notification, now: str = FIRST, app: App = APP) -> tuple[int, int]:
    """Record a batch; give how many refunds and how many notifications it adds or changes."""
    with ledger.writing() as connection:
        changes = compare(connection, app, batch)
        put(connection, app, changes, now)
    return len(changes.steps), len(changes.notifications)


def rows(ledger: Ledger, table: sqlalchemy.Table, *names: str) -> list[tuple[t.Any, ...]]:
    """Give columns of a table."""
    with ledger.reading() as connection:
        found = connection.execute(sqlalchemy.select(*(table.c[name] for name in names)).order_by(*table.primary_key))
        return [tuple(row) for row in found]


def test_what_is_learnt_later_keeps_the_time_of_the_first_recording(ledger: Ledger) -> None:
    assert record(ledger, told(1, percentage=None, revocation_type="REFUND_PRORATED")) == (1, 1)
    assert record(ledger, told(1, signed=DATE + 1), now=LATER) == (1, 0)
    assert rows(ledger, refunds(), "percentage", "amount", "first_signed_date", "recorded_at") == [
        (100_000, -9990, DATE + 1, FIRST)
    ]
    assert rows(ledger, refund_notifications(), "signed_date", "recorded_at") == [(DATE, FIRST)]
    assert record(ledger, told(1, signed=DATE + 1), now=LATER) == (0, 0)


def test_each_step_tells_what_was_held_before(ledger: Ledger) -> None:
    vague = told(1, percentage=None, revocation_type="REFUND_PRORATED")
    record(ledger, vague, told(2))
    better = told(1, signed=DATE + 1)
    with ledger.reading() as connection:
        found = compare(connection, APP, [better, told(3)])
    assert found == Changes((Step(vague.refunds[0], better.refunds[0]), Step(None, told(3).refunds[0])), (told(3),))


def test_a_copy_that_was_signed_earlier_takes_the_place_of_the_later_one(ledger: Ledger) -> None:
    record(ledger, told(1), told(1, date=DATE + 5), reversal("r", DATE + 30))
    assert rows(ledger, refunds(), "revocation_date", "reversed_at") == [(DATE, None), (DATE + 5, DATE + 30)]
    # Both were kept, and one reversal would cancel two refunds.
    assert record(ledger, reversal("r", DATE + 20), now=LATER) == (1, 1)
    assert record(ledger, reversal("r", DATE + 25), reversal("r", DATE + 20), now=LATER) == (0, 0)
    assert rows(ledger, refunds(), "revocation_date", "reversed_at") == [(DATE, None), (DATE + 5, DATE + 20)]
    assert rows(ledger, refund_notifications(), "notification_uuid", "signed_date", "recorded_at") == [
        ("r", DATE + 20, FIRST),
        ("u1", DATE, FIRST),
    ]


def test_a_reversal_keeps_to_the_refund_that_it_named_whatever_is_told_later(ledger: Ledger) -> None:
    record(ledger, told(1), replace(reversal("r", DATE + 30), revocation_date=DATE))
    assert record(ledger, replace(told(1, date=DATE + 5), uuid="u2"), now=LATER) == (1, 1)
    assert rows(ledger, refunds(), "revocation_date", "reversed_at") == [(DATE, DATE + 30), (DATE + 5, None)]


def test_a_batch_of_any_size_is_compared_with_all_that_is_held(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 3)
    batch = [told(number) for number in range(7)]
    assert record(ledger, *batch) == (7, 7) and record(ledger, *batch) == (0, 0)
    assert record(ledger, *batch[::-1], told(7)) == (1, 1)


def test_rows_of_others_are_neither_seen_nor_touched(ledger: Ledger) -> None:
    for app in (APP, *OTHERS):
        assert record(ledger, told(1), app=app) == (1, 1), app
    with ledger.writing() as connection:
        assert count_before(connection, APP, DATE + 1) == Old(1, 1)
        remove_before(connection, APP, DATE + 1, permit(APP))
        assert count_before(connection, APP, DATE + 1) == Old(0, 0)
        assert [count_before(connection, app, DATE + 1) for app in OTHERS] == [Old(1, 1)] * 3


def permit(app: App) -> Permit:
    """Allow the removal for an app."""
    return Permit("remove_refunds", removal_target(app), Proof("it is old", "a clock", FIRST))


def test_what_is_dated_before_goes_and_nothing_else(ledger: Ledger) -> None:
    record(ledger, told(1, date=DATE - 1), told(2), told(3, date=DATE - 86_400_000))
    # Without a date of its own, a notification is as old as its signature.
    record(ledger, reversal("old", DATE - 1), reversal("at", DATE))
    with ledger.writing() as connection:
        assert count_before(connection, APP, DATE) == Old(2, 3)
        for other in (permit(OTHERS[0]), replace(permit(APP), step="purge")):
            with pytest.raises(ValueError, match="a permit for"):
                remove_before(connection, APP, DATE, other)
        remove_before(connection, APP, DATE, permit(APP))
        assert (count_before(connection, APP, DATE), count_before(connection, APP, DATE + 1)) == (Old(0, 0), Old(1, 2))
    assert rows(ledger, refunds(), "transaction_id") == [("2",)]
    assert rows(ledger, refund_notifications(), "notification_uuid") == [("at",), ("u2",)]


def test_a_batch_is_told_with_what_is_known_besides(ledger: Ledger) -> None:
    reader = Consumer(ledger, "rules", "a")
    assert reader.claim(DATE)
    with ledger.writing() as connection:
        put(connection, APP, compare(connection, APP, [told(1), told(2)]), LATER, {"1": {"token": "x"}})
    found = [(one.body["transaction_id"], one.body["recorded_at"], one.body.get("token")) for one in reader.waiting(9)]
    assert found == [("1", LATER, "x"), ("2", LATER, None)]
