# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How SQLite and PostgreSQL are connected to.

What reaches a file or a server is made once in a process: an engine remembers the statements that it compiled and what
it asked the server about itself, and half of what a look-up costs is that. It keeps no connection, so neither does a
process that Ansible forks inherit one, nor does a later task find one that broke.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import sqlite3
import typing as t
from urllib.parse import quote

from .._model.errors import LedgerError
from . import silence
from .place import Place

# `place.SQLALCHEMY_ERROR` says so to the user before any of this is called.
with contextlib.suppress(ImportError):
    import sqlalchemy
    import sqlalchemy.exc
    from sqlalchemy import event

    # Else the first engine imports it, in each of Ansible's workers.
    from sqlalchemy.dialects import sqlite
    from sqlalchemy.pool import NullPool, StaticPool

if t.TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

    Insert = PostgresqlInsert | SqliteInsert

_KEPT = 8
_LIMITS = "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)"
_LONGEST_MS = 2**31 - 1


@functools.lru_cache(maxsize=_KEPT)
def postgresql_engine(place: Place, lock_timeout: float) -> sqlalchemy.Engine:
    """Return what connects to a server. ``lock_timeout`` is in seconds. Raises LedgerError without psycopg."""
    options = {
        # A pooler may give each transaction another server, which doesn't know what was prepared at the one before.
        "prepare_threshold": None,
        # A database without an encoding (SQL_ASCII) gives bytes otherwise.
        "client_encoding": "utf8",
    }
    try:
        # No column is an hstore; to look for that type takes a query.
        engine = sqlalchemy.create_engine(
            place.url.reveal(), poolclass=NullPool, connect_args=options, use_native_hstore=False
        )
    except ImportError:
        raise LedgerError(
            f"{place.option}: {place.name} needs the Python library psycopg.",
            "Install psycopg[binary] for the Python that runs the task, or use SQLite.",
        ) from None

    @event.listens_for(engine, "do_connect")
    def hurry(_dialect: object, _record: object, _positional: object, options: dict[str, t.Any]) -> None:
        # At least what libpq takes for the least.
        options["connect_timeout"] = max(2, int(min(lock_timeout, 30, silence.allowed())))

    # First of all: SQLAlchemy asks a new server about itself.
    event.listen(engine, "connect", silence.watch, insert=True)
    event.listen(engine, "close", lambda _connection, record: silence.unwatch(record))

    @event.listens_for(engine, "begin")
    def limit(connection: sqlalchemy.Connection) -> None:
        # For this transaction alone: a pooler gives the connection to others afterwards. The server has its chance to
        # end a statement by itself, before the connection is cut.
        connection.exec_driver_sql(_LIMITS, (_milliseconds(lock_timeout), _milliseconds(0.9 * silence.allowed())))

    return engine


def _milliseconds(seconds: float) -> str:
    """Return a time-out as PostgreSQL takes it; 0 is none."""
    return "0" if math.isinf(seconds) else str(max(1, min(int(seconds * 1000), _LONGEST_MS)))


@functools.lru_cache(maxsize=_KEPT)
def postgresql_reader(place: Place, lock_timeout: float) -> sqlalchemy.Engine:
    """Return what reads from a server: all that a transaction reads is as it was when the transaction began."""
    engine = postgresql_engine(place, lock_timeout)
    # psycopg says so in its BEGIN, so it takes no round trip.
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


@functools.lru_cache(maxsize=_KEPT)
def sqlite_engine(path: str, lock_timeout: float) -> sqlalchemy.Engine:
    """Return what writes to a file that is there.

    It takes SQLite's write lock at the start of a transaction, so that two runs queue instead of failing half-way.
    """
    engine = sqlalchemy.create_engine("sqlite://", creator=lambda: _open(path, lock_timeout, "rw"), poolclass=NullPool)
    _begin_with(engine, "BEGIN IMMEDIATE")
    return engine


@functools.lru_cache(maxsize=_KEPT)
def read_only_engine(path: str, timeout: float) -> sqlalchemy.Engine:
    """Return what reads a file that is there and can't write to it.

    All that a transaction reads is as it was at its first look: by itself Python begins none for a SELECT.
    """
    engine = sqlalchemy.create_engine("sqlite://", creator=lambda: _open_to_read(path, timeout), poolclass=NullPool)
    _begin_with(engine, "BEGIN")
    return engine


def private_copy(path: str | None, timeout: float) -> sqlalchemy.Engine:
    """Return an engine on a copy of the file if there is one, for the caller to dispose of.

    Its tables can be made or changed while the file stays as it is. What is too large for memory is in a file that
    SQLite has removed before anybody could open it. Raises LedgerError where there is no room for that.
    """
    copy = sqlite3.connect("", check_same_thread=False)
    if path is not None and os.path.exists(path):
        with contextlib.closing(_open_to_read(path, timeout)) as file:
            # For a lock, `backup` would wait without an end.
            file.execute("BEGIN")
            file.execute("SELECT count(*) FROM sqlite_master").fetchone()
            with room_in_words(path):
                file.backup(copy)
    return sqlalchemy.create_engine("sqlite://", creator=lambda: copy, poolclass=StaticPool)


@contextlib.contextmanager
def room_in_words(name: str) -> t.Iterator[None]:
    """Raise LedgerError for want of room for the private copy of a ledger."""
    try:
        yield
    except (sqlite3.OperationalError, sqlalchemy.exc.OperationalError) as error:
        original = getattr(error, "orig", error)
        # A quota or a size limit is an I/O error.
        is_room = any(word in str(original) for word in ("disk is full", "I/O", "unable to open"))
        if not is_room or not isinstance(original, sqlite3.Error):
            raise
        raise LedgerError(
            f"{name} can't be copied for reading: the folder for temporary files is full or limited ({original}).",
            "Make room in TMPDIR (/var/tmp without it), or set SQLITE_TMPDIR to a folder with more room.",
        ) from None


def insert(connection: sqlalchemy.Connection, table: sqlalchemy.Table) -> Insert:
    """Return an INSERT of the connection's dialect, one that can say what to do on a conflict."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    # Only here: it takes as long to import as all of what calls Apple, and most ledgers are files.
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def _begin_with(engine: sqlalchemy.Engine, statement: str) -> None:
    @event.listens_for(engine, "connect")
    def leave_transactions_to_us(connection: t.Any, _record: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql(statement)


def _open_to_read(path: str, timeout: float) -> sqlite3.Connection:
    """Open a file that is there for reading alone.

    SQLite takes back what a killed writer left when the file is read next, and for that must be able to write.
    """
    if not os.path.exists(f"{path}-journal"):
        return _open(path, timeout, "ro")
    connection = _open(path, timeout, "rw")
    connection.execute("PRAGMA query_only = ON")
    return connection


def _open(path: str, timeout: float, mode: t.Literal["ro", "rw"]) -> sqlite3.Connection:
    """Open a file that is there: SQLite would make one that everybody may read."""
    return sqlite3.connect(f"file:{quote(path)}?mode={mode}", uri=True, timeout=timeout)
