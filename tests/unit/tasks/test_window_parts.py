# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Into how many windows a list is split, and where a window is cut around dates that can't be verified."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model.coverage import Window
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_windows
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds.refund_windows import around, parts_of

HOUR = 3_600_000
START = 1_700_000_000_000
LONG = Window(START, START + 1_000_000)


def dates(count: int, share: float, window: Window = LONG) -> list[int]:
    """So many dates in order, of which the last one lies at a share of the window."""
    last = int((window.end - window.start) * share)
    return [window.start + last * number // (count - 1) for number in range(count)]


def backwards(count: int, share: float) -> list[int]:
    """The same from the end of the window on."""
    return [LONG.start + LONG.end - date for date in dates(count, share)]


def mixed(count: int) -> list[int]:
    """Dates in no order."""
    return [LONG.start + (number * 7919) % 1_000_000 for number in range(count)]


SHORT = Window(START, START + 5_999)
CASES: dict[str, tuple[Window, list[t.Any], int]] = {
    "too few to tell": (LONG, dates(99, 0.001), 1),
    "one more": (LONG, dates(100, 0.001), 64),
    "a tenth of a long list": (LONG, dates(100, 0.1), 6),
    "a tenth of a long list, backwards": (LONG, backwards(100, 0.1), 6),
    "not long": (LONG, dates(100, 0.125), 1),
    "just long": (LONG, dates(100, 0.1249), 5),
    "the end of the first pages": (LONG, dates(400, 0.4), 6),
    "deep in a list": (LONG, dates(401, 0.1), 1),
    "almost too deep": (LONG, dates(1979, 0.5), 1),
    "too deep": (LONG, dates(1980, 0.5), 24),
    "too deep, near the end": (LONG, dates(1980, 1.0), 12),
    "no order": (LONG, mixed(399), 1),
    "no order, and long": (LONG, mixed(400), 8),
    "a date that is none": (LONG, [None, *dates(399, 0.001)], 8),
    "a date that is none, and short": (LONG, [None, *dates(398, 0.001)], 1),
    "no less than a second each": (SHORT, dates(100, 0.01, SHORT), 5),
    "less than a second": (Window(START, START + 999), [START] * 100, 1),
    "one second": (Window(START, START + 1000), [START] * 100, 1),
    "all at the start": (LONG, [START] * 100, 64),
    # A date outside its window is no reason to fail.
    "before the start": (LONG, [START - 5] * 100, 64),
    "after the end": (LONG, [START + 2_000_000] * 100, 1),
}


@pytest.mark.parametrize("case", CASES)
def test_into_how_many_windows(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    window, found, wanted = CASES[case]
    monkeypatch.setattr(refund_windows, "claimed_date", lambda payload: payload)
    assert parts_of(window, found) == wanted


def test_one_date_of_each_page_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    monkeypatch.setattr(refund_windows, "claimed_date", lambda payload: looked.append(payload) or payload)
    parts_of(Window(0, 1000), list(range(110)))
    assert looked == [0, 20, 40, 60, 80, 100, 109]


@pytest.mark.parametrize(
    ("length", "hours", "cuts"),
    [
        (10, [5], [4, 6]),
        (10, [5, 5], [4, 6]),
        (10, [3, 8], [2, 4, 7, 9]),
        (10, [3, 4], [2, 3, 4, 5]),
        (10, [0], [1]),
        (10, [10], [9]),
        (10, [1, 9], [2, 8]),
        # Nothing to cut.
        (10, [], []),
        (10, [20], []),
        (10, [-2], []),
        # Short enough already.
        (4, [2], []),
        (5, [2], [1, 3]),
    ],
)
def test_where_a_window_is_cut(length: int, hours: list[int], cuts: list[int]) -> None:
    window = Window(START, START + length * HOUR)
    edges = [START, *(START + cut * HOUR for cut in cuts), window.end]
    wanted = tuple(Window(start, end) for start, end in itertools.pairwise(edges)) if cuts else ()
    assert around(window, [START + hour * HOUR for hour in hours]) == wanted


def test_a_window_of_four_hours_is_not_cut_and_a_longer_one_is() -> None:
    assert around(Window(0, 4 * HOUR), [HOUR]) == ()
    assert around(Window(0, 4 * HOUR + 1), [2 * HOUR]) == (
        Window(0, HOUR),
        Window(HOUR, 3 * HOUR),
        Window(3 * HOUR, 4 * HOUR + 1),
    )
