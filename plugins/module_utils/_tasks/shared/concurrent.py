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

    ``ended`` is called with each result as it comes: by any thread, but never by two at once. What breaks the waiting
    off (the keyword ``timeout`` of a task, Ctrl-C) is raised at once, and no further item is begun.
    """
    results: list[t.Any] = [None] * len(items)
    errors: dict[int, Exception] = {}
    waiting = iter(range(len(items)))
    lock = threading.Lock()
    is_over = threading.Event()

    def worker() -> None:
        # One future for each worker and not for each item: waking the caller a thousand times costs as much as work.
        while not is_over.is_set():
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
        _run(worker, min(WORKERS, len(items)), is_over)
    if errors:
        raise errors[min(errors)]
    return results


def _run(worker: t.Callable[[], None], count: int, is_over: threading.Event) -> None:
    # No `with`: leaving it waits for the whole list, also when Ansible's timeout wants the caller to stop.
    pool = ThreadPoolExecutor(max_workers=count)
    try:
        for one in [pool.submit(worker) for _number in range(count)]:
            one.result()
    finally:
        is_over.set()
        pool.shutdown(wait=False, cancel_futures=True)
