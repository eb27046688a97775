# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A period of refund dates as users name it, and how much of it the ledger has read."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from datetime import UTC, datetime

from .coverage import EMPTY, LATE, Coverage, State, after_known, before_known, faults_of, known_gaps, without_url
from .errors import InputError
from .identifiers import shown
from .integration import Status
from .refund import DAY_MS, iso_time

# A period without an end, or with one that is still to come, counts as read when the ledger was within this time.
FRESH_FOR = DAY_MS
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?")
RUN_REFUNDS = "Run storeops.refunds.refunds."
_NEVER_READ = "The ledger has never read this app's refunds."
NEVER_READ = f"{_NEVER_READ} {RUN_REFUNDS}"


@dataclass(frozen=True)
class Period:
    """Refund dates from ``since`` on and before ``until``, UNIX milliseconds; None is open."""

    since: int | None = None
    until: int | None = None

    @property
    def has_whole_days(self) -> bool:
        """True when both ends are midnights (UTC), so that days tell as much as times."""
        return all(end is None or end % DAY_MS == 0 for end in (self.since, self.until))

    def as_result(self) -> dict[str, str | None]:
        ends = {"since": self.since, "until": self.until}
        return {name: None if end is None else iso_time(end) for name, end in ends.items()}


def parse_period(since: str | None, until: str | None) -> Period:
    """Return the period of the options ``since`` and ``until``. Raises InputError."""
    period = Period(_time(since, "since") if since else None, _time(until, "until") if until else None)
    if period.since is not None and period.until is not None and period.since >= period.until:
        raise InputError("until", f"{shown(str(until))} is not after since.", "The end itself is not in the period.")
    return period


def _time(text: str, option: str) -> int:
    clean = text.strip()
    try:
        if not _TIME.fullmatch(clean):
            raise ValueError
        found = datetime.fromisoformat(clean)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        next_step = "Give a date such as 2026-11-01, or a time such as 2026-11-01T09:00:00Z."
        raise InputError(option, f"{shown(text)} isn't a date or a time.", next_step) from None
    return (found - datetime(1970, 1, 1, tzinfo=UTC)) // (datetime.resolution * 1000)


def covering(
    held: Coverage | None,
    quarantined: t.Mapping[str, int],
    period: Period,
    now: int,
    status: Status | None = "Active",
) -> tuple[State, str]:
    """Return how much of ``period`` the ledger has read, and why it is not all of it.

    A period without a beginning begins where the ledger's knowledge does. The reason of ``complete`` is empty, or says
    until when a period that has just ended may still change. ``quarantined``: how many payloads that may belong to the
    period are in quarantine, by reason. ``now``: UNIX milliseconds. ``status``: of the app's integration in the ledger,
    None without one.
    """
    if held is None or not held.is_read:
        return "never", f"{_NEVER_READ} {_reading_step(status, is_read=False)}"
    if period.since is not None and period.since >= now:
        return "incomplete", f"The period begins at {iso_time(period.since)}, which is still to come."
    is_over = period.until is not None and period.until <= now
    until = period.until if is_over and period.until is not None else now - FRESH_FOR
    if period.since is not None:
        # Of a period that has only begun, something was read, too.
        until = max(until, period.since + 1)
    # What is in quarantine holds the coverage up, and another run alone does not help.
    faults = _unread(held, period, until, "" if quarantined and status == "Active" else _reading_step(status))
    gaps = [gap for gap in known_gaps(held) if _meets(period, gap.start, gap.end)]
    faults += faults_of(gaps, quarantined)
    doubt, reason = _doubt(held, period, until if is_over else None)
    if faults:
        reason = "" if quarantined and reason == EMPTY else reason
        return "incomplete", " ".join(filter(None, (*faults, reason)))
    if doubt == "complete" and is_over and until > held.settled_until:
        reason = f"May still change until {iso_time(until + LATE)}, for Apple delivers notifications up to 7 days late."
    return doubt, reason


def _unread(held: Coverage, period: Period, until: int, step: str) -> list[str]:
    """Return in words what of ``period``, up to ``until``, lies before or after what was read."""
    faults = []
    # Without a beginning, a period that ends before anything was read has nothing that is known.
    first = min(held.covered_from, until - 1) if period.since is None else period.since
    if first < held.covered_from and held.begins == held.covered_from:
        faults.append(f"Read from {iso_time(held.covered_from)} on only; what was before is not known.")
    if until > held.covered_until:
        # What was read without a break ends where it begins.
        end = f"Read until {iso_time(held.covered_until)} only."
        if held.covered_until <= held.covered_from:
            end = "Nothing could be read without a fault."
        faults.append(f"{end} {step}".strip())
    return faults


def _reading_step(status: Status | None, is_read: bool = True) -> str:
    """Return what to do about an app that wasn't read to the end, or not at all: not every app is read by a run."""
    if status == "Active":
        return RUN_REFUNDS
    if status is not None:
        return (
            f"Its integration in the ledger is {status}, so no run reads it: storeops.refunds.site makes it Active or "
            "says what keeps it from that."
        )
    more, end = (" any more", ", or end the period when it was last read") if is_read else ("", "")
    # No option is named: an audit, whose report says this, too, has other ones.
    return (
        f"The app has no integration in this ledger{more}, so no run reads it. If it belongs here, declare it for the "
        f"ledger and run storeops.refunds.site. Else leave it out{end}."
    )


def _doubt(held: Coverage, period: Period, until: int | None) -> tuple[State, str]:
    """Return whether Apple kept a history all over the period, and why that is not known. ``until``: None is open."""
    if held.is_without_url and (until is None or held.proven_at is None or until > held.proven_at):
        return "unknown", without_url(held)
    if held.known_from is None:
        return "unknown", EMPTY
    if (held.covered_until if until is None else until) <= held.known_from:
        return "unknown", before_known(held.known_from)
    if period.since is not None and period.since < held.known_from and held.begins == held.known_from:
        return "incomplete", before_known(held.known_from)
    known_until = held.covered_until if held.known_until is None else held.known_until
    if (held.covered_until if until is None else until) > known_until and known_until < held.covered_until:
        is_later = period.since is not None and period.since >= known_until
        return "unknown" if is_later else "incomplete", after_known(known_until)
    return "complete", ""


def _meets(period: Period, start: int, end: int) -> bool:
    return (period.until is None or start < period.until) and (period.since is None or end > period.since)
