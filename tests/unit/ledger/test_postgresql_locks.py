# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a ledger on PostgreSQL takes turns: each lock is taken before what it holds is read. No server is asked."""

from __future__ import annotations

import contextlib
import re
import typing as t
from types import SimpleNamespace

import pytest
import sqlalchemy
from unit_support import BUNDLE_ID

from ansible_collections.storeops.refunds.plugins.module_utils._ledger import ledger as ledger_module
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.event_schema import consumers, events
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.events import record
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.notification_urls import hear
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App, lock
from ansible_collections.storeops.refunds.plugins.module_utils._model.event import Event
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.storing import store
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds.refund_writer import Writer

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


# By its name alone a parameter "postgresql" would ask for a real one.
@pytest.mark.parametrize(("is_server", "locks"), [(True, 1), (False, 0)])
def test_sequences_are_given_under_a_lock(server: Server, is_server: bool, locks: int) -> None:
    server.name = "postgresql" if is_server else "sqlite"
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


class WasRead(Exception):
    """Something else than a lock was asked for."""


class Turns:
    """A connection to PostgreSQL that knows nothing but locks: whatever else it is asked ends the work."""

    def __init__(self, name: str = "postgresql") -> None:
        self.dialect = SimpleNamespace(name=name)
        self.numbers: list[int] = []

    def execute(self, statement: t.Any) -> None:
        """Note the lock's number."""
        found = re.fullmatch(
            rf"SELECT {LOCK}\((-?\d+)\) AS .*", str(statement.compile(compile_kwargs={"literal_binds": True}))
        )
        if not found:
            raise WasRead
        self.numbers.append(int(found[1]))

    def write(self, work: t.Callable[[t.Any], None]) -> None:
        """Be the ledger too."""
        work(self)

    def writing(self) -> t.ContextManager[Turns]:
        """Be the transaction too."""
        return contextlib.nullcontext(self)


ONE = App("apple", "production", "com.example.one")


def number_of(app: App) -> int:
    """Give the number of an app's lock."""
    turns = Turns()
    lock(t.cast(t.Any, turns), app)
    (number,) = turns.numbers
    return number


def test_each_app_has_a_lock_of_its_own() -> None:
    others = [App("other:1", "production", "com.example.one"), App("apple", "sandbox", "com.example.one")]
    others += [App("apple", "production", "com.example.two")]
    numbers = [number_of(app) for app in (ONE, *others)]
    assert len(set(numbers)) == 4 and all(-(2**63) <= number < 2**63 for number in numbers)
    # Two versions of the collection at one ledger have to know each other's locks.
    assert number_of(ONE) == 167_517_245_532_662_518
    on_sqlite = Turns("sqlite")
    lock(t.cast(t.Any, on_sqlite), ONE)
    assert on_sqlite.numbers == []


def _from_history(ledger: t.Any, apps: t.Sequence[App]) -> None:
    def take(connection: t.Any, *_read: object) -> None:
        connection.execute(sqlalchemy.select(1))

    writer = Writer(ledger)
    recorders: list[t.Any] = [
        SimpleNamespace(app=app, state=int, restore=lambda state: None, take=take) for app in apps
    ]
    for one in recorders:
        writer.record(one, t.cast(t.Any, None), None)


# Who changes what is held of an app, and so must not read it before it is that one's turn.
WRITERS: dict[str, tuple[t.Callable[[t.Any, t.Sequence[App]], None], int]] = {
    "a receiver": (lambda ledger, apps: store(ledger, dict.fromkeys(apps, ()), "2026-11-28T00:00:00Z"), 2),
    "a reading of the history": (_from_history, 1),
    "a look at the URL": (lambda ledger, apps: hear(ledger, apps[0], ["V2"], 1, 5, "2026-11-28T00:00:00Z"), 1),
}


@pytest.mark.parametrize("name", WRITERS)
def test_an_app_is_read_when_it_is_ones_turn(name: str) -> None:
    write, count = WRITERS[name]
    turns, two = Turns(), App("apple", "production", "com.example.two")
    for apps in ([ONE, two], [two, ONE]) if count == 2 else ([ONE],):
        turns.numbers.clear()
        with pytest.raises(WasRead):
            write(turns, apps)
        # In one order: two writers never wait for each other.
        assert turns.numbers == [number_of(ONE), number_of(two)][:count]
