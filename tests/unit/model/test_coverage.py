# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of an app's refunds, step by step: unknown is never good news."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from types import SimpleNamespace

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model import coverage as model
from ansible_collections.storeops.refunds.plugins.module_utils._model.coverage import (
    GRACE,
    LATE,
    Coverage,
    NotificationUrl,
    Window,
    advanced,
    after_known,
    before_known,
    begun,
    forgotten,
    heard,
    judged,
    known_gaps,
    lost,
    proven,
    without_url,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.identifiers import Environment
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund_period import Period, covering
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds.refund_app import AppRun

DAY = 86_400_000
# 2023-11-14T22:13:20Z
NOW = 1_700_000_000_000


def held(start: int = 100, covered: int = 200, read: int = 200, settled: int = 150, **more: t.Any) -> Coverage:
    """A coverage."""
    return Coverage(start, covered, read, settled, **more)


def spans(*pairs: tuple[int, int]) -> tuple[Window, ...]:
    """Windows."""
    return tuple(Window(start, end) for start, end in pairs)


@pytest.mark.parametrize(
    ("before", "start", "wanted"),
    [
        (None, 50, Coverage(50, 50, 50, 50)),
        (held(), 140, held()),
        (held(), 150, held()),
        # Apple tells no more of the time between what was settled and where its history begins.
        (held(), 200, held(settled=200, gaps=spans((150, 200)))),
        (held(), 210, held(covered=210, read=210, settled=210, gaps=spans((150, 210)))),
        (held(read=220), 210, held(covered=210, read=220, settled=210, gaps=spans((150, 210)))),
        (held(settled=200), 210, held(covered=210, read=210, settled=210, gaps=spans((200, 210)))),
        (held(gaps=spans((140, 160))), 210, held(covered=210, read=210, settled=210, gaps=spans((140, 210)))),
        # What could not be verified was read all the same, and late enough.
        (held(read=LATE + 210), 210, held(covered=210, read=LATE + 210, settled=210)),
        (held(read=LATE + 205), 210, held(covered=210, read=LATE + 205, settled=210, gaps=spans((205, 210)))),
        # Nothing was covered: it just begins later.
        (held(200, 200, 200, 200), 210, Coverage(210, 210, 210, 210)),
        (held(200, 200, 300, 200), 210, Coverage(210, 210, 300, 210)),
    ],
)
def test_a_run_begins(before: Coverage | None, start: int, wanted: Coverage) -> None:
    assert begun(before, start) == wanted


def daily(environment: Environment, pause: int) -> t.Iterator[tuple[Coverage, Window]]:
    """Runs of an app without trouble, each with the coverage after it and what it read: a break of ``pause`` days."""
    place = t.cast("AppRun", SimpleNamespace(identity=SimpleNamespace(environment=environment)))
    found: Coverage | None = None
    for day in (*range(10), *range(10 + pause, 13 + pause)):
        now = NOW + day * DAY
        read = AppRun._window(place, found and found.settled_until, None, now)
        found = proven(advanced(begun(found, read.start), read, now, True), [now, NOW - 300 * DAY])
        yield found, read


@pytest.mark.parametrize("environment", ["production", "sandbox"])
def test_no_pause_makes_a_coverage_stick(environment: Environment) -> None:
    for pause in range(201):
        *_others, (found, read) = daily(environment, pause)
        assert read.end - read.start <= 8 * DAY and found.settled_until == read.end - LATE, pause
        day = Period(found.settled_until - DAY, found.settled_until)
        # Whatever ended longer ago than Apple delivers late doesn't change any more.
        assert "May still change" not in covering(found, {}, day, read.end)[1], pause


@pytest.mark.parametrize("environment", ["production", "sandbox"])
def test_what_may_still_change_is_not_complete_unless_it_was_read_again(environment: Environment) -> None:
    # Around a week, and where Apple's history no longer reaches back to what was settled or read.
    for pause in (0, 1, *range(6, 9), *range(20, 32), *range(170, 182), 200):
        doubted: dict[int, str] = {}
        for found, read in daily(environment, pause):
            for start in range(NOW - 20 * DAY, read.end, DAY):
                told = covering(found, {}, Period(start, start + DAY), read.end)
                if read.start <= start and found.covered_from <= start:
                    doubted[start] = told[1]
                assert told != ("complete", "") or not doubted.get(start), (pause, start, doubted.get(start))


@pytest.mark.parametrize(
    ("window", "now", "is_clean", "wanted"),
    [
        ((150, 300), LATE + 1000, True, (300, 300, 300)),
        # What Apple may still deliver is not settled.
        ((150, 300), LATE + 250, True, (300, 300, 250)),
        ((150, 300), LATE + 100, True, (300, 300, 150)),
        ((150, 300), LATE + 1000, False, (200, 300, 150)),
        # A window that begins after what is known leaves a hole.
        ((151, 300), LATE + 1000, True, (300, 300, 150)),
        ((200, 300), LATE + 1000, True, (300, 300, 150)),
        ((201, 300), LATE + 1000, True, (200, 200, 150)),
        ((201, 300), LATE + 1000, False, (200, 200, 150)),
        ((100, 120), LATE + 1000, True, (200, 200, 150)),
    ],
)
def test_a_window_was_read(window: tuple[int, int], now: int, is_clean: bool, wanted: tuple[int, int, int]) -> None:
    found = advanced(held(), Window(*window), now, is_clean)
    assert (found.covered_until, found.read_until, found.settled_until) == wanted
    assert replace(found, covered_until=200, read_until=200, settled_until=150) == held()


PROOF: dict[str, t.Any] = {"known_from": 150, "proven_at": 180}


@pytest.mark.parametrize(
    ("before", "dates", "wanted"),
    [
        (held(), [], held()),
        (held(), [120, 190, 150], held(last_notification_at=190, known_from=120, proven_at=190)),
        (
            held(last_notification_at=170, **PROOF),
            [160],
            held(last_notification_at=170, known_from=150, proven_at=180),
        ),
        (
            held(last_notification_at=170, **PROOF),
            [120, 190],
            held(last_notification_at=190, known_from=120, proven_at=190),
        ),
        # There was no URL, and later notifications say that there is one again: between, nobody knows.
        (
            held(url="none", url_at=185, **PROOF),
            [190, 195],
            held(last_notification_at=195, known_from=150, proven_at=195, gaps=spans((180, 190))),
        ),
        (
            held(url="V1", url_at=185, **PROOF),
            [182, 190],
            held(last_notification_at=190, known_from=150, proven_at=190, gaps=spans((182, 190))),
        ),
        (
            held(url="V1", url_at=185, **PROOF),
            [185, 190],
            held(last_notification_at=190, known_from=150, proven_at=190, gaps=spans((185, 190))),
        ),
        # They were all signed before it was asked: there is none still.
        (
            held(url="none", url_at=185, **PROOF),
            [182, 185],
            held(last_notification_at=185, known_from=150, proven_at=185, url="none", url_at=185),
        ),
        (
            held(url="none", url_at=185),
            [190],
            held(last_notification_at=190, known_from=190, proven_at=190, gaps=spans((0, 190))),
        ),
        (held(url="none"), [190], held(url="none", last_notification_at=190, known_from=190, proven_at=190)),
        (
            held(url="V2", url_at=185, **PROOF),
            [190],
            held(url="V2", url_at=185, last_notification_at=190, known_from=150, proven_at=190),
        ),
    ],
)
def test_notifications_prove_that_there_was_a_url(before: Coverage, dates: list[int], wanted: Coverage) -> None:
    assert proven(before, dates) == wanted


@pytest.mark.parametrize(
    ("before", "url", "wanted"),
    [
        (held(url="V1", url_at=1), "unasked", held(url="V1", url_at=1)),
        (held(), "none", held(url="none", url_at=190)),
        (held(**PROOF), "V1", held(url="V1", url_at=190, **PROOF)),
        (held(), "V2", held(url="V2", url_at=190, known_from=190, proven_at=190)),
        (held(**PROOF), "V2", held(url="V2", url_at=190, known_from=150, proven_at=190)),
        (
            held(url="V2", url_at=1, known_from=150, proven_at=195),
            "V2",
            held(url="V2", url_at=190, known_from=150, proven_at=195),
        ),
        (
            held(url="none", url_at=1, **PROOF),
            "V2",
            held(url="V2", url_at=190, known_from=150, proven_at=190, gaps=spans((180, 190))),
        ),
        (held(url="V1"), "V2", held(url="V2", url_at=190, known_from=190, proven_at=190, gaps=spans((0, 190)))),
    ],
)
def test_app_store_connect_says_which_url_is_set(before: Coverage, url: NotificationUrl, wanted: Coverage) -> None:
    assert heard(before, url, 190) == wanted


@pytest.mark.parametrize(
    ("gaps", "more", "wanted"),
    [
        ((), (10, 20), ((10, 20),)),
        ((), (20, 20), ()),
        ((), (20, 10), ()),
        (((30, 40),), (10, 20), ((10, 20), (30, 40))),
        (((30, 40),), (10, 30), ((10, 40),)),
        (((30, 40),), (10, 29), ((10, 29), (30, 40))),
        (((30, 40),), (35, 38), ((30, 40),)),
        (((30, 40),), (35, 50), ((30, 50),)),
        (((30, 40),), (40, 50), ((30, 50),)),
        (((30, 40), (60, 70)), (35, 65), ((30, 70),)),
    ],
)
def test_gaps_are_told_in_order_and_once(gaps: t.Any, more: tuple[int, int], wanted: t.Any) -> None:
    assert lost(held(gaps=spans(*gaps)), Window(*more)) == held(gaps=spans(*wanted))


def test_only_gaps_in_the_known_time_count() -> None:
    gaps = spans((10, 100), (90, 101), (110, 120))
    assert known_gaps(held(gaps=gaps)) == spans((100, 101), (110, 120))
    assert known_gaps(held(gaps=gaps, known_from=101)) == spans((110, 120))
    assert known_gaps(held(gaps=gaps, known_from=115)) == spans((115, 120))
    assert known_gaps(held(gaps=gaps, known_from=50)) == spans((100, 101), (110, 120))


@pytest.mark.parametrize(
    ("before", "start", "gaps"),
    [
        (90, 100, ((95, 110), (130, 140))),
        (100, 100, ((100, 110), (130, 140))),
        (110, 110, ((130, 140),)),
        (135, 135, ((135, 140),)),
        (140, 140, ()),
        (500, 200, ()),
    ],
)
def test_what_is_removed_is_not_known_any_more(before: int, start: int, gaps: t.Any) -> None:
    found = forgotten(held(gaps=spans((95, 110), (130, 140))), before)
    assert found == held(start, gaps=spans(*gaps))


@pytest.mark.parametrize(
    ("fields", "begins", "until"),
    [
        ({}, 100, None),
        ({"known_from": 150, "proven_at": 180}, 150, 200),
        ({"known_from": 50, "proven_at": 60 - GRACE}, 100, 60),
    ],
)
def test_from_when_and_until_when_refunds_are_known(fields: dict[str, t.Any], begins: int, until: int | None) -> None:
    assert (held(**fields).begins, held(**fields).known_until) == (begins, until)


@pytest.mark.parametrize(("url", "wanted"), [("unasked", False), ("V2", False), ("V1", True), ("none", True)])
def test_without_a_url_of_version_two_there_is_no_history(url: NotificationUrl, wanted: bool) -> None:
    assert held(url=url).is_without_url is wanted


KNOWN: dict[str, t.Any] = {"known_from": 100, "proven_at": 200}


@pytest.mark.parametrize(
    ("coverage", "quarantined", "state", "reason"),
    [
        (held(**KNOWN), {}, "complete", ""),
        (held(url="none", **KNOWN), {"tampered": 1}, "unknown", without_url(held(url="none"))),
        (held(url="V1", **KNOWN), {}, "unknown", without_url(held(url="V1"))),
        (held(), {}, "unknown", model.EMPTY),
        (held(known_from=199, proven_at=199), {}, "complete", ""),
        (held(known_from=200, proven_at=200), {}, "unknown", before_known(200)),
        (held(known_from=250, proven_at=250), {}, "unknown", before_known(250)),
        (held(known_from=100, proven_at=200 - GRACE), {}, "complete", ""),
        (held(known_from=100, proven_at=199 - GRACE), {}, "incomplete", after_known(199)),
        (held(gaps=spans((120, 130)), **KNOWN), {}, "incomplete", "Not known: 1970-01-01 to 1970-01-01. "),
        (held(gaps=spans((20, 90)), **KNOWN), {}, "complete", ""),
        (held(**KNOWN), {"tampered": 2, "wrong_root": 1}, "incomplete", "3 of Apple's payloads could not be verified"),
        # Before it is said that nothing is known at all.
        (held(), {"tampered": 1}, "incomplete", "1 of Apple's payloads could not be verified"),
    ],
)
def test_what_state_a_coverage_is_in(coverage: Coverage, quarantined: dict[str, int], state: str, reason: str) -> None:
    for before in (coverage, replace(coverage, state="never", reason="Of before.")):
        found = judged(before, quarantined)
        assert found == replace(coverage, state=state, reason=found.reason)
    assert found.reason.startswith(reason) and bool(found.reason) is bool(reason)
