# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hands the outbox's events to the rule engine, in order, and lets go of each once the engine has it."""

from __future__ import annotations

import asyncio
import contextlib
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ..._ledger.events import Consumer, Recorded
from ..._model.errors import LedgerError
from ..._model.refund import iso_time

T = t.TypeVar("T")
_AT_ONCE = 100
# What other processes record into the ledger is seen after so long.
_LOOK_S = 1.0
# The engine says at once that it has stored an event. Its silence is told after so long, and again as often.
_SILENCE_S = 60.0


class Queue(t.Protocol):
    """Where the rule engine takes its events from (an asyncio queue, maybe with filters in front)."""

    async def put(self, item: t.Any) -> None:
        """Wait for room."""


class Feedback(t.Protocol):
    """Where the rule engine says which event it has stored, in the order in which they were put."""

    async def get(self) -> t.Any:
        """Wait for the next one."""


@dataclass
class Dispatcher:
    """``now_ms``: UNIX milliseconds. Without ``feedback``, an event counts as handed on once it is in the queue."""

    consumer: Consumer
    queue: Queue
    feedback: Feedback | None
    now_ms: t.Callable[[], int]
    warn: t.Callable[[str], None]
    look_s: float = _LOOK_S
    silence_s: float = _SILENCE_S
    _news: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _is_holder: bool = field(default=False, init=False)
    _claimed_at: int = field(default=0, init=False)
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1), init=False)
    _is_waiting_told: bool = field(default=False, init=False)
    # What the engine has and the ledger could not note yet: that doesn't go to the engine again.
    _handed_on: int = field(default=0, init=False)
    _trouble: str = field(default="", init=False)

    def wake(self) -> None:
        """Look for events at once."""
        self._news.set()

    async def run(self) -> t.NoReturn:
        """Work for ever."""
        try:
            while True:
                self._news.clear()
                try:
                    has_more = await self._claimed() and await self._hand_on()
                    self._trouble = ""
                except LedgerError as error:
                    has_more = False
                    self._tell(error)
                if not has_more:
                    await self._pause()
        finally:
            # Behind a claim that is on its way. Not awaited: this also runs while the task is cancelled.
            self._thread.submit(self.consumer.release)
            self._thread.shutdown()

    async def _ask(self, question: t.Callable[..., T], *given: int) -> T:
        """Ask the ledger, one thing after the other."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, question, *given)

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.look_s):
                await self._news.wait()

    async def _claimed(self) -> bool:
        """Tell whether this process has the lease. It is renewed when a third of it is over, or the clock went back."""
        at = self.now_ms()
        if self._is_holder and 0 <= at - self._claimed_at < self.consumer.lease_ms // 3:
            return True
        self._is_holder = await self._ask(self.consumer.claim, at)
        self._claimed_at = at
        if self._is_holder:
            self._is_waiting_told = False
        elif not self._is_waiting_told:
            await self._tell_waiting()
        return self._is_holder

    async def _tell_waiting(self) -> None:
        """Warn once, however long it lasts: until somebody looks, this process does nothing."""
        _begins_at, held_until = await self._ask(self.consumer.times)
        # Else it was released meanwhile, and the next look takes it.
        if held_until is not None:
            self._is_waiting_told = True
            self.warn(
                f"Another process reads events as consumer {self.consumer.name}; its lease lasts until "
                f"{iso_time(held_until)} (UTC), and longer while it works. This one waits. If both are to get every "
                "event, give each its own consumer."
            )

    async def _hand_on(self) -> bool:
        """Hand on what waits; tell whether there may be more."""
        waiting = await self._ask(self.consumer.waiting, _AT_ONCE)
        for event in waiting:
            # However many there are and however slow the engine is: another process may have taken over meanwhile.
            if not await self._claimed():
                return False
            if event.sequence > self._handed_on:
                await self._with_lease(self.queue.put(dict(event.body)))
                if self.feedback is not None:
                    await self._with_lease(self._stored(self.feedback, event))
                self._handed_on = event.sequence
            if not await self._ask(self.consumer.done, event.sequence):
                self._is_holder = False
                self.warn(
                    f"Consumer {self.consumer.name} lost its lease to another process while event {event.sequence} was "
                    "handed on, so that event may come twice."
                )
                return False
            # A ledger that is restored from a backup gives the same numbers to other events.
            self._handed_on = 0
        return len(waiting) == _AT_ONCE

    async def _stored(self, feedback: Feedback, event: Recorded) -> None:
        """Wait until the rule engine says that it has stored an event, and tell when it doesn't."""
        said = asyncio.ensure_future(feedback.get())
        try:
            while not (await asyncio.wait([said], timeout=self.silence_s))[0]:
                self.warn(
                    f"The rule engine doesn't say that it has stored event {event.sequence}. The ones after it wait in "
                    "the ledger; ansible-rulebook's log tells more. A restart hands it on again."
                )
            said.result()
        finally:
            said.cancel()

    async def _with_lease(self, waiting: t.Coroutine[t.Any, t.Any, t.Any]) -> None:
        """Wait, however slow the rule engine is, and stay the holder meanwhile.

        Trouble with the ledger doesn't end the waiting: the event is with the engine already, and must not go twice.
        """
        task = asyncio.ensure_future(waiting)
        try:
            # A sixth: the queue and then the engine may each take so long before anybody looks at the lease again.
            while not (await asyncio.wait([task], timeout=self.consumer.lease_ms / 6000))[0]:
                try:
                    await self._claimed()
                except LedgerError as error:
                    self._tell(error)
            task.result()
        finally:
            task.cancel()

    def _tell(self, error: LedgerError) -> None:
        """Warn once of a trouble, however long it lasts."""
        if str(error) != self._trouble:
            self._trouble = str(error)
            self.warn(f"{error} Events wait in the ledger.")
