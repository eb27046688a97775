# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Handing events on: in order, none lost and none twice, whatever ends the process."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy
from events_support import NOW, ledger_at

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.event_schema import consumers, events
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.events import Consumer, Recorded, record
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError
from ansible_collections.storeops.refunds.plugins.module_utils._model.event import Event
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.dispatcher import Dispatcher

APP = {"source": "apple", "environment": "production", "bundle_id": "com.example.one"}


@pytest.fixture
def ledger(tmp_path: Path) -> t.Iterator[Ledger]:
    """A ledger with a consumer and five events."""
    made = ledger_at(f"sqlite:///{tmp_path}/ledger.db")
    assert Consumer(made, "rules", "nobody").claim(0)
    Consumer(made, "rules", "nobody").release()
    with made.writing() as connection:
        record(connection, APP, [Event("refund", str(n), n, {"number": n}) for n in range(1, 6)], NOW)
    yield made
    made.close()


@dataclass(frozen=True)
class Watched(Consumer):
    """Counts how often somebody asks it."""

    asked: list[str] = field(default_factory=list)

    @property
    def looked(self) -> int:
        """Give the number."""
        return len(self.asked)

    def claim(self, at: int) -> bool:
        """Note it."""
        self.asked.append("claim")
        return super().claim(at)

    def waiting(self, most: int) -> list[Recorded]:
        """Note it."""
        self.asked.append("waiting")
        return super().waiting(most)


def handed_on(ledger: Ledger, room: int, feedback: int | None = None, holder: str = "a", looks: int = 0) -> list[int]:
    """Let a dispatcher work until ``room`` events are in the queue, or until it looked so often, then kill it.

    ``feedback``: how many of them the engine says it has stored; None without feedback.
    """

    async def work() -> list[int]:
        queue: asyncio.Queue[t.Any] = asyncio.Queue(room)
        said: asyncio.Queue[t.Any] | None = None if feedback is None else asyncio.Queue()
        for _number in range(feedback or 0):
            t.cast("asyncio.Queue[t.Any]", said).put_nowait({})
        consumer = Watched(ledger, "rules", holder)
        left = len(consumer.waiting(9))
        first = consumer.looked
        dispatcher = Dispatcher(consumer, queue, said, lambda: 1, lambda text: None, look_s=0.01)
        task = asyncio.create_task(dispatcher.run())
        wanted = room if feedback is None else min(room, feedback + 1)
        # What was put last is noted, unless the engine has not said so.
        noted = room if feedback is None else min(room, feedback)
        async with asyncio.timeout(600):
            if looks:
                await _until(lambda: consumer.looked - first > looks)
            else:
                await _until(lambda: queue.qsize() >= wanted)
                await _until(lambda: len(consumer.waiting(9)) <= left - noted)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return [queue.get_nowait()["number"] for _number in range(queue.qsize())]

    return asyncio.run(work())


async def _until(holds: t.Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.005)


def test_all_in_order_and_never_again(ledger: Ledger) -> None:
    assert handed_on(ledger, 5) == [1, 2, 3, 4, 5]
    assert handed_on(ledger, 5, looks=3) == []


class _Idle(Dispatcher):
    """One that hands nothing on, as another process does."""

    async def _claimed(self) -> bool:
        return False


def test_an_end_in_the_moment_of_news_is_an_end(ledger: Ledger) -> None:
    """A source that took no notice of it would never stop, and rulebooks would wait for it for ever."""

    async def work() -> bool:
        dispatcher = _Idle(Consumer(ledger, "rules", "a"), asyncio.Queue(), None, lambda: 1, lambda text: None)
        task = asyncio.create_task(dispatcher.run())
        for _step in range(5):
            await asyncio.sleep(0)
        dispatcher.wake()
        # In Python 3.11, asyncio.wait_for has the news by now, and would give them back for the end.
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task], timeout=120)
        is_ended = task.done()
        task.cancel()
        return is_ended

    assert asyncio.run(work())


def test_a_full_queue_keeps_the_rest_for_the_next_start(ledger: Ledger) -> None:
    assert handed_on(ledger, 2) == [1, 2]
    assert handed_on(ledger, 3) == [3, 4, 5]


def test_with_feedback_an_event_counts_once_the_engine_has_it(ledger: Ledger) -> None:
    assert handed_on(ledger, 5, feedback=2) == [1, 2, 3]
    # The engine never said that it has the third one.
    assert handed_on(ledger, 3, feedback=3) == [3, 4, 5]


def test_a_second_process_waits_for_the_first(ledger: Ledger) -> None:
    assert Consumer(ledger, "rules", "first").claim(1)
    assert handed_on(ledger, 5, holder="second", looks=3) == []


def test_who_ends_in_order_lets_the_next_one_in(ledger: Ledger) -> None:
    assert handed_on(ledger, 1, holder="first") == [1]
    assert handed_on(ledger, 4, holder="second") == [2, 3, 4, 5]


class Flaky(Consumer):
    """A consumer whose ledger is away while ``is_away`` is set."""

    is_away: t.ClassVar[bool] = False

    def claim(self, at: int) -> bool:
        """Renew the lease, or fail."""
        if self.is_away:
            raise LedgerError("The ledger is away.")
        return super().claim(at)

    def done(self, sequence: int) -> bool:
        """Note it, or fail."""
        if self.is_away:
            raise LedgerError("The ledger is away.")
        return super().done(sequence)


@pytest.mark.parametrize("when", ["while the engine stores it", "when it is to be noted"])
def test_trouble_with_the_ledger_hands_nothing_on_twice(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    async def work() -> tuple[list[int], list[str]]:
        queue: asyncio.Queue[t.Any] = asyncio.Queue()
        said: asyncio.Queue[t.Any] = asyncio.Queue()
        warnings: list[str] = []
        consumer = Flaky(ledger, "rules", "a", lease_ms=30)
        clock = itertools.count(1, 1000)
        dispatcher = Dispatcher(consumer, queue, said, lambda: next(clock), warnings.append, look_s=0.01)
        task = asyncio.create_task(dispatcher.run())
        numbers = [(await queue.get())["number"]]
        monkeypatch.setattr(Flaky, "is_away", True)
        if when == "when it is to be noted":
            said.put_nowait({})
        await _until(lambda: bool(warnings))
        await asyncio.sleep(0.1)
        monkeypatch.setattr(Flaky, "is_away", False)
        if when == "while the engine stores it":
            said.put_nowait({})
        while len(numbers) < 5:
            numbers.append((await asyncio.wait_for(queue.get(), 300))["number"])
            # The engine has not said it of the one after it.
            assert queue.empty()
            assert next(one.sequence for one in consumer.waiting(9)) == numbers[-1]
            said.put_nowait({})
        await _until(lambda: consumer.waiting(9) == [])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return numbers + [queue.get_nowait()["number"] for _number in range(queue.qsize())], warnings

    numbers, warnings = asyncio.run(asyncio.wait_for(work(), 600))
    assert numbers == [1, 2, 3, 4, 5]
    assert warnings == ["The ledger is away. Events wait in the ledger."]


def test_a_ledger_that_is_restored_while_the_source_runs_loses_no_event(ledger: Ledger) -> None:
    """It gives the numbers of events that the engine has already to others."""

    def restore() -> None:
        with ledger.writing() as connection:
            connection.execute(sqlalchemy.delete(events()))
            connection.execute(sqlalchemy.update(consumers()).values(position=1))
            record(connection, APP, [Event("refund", f"new {n}", n, {"number": n}) for n in (11, 12)], NOW)

    async def work() -> list[tuple[int, int]]:
        queue: asyncio.Queue[t.Any] = asyncio.Queue()
        consumer = Consumer(ledger, "rules", "a")
        dispatcher = Dispatcher(consumer, queue, None, lambda: 1, lambda text: None, look_s=0.01)
        task = asyncio.create_task(dispatcher.run())
        await _until(lambda: queue.qsize() == 5 and consumer.waiting(9) == [])
        restore()
        await _until(lambda: consumer.waiting(9) == [])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        found = [queue.get_nowait() for _number in range(queue.qsize())]
        return [(one["sequence"], one["number"]) for one in found]

    found = asyncio.run(asyncio.wait_for(work(), 600))
    assert found == [*((n, n) for n in range(1, 6)), (2, 11), (3, 12)]


def test_an_engine_that_never_says_that_it_has_an_event_is_told_of(ledger: Ledger) -> None:
    async def work() -> list[str]:
        warnings: list[str] = []
        consumer = Consumer(ledger, "rules", "a")
        dispatcher = Dispatcher(consumer, asyncio.Queue(), asyncio.Queue(), lambda: 1, warnings.append, silence_s=0.02)
        task = asyncio.create_task(dispatcher.run())
        await asyncio.wait_for(_until(lambda: len(warnings) > 1), 300)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return warnings

    assert "event 1." in asyncio.run(work())[0]


class _Engine:
    """Takes an event, or says that it has one, in ``takes_ms`` of the clock, while the ``other`` process looks."""

    def __init__(self, clock: list[int], takes_ms: int, other: Watched, got: list[int]) -> None:
        self.clock, self.takes_ms, self.other, self.got = clock, takes_ms, other, got
        self.numbers: list[int] = []

    async def put(self, item: t.Any) -> None:
        """Take it."""
        self.numbers.append(item["number"])
        self.got.append(item["number"])
        await self.get()

    async def get(self) -> dict[str, t.Any]:
        """Say it."""
        self.clock[0] += self.takes_ms
        looked, count = self.other.looked, len(self.got)
        # Of three looks, the second one began after the clock went on, and has ended.
        await _until(lambda: self.other.looked > looked + 2 or len(self.got) > count)
        return {}


@pytest.mark.parametrize("has_feedback", [False, True])
@pytest.mark.parametrize("takes_ms", [2_000, 9_000])
def test_however_slow_the_engine_is_a_second_process_gets_nothing(
    ledger: Ledger, takes_ms: int, has_feedback: bool
) -> None:
    with ledger.writing() as connection:
        record(connection, APP, [Event("refund", str(n), n, {"number": n}) for n in range(6, 21)], NOW)
    clock, got = [1], list[int]()
    first, second = Watched(ledger, "rules", "first"), Watched(ledger, "rules", "second")
    engines = [_Engine(clock, takes_ms, second, got), _Engine(clock, takes_ms, first, got)]
    warnings: list[list[str]] = [[], []]

    async def work() -> None:
        assert first.claim(1)
        tasks = []
        for consumer, engine, said in zip((first, second), engines, warnings, strict=True):
            feedback = engine if has_feedback else None
            dispatcher = Dispatcher(consumer, engine, feedback, lambda: clock[0], said.append, look_s=0.001)
            tasks.append(asyncio.create_task(dispatcher.run()))
        reader = Consumer(ledger, "rules", "nobody")
        await _until(lambda: reader.waiting(1) == [])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(asyncio.wait_for(work(), 600))
    assert [engine.numbers for engine in engines] == [list(range(1, 21)), []]
    assert [len(said) for said in warnings] == [0, 1] and "this one waits" in warnings[1][0].lower()


def test_who_loses_its_lease_says_so_and_hands_on_no_more(ledger: Ledger) -> None:
    clock, warnings = [1], list[str]()

    class Stopped(asyncio.Queue[t.Any]):
        async def put(self, item: t.Any) -> None:
            clock[0] += 30_001
            assert Consumer(ledger, "rules", "other").claim(clock[0])
            await super().put(item)

    async def work() -> list[int]:
        queue = Stopped()
        consumer = Watched(ledger, "rules", "a")
        dispatcher = Dispatcher(consumer, queue, None, lambda: clock[0], warnings.append, look_s=0.001)
        task = asyncio.create_task(dispatcher.run())
        await _until(lambda: consumer.looked > 9)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return [queue.get_nowait()["number"] for _number in range(queue.qsize())]

    assert asyncio.run(asyncio.wait_for(work(), 600)) == [1]
    lost, waits = warnings
    assert "Consumer rules lost its lease" in lost and "event 1 was" in lost
    assert "consumer rules" in waits and "1970-01-01T00:01:00Z (UTC)" in waits


# The last one was taken while the clock was wrong.
@pytest.mark.parametrize(("taken", "until"), [(1, "1970-01-01T00:00:30Z"), (4_102_444_800_000, "2100-01-01T00:00:30Z")])
def test_who_waits_says_once_for_whom_and_until_when(ledger: Ledger, taken: int, until: str) -> None:
    clock, warnings = [1], list[str]()
    first = Consumer(ledger, "rules", "first")

    async def work() -> None:
        second = Consumer(ledger, "rules", "second")
        dispatcher = Dispatcher(second, asyncio.Queue(), None, lambda: clock[0], warnings.append)
        assert first.claim(taken)
        assert [await dispatcher._claimed() for _time in range(3)] == [False] * 3
        assert len(warnings) == 1 and "consumer rules" in warnings[0] and f"{until} (UTC)" in warnings[0]
        first.release()
        assert await dispatcher._claimed() and len(warnings) == 1
        # Once it had the events, it is news that it has them no more.
        clock[0] = 60_000
        assert first.claim(60_000)
        assert [await dispatcher._claimed() for _time in range(3)] == [False] * 3 and len(warnings) == 2

    asyncio.run(work())


def test_a_clock_that_is_set_back_is_that_of_the_lease_too(ledger: Ledger) -> None:
    """Else the lease would count as young until the clock is there again, while that of others goes on."""
    clock = [3_600_000]

    async def work() -> None:
        consumer = Consumer(ledger, "rules", "a")
        dispatcher = Dispatcher(consumer, asyncio.Queue(), None, lambda: clock[0], lambda text: None)
        assert await dispatcher._claimed()
        clock[0] = 1
        assert await dispatcher._claimed() and consumer.times() == (0, 30_001)

    asyncio.run(work())
