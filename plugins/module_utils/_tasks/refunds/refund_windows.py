# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Into which windows a time is split. Guesses from unverified dates are enough: they cost calls, never refunds."""

from __future__ import annotations

import itertools
import typing as t

from ..._apple.notification_history import MOST_PAGES, PAGE
from ..._apple.signed_data import claimed_date
from ..._model.coverage import Window

_HOUR = 3_600_000
_LEAST_WINDOW = 1_000
# A list that is not much longer than this is read page by page: asking again for its parts would cost more calls.
_SHORT = 20 * PAGE
# So many notifications are looked at before a list is called long.
_LOOKED_AT = 5 * PAGE
# What a part should hold.
_FITTING = 8 * PAGE
_MOST_PARTS = 64
_UNORDERED_PARTS = 8


def parts_of(window: Window, found: t.Sequence[t.Any]) -> int:
    """Return into how many windows to split one whose list goes on after the payloads ``found``; 1: read on."""
    if len(found) < _LOOKED_AT:
        return 1
    # One of each page tells as much.
    share = _share(window, [claimed_date(payload) for payload in (*found[::PAGE], found[-1])])
    if share is None:
        parts = _UNORDERED_PARTS if len(found) >= _SHORT else 1
    else:
        expected = len(found) / share
        # Deep in a list that turned out to be longer, what was read already would be read again.
        is_long = expected > 2 * _SHORT if len(found) <= _SHORT else len(found) >= (MOST_PAGES - 1) * PAGE
        parts = min(_MOST_PARTS, int(expected / _FITTING)) if is_long else 1
    most = (window.end - window.start) // _LEAST_WINDOW
    return max(1, min(parts, most))


def equal(window: Window, parts: int) -> list[Window]:
    """Return windows of the same length that together are ``window``."""
    length = window.end - window.start
    edges = [window.start + length * number // parts for number in range(parts)] + [window.end]
    return [Window(start, end) for start, end in itertools.pairwise(edges)]


def _share(window: Window, dates: t.Sequence[int | None]) -> float | None:
    """Return which part of the window a list has passed, when its order shows it. Apple documents no order."""
    known = [date for date in dates if date is not None]
    if len(known) < len(dates):
        return None
    length = window.end - window.start
    if known == sorted(known):
        passed = known[-1] - window.start
    elif known == sorted(known, reverse=True):
        passed = window.end - known[-1]
    else:
        return None
    return max(1, min(passed, length)) / length


def around(window: Window, dates: t.Sequence[int]) -> tuple[Window, ...]:
    """Return windows that together are ``window``, with an hour on each side of each date apart; empty: no use."""
    edges = {window.start, window.end}
    for date in dates:
        edges |= {edge for edge in (date - _HOUR, date + _HOUR) if window.start < edge < window.end}
    order = sorted(edges)
    if len(order) < 3 or window.end - window.start <= 4 * _HOUR:
        return ()
    return tuple(Window(start, end) for start, end in itertools.pairwise(order))
