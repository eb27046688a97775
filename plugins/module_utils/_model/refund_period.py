# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A period of refund dates as users name it, and how much of it the ledger has read."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from .coverage import Coverage, State, judged
from .errors import InputError
from .identifiers import shown
from .refund import iso_time

_DAY = 86_400_000
# A period without an end, or with one that is still to come, counts as read when the ledger was within this time.
FRESH_FOR = _DAY
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?")
NEVER_READ = "The ledger has never read this app's refunds. Run refund_ledger for it."


@dataclass(frozen=True)
class Period:
    """Refund dates from ``since`` on and before ``until``, UNIX milliseconds; None is open."""

    since: int | None = None
    until: int | None = None

    @property
    def has_whole_days(self) -> bool:
        """True when both ends are midnights (UTC), so that days tell as much as times."""
        return all(end is None or end % _DAY == 0 for end in (self.since, self.until))


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
        raise InputError(option, f"{shown(text)} is no date and no time.", next_step) from None
    return (found - datetime(1970, 1, 1, tzinfo=UTC)) // (datetime.resolution * 1000)


def covering(held: Coverage | None, quarantined: int, period: Period, now: int) -> tuple[State, str]:
    """Return how much of ``period`` the ledger has read, and why it is not all of it.

    ``quarantined``: payloads in quarantine that may belong to the period. ``now``: UNIX milliseconds.
    """
    if held is None:
        return "never", NEVER_READ
    until = now - FRESH_FOR if period.until is None or period.until > now else period.until
    reasons = []
    if period.since is not None and period.since < held.covered_from:
        reasons.append(f"Read from {iso_time(held.covered_from)} on only; what was before is not known.")
    if until > held.covered_until:
        reasons.append(f"Read until {iso_time(held.covered_until)} only. Run refund_ledger.")
    gaps = tuple(gap for gap in held.gaps if _meets(period, gap.start, gap.end))
    found = judged(replace(held, gaps=gaps), quarantined, "unasked")
    # "Unknown" is what App Store Connect said when it was asked; the ledger keeps no more of it than this.
    if held.state == "unknown" and found.state != "incomplete":
        found = replace(found, state="unknown", reason=held.reason)
    elif held.state == "complete" and found.state == "unknown":
        found = replace(found, state="complete", reason="")
    if not reasons:
        return found.state, found.reason
    return "incomplete", " ".join(filter(None, (*reasons, found.reason)))


def _meets(period: Period, start: int, end: int) -> bool:
    return (period.until is None or start < period.until) and (period.since is None or end > period.since)
