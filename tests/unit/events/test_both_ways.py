# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole source against the simulator: how soon events come, and one ledger for receiver and refund_ledger."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import typing as t
from pathlib import Path

import pytest
from events_support import ledger_at
from test_polling import URL, Place, begun
from unit_ports import free_port
from unit_servers import Simulator
from unit_support import BUNDLE_ID, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integration
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.polling import Poller
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.source import Voice, World, run
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_ledger

HOUR_MS = 3_600_000


class Running:
    """A source that runs: what it put and what it said. For `listen`, ``port`` is where it listens."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[dict[str, t.Any]] = asyncio.Queue()
        self.said: list[str] = []

    async def event(self) -> dict[str, t.Any]:
        """Wait for the next event."""
        return await asyncio.wait_for(self.queue.get(), 300)

    async def until(self, holds: t.Callable[[], bool]) -> None:
        """Wait for a condition."""
        async with asyncio.timeout(300):
            while not holds():
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running(place: Place, **args: t.Any) -> t.AsyncIterator[Running]:
    """Run the source meanwhile."""
    made = Running()
    world = World({}, time.time, time.monotonic, made.said.append, made.said.append, "me")
    task = asyncio.create_task(run(made.queue, {**place.options(), **args}, world))
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def place(sim: Simulator, tmp_path: Path) -> Place:
    """A declared app, and a consumer that began before anything happened."""
    return begun(Place(sim, tmp_path))


def test_what_apple_tells_is_an_event_after_the_next_poll(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    may_begin, ended = threading.Semaphore(1), []
    poll = Poller.poll

    def in_turn(self: Poller) -> None:
        assert may_begin.acquire(timeout=60)
        poll(self)
        ended.append(True)

    monkeypatch.setattr(Poller, "poll", in_turn)

    async def work() -> None:
        async with running(place, interval=1) as source:
            await source.until(lambda: len(ended) == 1)
            for number, kind in enumerate(("REFUND", "CONSUMPTION_REQUEST"), 1):
                await asyncio.to_thread(place.tell, kind, number)
            assert source.queue.empty()
            # One poll more, and none after it.
            may_begin.release()
            kinds = {(await source.event())["kind"] for _number in range(2)}
            assert kinds == {"refund", "consumption_request"}
            may_begin.release(1000)

    asyncio.run(work())


def told(place: Place) -> dict[str, t.Any]:
    """Let refund_ledger read; give what it says of refunds."""
    outcome = run_task(refund_ledger.TASK, {"bundle_id": BUNDLE_ID, **place.options()})
    assert not outcome.results.get("failed"), outcome.message
    return t.cast("dict[str, t.Any]", outcome.results["refunds"])


def test_receiver_and_refund_ledger_know_what_the_other_stored(place: Place) -> None:
    port = free_port()
    control = place.sim.control
    to = {"url": URL["subscription_status_url"], "to": f"http://127.0.0.1:{port}/"}
    control("PUT", "/notification_routes", [to])

    async def work() -> None:
        # Nobody listens yet: Apple's first attempt fails, and refund_ledger reads it.
        await asyncio.to_thread(place.tell, "REFUND", 1)
        assert (await asyncio.to_thread(told, place))["new"] == 1
        async with running(place, mode="listen", port=port) as source:
            await source.until(lambda: any("listens on" in text for text in source.said))
            await asyncio.to_thread(place.tell, "REFUND", 2)
            events = [await source.event(), await source.event()]
            now = (await asyncio.to_thread(control, "GET", "/clock"))["now_ms"]
            # The second attempt at the first one.
            await asyncio.to_thread(control, "PUT", "/clock", {"now_ms": now + HOUR_MS + 60_000})
            deliveries = (await asyncio.to_thread(control, "GET", "/deliveries"))["deliveries"]
            assert [one["attempts"][-1]["result"] for one in deliveries] == ["SUCCESS"] * 2
            assert len(deliveries[0]["attempts"]) == 2
            # Whatever the second attempt recorded would come before this one.
            await asyncio.to_thread(place.tell, "REFUND", 3)
            events.append(await source.event())
        assert [(one["kind"], one["transaction_id"]) for one in events] == [("refund", number) for number in "123"]
        read = await asyncio.to_thread(told, place)
        assert (read["new"], read.get("changed", 0)) == (0, 0)

    try:
        asyncio.run(work())
    finally:
        control("PUT", "/notification_routes", [])
        control("PUT", "/clock", {"offset_ms": 0})


def test_a_receiver_and_a_poller_on_one_ledger_give_each_consumer_each_event_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    to = {"url": URL["subscription_status_url"], "to": f"http://127.0.0.1:{port}/"}
    place.sim.control("PUT", "/notification_routes", [to])

    polls = []
    poll = Poller.poll

    def counted(self: Poller) -> None:
        poll(self)
        polls.append(True)

    monkeypatch.setattr(Poller, "poll", counted)

    async def work() -> list[list[tuple[int, str]]]:
        async with (
            running(place, mode="listen", port=port, consumer="listens") as one,
            running(place, mode="poll", interval=1, consumer="polls") as other,
        ):
            await one.until(lambda: any("listens on" in text for text in one.said))
            # Both have begun before anything is signed: a source that polls or listens has claimed its events.
            await one.until(lambda: bool(polls))
            for number in range(1, 7):
                await asyncio.to_thread(place.tell, "CONSUMPTION_REQUEST" if number % 3 else "REFUND", number)
            got = [[await source.event() for _number in range(6)] for source in (one, other)]
            # Two whole polls later there is nothing else: the next event is the next one that is told.
            count = len(polls)
            await one.until(lambda: len(polls) > count + 2)
            await asyncio.to_thread(place.tell, "REFUND", 7)
            for source, events in zip((one, other), got, strict=True):
                events.append(await source.event())
            return [[(each["sequence"], each["transaction_id"]) for each in events] for events in got]

    try:
        listened, polled = asyncio.run(work())
    finally:
        place.sim.control("PUT", "/notification_routes", [])
    assert listened == polled and [number for number, _transaction in listened] == [*range(1, 8)]
    assert {transaction for _number, transaction in listened[:6]} == set("123456") and listened[6] == (7, "7")


def test_what_is_not_polled_is_told(place: Place) -> None:
    ledger = ledger_at(place.url)
    for number in range(7):
        identity = Identity("ledger", "", "production", f"com.example.p{number}")
        put_integration(
            ledger, Integration(identity, "issuer", "KEY", None, "Pending", None, None), "2026-01-01T00:00:00Z"
        )
    ledger.close()

    async def work() -> list[str]:
        async with running(place, interval=1) as source:
            await source.until(lambda: any("not Active" in text for text in source.said))
            return source.said

    (warning,) = [text for text in asyncio.run(work()) if "not Active" in text]
    assert "com.example.p0 (production)" in warning and "2 more" in warning and BUNDLE_ID not in warning


def test_trouble_is_told_once_and_again_when_it_comes_back() -> None:
    said: list[str] = []
    voice = Voice(said.append)
    for texts in (["a", "b", "a"], ["a"], ["a", "b"], [], ["a"]):
        voice.begin()
        for text in texts:
            voice(text)
    assert said == ["a", "b", "b", "a"]


def test_feedback_that_the_engine_does_not_give_is_refused() -> None:
    world = World({}, time.time, time.monotonic, str, str, "me")
    with pytest.raises(InputError, match=r"^feedback: .*1\.3"):
        asyncio.run(run(asyncio.Queue(), {"feedback": True}, world))
