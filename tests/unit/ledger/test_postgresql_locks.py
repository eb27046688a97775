# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a ledger on PostgreSQL takes turns: each lock is taken before what it holds is read. No server is asked."""

from __future__ import annotations

import typing as t

import pytest
import sqlalchemy
from unit_support import BUNDLE_ID

from ansible_collections.storeops.refunds.plugins.module_utils._ledger import ledger as ledger_module
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.event_schema import consumers, events
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.events import record
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place
from ansible_collections.storeops.refunds.plugins.module_utils._model.event import Event

APP = {"source": "apple", "environment": "production", "bundle_id": BUNDLE_ID}
LOCK = "pg_advisory_xact_lock"


class Server:
    """SQLite in memory that says it were PostgreSQL; knows no lock, and keeps what was asked in its order."""

    def __init__(self, name: str = "postgresql") -> None:
        self.inner = sqlalchemy.create_engine("sqlite://").connect()
        self.dialect = self
        self.name = name
        self.asked: list[str] = []

    def connect(self) -> Server:
        """Be the connection too."""
        return self

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_error: object) -> None:
        self.inner.close()

    def execute(self, statement: t.Any, *args: t.Any) -> t.Any:
        """Answer anything but a lock."""
        text = str(statement.compile(compile_kwargs={"literal_binds": True})) if not args else str(statement)
        self.asked.append(text)
        return None if LOCK in text else self.inner.execute(statement, *args)

    def commit(self) -> None:
        """Note it."""
        self.asked.append("commit")

    def close(self) -> None:
        """Note it."""
        self.asked.append("close")


@pytest.fixture
def server() -> Server:
    """One with the tables of the outbox and one consumer."""
    made = Server()
    for table in (events(), consumers()):
        table.create(made.inner)
    made.inner.execute(sqlalchemy.insert(consumers()).values(name="rules", position=0, begins_at=0))
    return made


@pytest.mark.parametrize(("name", "locks"), [("postgresql", 1), ("sqlite", 0)])
def test_sequences_are_given_under_a_lock(server: Server, name: str, locks: int) -> None:
    server.name = name
    record(t.cast(t.Any, server), APP, [Event("refund", "a", 5, {})], "2026-11-28T00:00:00Z")
    taken = [place for place, text in enumerate(server.asked) if LOCK in text]
    read = [place for place, text in enumerate(server.asked) if "event_key" in text or "max(" in text.lower()]
    assert len(taken) == locks and all(taken[0] < place for place in read if taken) and len(read) >= 3
    assert server.inner.execute(sqlalchemy.select(events().c.sequence)).scalars().all() == [1]


def test_what_is_no_news_takes_no_turn(server: Server) -> None:
    record(t.cast(t.Any, server), APP, [], "2026-11-28T00:00:00Z")
    record(t.cast(t.Any, server), APP, [Event("refund", "a", -1, {})], "2026-11-28T00:00:00Z")
    assert not any(LOCK in text for text in server.asked)


@pytest.mark.parametrize(("found", "migrated"), [("current", []), ("behind", ["migrate"]), ("empty", ["migrate"])])
def test_tables_are_brought_up_to_date_under_a_lock(
    found: str, migrated: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, server = Ledger(find_place("postgresql://a@b/c", {}), False, lambda text: None), Server()

    def look(connection: t.Any, where: str) -> str:
        server.asked.append("look")
        return found

    monkeypatch.setattr(Ledger, "_postgresql", lambda self: server)
    monkeypatch.setattr(ledger_module, "state", look)
    monkeypatch.setattr(ledger_module, "_migrate", lambda connection: server.asked.append("migrate"))
    with made.writing():
        pass
    assert LOCK in server.asked[0] and server.asked[1:] == ["look", *migrated, "commit", "commit"]
