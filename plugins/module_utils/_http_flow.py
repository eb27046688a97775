# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many calls a task has on their way at a time: more while answers come, fewer when a service is overloaded.

As TCP does it: the limit doubles with each round of answers until the first sign of overload. Each sign halves it, and
from then on it grows by one with each round.
"""

from __future__ import annotations

import threading

from ._model.errors import TransportError

# What Apple thinks of more connections from one address is not known.
MOST = 64
FIRST = 8
# A few apps that are over their own hourly limit must not bring the others to a halt.
LEAST = 4
_TOO_MANY_REQUESTS = 429
_SIGNS = frozenset({"tcp", "timeout", "broken"})


class Flow:
    """``most``: the cap. ``limit`` is read by whoever begins work; all of it may be used from any thread."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._limit = float(min(FIRST, most))
        self._grows_fast = True
        self._under_way = 0
        # The most that were on their way since so many answers were left of the round.
        self._peak = 0
        self._left = self.limit
        # The calls that began before the last reduction say nothing about it.
        self._round = 0
        self._lock = threading.Lock()

    @property
    def limit(self) -> int:
        """The number of calls that should be on their way, from 1 to the cap."""
        return int(self._limit)

    def begins(self) -> int:
        """Note that a call goes out; what is returned belongs to its end."""
        with self._lock:
            self._under_way += 1
            self._peak = max(self._peak, self._under_way)
            return self._round

    def answered(self, begun: int, status: int) -> None:
        """Note an answer to the call for which ``begins`` gave ``begun``."""
        self._ended(begun, is_overloaded=status == _TOO_MANY_REQUESTS)

    def failed(self, begun: int, error: TransportError) -> None:
        """Note that no answer came; what never went out, and an unknown name, are no signs of overload."""
        self._ended(begun, is_overloaded=error.kind in _SIGNS, has_answer=False)

    def _ended(self, begun: int, is_overloaded: bool, has_answer: bool = True) -> None:
        with self._lock:
            self._under_way -= 1
            if is_overloaded:
                self._shrink(begun)
            # What is not used up shows nothing about what the service bears.
            elif has_answer and 2 * self._peak > self.limit:
                self._limit = min(self._most, self._limit + (1 if self._grows_fast else 1 / self._limit))
            self._left -= 1
            if self._left <= 0:
                self._peak, self._left = self._under_way, self.limit

    def _shrink(self, begun: int) -> None:
        if begun == self._round:
            self._round += 1
            self._grows_fast = False
            self._limit = max(min(LEAST, self._most), self._limit / 2)
