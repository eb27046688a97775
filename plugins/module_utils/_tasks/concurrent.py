# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work on a list of apps at the same time, results in the order of the list."""

from __future__ import annotations

import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor

# Apple limits calls per app, so apps don't slow each other; each worker keeps one connection.
WORKERS = 8

Item = t.TypeVar("Item")
Result = t.TypeVar("Result")


def each(
    items: t.Sequence[Item],
    work: t.Callable[[Item], Result],
    ended: t.Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Return ``work(item)`` for every item; the first exception in list order is raised after all have ended.

    ``ended`` is called with each result as it comes: by any thread, but never by two at once.
    """
    results: list[t.Any] = [None] * len(items)
    errors: dict[int, Exception] = {}
    waiting = iter(range(len(items)))
    lock = threading.Lock()

    def worker() -> None:
        # One future for each worker and not for each item: waking the caller a thousand times costs as much as work.
        while True:
            with lock:
                index = next(waiting, None)
            if index is None:
                return
            try:
                results[index] = work(items[index])
            except Exception as error:
                errors[index] = error
            else:
                with lock:
                    ended(results[index])

    if len(items) < 2:
        worker()
    else:
        with ThreadPoolExecutor(max_workers=WORKERS) as pool:
            workers = [pool.submit(worker) for _number in range(min(WORKERS, len(items)))]
        for one in workers:
            one.result()
    if errors:
        raise errors[min(errors)]
    return results
