# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Edges of reading and recording refunds that no story walks along: equal dates, bounds, copies, locks. No process."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlsplit

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_server import Answer
from ansible_collections.storeops.refunds.plugins.module_utils._apple.notification_history import NotificationHistory
from ansible_collections.storeops.refunds.plugins.module_utils._ledger import refunds as ledger_refunds
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.coverage import Quarantined
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App
from ansible_collections.storeops.refunds.plugins.module_utils._model.coverage import Coverage, Window
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import RefundsError
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Notification, Refund, settle
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund_rows import exceeds
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_recording
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds.refund_app import AppRun
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds.refund_recording import Recorder

DATE = 1_700_000_000_000
DAY = 86_400_000
APP = App("apple", "production", "com.example.one")


def refund(date: int = DATE, uuid: str = "a", signed: int = DATE, **changes: t.Any) -> Refund:
    """A refund in full."""
    made = Refund(
        "1", date, "1", "coins", "Consumable", 1, DATE, 9990, "EUR", 100_000, 0, None, "PURCHASED", "USA", uuid, signed
    )
    return replace(made, **changes)


def reversal(signed: int, date: int | None = None, uuid: str = "r") -> Notification:
    """A reversal; ``date``: of the refund that it names."""
    return Notification(uuid, "REFUND_REVERSED", signed, "1", date)


@pytest.mark.parametrize(("later", "wanted"), [(-1, None), (0, DATE), (1, DATE + 1)])
def test_a_reversal_at_the_refunds_own_time_cancels_it(later: int, wanted: int | None) -> None:
    (found,) = settle([refund()], [reversal(DATE + later)])
    assert found.reversed_at == wanted


def test_of_two_words_about_one_date_the_better_counts_whatever_came_first() -> None:
    poor, good = refund(uuid="poor", signed=DATE, price=None), refund(uuid="good", signed=DATE + 5)
    vague, late = refund(uuid="vague", percentage=None), refund(uuid="late", signed=DATE + 9)
    for words, wanted in (((poor, good), "good"), ((vague, good), "good"), ((good, late), "good")):
        for order in (words, words[::-1]):
            (found,) = settle(order, [])
            assert found.first_notification_uuid == wanted
    same = (refund(uuid="b"), refund(uuid="a"))
    assert {settle(order, [])[0].first_notification_uuid for order in (same, same[::-1])} == {"a"}


def test_of_two_reversals_of_one_refund_the_first_counts() -> None:
    both = [reversal(DATE + 9, DATE, "late"), reversal(DATE + 3, DATE, "early")]
    for order in (both, both[::-1]):
        assert settle([refund()], order)[0].reversed_at == DATE + 3


@pytest.mark.parametrize(
    ("amounts", "wanted"),
    [
        ([-1000], False),
        ([-1001], False),
        ([-1002], True),
        ([-500, -502], False),
        ([-500, -503], True),
        ([-334, -334, -335], False),
        ([-334, -334, -336], True),
        ([0], False),
    ],
)
def test_each_refund_may_be_rounded_once(amounts: list[int], wanted: bool) -> None:
    assert exceeds([(1000, amount) for amount in amounts]) is wanted


def test_of_one_uuid_the_copy_that_was_signed_first_counts() -> None:
    def copy(signed: int) -> Notification:
        return Notification("u", "REFUND", signed, "1", DATE)

    for order in ([copy(5), copy(3)], [copy(3), copy(5)]):
        assert ledger_refunds._fresh({}, order) == [copy(3)]
    told = {"u": copy(4)}
    assert ledger_refunds._fresh(told, [copy(4)]) == [] and told == {"u": copy(4)}
    assert ledger_refunds._fresh(told, [copy(5)]) == [] and told == {"u": copy(4)}
    assert ledger_refunds._fresh(told, [copy(3)]) == [copy(3)] and told == {}


def recorder(keep_from: int | None = None, at: int = DATE) -> Recorder:
    """Records for one app, whose ledger nobody opens."""
    return Recorder(t.cast(t.Any, None), APP, "unasked", keep_from, "2026-11-28T00:00:00Z", at)


def held(end: int, sha256: str = "a") -> dict[str, Quarantined]:
    """One payload in quarantine, read last in a window with that end."""
    return {sha256: Quarantined(sha256, None, "tampered", Window(end - 10, end))}


@pytest.mark.parametrize(("end", "is_left"), [(DATE - 1, False), (DATE, False), (DATE + 1, True)])
def test_what_the_history_no_longer_holds_leaves_quarantine(end: int, is_left: bool) -> None:
    there = held(end)
    recorder()._tidy(t.cast(t.Any, None), None, there, Window(DATE - 1000, DATE), writes=False)
    assert bool(there) is is_left


def test_what_was_seen_in_this_run_stays_in_quarantine() -> None:
    there, made = held(DATE), recorder()
    made._seen.add("a")
    made._tidy(t.cast(t.Any, None), None, there, Window(DATE - 1000, DATE), writes=False)
    assert set(there) == {"a"}


@pytest.mark.parametrize(
    ("start", "end", "gap"),
    [
        (DATE - 50, DATE - 40, Window(DATE - 50, DATE - 40)),
        # Only what lies before Apple's reach is lost: what was read in this run is known.
        (DATE - 50, DATE, Window(DATE - 50, DATE - 20)),
        (DATE - 20, DATE, None),
        (DATE - 10, DATE, None),
        # It may be there still.
        (DATE - 50, DATE + 1, None),
    ],
)
def test_what_left_the_history_unverified_is_a_gap_up_to_where_it_is_read(
    start: int, end: int, gap: Window | None
) -> None:
    made = recorder()
    there = {"a": Quarantined("a", None, "tampered", Window(start, end))}
    coverage = Coverage(0, DATE, DATE, DATE)
    made._tidy(t.cast(t.Any, None), coverage, there, Window(DATE - 20, DATE), writes=False)
    assert made.coverage is not None and made.coverage.gaps == (() if gap is None else (gap,))


@pytest.mark.parametrize(("date", "is_kept"), [(DATE - 1, False), (DATE, True), (DATE + 1, True)])
def test_what_is_dated_at_the_bound_is_kept(date: int, is_kept: bool) -> None:
    assert recorder(keep_from=DATE)._is_kept(date) is is_kept and recorder()._is_kept(date)


@pytest.mark.parametrize(
    ("settled", "quarantined", "at", "wanted"),
    [
        (DATE, {}, DATE + 5, DATE),
        (DATE, held(DATE + 100), DATE + 500, DATE),
        (DATE, held(DATE - 100), DATE + 5, DATE - 110),
        # The clock was set back: what lies in its future is read again.
        (DATE, {}, DATE - 7, DATE - 7),
        (None, {}, DATE, None),
    ],
)
def test_from_when_on_the_history_is_read(
    settled: int | None, quarantined: t.Any, at: int, wanted: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    coverage = None if settled is None else Coverage(0, settled, settled, settled)
    monkeypatch.setattr(refund_recording, "find_coverage", lambda connection, app: coverage)
    monkeypatch.setattr(refund_recording, "list_quarantined", lambda connection, app: quarantined.values())
    assert recorder(at=at).resume(t.cast(t.Any, None)) == wanted


@pytest.mark.parametrize(
    ("resume_at", "keep_from", "start"),
    [
        # The whole of what Apple reaches.
        (None, None, DATE - 179 * DAY),
        (DATE - 400 * DAY, None, DATE - 179 * DAY),
        (DATE - 30 * DAY, None, DATE - 30 * DAY),
        (DATE - 7 * DAY, None, DATE - 7 * DAY),
        # What is settled lies in the last week, or in the future of a clock that was set back: what comes late is read.
        (DATE - 6 * DAY, None, DATE - 7 * DAY),
        (DATE + 30 * DAY, None, DATE - 7 * DAY),
        (DATE - 30 * DAY, DATE - 20 * DAY, DATE - 20 * DAY),
        (DATE - 30 * DAY, DATE - 40 * DAY, DATE - 30 * DAY),
        (None, DATE - 40 * DAY, DATE - 40 * DAY),
    ],
)
def test_what_a_run_reads(resume_at: int | None, keep_from: int | None, start: int) -> None:
    app = SimpleNamespace(identity=SimpleNamespace(environment="production"))
    assert AppRun._window(t.cast(t.Any, app), resume_at, keep_from, DATE) == Window(start, DATE)


def page(has_more: bool, token: object = None) -> Answer:
    """A page of notifications."""
    document = {"notificationHistory": [{"signedPayload": "a.b.c"}], "hasMore": has_more, "paginationToken": token}
    return Answer(200, document, "application/json", "", None)


def history(monkeypatch: pytest.MonkeyPatch, *pages: Answer) -> tuple[list[t.Any], list[str | None]]:
    """Read pages; give the payloads, and the tokens that were asked with."""
    tokens: list[str | None] = []
    given = list(pages)

    def ask(self: object, method: str, path: str, body: object) -> Answer:
        tokens.append(dict(parse_qsl(urlsplit(path).query)).get("paginationToken"))
        return given.pop(0)

    monkeypatch.setattr(NotificationHistory, "ask", ask)
    nothing = t.cast(t.Any, None)
    made = NotificationHistory(nothing, nothing, "com.example.one", "production", nothing)
    return made.signed_payloads("REFUND", Window(0, DATE), lambda found: 1), tokens


def test_pages_are_read_to_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    found, tokens = history(monkeypatch, page(True, "one"), page(True, "two"), page(False, "three"))
    assert (found, tokens) == (["a.b.c"] * 3, [None, "one", "two"])


@pytest.mark.parametrize("second", ["one", None, "", 7, "a b"])
def test_a_next_page_that_does_not_go_on_is_an_error(monkeypatch: pytest.MonkeyPatch, second: object) -> None:
    with pytest.raises(RefundsError, match="there is more, but not where"):
        history(monkeypatch, page(True, "one"), page(True, second), *[page(True, "one")] * 10)
