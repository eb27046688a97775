# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run records of the windows that it read: refunds, coverage and quarantine, foretold as they come true."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._decisions.irreversible import Gate
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.coverage import find_coverage, list_quarantined
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.explained import Passing
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App, compare, put
from ansible_collections.storeops.refunds.plugins.module_utils._model.coverage import Coverage, Window
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Notification, Refund, Rejected
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds.refund_reading import Batch, Piece
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds.refund_recording import Recorder
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds.refund_removal import Removal
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds.refund_writer import Writer

DAY = 86_400_000
NOW = 1_700_000_000_000
START = NOW - 30 * DAY
NOW_TEXT = "2023-11-14T22:13:20Z"
APP = App("apple", "production", "com.example.one")


def told(number: int, date: int, **changes: t.Any) -> Notification:
    """A notification of a refund."""
    made = Refund(str(number), date, "1", "coins", "Consumable", 1, date, 9990, "EUR", 100_000, 1, "REFUND_FULL",
                  "PURCHASED", "DEU", f"u{number}", date)  # fmt: skip
    return replace(Notification(f"u{number}", "REFUND", date, str(number), date, (made,)), **changes)


def bad(name: str, uuid: str | None = None, reason: str = "tampered") -> Rejected:
    """A payload that can't be verified."""
    return Rejected(name, uuid, reason)


def batch(
    start: int,
    end: int,
    *notifications: Notification,
    rejected: tuple[Rejected, ...] = (),
    verified: tuple[str, ...] = (),
    has_url: bool = True,
) -> Batch:
    """What one window holds."""
    window = Window(start, end)
    return Batch(window, (Piece(window, notifications, rejected, frozenset(verified), has_url),))


class Desk:
    """A ledger, and runs that read into it: each is foretold first, and has to come true."""

    def __init__(self, folder: Path) -> None:
        self.ledger = Ledger(find_place(f"sqlite:///{folder}/ledger.db", {}), False, lambda text: None)
        with self.ledger.writing():
            pass
        self.said: list[str] = []

    def recorder(self, **fields: t.Any) -> Recorder:
        """One run."""
        return Recorder(self.ledger, APP, **{"url": "unasked", "keep_from": None, "now": NOW_TEXT, "at": NOW, **fields})

    def run(self, *batches: Batch, ends: bool = True, **fields: t.Any) -> Recorder:
        """Foretell and record; ``ends``: nothing was left unread."""
        made, expected = self.recorder(**fields), self.recorder(**fields)
        read = Window(batches[0].window.start, batches[-1].window.end) if ends else None
        with self.ledger.reading() as connection:
            expected.resume(connection)
        expected.predict(batches, read)
        with self.ledger.reading() as connection:
            made.resume(connection)
        for one in batches:
            with self.ledger.writing() as connection:
                made.take(connection, one, read if one is batches[-1] else None)
        assert (made.coverage, made.quarantined, made.tally) == (
            expected.coverage,
            expected.quarantined,
            expected.tally,
        )
        with self.ledger.reading() as connection:
            assert find_coverage(connection, APP) == made.coverage
        return made

    def held(self) -> dict[str, tuple[str, Window]]:
        """Give the quarantine."""
        with self.ledger.reading() as connection:
            return {one.payload_sha256: (one.reason, one.window) for one in list_quarantined(connection, APP)}

    def resumes(self, **fields: t.Any) -> int | None:
        """From when on the next run reads."""
        with self.ledger.reading() as connection:
            return self.recorder(**fields).resume(connection)


@pytest.fixture
def desk(tmp_path: Path) -> t.Iterator[Desk]:
    """An empty ledger."""
    made = Desk(tmp_path)
    yield made
    made.ledger.close()


def coverage(recorder: Recorder) -> Coverage:
    """What is covered then."""
    assert recorder.coverage is not None
    return recorder.coverage


def test_windows_add_up(desk: Desk) -> None:
    assert desk.recorder().read_until == 0 and desk.resumes() is None
    made = desk.run(batch(START, NOW - DAY, told(1, NOW - 9 * DAY)), batch(NOW - DAY, NOW, told(2, NOW - DAY)))
    found = coverage(made)
    assert (found.covered_from, found.covered_until, found.read_until) == (START, NOW, NOW) and found.gaps == ()
    assert (found.known_from, found.proven_at, found.last_notification_at) == (NOW - 9 * DAY, NOW - DAY, NOW - DAY)
    assert (found.state, made.read_until, made.quarantined) == ("incomplete", NOW, 0) or found.state == "complete"
    assert made.tally.counts() == {
        "new": 2, "reversed": 0, "updated": 0, "unchanged": 0, "declined": 0, "notifications": 2, "quarantined": 0,
        "released": 0, "removed": 0,
    }  # fmt: skip
    # What Apple may still deliver is read again.
    assert desk.resumes() == found.settled_until == NOW - 7 * DAY
    again = desk.run(batch(NOW - 7 * DAY, NOW, told(2, NOW - DAY)))
    assert again.tally.counts()["unchanged"] == 1 and not again.tally.changed


def test_a_run_that_ends_early_leaves_the_rest_to_the_next(desk: Desk) -> None:
    made = desk.run(batch(START, NOW - DAY), ends=False)
    assert coverage(made).covered_until == NOW - DAY and coverage(made).url == "unasked"


def test_a_history_that_begins_later_leaves_a_gap_once_for_a_run(desk: Desk) -> None:
    desk.run(batch(START, START + DAY))
    made = desk.run(batch(START + 3 * DAY, NOW - DAY), batch(NOW - DAY, NOW))
    assert coverage(made).gaps == (Window(START + DAY, START + 3 * DAY),)


def test_trouble_in_one_window_settles_nothing_after_it(desk: Desk) -> None:
    first = batch(START, START + DAY)
    made = desk.run(first, batch(START + DAY, START + 2 * DAY, rejected=(bad("x"),)), batch(START + 2 * DAY, NOW))
    found = coverage(made)
    assert (found.covered_until, found.read_until) == (START + DAY, NOW) and made.quarantined == 1
    assert desk.held() == {"x": ("tampered", Window(START + DAY, START + 2 * DAY))}
    assert found.state == "incomplete" and "1 tampered" in found.reason
    assert desk.resumes() == START + DAY == found.settled_until
    again = desk.recorder()
    with desk.ledger.reading() as connection:
        again.resume(connection)
    assert (again.quarantined, again.read_until) == (1, NOW)


def test_a_damaged_copy_of_what_is_sound_is_no_loss(desk: Desk) -> None:
    made = desk.run(batch(START, NOW, told(1, NOW - 9 * DAY), rejected=(bad("x", "u1"),)))
    assert desk.held() == {} and coverage(made).covered_until == NOW
    assert made.tally.counts()["quarantined"] == 1 and not made.tally.quarantined


@pytest.mark.parametrize(
    ("second", "is_left"),
    [
        # Verified now, by the payload or by the UUID; or not listed any more.
        (batch(START, NOW, verified=("x",), rejected=(bad("y"),)), False),
        (batch(START, NOW, told(1, NOW - 9 * DAY)), False),
        (batch(START, NOW), False),
        (batch(START, NOW, rejected=(bad("x", "u1"),)), True),
    ],
)
def test_what_leaves_quarantine(desk: Desk, second: Batch, is_left: bool) -> None:
    desk.run(batch(START, NOW, rejected=(bad("x", "u1"),)))
    made = desk.run(second)
    assert ("x" in desk.held()) is is_left and made.tally.released == ({} if is_left else {"x": "tampered"})
    assert made.tally.quarantined == ({"y": "tampered"} if second.rejected and not is_left else {})


def test_a_run_that_did_not_end_lets_nothing_go_unseen(desk: Desk) -> None:
    desk.run(batch(START, NOW, rejected=(bad("x"),)))
    desk.run(batch(START, NOW), ends=False)
    assert set(desk.held()) == {"x"}


def test_what_left_apples_reach_unverified_is_a_gap(desk: Desk) -> None:
    desk.run(batch(START, START + DAY, rejected=(bad("x"),)), batch(START + DAY, NOW))
    made = desk.run(batch(START + DAY // 2, NOW))
    assert coverage(made).gaps == (Window(START, START + DAY // 2),) and desk.held() == {}


@pytest.mark.parametrize(
    ("url", "has_url", "wanted"),
    [
        ("unasked", True, ("unasked", None)),
        ("V2", True, ("V2", NOW)),
        ("V1", True, ("V1", NOW)),
        ("none", True, ("none", NOW)),
        # Apple's own history says so, whatever was heard before.
        ("unasked", False, ("none", NOW)),
        ("V2", False, ("none", NOW)),
    ],
)
def test_what_is_heard_of_the_url(desk: Desk, url: t.Any, has_url: bool, wanted: tuple[str, int | None]) -> None:
    found = coverage(desk.run(batch(START, NOW, has_url=has_url), url=url))
    assert (found.url, found.url_at) == wanted


@pytest.mark.parametrize(
    ("url", "has_url", "wanted"), [("V1", True, "V1"), ("none", True, "none"), ("V2", False, "none")]
)
def test_that_there_is_no_url_counts_at_once(desk: Desk, url: t.Any, has_url: bool, wanted: str) -> None:
    found = coverage(desk.run(batch(START, NOW, has_url=has_url), url=url, ends=False))
    assert (found.url, found.url_at) == (wanted, NOW)


def test_what_is_verified_in_the_same_run_leaves_quarantine_before_its_end(desk: Desk) -> None:
    bad_ones = batch(START, START + DAY, rejected=(bad("x"), bad("y", "u1"), bad("z", "u2")))
    desk.run(bad_ones, batch(START + DAY, NOW, told(1, NOW - DAY), verified=("x",)), ends=False)
    assert set(desk.held()) == {"z"}


def test_a_url_counts_from_the_end_of_a_run(desk: Desk) -> None:
    assert coverage(desk.run(batch(START, NOW), url="V2", ends=False)).url == "unasked"


def test_a_url_that_is_gone_since_is_heard_once(desk: Desk) -> None:
    desk.run(batch(START, NOW, told(1, NOW - DAY)), url="none", at=NOW - DAY)
    found = coverage(desk.run(batch(START, NOW), url="none"))
    assert (found.url, found.url_at) == ("none", NOW)


def test_what_is_dated_before_the_retention_is_not_recorded(desk: Desk) -> None:
    keep = NOW - 10 * DAY
    old, at, new = told(1, keep - 1), told(2, keep), told(3, keep + 1)
    both = replace(told(4, keep + 5), refunds=(*told(4, keep + 5).refunds, *replace(old, transaction_id="4").refunds))
    made = desk.run(batch(START, NOW, old, at, new, both), keep_from=keep)
    assert sorted(step.after.transaction_id for step in made.tally.steps.values()) == ["2", "3", "4"]
    assert coverage(made).covered_from == keep
    assert coverage(desk.run(batch(START, NOW))).covered_from == keep


def test_what_is_older_than_the_retention_is_removed_with_a_permit(desk: Desk) -> None:
    keep = NOW - 10 * DAY
    desk.run(batch(START, NOW, told(1, keep - 1), told(2, keep)))
    said: list[str] = []

    def removal(check_mode: bool) -> Removal:
        return Removal(Gate(lambda: NOW_TEXT, said.append, check_mode), 10, APP)

    # Without the wish, nothing goes.
    assert desk.run(batch(NOW - 7 * DAY, NOW), keep_from=keep).tally.removed == 0
    foretold = desk.recorder(keep_from=keep, removal=removal(True))
    foretold.predict([batch(NOW - 7 * DAY, NOW)], Window(NOW - 7 * DAY, NOW))
    assert (foretold.tally.removed, foretold.has_removed, said) == (1, False, [])
    allowed = desk.recorder(keep_from=keep, removal=Removal(Gate(lambda: NOW_TEXT, lambda text: None, False), 10, APP))
    allowed.predict([batch(NOW - 7 * DAY, NOW)], Window(NOW - 7 * DAY, NOW))
    assert (allowed.tally.removed, allowed.has_removed) == (1, False)
    made = desk.recorder(keep_from=keep, removal=removal(False))
    with desk.ledger.writing() as connection:
        made.take(connection, batch(NOW - 7 * DAY, NOW), Window(NOW - 7 * DAY, NOW))
    assert (made.tally.removed, made.has_removed, len(said)) == (1, True, 1)
    assert "1 refunds and 1 notifications are dated before" in said[0]
    again = desk.recorder(keep_from=keep, removal=removal(False))
    with desk.ledger.writing() as connection:
        again.take(connection, batch(NOW - 7 * DAY, NOW), Window(NOW - 7 * DAY, NOW))
    assert (again.tally.removed, again.has_removed, len(said)) == (0, False, 1)


def test_a_payload_older_than_the_retention_leaves_quarantine(desk: Desk) -> None:
    desk.run(batch(START, START + DAY, rejected=(bad("x"),)), batch(START + DAY, NOW))
    keep = START + DAY
    made = desk.run(batch(START, START + DAY, rejected=(bad("x"),)), batch(START + DAY, NOW), keep_from=keep)
    assert set(desk.held()) == {"x"} and made.quarantined == 1
    made = desk.run(batch(START, START + DAY, rejected=(bad("x"),)), batch(START + DAY, NOW), keep_from=keep + 1)
    assert desk.held() == {} and coverage(made).gaps == ()


def test_what_was_not_committed_is_forgotten(desk: Desk) -> None:
    made = desk.recorder()
    before = made.state()
    with desk.ledger.writing() as connection:
        made.take(connection, batch(START, NOW, told(1, NOW - DAY), rejected=(bad("x"),)), None)
    assert made.tally.changed and made.quarantined == 1 and made.read_until == NOW
    for _time in range(2):
        made.restore(before)
        assert not made.tally.changed and (made.quarantined, made.read_until, made.coverage) == (0, 0, None)
        assert made.tally.seen == set()
        assert made._seen == set() and not made._has_begun and not made._has_trouble
        made._seen.add("x")
        made.tally.seen.add(("1", 1))


def test_a_prediction_that_fails_leaves_no_trace(desk: Desk) -> None:
    made = desk.recorder()
    with pytest.raises(AttributeError):
        made.predict([batch(START, NOW, rejected=(bad("x"),)), t.cast(t.Any, None)], None)
    assert not made.tally.changed and (made.quarantined, made._seen) == (0, set())


def test_a_gap_is_found_again_when_the_first_transaction_is_repeated(desk: Desk) -> None:
    desk.run(batch(START, START + DAY, told(1, START + 5)))
    keep = START + 10
    removal = Removal(Gate(lambda: NOW_TEXT, lambda text: None, False), 30, APP)
    made = desk.recorder(keep_from=keep, removal=removal)
    one = batch(START + 3 * DAY, NOW)
    before = made.state()
    with pytest.raises(KeyError), desk.ledger.writing() as connection:
        made.take(connection, one, one.window)
        raise KeyError
    made.restore(before)
    assert made.has_removed is False
    with desk.ledger.writing() as connection:
        made.take(connection, one, one.window)
    assert coverage(made).gaps == (Window(START + DAY, START + 3 * DAY),) and made.has_removed


class Cut(Ledger):
    """Its connection breaks off at commits, each time as ``cuts`` says: after the server did it, or before."""

    cuts: t.ClassVar[list[str]] = []

    @contextlib.contextmanager
    def writing(self) -> t.Iterator[t.Any]:
        """Yield a connection whose commit's answer may be lost."""
        with contextlib.ExitStack() as stack:
            connection = stack.enter_context(super().writing())
            yield connection
            if self.cuts and self.cuts[0] == "before":
                connection.rollback()
        if self.cuts:
            raise Passing(f"the connection broke {self.cuts.pop(0)} the commit", "")


CUTS = (["after"], ["before"], ["after", "after"], ["before", "after"], ["after", "before", "before"])


@pytest.mark.parametrize("cuts", CUTS, ids=" ".join)
def test_a_commit_without_an_answer_is_told_as_it_was(tmp_path: Path, cuts: list[str]) -> None:
    keep = NOW - 20 * DAY
    batches = [batch(START, NOW - DAY, told(1, START + DAY), told(2, NOW - 2 * DAY), rejected=(bad("p1", "u9"),))]
    batches.append(batch(NOW - DAY, NOW, told(9, NOW - DAY), told(3, NOW - 3 * DAY)))
    results = []
    for ledger_type, folder in ((Ledger, tmp_path / "sound"), (Cut, tmp_path / "cut")):
        folder.mkdir()
        ledger = ledger_type(find_place(f"sqlite:///{folder}/ledger.db", {}), False, lambda text: None)
        with ledger.writing() as connection:
            put(connection, APP, compare(connection, APP, [told(7, START)]), NOW_TEXT)
        ledger.wait = lambda seconds: None
        removal = Removal(Gate(lambda: NOW_TEXT, lambda text: None, False), 20, APP)
        made = Recorder(ledger, APP, "unasked", keep, NOW_TEXT, NOW, removal=removal)
        for one in batches:
            if ledger_type is Cut:
                Cut.cuts[:] = cuts
            Writer(ledger).record(made, one, Window(START, NOW) if one is batches[-1] else None)
        results.append((made.tally, made.has_removed, made.coverage, made.quarantined, made.reasons))
    assert results[1] == results[0] and made.tally.removed == 1 and made.has_removed
