# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The outbox in PostgreSQL, where several programs write at the same time."""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
from ledger_support import ledger_at
from test_ledger_postgresql import Cluster, cluster

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.events import Consumer, remove_events_before
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App
from ansible_collections.storeops.refunds.plugins.module_utils._model.event import ConsumptionRequest
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.storing import store

# A fixture, used by its name alone.
__all__ = ["cluster"]

NOW = "2026-01-01T00:00:00Z"
APPS = [App("apple", "production", f"com.example.{name}") for name in "abc"]
EACH, WRITERS = 40, 4


@pytest.fixture
def url(cluster: Cluster) -> t.Iterator[str]:
    """An empty database."""
    cluster.run("CREATE DATABASE outbox")
    yield cluster.url("outbox")
    cluster.run("DROP DATABASE outbox WITH (FORCE)")


def request(writer: int, number: int, signed: int = 10) -> ConsumptionRequest:
    """A request of its own."""
    name = f"{writer}-{number}"
    return ConsumptionRequest(name, signed, name, None, "coins", "Consumable", 990, "EUR", None)


def test_many_writers_and_a_reader_that_never_misses_one(url: str) -> None:
    ended = threading.Event()

    def write(writer: int) -> None:
        with contextlib.closing(ledger_at(url)) as ledger:
            for number in range(EACH):
                # Mostly an app that half of the writers never touch, now and then all in another order. What a writer
                # tells is told by another one as well.
                apps = {0: APPS, 2: APPS[::-1]}.get(number % 4, [APPS[writer % 2]])
                told = {app: [request(writer, number), request((writer + 2) % WRITERS, number)] for app in apps}
                store(ledger, told, NOW)

    def read() -> list[tuple[int, str, str]]:
        with contextlib.closing(ledger_at(url)) as ledger:
            consumer, found = Consumer(ledger, "rules", "a"), []
            while True:
                was_over = ended.is_set()
                waiting = consumer.waiting(7)
                for one in waiting:
                    found.append((one.sequence, one.body["bundle_id"], one.body["notification_uuid"]))
                    assert consumer.done(one.sequence)
                if not waiting and was_over:
                    return found
                if not waiting:
                    time.sleep(0.002)

    with contextlib.closing(ledger_at(url)) as ledger:
        assert Consumer(ledger, "rules", "a").claim(1)
    with ThreadPoolExecutor(WRITERS + 1) as pool:
        reading = pool.submit(read)
        try:
            for writing in [pool.submit(write, writer) for writer in range(WRITERS)]:
                writing.result()
        finally:
            ended.set()
        found = reading.result()
    # Half of the rounds are of all apps.
    total = WRITERS * (EACH // 2 * len(APPS) + EACH // 2)
    assert [one[0] for one in found] == list(range(1, total + 1)) and len({one[1:] for one in found}) == total


def test_the_lease_and_what_comes_after_all_was_forgotten(url: str) -> None:
    ledger: Ledger
    with contextlib.closing(ledger_at(url)) as ledger:
        first, second = Consumer(ledger, "rules", "a"), Consumer(ledger, "rules", "b")
        assert first.claim(1) and not second.claim(2) and second.claim(30_002) and not first.done(1)
        store(ledger, {APPS[0]: [request(1, 1)]}, NOW)
        assert [one.sequence for one in second.waiting(9)] == [1] and second.done(1)
        with ledger.writing() as connection:
            remove_events_before(connection, APPS[0].values(), 11)
        store(ledger, {APPS[0]: [request(1, 2, signed=20)]}, NOW)
        assert [one.body["notification_uuid"] for one in second.waiting(9)] == ["1-2"]
