# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task asked of the network, counted over all its threads."""

from __future__ import annotations

import contextlib
import threading
import typing as t


class Counters:
    """The module result ``http``.

    ``waited_s``: seconds in which at least one request waited to be repeated. Waits of several connections at a time
    count once, so it is never more than the task took.
    """

    def __init__(self, monotonic: t.Callable[[], float]) -> None:
        self.calls = 0
        self.retries = 0
        self.waited_s = 0.0
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._waiting = 0
        self._since = 0.0

    def called(self) -> None:
        with self._lock:
            self.calls += 1

    @contextlib.contextmanager
    def waiting(self) -> t.Iterator[None]:
        """Surround the wait before a repeat."""
        with self._lock:
            self.retries += 1
            if self._waiting == 0:
                self._since = self._monotonic()
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1
                if self._waiting == 0:
                    self.waited_s += self._monotonic() - self._since

    def as_result(self) -> dict[str, t.Any]:
        return {"calls": self.calls, "retries": self.retries, "waited_s": round(self.waited_s, 3)}
