# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept in a process between two tasks, and what a task on SQLite leaves alone."""

from __future__ import annotations

import contextlib
import math
import os
import sqlite3
import subprocess
import sys
import threading
import typing as t
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy
from sqlalchemy.dialects import postgresql, sqlite

from ansible_collections.storeops.refunds.plugins.module_utils._ledger import revision
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.engines import (
    _milliseconds,
    insert,
    private_copy,
    read_only_engine,
    sqlite_engine,
)
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.schema import integrations
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError

PACKAGE = "ansible_collections.storeops.refunds.plugins.module_utils"
UNUSED = (
    "sqlalchemy.dialects.postgresql",
    "alembic",
    f"{PACKAGE}._trackers.browser",
    f"{PACKAGE}._trackers.revenuecat",
)


def made(path: Path) -> Ledger:
    ledger = Ledger(find_place(f"sqlite:///{path}", {}), False, lambda text: None)
    with ledger.writing():
        pass
    ledger.close()
    return ledger


def names(ledger: Ledger) -> list[str]:
    with ledger.reading() as connection:
        rows = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE name LIKE 'mark%'").all()
    ledger.close()
    return [str(row[0]) for row in rows]


def test_a_ledger_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    path, other = tmp_path / "ledger.db", tmp_path / "other.db"
    ledger = made(path)
    assert names(ledger) == []
    with made(other).writing() as connection:
        connection.exec_driver_sql("CREATE TABLE marked (name TEXT)")
    other.replace(path)
    assert names(ledger) == ["marked"]


def test_an_engine_is_made_once_and_keeps_no_connection(tmp_path: Path) -> None:
    ledger = made(tmp_path / "ledger.db")
    names(ledger)
    before = read_only_engine.cache_info().misses
    names(ledger)
    assert read_only_engine.cache_info().misses == before
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("no /proc")
    assert str(tmp_path / "ledger.db") not in {str(link.readlink()) for link in folder.iterdir() if link.is_symlink()}


@pytest.mark.services
def test_a_task_imports_only_what_it_uses() -> None:
    imported = f"{PACKAGE}._tasks.tracking.integration"
    script = f"import sys, {imported}; print([name for name in {UNUSED!r} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [(math.inf, "0"), (30.0, "30000"), (1.2345, "1234"), (0.0, "1"), (-1.0, "1"), (2**31 / 1000, str(2**31 - 1))],
)
def test_a_time_out_is_never_none_by_accident(seconds: float, wanted: str) -> None:
    # 0 is none, and a larger number than 32 bits hold is an error.
    assert _milliseconds(seconds) == wanted


def test_a_copy_is_read_in_any_thread_and_is_one_database(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with made(path).writing() as connection:
        connection.exec_driver_sql("CREATE TABLE marked (name TEXT)")
    engine, found = private_copy(str(path), 5.0), []

    def read() -> None:
        with engine.connect() as connection:
            found.append(connection.exec_driver_sql("SELECT count(*) FROM marked").scalar())

    with engine.connect() as connection:
        connection.exec_driver_sql("INSERT INTO marked VALUES ('x')")
        connection.commit()
    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    engine.dispose()
    assert found == [1] and os.listdir(tmp_path) == ["ledger.db"]


def test_a_copy_of_a_locked_file_is_not_waited_for_without_an_end(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    made(path).close()
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            private_copy(str(path), 0.01)


@pytest.mark.parametrize("is_full", [True, False])
def test_a_copy_without_room_says_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_full: bool
) -> None:
    path = tmp_path / "ledger.db"
    with made(path).writing() as connection:
        connection.exec_driver_sql("CREATE TABLE marked (name TEXT)")
    connect = sqlite3.connect

    class Broken(sqlite3.Connection):
        def backup(self, *_given: t.Any, **_options: t.Any) -> None:
            raise sqlite3.OperationalError("disk I/O error")

    def small(name: str, **options: t.Any) -> sqlite3.Connection:
        opened = connect(name, **options, **({} if is_full else {"factory": Broken}))
        if not name:
            opened.execute("PRAGMA max_page_count = 1")
        return opened

    monkeypatch.setattr(sqlite3, "connect", small)
    with pytest.raises(LedgerError) as caught:
        private_copy(str(path), 5.0)
    assert "SQLITE_TMPDIR" in str(caught.value) and ("disk is full" in str(caught.value)) is is_full


def test_each_database_has_its_own_insert_and_its_own_look_for_the_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = made(tmp_path / "ledger.db")
    server: t.Any = SimpleNamespace(dialect=postgresql.dialect())
    assert isinstance(insert(server, integrations()), postgresql.Insert)
    asked: list[object] = []
    is_there = [True, False]

    def inspect(connection: object) -> t.Any:
        asked.append(connection)
        return SimpleNamespace(has_table=lambda name: name == revision.VERSION_TABLE and is_there.pop(0))

    monkeypatch.setattr(sqlalchemy, "inspect", inspect)
    assert [revision._has_version_table(server) for _time in range(2)] == [True, False] and asked == [server] * 2
    with ledger.reading() as connection:
        assert isinstance(insert(connection, integrations()), sqlite.Insert)
        # An inspector takes longer than all else that is asked.
        assert revision._has_version_table(connection) and len(asked) == 2
    ledger.close()


def test_a_table_of_schemas_without_a_row_names_none() -> None:
    with sqlalchemy.create_engine("sqlite://").connect() as connection:
        assert revision.current_revision(connection) is None
        connection.exec_driver_sql(f"CREATE TABLE {revision.VERSION_TABLE} (version_num TEXT)")
        assert revision.current_revision(connection) is None
        connection.exec_driver_sql(f"INSERT INTO {revision.VERSION_TABLE} VALUES ('0001')")
        assert revision.current_revision(connection) == "0001"


def test_a_lock_is_waited_for_as_long_as_is_said(tmp_path: Path) -> None:
    made(tmp_path / "ledger.db")
    for make in (read_only_engine, sqlite_engine):
        with make(str(tmp_path / "ledger.db"), 7.0).connect() as connection:
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 7000


def test_a_copy_is_given_up_at_the_end_and_what_is_kept_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given_up: list[object] = []

    def note(engine: sqlalchemy.Engine) -> None:
        given_up.append(engine)

    monkeypatch.setattr(sqlalchemy.Engine, "dispose", note)
    for is_there in (False, True):
        ledger = Ledger(find_place(f"sqlite:///{tmp_path}/ledger.db", {}), False, lambda text: None)
        ledger.close()
        with ledger.reading():
            engine = ledger._reader
        assert given_up == []
        ledger.close()
        assert given_up == ([] if is_there else [engine])
        given_up.clear()
        made(tmp_path / "ledger.db")
