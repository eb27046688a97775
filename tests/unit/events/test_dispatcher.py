# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Handing events on: in order, none lost and none twice, whatever ends the process."""

from __future__ import annotations

import asyncio
import contextlib
import typing as t
from pathlib import Path

import pytest
from events_support import NOW, ledger_at

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.events import Consumer, record
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
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


def handed_on(
    ledger: Ledger, room: int, feedback: int | None = None, holder: str = "a", seconds: float = 5.0
) -> list[int]:
    """Let a dispatcher work until ``room`` events are in the queue (or the time is over), then kill it.

    ``feedback``: how many of them the engine says it has stored; None without feedback.
    """

    async def work() -> list[int]:
        queue: asyncio.Queue[t.Any] = asyncio.Queue(room)
        said: asyncio.Queue[t.Any] | None = None if feedback is None else asyncio.Queue()
        for _number in range(feedback or 0):
            t.cast("asyncio.Queue[t.Any]", said).put_nowait({})
        consumer = Consumer(ledger, "rules", holder)
        left = len(consumer.waiting(9))
        dispatcher = Dispatcher(consumer, queue, said, lambda: 1, lambda text: None, look_s=0.01)
        task = asyncio.create_task(dispatcher.run())
        wanted = room if feedback is None else min(room, feedback + 1)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_until(lambda: queue.qsize() >= wanted), seconds)
        # What was put last is noted, unless the engine has not said so.
        noted = room if feedback is None else min(room, feedback)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_until(lambda: len(consumer.waiting(9)) <= left - noted), seconds)
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
    assert handed_on(ledger, 5, seconds=0.1) == []


def test_a_full_queue_keeps_the_rest_for_the_next_start(ledger: Ledger) -> None:
    assert handed_on(ledger, 2) == [1, 2]
    assert handed_on(ledger, 3) == [3, 4, 5]


def test_with_feedback_an_event_counts_once_the_engine_has_it(ledger: Ledger) -> None:
    assert handed_on(ledger, 5, feedback=2) == [1, 2, 3]
    # The engine never said that it has the third one.
    assert handed_on(ledger, 3, feedback=3) == [3, 4, 5]


def test_a_second_process_waits_for_the_first(ledger: Ledger) -> None:
    assert Consumer(ledger, "rules", "first").claim(1)
    assert handed_on(ledger, 5, holder="second", seconds=0.2) == []


def test_who_ends_in_order_lets_the_next_one_in(ledger: Ledger) -> None:
    assert handed_on(ledger, 1, holder="first") == [1]
    assert handed_on(ledger, 4, holder="second") == [2, 3, 4, 5]
