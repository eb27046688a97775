# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a ledger on a server is asked, and in which order: SQLite stands in for it, so no process is needed."""

from __future__ import annotations

import sqlite3
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy
from ledger_support import NOW, entry, insert_integration

from ansible_collections.storeops.refunds.plugins.module_utils._ledger import ledger as module
from ansible_collections.storeops.refunds.plugins.module_utils._ledger import migrate
from ansible_collections.storeops.refunds.plugins.module_utils._ledger._migrations import HEAD, MIGRATIONS
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.engines import private_copy
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import (
    list_integrations,
    put_integration,
)
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import Place, find_place
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.revision import current_revision
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError

PLACE = find_place("postgresql://a:b@h/d", {})


class Server:
    """A database at PLACE. Notes the locks that are taken."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self.locks: list[int] = []
        self.engine = sqlalchemy.create_engine("sqlite://", creator=self._connected, poolclass=sqlalchemy.NullPool)
        for name in ("postgresql_engine", "postgresql_reader"):
            monkeypatch.setattr(module, name, self._opened)

    def _connected(self) -> sqlite3.Connection:
        made = sqlite3.connect(self.path)
        made.create_function("pg_advisory_xact_lock", 1, self.locks.append)
        return made

    def _opened(self, place: Place, lock_timeout: float) -> sqlalchemy.Engine:
        assert place is PLACE and lock_timeout == 7.0
        return self.engine

    def ledger(self) -> Ledger:
        return Ledger(PLACE, False, lambda text: None, lock_timeout=7.0)

    def fill(self, until: str) -> None:
        """Make the tables of a schema, and one row."""
        with self.engine.connect() as connection:
            migrate.migrate(connection, until)
            insert_integration(connection, entry())
            connection.commit()

    def revision(self) -> str | None:
        with self.engine.connect() as connection:
            return current_revision(connection)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """An empty one."""
    return Server(tmp_path / "server.db", monkeypatch)


def names(ledger: Ledger) -> list[str]:
    """Give what it holds."""
    return [one.identity.bundle_id for one in list_integrations(ledger, "ledger", "", "production")]


@pytest.mark.parametrize("until", [one.revision for one in MIGRATIONS])
def test_an_older_schema_is_read_from_a_copy_and_stays_as_it_is(server: Server, until: str) -> None:
    server.fill(until)
    assert names(server.ledger()) == ["com.example.one"] and server.revision() == until


def test_a_copy_of_an_older_schema_is_made_in_pieces(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.fill("0001")
    with server.engine.connect() as connection:
        for number in range(4):
            insert_integration(connection, entry(f"com.{number}"))
        connection.commit()
    monkeypatch.setattr(migrate, "_AT_ONCE", 2)
    pieces: list[int] = []

    def note(
        _connection: object, _cursor: object, statement: str, parameters: t.Any, _context: object, many: bool
    ) -> None:
        if statement.startswith("INSERT INTO refund_tracking_integrations"):
            pieces.append(len(parameters) if many else 1)

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    try:
        assert len(names(server.ledger())) == sum(pieces) == 5 and max(pieces) == 2
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", note)


def test_a_copy_without_room_is_no_fault_of_the_server(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.fill("0001")
    connect = sqlite3.connect

    def small(name: str, **options: t.Any) -> sqlite3.Connection:
        opened = connect(name, **options)
        if not name:
            opened.execute("PRAGMA max_page_count = 2")
        return opened

    monkeypatch.setattr(sqlite3, "connect", small)
    with pytest.raises(LedgerError, match="folder for temporary files is full") as caught:
        names(server.ledger())
    assert str(caught.value).startswith(PLACE.name) and "SQLITE_TMPDIR" in str(caught.value)


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_run_that_may_write_brings_the_tables_up_to_date_before_it_reads(
    server: Server, monkeypatch: pytest.MonkeyPatch, check_mode: bool
) -> None:
    """To copy years of refunds could take longer than a run has, and then none would ever migrate them."""
    server.fill("0001")
    monkeypatch.setattr(module, "refuse_unwritable_server", lambda *_given: None)
    copies: list[object] = []
    monkeypatch.setattr(module, "private_copy", lambda *given: copies.append(given) or private_copy(*given))
    ledger = replace(server.ledger(), read_only=check_mode)
    ledger.check_place()
    assert (copies, server.revision()) == ([], "0001")
    assert names(ledger) == ["com.example.one"] and ledger.lack() == ""
    assert (len(copies), server.revision()) == ((1, "0001") if check_mode else (0, HEAD))


def test_an_empty_database_stays_empty_when_it_is_read(server: Server) -> None:
    assert names(server.ledger()) == [] and server.revision() is None and server.locks == []


def test_who_writes_takes_the_lock_and_brings_the_tables_up_to_date(server: Server) -> None:
    server.fill("0001")
    ledger = server.ledger()
    put_integration(ledger, entry("com.b"), NOW)
    assert server.locks == [module._MIGRATION_LOCK] and server.revision() == HEAD
    assert names(ledger) == ["com.b", "com.example.one"]


@pytest.mark.parametrize(("until", "found"), [("", "empty"), ("0001", "behind"), (HEAD, "current")])
def test_before_a_run_the_server_is_asked_what_the_role_may_do(
    server: Server, monkeypatch: pytest.MonkeyPatch, until: str, found: str
) -> None:
    if until:
        server.fill(until)
    asked: list[t.Any] = []

    def refuse(connection: sqlalchemy.Connection, place: Place, state: str) -> None:
        asked.append((connection.exec_driver_sql("SELECT 1").scalar(), place, state))
        raise LedgerError("ledger.url: not for you.", "")

    monkeypatch.setattr(module, "refuse_unwritable_server", refuse)
    with pytest.raises(LedgerError, match="not for you"):
        server.ledger().check_place()
    assert asked == [(1, PLACE, found)]


def test_what_is_up_to_date_is_not_migrated_when_it_is_read(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.fill(HEAD)
    monkeypatch.setattr(module, "_migrate", None)
    ledger = server.ledger()
    assert names(ledger) == names(ledger) == ["com.example.one"]


@pytest.mark.parametrize("limit", ["patience", "remaining"])
@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_server_that_says_nothing_any_more_is_waited_for_once(server: Server, limit: str, share: float) -> None:
    """Whoever has no deadline gives each transaction the same time; a connection that broke sooner is tried again."""
    server.fill(HEAD)
    clock, tries, pauses = [0.0], [], list[float]()

    def silent(connection: sqlalchemy.Connection) -> None:
        tries.append(connection)
        clock[0] += 60.0 * share
        raise sqlalchemy.exc.OperationalError("COMMIT", None, Exception("closed"), connection_invalidated=True)

    given: t.Any = {"patience": 60.0} if limit == "patience" else {"remaining": lambda: 60.0}
    ledger = replace(server.ledger(), **given, monotonic=lambda: clock[0], wait=pauses.append)
    with pytest.raises(LedgerError) as told:
        ledger.write(silent)
    assert len(tries) == (1 if share == 1.0 else 6) == len(pauses) + 1
    assert ("did not answer in time" in str(told.value)) is (share == 1.0)
    assert ("raise deadline" in str(told.value)) is (share == 1.0 and limit == "remaining")
