# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Periods as users type them, and what the ledger can say about one."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from itertools import product

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model.coverage import (
    EMPTY,
    Coverage,
    Window,
    before_known,
    begun,
    faults_of,
    heard,
    judged,
    proven,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Status
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import iso_time
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund_period import (
    NEVER_READ,
    RUN_REFUNDS,
    Period,
    covering,
    parse_period,
)

DAY = 86_400_000
NOV = 1_793_491_200_000  # 2026-11-01T00:00:00Z
NOW = NOV + 20 * DAY
UNTIL = NOW - 3_600_000
HELD = Coverage(
    NOV - 100 * DAY,
    UNTIL,
    read_until=UNTIL,
    settled_until=UNTIL - 7 * DAY,
    last_notification_at=NOV,
    known_from=NOV - 200 * DAY,
    proven_at=UNTIL,
    state="complete",
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-01", NOV),
        (" 2026-11-01 ", NOV),
        ("2026-11-01T00:00", NOV),
        ("2026-11-01T00:00:00Z", NOV),
        ("2026-11-01 00:00:00+00:00", NOV),
        ("2026-11-01T02:00:00+02:00", NOV),
        ("2026-10-31T19:00:00-0500", NOV),
        ("2026-11-01T00:00:00.123Z", NOV + 123),
        ("2026-11-01T00:00:00.1239Z", NOV + 123),
        ("1969-12-31T23:59:59.999Z", -1),
    ],
)
def test_dates_and_times(text: str, expected: int) -> None:
    assert parse_period(text, None) == Period(expected, None)
    assert parse_period(None, text) == Period(None, expected)


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2026-13-01",
        "2026-02-30",
        "20261101",
        "2026-W44-7",
        "1793491200",
        "2026-11-01T25:00",
        "01.11.2026",
        "2026-11-01T00:00:00Zulu",
        "0001-01-01T00:00:00+05:00",
        "\uff12026-11-01",
        "2026-11-01\n2026-11-02",
    ],
)
def test_what_is_no_date(text: str) -> None:
    for option, (since, until) in {"since": (text, None), "until": (None, text)}.items():
        with pytest.raises(InputError) as caught:
            parse_period(since, until)
        assert caught.value.option == option and "2026-11-01" in caught.value.next_step


@pytest.mark.parametrize("until", ["2026-11-01", "2026-10-31"])
def test_a_period_ends_after_it_begins(until: str) -> None:
    with pytest.raises(InputError, match=r"until: .* is not after since"):
        parse_period("2026-11-01", until)


def test_whole_days() -> None:
    assert Period(NOV, NOV + DAY).has_whole_days and Period().has_whole_days and Period(None, NOV).has_whole_days
    assert not Period(NOV + 1, NOV + DAY).has_whole_days and not Period(NOV, NOV + 1).has_whole_days


def test_a_result_names_the_period() -> None:
    assert Period(NOV, NOV + DAY).as_result() == {"since": "2026-11-01T00:00:00Z", "until": "2026-11-02T00:00:00Z"}
    assert Period(None, 0).as_result() == {"since": None, "until": "1970-01-01T00:00:00Z"}


def test_an_app_that_was_never_read() -> None:
    assert covering(None, {}, Period(), NOW) == ("never", NEVER_READ)
    # App Store Connect named its URL, and that is all.
    asked = heard(begun(None, NOW - 180 * DAY), "V2", NOW)
    assert covering(asked, {}, Period(), NOW) == ("never", NEVER_READ)


@pytest.mark.parametrize(
    ("period", "said"),
    [
        (Period(), ""),
        (Period(NOV, NOV + DAY), ""),
        (Period(NOV, NOW + DAY), ""),  # the end is still to come
        (Period(HELD.covered_from, HELD.settled_until), ""),
        (Period(HELD.covered_from - 1, NOV), "on only"),
        (Period(NOV, HELD.covered_until + 1), "Read until"),
        # What retention removed, or what was in quarantine for longer than Apple tells.
        (Period(None, HELD.covered_from), "on only"),
        (Period(None, HELD.covered_from - 50 * DAY), "on only"),
        (Period(None, HELD.covered_from + 1), ""),
    ],
)
def test_what_was_read_of_a_period(period: Period, said: str) -> None:
    state, reason = covering(HELD, {}, period, NOW)
    assert (state == "complete") == (reason == "") == (said == "") and said in reason


def test_a_period_that_ends_now_is_over() -> None:
    assert covering(HELD, {}, Period(NOV, HELD.covered_until), HELD.covered_until)[0] == "complete"
    assert covering(HELD, {}, Period(NOV, NOW), NOW)[0] == "incomplete"


def test_a_url_that_was_taken_away_today_leaves_an_open_period_unknown() -> None:
    held = replace(HELD, url="none", url_at=NOW)
    assert held.proven_at == UNTIL > NOW - DAY
    assert covering(held, {}, Period(NOV), NOW)[0] == "unknown"


@pytest.mark.parametrize(
    ("held", "quarantined", "wanted"),
    [
        ({}, {}, "{read} Run storeops.refunds.refunds."),
        # Another run alone doesn't help.
        ({}, {"tampered": 1}, "{read} {payload}"),
        ({"known_from": None, "proven_at": None}, {}, f"{{read}} Run storeops.refunds.refunds. {EMPTY}"),
        ({"known_from": None, "proven_at": None}, {"tampered": 1}, "{read} {payload}"),
        ({"known_from": NOV + 1}, {"tampered": 1}, "{read} {payload} {before}"),
    ],
)
def test_all_that_is_missing_is_said(held: dict[str, int | None], quarantined: dict[str, int], wanted: str) -> None:
    said = {
        "read": f"Read until {iso_time(UNTIL)} only.",
        "payload": " ".join(faults_of([], quarantined)),
        "before": before_known(NOV + 1),
    }
    state, reason = covering(replace(HELD, **held), quarantined, Period(NOV, UNTIL + 1), NOW)
    assert (state, reason) == ("incomplete", wanted.format(**said))


def test_an_open_end_counts_as_read_for_a_day() -> None:
    assert covering(HELD, {}, Period(), HELD.covered_until + DAY)[0] == "complete"
    state, reason = covering(HELD, {}, Period(), HELD.covered_until + DAY + 1)
    assert state == "incomplete" and "Run storeops.refunds.refunds" in reason


@pytest.mark.parametrize("status", [None, *t.get_args(Status)])
@pytest.mark.parametrize("quarantined", [{}, {"tampered": 1}])
def test_only_an_app_that_is_read_is_to_be_read_again(status: Status | None, quarantined: dict[str, int]) -> None:
    never = covering(None, quarantined, Period(), NOW, status)[1]
    later = covering(HELD, quarantined, Period(), UNTIL + 9 * DAY, status)[1]
    assert later.startswith(f"Read until {iso_time(UNTIL)} only.")
    assert (RUN_REFUNDS in never, RUN_REFUNDS in later) == (status == "Active", status == "Active" and not quarantined)
    if status != "Active":
        assert "so no run reads it" in never and "so no run reads it" in later
        ends = "Else leave it out", ", or end the period when"
        assert [word in never for word in ends] == [status is None, False]
        assert [word in later for word in ends] == [status is None] * 2


@pytest.mark.parametrize("until", [None, NOW + 2 * DAY])
def test_a_period_that_has_just_begun_has_to_be_read_as_well(until: int | None) -> None:
    assert covering(HELD, {}, Period(UNTIL - 1, until), NOW) == ("complete", "")
    for since in (UNTIL, NOW - 1):
        state, reason = covering(HELD, {}, Period(since, until), NOW)
        assert (state, reason) == ("incomplete", f"Read until {iso_time(UNTIL)} only. Run storeops.refunds.refunds.")


@pytest.mark.parametrize("since", [NOW, NOW + DAY])
def test_of_a_period_that_is_still_to_come_nothing_is_known(since: int) -> None:
    for held in (HELD, replace(HELD, gaps=(Window(NOV, NOV + DAY),)), replace(HELD, url="none", url_at=NOW)):
        state, reason = covering(held, {}, Period(since), NOW)
        # No run helps.
        assert (state, reason) == ("incomplete", f"The period begins at {iso_time(since)}, which is still to come.")


def _periods() -> t.Iterator[Period]:
    for since in (None, *range(10)):
        for until in (None, *range((since or 0) + 1, 11)):
            yield Period(*(None if one is None else one * DAY for one in (since, until)))


PERIODS = tuple(_periods())


@pytest.mark.sweep
@pytest.mark.parametrize("gaps", [(), ((3, 4),), ((0, 2), (5, 6))])
@pytest.mark.parametrize(("known_from", "is_found"), [(None, False), (0, True), (2, True), (4, True), (8, False)])
def test_all_of_a_complete_period_was_read(
    gaps: tuple[tuple[int, int], ...], known_from: int | None, is_found: bool
) -> None:
    """By a clock of days: a day is as long as an open end counts as read."""
    found = 0
    for start, end, last, now in product((0, 2, 5), range(9), (None, 1, 6), range(9)):
        if not start <= end <= now:
            continue
        proven = None if known_from is None else max(known_from, last or 0) * DAY
        held = Coverage(
            start * DAY,
            end * DAY,
            end * DAY,
            end * DAY,
            tuple(Window(first * DAY, after * DAY) for first, after in gaps),
            known_from=None if known_from is None else known_from * DAY,
            proven_at=proven,
            url="unasked" if last else "none",
        )
        for period in PERIODS:
            if covering(held, {}, period, now * DAY)[0] == "complete":
                found += 1
                _check_read(held, period, now * DAY)
    assert bool(found) is is_found


def _check_read(held: Coverage, period: Period, now: int) -> None:
    """Compare a period with what was read, day by day."""
    known = range(held.begins, min(held.covered_until, held.known_until or 0), DAY)
    read = {day for day in known if not any(gap.start <= day < gap.end for gap in held.gaps)}
    since = held.begins if period.since is None else period.since
    is_over = period.until is not None and period.until <= now
    assert read.issuperset(range(since, period.until if is_over else now - DAY, DAY)), (held, period, now)
    assert read.intersection(range(since, period.until or now, DAY)), (held, period, now)


def test_gaps_count_only_where_they_are() -> None:
    held = replace(HELD, gaps=(Window(NOV - 10 * DAY, NOV),), state="incomplete", reason="Lost.")
    assert covering(held, {}, Period(NOV, NOV + DAY), NOW) == ("complete", "")
    assert covering(held, {}, Period(None, NOV - 10 * DAY), NOW) == ("complete", "")
    for period in (Period(), Period(NOV - 1, NOV + DAY), Period(None, NOV - 10 * DAY + 1)):
        state, reason = covering(held, {}, period, NOW)
        assert state == "incomplete" and "2026-10-22 to 2026-11-01" in reason


def test_payloads_in_quarantine_leave_the_period_open() -> None:
    state, reason = covering(HELD, {"tampered": 2}, Period(NOV, NOV + DAY), NOW)
    assert state == "incomplete" and reason.startswith("2 of Apple's payloads could not be verified")
    assert "(2 tampered)" in reason
    _state, reason = covering(HELD, {"wrong_apple_id": 1, "wrong_root": 3}, Period(NOV, NOV + DAY), NOW)
    assert "4 of Apple's payloads" in reason and "(1 wrong_apple_id, 3 wrong_root)" in reason
    assert "app_apple_id" in reason and "root_certificate_path" in reason


def test_a_period_that_has_just_ended_may_still_change() -> None:
    assert covering(HELD, {}, Period(NOV, HELD.settled_until), NOW) == ("complete", "")
    state, reason = covering(HELD, {}, Period(NOV, HELD.settled_until + 1), NOW)
    assert state == "complete" and reason.startswith("May still change until 2026-11-20T23:00:00Z")
    # An open end says it by itself.
    assert covering(HELD, {}, Period(NOV), NOW) == ("complete", "")


def test_an_empty_history_is_not_known_to_be_complete() -> None:
    empty = replace(HELD, last_notification_at=None, known_from=None, proven_at=None, state="unknown")
    assert covering(empty, {}, Period(), NOW) == ("unknown", EMPTY)
    state, reason = covering(empty, {"tampered": 1}, Period(), NOW)
    assert state == "incomplete" and EMPTY not in reason, "what is in quarantine is no empty history"
    elsewhere = replace(empty, gaps=(Window(0, 1),), state="incomplete")
    assert covering(elsewhere, {}, Period(NOV), NOW)[0] == "unknown"


def test_what_was_before_the_first_proof_of_a_url_is_unknown() -> None:
    held = replace(HELD, known_from=NOV)
    assert covering(held, {}, Period(), NOW) == covering(held, {}, Period(NOV, NOV + DAY), NOW) == ("complete", "")
    for period in (Period(NOV - 9 * DAY, NOV - DAY), Period(None, NOV), Period(NOV - 300 * DAY, NOV)):
        state, reason = covering(held, {}, period, NOW)
        assert state == "unknown" and reason.startswith("Known from 2026-11-01T00:00:00Z on only"), period
    for period in (Period(NOV - 1), Period(NOV - 300 * DAY, NOV + DAY)):
        state, reason = covering(held, {}, period, NOW)
        assert state == "incomplete" and reason.startswith("Known from 2026-11-01T00:00:00Z on only"), period


def test_an_app_without_a_url_is_unknown_after_its_last_proof() -> None:
    held = replace(HELD, proven_at=NOV, url="V1", url_at=NOW - DAY)
    for period in (Period(), Period(NOV), Period(NOV, NOV + DAY), Period(NOW - DAY, NOW)):
        state, reason = covering(held, {}, period, NOW - 3_600_000)
        assert state == "unknown" and "version 1" in reason, period
    assert covering(held, {}, Period(None, NOV), NOW) == ("complete", "")


def test_a_sign_after_a_pause_counts_for_the_pause() -> None:
    """As the guide says: else an app whose refunds are rare would be full of gaps, with a URL that was always there."""
    quiet = replace(HELD, proven_at=NOV - 60 * DAY)
    pause = Period(NOV - 40 * DAY, NOV - 20 * DAY)
    assert covering(quiet, {}, pause, NOW)[0] == "unknown"
    assert covering(proven(quiet, [NOV]), {}, pause, NOW) == ("complete", "")
    # A run that saw that there was no URL is another matter.
    seen = proven(heard(quiet, "none", NOV - 10 * DAY), [NOV])
    assert covering(seen, {}, pause, NOW)[0] == "incomplete"


def test_known_time_ends_a_week_after_the_last_proof() -> None:
    """The URL may be gone since: an empty history is then no proof of no refunds."""
    held = replace(HELD, proven_at=NOV - 8 * DAY)
    assert held.known_until == NOV - DAY
    assert covering(held, {}, Period(NOV - 50 * DAY, NOV - DAY), NOW) == ("complete", "")
    for period in (Period(NOV - DAY), Period(NOV, NOV + DAY), Period(NOV + DAY)):
        state, reason = covering(held, {}, period, NOW)
        assert state == "unknown" and reason.startswith("Known until 2026-10-31T00:00:00Z only"), period
    for period in (Period(), Period(NOV - 50 * DAY), Period(NOV - 2 * DAY, NOV), Period(None, NOV)):
        state, reason = covering(held, {}, period, NOW)
        assert state == "incomplete" and reason.startswith("Known until 2026-10-31T00:00:00Z only"), period
    told = judged(held, {})
    assert told.state == "incomplete" and told.reason == reason
    # App Store Connect's word is a proof.
    told = judged(heard(held, "V2", HELD.covered_until), {})
    assert (told.state, covering(told, {}, Period(NOV), NOW)) == ("complete", ("complete", ""))
