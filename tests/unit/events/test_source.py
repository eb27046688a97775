# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the source begins and ends."""

from __future__ import annotations

import asyncio
import threading
import time
import typing as t
from pathlib import Path

import pytest
from events_support import ledger_at

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.events import Consumer
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.polling import Poller
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.source import World, run

PATIENCE_S = 300.0


async def ran(url: str, said: list[str], until: t.Callable[[], bool], **args: t.Any) -> None:
    """Run the source until something holds, and cancel it."""
    world = World({}, time.time, time.monotonic, said.append, said.append, "me")
    task = asyncio.create_task(run(asyncio.Queue(), {"ledger": {"url": url}, **args}, world))
    async with asyncio.timeout(PATIENCE_S):
        while not until() and not task.done():
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_an_end_waits_for_no_poll_and_lets_go_of_the_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C and SIGTERM end a process within its stop time, however long Apple lets a poll wait."""
    stands, may_end = threading.Event(), threading.Event()

    def poll(_self: Poller) -> None:
        stands.set()
        may_end.wait()

    monkeypatch.setattr(Poller, "poll", poll)
    url, ended = f"sqlite:///{tmp_path}/ledger.db", threading.Event()

    def process() -> None:
        asyncio.run(ran(url, [], stands.is_set))
        ended.set()

    threading.Thread(target=process, daemon=True).start()
    try:
        assert ended.wait(PATIENCE_S) and stands.is_set()
    finally:
        may_end.set()
    ledger = ledger_at(url)
    assert Consumer(ledger, "rulebook", "other").claim(1)
    ledger.close()


def test_the_fault_of_a_poll_is_that_of_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Poller, "poll", lambda self: 1 // 0)
    world = World({}, time.time, time.monotonic, str, str, "me")
    args = {"ledger": {"url": f"sqlite:///{tmp_path}/ledger.db"}}
    with pytest.raises(ZeroDivisionError):
        asyncio.run(asyncio.wait_for(run(asyncio.Queue(), args, world), PATIENCE_S))


@pytest.mark.parametrize(("begins_at", "is_told"), [(0, False), (4_102_444_800_000, True)])
def test_a_first_start_under_a_fast_clock_is_told_at_every_later_one(
    tmp_path: Path, begins_at: int, is_told: bool
) -> None:
    url, said = f"sqlite:///{tmp_path}/ledger.db", list[str]()
    ledger = ledger_at(url)
    first = Consumer(ledger, "rules", "first")
    assert first.claim(begins_at)
    first.release()
    ledger.close()
    listens = "refund_events listens on"
    asyncio.run(ran(url, said, lambda: listens in "".join(said), mode="listen", port=0, consumer="rules"))
    assert listens in said[-1] and len(said) == 1 + is_told
    assert not is_told or ("Consumer rules" in said[0] and "before 2100-01-01T00:00:00Z (UTC)" in said[0])
