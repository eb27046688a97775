# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work on a list of apps at the same time, results in the order of the list."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

# Apple limits calls per app, so apps don't slow each other; each worker keeps one connection.
WORKERS = 8

Item = t.TypeVar("Item")
Result = t.TypeVar("Result")


def each(items: t.Sequence[Item], work: t.Callable[[Item], Result]) -> list[Result]:
    """Return ``work(item)`` for every item; the first exception in list order is raised after all have ended."""
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(max_workers=min(WORKERS, len(items))) as pool:
        return list(pool.map(work, items))
