# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work at the same time: as many jobs as the transport's flow allows, each in a thread with a connection of its own."""

from __future__ import annotations

import threading
import typing as t
from collections import deque

from ..._http_flow import Flow

Item = t.TypeVar("Item")
Result = t.TypeVar("Result")
# A job returns the jobs that follow from it; they are done before those that wait already.
Job = t.Callable[[], t.Sequence["Job"]]
_LOOKED_EVERY_S = 0.2


def each(
    items: t.Sequence[Item],
    work: t.Callable[[Item], Result],
    flow: Flow,
    ended: t.Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Return ``work(item)`` for every item; the first exception in list order is raised after all have ended.

    ``ended`` is called with each result as it comes: by any thread, but never by two at once. What breaks the waiting
    off (the keyword ``timeout`` of a task, Ctrl-C) is raised at once, and no further item is begun.
    """
    results: list[t.Any] = [None] * len(items)
    errors: dict[int, Exception] = {}
    telling = threading.Lock()

    def job(index: int) -> t.Sequence[Job]:
        try:
            results[index] = work(items[index])
        except Exception as error:
            errors[index] = error
        else:
            with telling:
                ended(results[index])
        return ()

    work_off([lambda index=index: job(index) for index in range(len(items))], flow)  # type: ignore[misc]
    if errors:
        raise errors[min(errors)]
    return results


def work_off(jobs: t.Iterable[Job], flow: Flow) -> None:
    """Do all jobs and those that follow from them.

    The first exception of a job is raised when those under way have ended; none is begun after it. What breaks the
    waiting off is raised at once.
    """
    _Crew(deque(jobs), flow).work()


class _Crew:
    """Threads come and go with the flow's limit. The last to find nothing to do tells the caller."""

    def __init__(self, waiting: deque[Job], flow: Flow) -> None:
        self._waiting = waiting
        self._flow = flow
        self._error: BaseException | None = None
        self._is_over = False
        self._at_work = 0
        self._lock = threading.Lock()
        self._has_ended = threading.Event()

    def work(self) -> None:
        if len(self._waiting) == 1:
            # What follows from a single job may still be many.
            self._do(self._waiting.popleft())
        if not self._waiting:
            return self._raise()
        try:
            with self._lock:
                self._fill_up()
                # Where the system gives no thread at all, this one does the work.
                is_alone = not self._at_work
                self._at_work += is_alone
            if is_alone:
                self._worker()
            # A signal that one of the threads gets (Ctrl-C, a parent that ends) waits until this one does anything.
            while not self._has_ended.wait(_LOOKED_EVERY_S):
                pass
        finally:
            self._is_over = True
        return self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _fill_up(self) -> None:
        """Begin as many threads as there may be and as find work; the lock is held."""
        for _number in range(min(self._flow.limit - self._at_work, len(self._waiting))):
            # Whoever stops waiting must not be kept by them.
            thread = threading.Thread(target=self._worker, daemon=True)
            try:
                thread.start()
            except RuntimeError:
                # The system gives no more threads: those at work do the rest.
                return
            self._at_work += 1

    def _worker(self) -> None:
        while True:
            with self._lock:
                if self._is_over or not self._waiting or self._at_work > self._flow.limit:
                    self._at_work -= 1
                    if self._at_work == 0:
                        self._has_ended.set()
                    return
                job = self._waiting.popleft()
                self._fill_up()
            self._do(job)

    def _do(self, job: Job) -> None:
        try:
            following = job()
        except BaseException as error:
            with self._lock:
                self._error = self._error or error
                self._is_over = True
            return
        with self._lock:
            self._waiting.extendleft(reversed(following))
