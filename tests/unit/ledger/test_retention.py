# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept is the same whether older refunds are removed or not."""

from __future__ import annotations

import tempfile
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy
from hypothesis import given, settings
from hypothesis import strategies as st
from test_recorder import APP, NOW_TEXT, Desk, batch, told
from unit_examples import examples

from ansible_collections.storeops.refunds.plugins.module_utils._decisions.irreversible import Gate
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.events import Consumer, record
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.schema import refund_notifications, refunds
from ansible_collections.storeops.refunds.plugins.module_utils._model.coverage import Window
from ansible_collections.storeops.refunds.plugins.module_utils._model.event import Event
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Notification
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds.refund_removal import Removal

HOUR = 3_600_000
START = 1_700_000_000_000
END = START + 100 * HOUR
KEEP = START + 50 * HOUR
Row = dict[str, t.Any]


def rows(desk: Desk, keep: int = KEEP) -> list[Row]:
    """Give the refunds from a date on, without when they were recorded."""
    with desk.ledger.reading() as connection:
        table = refunds()
        query = sqlalchemy.select(table).where(table.c.revocation_date >= keep).order_by(*table.primary_key)
        return [{**row, "recorded_at": None} for row in connection.execute(query).mappings()]


def read(desk: Desk, notes: t.Sequence[Notification], keep: int | None) -> dict[str, int]:
    """Read a history as refund_ledger does; give what it counted."""
    removal = None if keep is None else Removal(Gate(lambda: NOW_TEXT, lambda text: None, False), 1, APP)
    made = desk.recorder(keep_from=keep, removal=removal)
    with desk.ledger.writing() as connection:
        made.take(connection, batch(START, END, *notes), Window(START, END))
    return made.tally.counts()


def refunded(number: int, date: int, uuid: str, **fields: t.Any) -> Notification:
    """A notification of a refund of transaction ``number``, an hour after it."""
    one = told(number, date, uuid=uuid, signed_date=date + HOUR)
    return replace(one, refunds=(replace(one.refunds[0], first_notification_uuid=uuid, **fields),))


@pytest.fixture
def desk(tmp_path: Path) -> t.Iterator[Desk]:
    """An empty ledger."""
    made = Desk(tmp_path)
    yield made
    made.ledger.close()


def item(number: int, date: int, uuid: str) -> Notification:
    """The refund of an item, whose transaction has an older date of its own."""
    return replace(refunded(number, date, uuid, refunded=500), revocation_date=START + HOUR // 2)


def test_a_young_refund_of_an_old_transaction_is_kept(desk: Desk) -> None:
    back = Notification("r", "REFUND_REVERSED", KEEP + 5 * HOUR, "1", START + HOUR // 2)
    notes = [item(1, KEEP + HOUR, "a"), item(1, KEEP - HOUR, "b"), back]
    assert read(desk, notes, KEEP)["new"] == 1
    (row,) = rows(desk, 0)
    assert (row["amount"], row["reversed_at"]) == (-500, KEEP + 5 * HOUR)
    # Nothing of it is removed, and read again it is no news.
    again = read(desk, notes, KEEP)
    assert (again["new"], again["notifications"], again["removed"]) == (0, 0, 0) and rows(desk, 0) == [row]
    with desk.ledger.reading() as connection:
        held = connection.execute(sqlalchemy.select(refund_notifications().c.notification_uuid)).scalars()
        assert sorted(held) == ["a", "r"]
    # It grows old with its refund, the reversal by its own date.
    read(desk, notes, KEEP + 2 * HOUR)
    read(desk, notes, KEEP + 6 * HOUR)
    assert rows(desk, 0) == []
    with desk.ledger.reading() as connection:
        assert connection.execute(sqlalchemy.select(refund_notifications())).all() == []


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ([], ""),
        (["refund"], "1 refunds, 1 notifications"),
        (["declined"], "1 notifications"),
        (["event"], "1 events"),
        (["refund", "declined", "event"], "1 refunds, 2 notifications, 1 events"),
        (["young"], ""),
    ],
)
def test_whatever_is_removed_is_a_change(desk: Desk, kept: list[str], said: str) -> None:
    old = {
        "refund": refunded(1, KEEP - 2 * HOUR, "a"),
        "declined": Notification("b", "REFUND_DECLINED", KEEP - HOUR, "2", None),
        "young": refunded(3, KEEP, "c"),
    }
    notes = [one for name, one in old.items() if name in kept]
    read(desk, notes, None)
    assert Consumer(desk.ledger, "rules", "a").claim(START)
    if "event" in kept:
        with desk.ledger.writing() as connection:
            record(connection, APP.values(), [Event("refund", "d", KEEP - HOUR, {})], NOW_TEXT)
    for is_check, wanted in ((True, said), (False, said), (False, "")):
        gate = Gate(lambda: NOW_TEXT, lambda text: None, is_check)
        made = desk.recorder(keep_from=KEEP, removal=Removal(gate, 1, APP))
        last = batch(START, END, *notes), Window(START, END)
        if is_check:
            made.predict([last[0]], last[1])
        else:
            with desk.ledger.writing() as connection:
                made.take(connection, *last)
        assert made.tally.changed == bool(wanted) and (made.tally.changed or not gate.records)
        assert made.tally.diff("x")["before"] == ({"older than retention_days": wanted} if wanted else {})


hours = st.integers(0, 90)


@st.composite
def histories(draw: st.DrawFn) -> list[Notification]:
    """Refunds of two transactions and their reversals. A refund of an item is never on its transaction's date."""
    found: list[Notification] = []
    for number in (1, 2):
        is_item = draw(st.booleans())
        for index, hour in enumerate(draw(st.lists(hours, max_size=4, unique=True))):
            uuid = f"{number}/{index}"
            found.append((item if is_item else refunded)(number, START + hour * HOUR, uuid))
        for index, hour in enumerate(draw(st.lists(hours, max_size=3))):
            signed = START + (hour + draw(st.integers(0, 9))) * HOUR
            dates = [None, START + HOUR // 2] if is_item else [None, START + hour * HOUR]
            found.append(
                Notification(f"{number}/r{index}", "REFUND_REVERSED", signed, f"{number}", draw(st.sampled_from(dates)))
            )
    return t.cast("list[Notification]", draw(st.permutations(found)))


@pytest.mark.sweep
@settings(max_examples=examples(40), deadline=None)
@given(histories(), st.integers(0, 12), st.booleans())
def test_retention_never_changes_what_it_keeps(notes: list[Notification], first: int, is_late: bool) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        whole, kept = Desk(Path(one)), Desk(Path(other))
        try:
            read(whole, notes, None)
            # In two runs; ``is_late``: everything is kept until the second one.
            read(kept, notes[:first], None if is_late else KEEP)
            read(kept, notes[first:], KEEP)
            assert rows(kept, 0) == rows(whole)
            # Read again, nothing changes.
            again = read(kept, notes, KEEP)
            assert again["removed"] == 0 and rows(kept, 0) == rows(whole)
        finally:
            whole.ledger.close()
            kept.ledger.close()
