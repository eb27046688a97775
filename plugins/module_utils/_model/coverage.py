# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much of an app's history the ledger has read, and from when on an empty history means anything."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .quarantine import quarantine_faults
from .refund import DAY_MS, day, iso_time
from .text import few

State = t.Literal["complete", "incomplete", "unknown", "never"]
# What App Store Connect says about the app's notification URL; `unasked` without an API key for it.
NotificationUrl = t.Literal["unasked", "V2", "V1", "none"]
# Apple tries for about 6.5 days to deliver a notification (1 + 12 + 24 + 48 + 72 hours).
LATE = 7 * DAY_MS
# A URL can be removed at any time, and Apple tells nobody. How long after a proof it is taken to be there still.
GRACE = LATE
_DAYS = GRACE // DAY_MS


@dataclass(frozen=True)
class Window:
    """A span of time, UNIX milliseconds."""

    start: int
    end: int


@dataclass(frozen=True)
class Coverage:
    """Read and verified from ``covered_from`` until ``covered_until`` but for ``gaps``. Times are UNIX milliseconds.

    ``read_until``: how far it was read without a break, verified or not. ``settled_until``: what is earlier was read
    when Apple no longer tried to deliver it, so that it need not be read again. ``known_from``: the first proof that
    Apple kept a history at all, which is the date of the earliest verified notification or the first time that App
    Store Connect named a URL of version 2; ``proven_at``: the last such proof. What lies between two of them counts as
    known, or an app whose refunds are rare would have nothing but gaps. ``url`` is App Store Connect's last
    answer, given at ``url_at``. ``app_apple_id``: the app's, as verified notifications of production name it.
    """

    covered_from: int
    covered_until: int
    read_until: int
    settled_until: int
    gaps: tuple[Window, ...] = ()
    last_notification_at: int | None = None
    known_from: int | None = None
    proven_at: int | None = None
    url: NotificationUrl = "unasked"
    url_at: int | None = None
    state: State = "unknown"
    reason: str = ""
    app_apple_id: int | None = None

    @property
    def is_without_url(self) -> bool:
        """True when no URL of version 2 was the last that was heard, and no later notification says otherwise."""
        return self.url in _WITHOUT_V2

    @property
    def is_read(self) -> bool:
        """False while only the URL was heard: Apple's history was never read."""
        return self.read_until > self.covered_from

    @property
    def begins(self) -> int:
        """From when on refunds are known: it was read, and Apple kept a history."""
        return self.covered_from if self.known_from is None else max(self.covered_from, self.known_from)

    @property
    def known_until(self) -> int | None:
        """Until when refunds are known: it was read, and a proof is at most GRACE older. None without any proof."""
        return None if self.proven_at is None else min(self.covered_until, self.proven_at + GRACE)

    def as_result(self) -> dict[str, t.Any]:
        """Return the module result ``coverage``."""
        return {
            "state": self.state,
            "reason": self.reason,
            "covered_from": iso_time(self.covered_from),
            "covered_until": iso_time(self.covered_until),
            "known_from": time_or_none(self.known_from),
            "known_until": time_or_none(self.known_until),
            "gaps": [{"from": iso_time(gap.start), "until": iso_time(gap.end)} for gap in known_gaps(self)],
            "last_notification_at": time_or_none(self.last_notification_at),
        }


def time_or_none(milliseconds: int | None) -> str | None:
    """Return a time as text, UTC."""
    return None if milliseconds is None else iso_time(milliseconds)


def begun(held: Coverage | None, start: int) -> Coverage:
    """Return the coverage when a run has found that Apple's history begins at ``start`` or earlier; once for a run.

    What was not read at all before the start is a gap, and so is what was last read while Apple may still have been
    delivering it: Apple does not tell of it any more.
    """
    if held is None:
        return Coverage(start, start, start, start)
    # Of what can't be verified nothing is settled, but each run reads it, and the last one did so until read_until.
    final = max(held.settled_until, held.read_until - LATE)
    if held.covered_from == held.covered_until < start:
        # Nothing was covered before, so that it just begins later.
        held = replace(held, covered_from=start)
    elif start > final:
        held = lost(held, Window(final, start))
    # What is settled has to reach the start, or no window would meet it, and it would stay where it is for good.
    return replace(
        held,
        covered_until=max(held.covered_until, start),
        read_until=max(held.read_until, start),
        settled_until=max(held.settled_until, start),
    )


def advanced(held: Coverage, window: Window, now: int, is_clean: bool) -> Coverage:
    """Return the coverage after ``window`` was read at ``now``. ``is_clean``: all verified, in earlier windows too."""
    covered, read, settled = held.covered_until, held.read_until, held.settled_until
    if is_clean and window.start <= covered:
        covered = max(covered, window.end)
    if is_clean and window.start <= settled:
        settled = max(settled, min(window.end, now - LATE))
    if window.start <= read:
        read = max(read, window.end)
    return replace(held, covered_until=covered, read_until=read, settled_until=settled)


def proven(held: Coverage, dates: t.Collection[int]) -> Coverage:
    """Return the coverage with verified notifications signed at ``dates``: each proves that there was a URL then."""
    if not dates:
        return held
    if held.is_without_url and held.url_at is not None:
        asked = held.url_at
        held = _proven_at(held, [date for date in dates if date <= asked])
        later = [date for date in dates if date > asked]
        if later:
            held = replace(_set_again(held, min(later)), url="unasked", url_at=None)
    held = _proven_at(held, dates)
    newest = max(dates)
    return replace(held, last_notification_at=max(newest, held.last_notification_at or newest))


def heard(held: Coverage, url: NotificationUrl, now: int) -> Coverage:
    """Return the coverage after App Store Connect, or Apple's history, was asked for the URL at ``now``."""
    if url == "unasked":
        return held
    if url == "V2":
        held = _proven_at(_set_again(held, now) if held.is_without_url else held, [now])
    return replace(held, url=url, url_at=now)


def _proven_at(held: Coverage, dates: t.Collection[int]) -> Coverage:
    if not dates:
        return held
    known, last = [*dates], [*dates]
    known += [] if held.known_from is None else [held.known_from]
    last += [] if held.proven_at is None else [held.proven_at]
    return replace(held, known_from=min(known), proven_at=max(last))


def _set_again(held: Coverage, when: int) -> Coverage:
    # There was no URL in between, for how long nobody knows. Without an earlier proof all of the past is unknown, and
    # stays so when an earlier notification turns up.
    return lost(held, Window(held.proven_at or 0, when))


def lost(held: Coverage, window: Window) -> Coverage:
    """Return the coverage with one more gap."""
    gaps: list[Window] = []
    for gap in sorted((*held.gaps, window), key=lambda one: one.start):
        if gaps and gaps[-1].end >= gap.start:
            gaps[-1] = Window(gaps[-1].start, max(gaps[-1].end, gap.end))
        elif gap.start < gap.end:
            gaps.append(gap)
    return replace(held, gaps=tuple(gaps))


def known_gaps(held: Coverage) -> tuple[Window, ...]:
    """Return the gaps as far as they lie in the time that is known otherwise."""
    return tuple(Window(max(gap.start, held.begins), gap.end) for gap in held.gaps if gap.end > held.begins)


def forgotten(held: Coverage, before: int) -> Coverage:
    """Return the coverage when everything earlier than ``before`` is removed from the ledger."""
    gaps = tuple(Window(max(gap.start, before), gap.end) for gap in held.gaps if gap.end > before)
    start = max(held.covered_from, min(before, held.covered_until))
    return replace(held, covered_from=start, gaps=gaps)


def faults_of(gaps: t.Sequence[Window], quarantined: t.Mapping[str, int]) -> list[str]:
    """Return in words what is missing for gaps and payloads in quarantine (how many by reason)."""
    faults = []
    if gaps:
        days = ", ".join(f"{day(gap.start)} to {day(gap.end)}" for gap in gaps)
        faults.append(
            f"Not known: {days}. Apple's history no longer reached back, a payload could not be verified as long as it "
            "did, or there was no URL of version 2."
        )
    return faults + quarantine_faults(quarantined)


def judged(held: Coverage, quarantined: t.Mapping[str, int]) -> Coverage:
    """Return the coverage with its state, and the reason in words for every state but ``complete``."""
    if held.is_without_url:
        return replace(held, state="unknown", reason=_WITHOUT_V2[held.url])
    faults = faults_of(known_gaps(held), quarantined)
    if faults:
        return replace(held, state="incomplete", reason=" ".join(faults))
    if held.known_from is None:
        return replace(held, state="unknown", reason=EMPTY)
    if held.known_from >= held.covered_until:
        return replace(held, state="unknown", reason=before_known(held.known_from))
    if held.known_until is not None and held.known_until < held.covered_until:
        return replace(held, state="incomplete", reason=after_known(held.known_until))
    return replace(held, state="complete", reason="")


def gaps_told(open_: t.Iterable[tuple[str, str, str]]) -> list[str]:
    """Return a warning for each reason. ``open_``: (bundle ID, state, reason) of apps that are not complete."""
    groups: dict[tuple[str, str], list[str]] = {}
    for bundle_id, state, reason in open_:
        groups.setdefault((state, reason), []).append(bundle_id)
    ranked = sorted(groups.items(), key=lambda item: -len(item[1]))
    told = [
        f"Not all refunds of {few(names)} are known ({state}): {reason}"
        for (state, reason), names in ranked[:_MOST_TOLD]
    ]
    more = sum(len(names) for _reason, names in ranked[_MOST_TOLD:])
    return told + [
        f"Not all refunds of {more:,} more app{'s' if more > 1 else ''} are known: coverage.reason says why."
    ] * (more > 0)


def without_url(held: Coverage) -> str:
    """Return the reason of a coverage that ``is_without_url``."""
    return _WITHOUT_V2[held.url]


def before_known(known_from: int) -> str:
    """Return why the time before is unknown."""
    return (
        f"Known from {iso_time(known_from)} on only: nothing shows that a notification URL of version 2 was set "
        "before, and without one Apple keeps no history."
    )


def after_known(known_until: int) -> str:
    """Return why the time after is unknown."""
    return (
        f"Known until {iso_time(known_until)} only: the last sign of a notification URL of version 2 is of "
        f"{day(known_until - GRACE)} and counts for {_DAYS} days: Apple keeps no history once the URL is removed. "
        f"{_ASK} whether it is still set."
    )


_MOST_TOLD = 5
# An individual key has no issuer, but a team's is what most have. Its Key ID is read from the file's name.
_ASK = (
    "Set api_issuer_id and api_private_key_path (in a playbook: in refund_tracking_defaults), and each run asks App "
    "Store Connect"
)
_WITHOUT_V2 = {
    "none": "No notification URL is set for this app and environment, so Apple keeps no history of its refunds. "
    "Set one of version 2 in App Store Connect.",
    "V1": "The notification URL in App Store Connect is of version 1, and Apple's history tells only of version 2. "
    "Set it to version 2.",
}
EMPTY = (
    "Apple's history is empty. That doesn't prove that there were no refunds: it stays empty while no notification URL "
    f"of version 2 is set. {_ASK}."
)
