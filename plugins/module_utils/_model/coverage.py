# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much of an app's history the ledger has read, and what an empty history means."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .refund import day, iso_time

State = t.Literal["complete", "incomplete", "unknown", "never"]
# What App Store Connect says about the app's notification URL; `unasked` without an API key for it.
NotificationUrl = t.Literal["unasked", "V2", "V1", "none"]


@dataclass(frozen=True)
class Window:
    """A span of time, UNIX milliseconds."""

    start: int
    end: int


@dataclass(frozen=True)
class Coverage:
    """Read from ``covered_from`` until ``covered_until`` but for ``gaps``. Times are UNIX milliseconds."""

    covered_from: int
    covered_until: int
    gaps: tuple[Window, ...] = ()
    last_notification_at: int | None = None
    state: State = "unknown"
    reason: str = ""

    def as_result(self) -> dict[str, t.Any]:
        """Return the module result ``coverage``."""
        newest = self.last_notification_at
        return {
            "state": self.state,
            "reason": self.reason,
            "covered_from": iso_time(self.covered_from),
            "covered_until": iso_time(self.covered_until),
            "gaps": [{"from": iso_time(gap.start), "until": iso_time(gap.end)} for gap in self.gaps],
            "last_notification_at": None if newest is None else iso_time(newest),
        }


def advanced(
    held: Coverage | None, window: Window, url: NotificationUrl, is_clean: bool, newest: int | None
) -> Coverage:
    """Return the coverage after ``window`` was read. Where it was not ``is_clean``, the covered time stands still.

    What lies between the covered time and the window is a gap, since Apple does not tell of it any more; and so is a
    window in which there was no URL for Apple to tell.
    """
    if held is None:
        held = Coverage(window.start, window.start)
    gaps, until = held.gaps, held.covered_until
    lost_until = window.end if url in _WITHOUT_V2 else window.start
    if lost_until > until:
        gaps, until = _with_gap(gaps, Window(until, lost_until)), lost_until
        if held.covered_from == held.covered_until:
            # Nothing was covered before, so that it just begins later.
            held, gaps = replace(held, covered_from=until), ()
    seen = [date for date in (held.last_notification_at, newest) if date is not None]
    return replace(
        held,
        covered_until=max(until, window.end) if is_clean else until,
        gaps=gaps,
        last_notification_at=max(seen, default=None),
    )


def _with_gap(gaps: tuple[Window, ...], new: Window) -> tuple[Window, ...]:
    if gaps and gaps[-1].end >= new.start:
        return (*gaps[:-1], Window(gaps[-1].start, new.end))
    return (*gaps, new)


def forgotten(held: Coverage, before: int) -> Coverage:
    """Return the coverage when everything earlier than ``before`` is removed from the ledger."""
    gaps = tuple(Window(max(gap.start, before), gap.end) for gap in held.gaps if gap.end > before)
    start = max(held.covered_from, min(before, held.covered_until))
    return replace(held, covered_from=start, gaps=gaps)


def judged(held: Coverage, quarantined: int, url: NotificationUrl) -> Coverage:
    """Return the coverage with its state, and the reason in words for every state but ``complete``."""
    if url in _WITHOUT_V2:
        return replace(held, state="unknown", reason=_WITHOUT_V2[url])
    faults = []
    if held.gaps:
        days = ", ".join(f"{day(gap.start)} to {day(gap.end)}" for gap in held.gaps)
        faults.append(
            f"Not covered, for Apple's history no longer reached back or there was no URL of version 2: {days}."
        )
    if quarantined:
        faults.append(
            f"{quarantined} of Apple's payloads could not be verified and are in quarantine; "
            "the next run reads their time again."
        )
    if faults:
        return replace(held, state="incomplete", reason=" ".join(faults))
    if url == "V2" or held.last_notification_at is not None:
        return replace(held, state="complete", reason="")
    return replace(held, state="unknown", reason=_EMPTY)


_WITHOUT_V2 = {
    "none": "No notification URL is set for this app and environment, so Apple keeps no history of its refunds. "
    "Set one of version 2 in App Store Connect.",
    "V1": "The notification URL in App Store Connect is of version 1, and Apple's history tells only of version 2. "
    "Set it to version 2.",
}
_EMPTY = (
    "Apple's history is empty, which is no proof of no refunds: it stays empty too while no notification URL of "
    "version 2 is set. Give api_key_id and api_private_key_path, so that App Store Connect can be asked."
)
