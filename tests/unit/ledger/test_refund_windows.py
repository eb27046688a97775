# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows end in any order; what is recorded is a whole, from the oldest on, and ends where something was not read."""

from __future__ import annotations

import random
import typing as t
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit_examples import examples

from ansible_collections.storeops.refunds.plugins.module_utils._apple.notification_history import (
    MOST_PAGES,
    PAGE,
    StartTooFar,
    TooLong,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.coverage import Window
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import TransportError
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import NOTIFICATION_TYPES, Rejected
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_reading, refund_windows
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds.refund_reading import AT_ONCE, Reading

HOUR = 3_600_000
SPAN = Window(0, 1000 * HOUR)
# A notification is its type and its date. One of these dates can't be verified.
Note = tuple[str, int]


class History:
    """Apple's history in memory. Whatever is asked of ``broken`` has no answer."""

    environment: t.Final = "production"

    def __init__(self, notes: t.Sequence[Note], broken: Window | None = None, begins: int = 0) -> None:
        self.notes, self.broken, self.begins, self.calls = sorted(notes, key=lambda n: n[1]), broken, begins, 0

    def signed_payloads(self, kind: str, window: Window, parts: t.Callable[[t.Any], int]) -> list[Note]:
        """Answer page by page, as the real one does."""
        if window.start < self.begins:
            self.calls += 1
            raise StartTooFar("too far", "")
        if self.broken and self.broken.start < window.end and window.start < self.broken.end:
            raise TransportError("timeout", "no answer.", "Run again.")
        found = [note for note in self.notes if note[0] == kind and window.start <= note[1] <= window.end]
        for page in range(max(1, -(-len(found) // PAGE))):
            self.calls += 1
            read = found[: (page + 1) * PAGE]
            if len(read) < len(found):
                split = parts(read)
                if split > 1:
                    raise TooLong(split)
                assert page < MOST_PAGES
        return found

    def check_deadline(self) -> None:
        """Never over."""


def reading(history: History, bad: t.Collection[int] = ()) -> tuple[Reading, list[refund_reading.Batch]]:
    def notification(payload: Note, _kind: str) -> t.Any:
        if payload[1] in bad:
            return Rejected(f"{payload}", None, "tampered", payload[1])
        return SimpleNamespace(note=payload)

    recorded: list[refund_reading.Batch] = []

    def record(batch: refund_reading.Batch, is_last: bool) -> None:
        assert not recorded or recorded[-1].window.end == batch.window.start, "without a gap, from the oldest on"
        recorded.append(batch)
        assert is_last == (batch.window.end == SPAN.end)

    signed = SimpleNamespace(notification=notification)
    return Reading(t.cast("t.Any", history), t.cast("t.Any", signed), SPAN, record), recorded


def work(made: Reading, seed: int) -> None:
    """Do all jobs in any order."""
    order = random.Random(seed)
    jobs = list(made.jobs())
    while jobs:
        assert len(jobs) <= AT_ONCE["production"]
        jobs += jobs.pop(order.randrange(len(jobs)))()


@pytest.fixture(autouse=True)
def dates(monkeypatch: pytest.MonkeyPatch) -> None:
    """A note is no JWS."""
    monkeypatch.setattr(refund_windows, "claimed_date", lambda note: note[1])
    monkeypatch.setattr(refund_reading, "payload_sha256", str)


notes = st.lists(st.tuples(st.sampled_from(NOTIFICATION_TYPES), st.integers(0, SPAN.end)), max_size=60, unique=True)
crowds = st.lists(st.tuples(st.integers(0, 990), st.integers(1, 3000)), max_size=2)


def crowded(few: t.Sequence[Note], many: t.Sequence[tuple[int, int]]) -> list[Note]:
    """Add refunds that lie close together."""
    found = [*few]
    for hour, count in many:
        found += [("REFUND", hour * HOUR + number * 5_000) for number in range(count)]
    return sorted(set(found))


@settings(max_examples=examples(30), deadline=None)
@given(notes, crowds, st.integers(0, 9))
def test_everything_is_recorded_once_and_whole(few: list[Note], many: list[tuple[int, int]], seed: int) -> None:
    told = crowded(few, many)
    history = History(told)
    made, recorded = reading(history)
    work(made, seed)
    assert made.error is None and (recorded[0].window.start, recorded[-1].window.end) == (0, SPAN.end)
    found = {t.cast("t.Any", one).note for batch in recorded for one in batch.notifications}
    assert found == set(told)
    if len(told) < 5 * PAGE:
        assert history.calls <= 3 + len(told) / PAGE and len(recorded) == 1


@settings(max_examples=examples(30), deadline=None)
@given(notes, crowds, st.integers(0, 990), st.integers(0, 9))
def test_a_gap_in_the_middle_is_a_gap(few: list[Note], many: list[tuple[int, int]], hour: int, seed: int) -> None:
    """What is recorded ends before what was not read; whatever lies before its end is there."""
    told = crowded(few, many)
    broken = Window(hour * HOUR, (hour + 1) * HOUR)
    made, recorded = reading(History(told, broken))
    work(made, seed)
    assert isinstance(made.error, TransportError)
    end = recorded[-1].window.end if recorded else 0
    assert end <= broken.start
    found = {t.cast("t.Any", one).note for batch in recorded for one in batch.notifications}
    assert {note for note in told if note[1] < end} <= found


@settings(max_examples=examples(30), deadline=None)
@given(notes, crowds, st.data())
def test_a_damaged_payload_costs_its_hour(few: list[Note], many: list[tuple[int, int]], data: st.DataObject) -> None:
    told = crowded([*few, ("REFUND", 7)], many)
    bad = set(data.draw(st.lists(st.sampled_from([note[1] for note in told]), min_size=1, max_size=2)))
    made, recorded = reading(History(told), bad)
    work(made, data.draw(st.integers(0, 9)))
    assert made.error is None
    found = {t.cast("t.Any", one).note for batch in recorded for one in batch.notifications}
    assert found == {note for note in told if note[1] not in bad}
    for batch in recorded:
        for piece in batch.pieces:
            if piece.rejected:
                assert piece.window.end - piece.window.start <= 8 * HOUR


@pytest.mark.parametrize("seed", range(5))
def test_a_start_that_is_too_far_back_is_moved(seed: int) -> None:
    step = refund_reading.SHRINK_STEP["production"]
    history = History([("REFUND", 900 * HOUR), ("REFUND_REVERSED", 999 * HOUR)], begins=2 * step)
    made, recorded = reading(history)
    work(made, seed)
    assert made.error is None and [batch.window for batch in recorded] == [Window(2 * step, SPAN.end)]
    assert history.calls == 3 * 3


class Receding(History):
    """A history whose reach has moved on, by a step, once each type was asked for."""

    asked = 0

    def signed_payloads(self, kind: str, window: Window, parts: t.Callable[[t.Any], int]) -> list[Note]:
        """Answer, and forget."""
        try:
            return super().signed_payloads(kind, window, parts)
        finally:
            self.asked += 1
            if self.asked == len(NOTIFICATION_TYPES):
                self.begins = refund_reading.SHRINK_STEP["production"]


@pytest.mark.parametrize("seed", range(5))
def test_what_was_read_before_a_start_was_too_far_back_is_kept(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The types with short lists were read for the whole time, and nobody asks for them again."""
    monkeypatch.setitem(refund_reading.SHRINK_STEP, "production", HOUR)
    kept = [("REFUND_REVERSED", 999 * HOUR), ("REFUND_DECLINED", 500 * HOUR)]
    told = crowded(kept, [(600, 3000)])
    history = Receding(told)
    made, recorded = reading(history)
    work(made, seed)
    assert made.error is None and recorded[0].window.start == history.begins > 0
    found = {t.cast("t.Any", one).note for batch in recorded for one in batch.notifications}
    assert found == set(told)
    assert all(piece.window.start >= history.begins for batch in recorded for piece in batch.pieces)


def test_of_a_cut_window_whose_start_is_too_far_back_what_was_sound_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(refund_reading.SHRINK_STEP, "production", HOUR)
    told = [("REFUND", 900 * HOUR), ("REFUND", 100 * HOUR), ("REFUND_REVERSED", 999 * HOUR)]
    made, recorded = reading(Receding(told), bad=[100 * HOUR])
    work(made, 0)
    assert made.error is None
    found = {t.cast("t.Any", one).note for batch in recorded for one in batch.notifications}
    assert found == {told[0], told[2]}
