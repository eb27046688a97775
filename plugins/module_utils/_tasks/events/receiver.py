# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes notifications from the server: one thread verifies, another one stores, then they go to further URLs.

While one group is being stored, the next one is verified; then it is stored together. So many at a time cost few
transactions, however long the disk takes for each. What waits is bounded.
"""

from __future__ import annotations

import asyncio
import typing as t
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from .http_server import Limits
from .intake import Answer, Intake, Judged

MOST_WAITING = 500
# Returns whether every further URL has taken the body.
Forward = t.Callable[[bytes], bool]


@dataclass
class Receiver:
    """``stored`` is called in the loop after something was stored. ``forward``: None without further URLs."""

    intake: Intake
    stored: t.Callable[[], None]
    forward: Forward | None = None
    most_waiting: int = MOST_WAITING
    counts: dict[str, int] = field(default_factory=dict, init=False)
    _taking: int = field(default=0, init=False)
    _waiting: deque[tuple[Judged, asyncio.Future[Answer]]] = field(default_factory=deque, init=False)
    _verifier: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1), init=False)
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1), init=False)
    # One for each connection: however many a silent URL holds up, none waits for its turn to be forwarded.
    _forwarders: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(Limits.connections), init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    async def receive(self, body: bytes) -> int:
        """Return the status for one request. 200 is said only when all is stored and forwarded.

        What nothing here uses has to be forwarded to somebody.
        """
        answer = await self._taken(body)
        # Also what Apple signed and we can't use: others may, and taking the URL takes nothing from them.
        if answer.is_sound and self.forward is not None:
            loop = asyncio.get_running_loop()
            if not await loop.run_in_executor(self._forwarders, self.forward, body):
                # Apple sends it to us again, and we to everybody: each is to tell repetitions by their UUID.
                answer = Answer(503, "not_forwarded")
            elif answer.is_for_others:
                answer = Answer(200, "forwarded_alone")
        self.counts[answer.reason] = self.counts.get(answer.reason, 0) + 1
        return answer.status

    async def close(self) -> None:
        """Wait for what is being stored, and end the threads."""
        if self._task is not None:
            await asyncio.wait([self._task])
        self._verifier.shutdown(wait=False)
        self._thread.shutdown(wait=False)
        self._forwarders.shutdown(wait=False)

    async def _taken(self, body: bytes) -> Answer:
        if self._taking >= self.most_waiting:
            return Answer(503, "too_many_waiting")
        self._taking += 1
        try:
            loop = asyncio.get_running_loop()
            judged = await loop.run_in_executor(self._verifier, self.intake.judge, body)
            if judged.told is None:
                return judged.answer
            future: asyncio.Future[Answer] = loop.create_future()
            self._waiting.append((judged, future))
            if self._task is None or self._task.done():
                self._task = loop.create_task(self._store())
            return await future
        finally:
            self._taking -= 1

    async def _store(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            taken = list(self._waiting)
            self._waiting.clear()
            try:
                answers = await loop.run_in_executor(self._thread, self.intake.keep, [one for one, _future in taken])
            # Nobody is left waiting, whatever happened. All of it was verified.
            except Exception as error:
                self.intake.warn(f"{type(error).__name__} while notifications were stored; Apple tries again.")
                answers = [Answer(503, "own_trouble", is_sound=True)] * len(taken)
            for (_judged, future), answer in zip(taken, answers, strict=True):
                if not future.done():
                    future.set_result(answer)
            if any(answer.reason == "stored" for answer in answers):
                self.stored()
