# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger as the layers above see it: short transactions on SQLite or PostgreSQL, errors in words."""

from __future__ import annotations

import contextlib
import math
import os
import random
import sqlite3
import time
import typing as t
from dataclasses import dataclass, field

from .._model.errors import LedgerError
from .engines import postgresql_engine, postgresql_reader, private_copy, read_only_engine, room_in_words, sqlite_engine
from .explained import Passing, explained
from .place import Place
from .revision import State, state
from .silence import within
from .writable import is_there, refuse_unreadable_file, refuse_unwritable_file, refuse_unwritable_server

# `place.SQLALCHEMY_ERROR` says so to the user before any of this is called.
with contextlib.suppress(ImportError):
    import sqlalchemy
    import sqlalchemy.exc

T = t.TypeVar("T")
_TRIES = 6
_FIRST_PAUSE_S = 0.05
# Any number that no other program on the same database takes for its own locks.
_MIGRATION_LOCK = 7_386_052_101


@dataclass
class Ledger:
    """Opened when first used. ``read_only`` (check mode, info) refuses to write. ``lock_timeout`` is in seconds.

    ``for_writing`` is false for what never writes, whatever the mode. ``remaining``: the seconds left for the task; a
    silent server is waited for no longer. ``patience``: of a program without a deadline, the seconds that a server has
    each time; what takes as long is not repeated. ``wait`` sleeps, ``monotonic`` is the clock. ``is_snapshot``: of an
    SQLite file, a copy is read as the file was at first, since no writer can commit while the file itself is being
    read.
    """

    place: Place
    read_only: bool
    warn: t.Callable[[str], None]
    lock_timeout: float = 30.0
    remaining: t.Callable[[], float] = field(default=lambda: math.inf, repr=False)
    patience: float = math.inf
    wait: t.Callable[[float], None] = field(default=time.sleep, repr=False)
    monotonic: t.Callable[[], float] = field(default=time.monotonic, repr=False)
    for_writing: bool = True
    is_snapshot: bool = False
    _is_writable: bool = field(default=False, init=False, repr=False)
    _reader: sqlalchemy.Engine | None = field(default=None, init=False, repr=False)
    _writer: sqlalchemy.Engine | None = field(default=None, init=False, repr=False)
    _is_reached: bool = field(default=False, init=False, repr=False)
    _is_copy: bool = field(default=False, init=False, repr=False)
    _found: State = field(default="current", init=False, repr=False)

    def check_place(self) -> None:
        """Raise LedgerError when a run could not write here: in check mode too, and before anything is done."""
        if self.for_writing and not self._is_writable:
            self._check_place()
            self._is_writable = True

    def _check_place(self) -> None:
        if self.place.path is not None:
            refuse_unwritable_file(self.place)
            return
        reader = postgresql_reader(self.place, self.lock_timeout)
        with self._errors_in_words(), self._connected(reader) as connection:
            refuse_unwritable_server(connection, self.place, state(connection, self.place.where))
            connection.rollback()

    def lack(self) -> str:
        """Return what keeps anything from being known here, such as "does not exist"; empty where a ledger is."""
        with self.reading():
            found = self._found
        if found != "empty":
            return ""
        is_missing = self.place.path is not None and not is_there(self.place)
        return "does not exist" if is_missing else "is empty: nothing was ever stored in it"

    @contextlib.contextmanager
    def reading(self) -> t.Iterator[sqlalchemy.Connection]:
        """Yield a connection whose transaction is rolled back at the end. Creates and changes nothing."""
        with self._errors_in_words(), self._read_from() as connection:
            yield connection
            connection.rollback()

    @contextlib.contextmanager
    def writing(self) -> t.Iterator[sqlalchemy.Connection]:
        """Yield a connection whose transaction is committed at the end, or rolled back by an exception."""
        if self.read_only:
            raise AssertionError("nothing is written in check mode")
        with self._errors_in_words(), self._written_to() as connection:
            yield connection
            connection.commit()

    def write(self, work: t.Callable[[sqlalchemy.Connection], T]) -> T:
        """Do ``work`` in a transaction, and once more where another program was in the way or the connection broke.

        So it must come to the same when it is done twice.
        """
        for attempt in range(_TRIES):
            try:
                with self.writing() as connection:
                    return work(connection)
            except Passing:
                pause = random.uniform(0, _FIRST_PAUSE_S * 2**attempt)
                if attempt == _TRIES - 1 or pause >= self.remaining():
                    raise
                self.wait(pause)
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        self._drop_copy()
        self._reader = self._writer = None

    def _drop_copy(self) -> None:
        # The other engines are kept for the next task, and hold no connection.
        if self._is_copy and self._reader is not None:
            self._reader.dispose()

    @contextlib.contextmanager
    def _errors_in_words(self) -> t.Iterator[None]:
        is_server = self.place.path is None
        began, given = self.monotonic(), min(self.remaining(), self.patience)
        try:
            with within(given):
                yield
        except (sqlalchemy.exc.SQLAlchemyError, sqlite3.Error, OSError, OverflowError) as error:
            self._is_reached = self._is_reached and self.remaining() > 0
            is_over = self.remaining() <= 0 or self.monotonic() - began >= given
            has_deadline = math.isinf(self.patience)
            raise explained(error, self.place.where, self.lock_timeout, is_over, is_server, has_deadline) from None

    def _connected(self, engine: sqlalchemy.Engine) -> sqlalchemy.Connection:
        """Connect. After the deadline only to a server that answered last time: what the task came to is written."""
        if self.place.path is None and not self._is_reached and self.remaining() <= 0:
            raise LedgerError(f"{self.place.where}: not asked, the deadline was over.", "Raise deadline.")
        connection = engine.connect()
        self._is_reached = True
        return connection

    def _read_from(self) -> sqlalchemy.Connection:
        return self._connected(self._reader) if self._reader else self._first_reader()

    def _written_to(self) -> sqlalchemy.Connection:
        return self._connected(self._writer) if self._writer else self._first_writer()

    def _first_reader(self) -> sqlalchemy.Connection:
        """Return the first connection to read from, having found out what is there."""
        path = self.place.path
        if path is not None and not is_there(self.place):
            self._found = "empty"
            return self._copied()
        if path is not None:
            refuse_unreadable_file(self.place)
        engine = read_only_engine(path, self.lock_timeout) if path else postgresql_reader(self.place, self.lock_timeout)
        connection = self._connected(engine)
        with _closed_on_error(connection):
            found = state(connection, self.place.where)
            self._found = found
            if found == "current" and not (path and self.is_snapshot):
                self._reader, self._is_copy = engine, False
                return connection
            # A run that was found able to write needs no copy of what it brings up to date anyway.
            migrates = found == "behind" and self._is_writable and not self.read_only
            if path is None and found == "behind" and not migrates:
                with connection:
                    return self._copied(connection)
        # Its lock keeps a writer of a file from committing, and that writer keeps the copy from being made; and a
        # server changes no table that is being read.
        connection.close()
        if migrates:
            self._first_writer().close()
            return self._first_reader()
        return self._copied()

    def _copied(self, old: sqlalchemy.Connection | None = None) -> sqlalchemy.Connection:
        # The missing tables are made where nobody sees them, and where no role and no other process can be in the way.
        engine = private_copy(self.place.path, self.lock_timeout)
        connection = engine.connect()
        with _closed_on_error(connection), room_in_words(self.place.name):
            if old is not None:
                _copy_tables(old, connection)
            if self._found != "current":
                _migrate(connection)
            connection.commit()
        self._reader, self._is_copy = engine, True
        return connection

    def _first_writer(self) -> sqlalchemy.Connection:
        """Return the first connection to write to, its tables up to date."""
        engine = self._postgresql() if self.place.path is None else self._sqlite(self.place.path)
        connection = self._connected(engine)
        with _closed_on_error(connection):
            if self.place.path is None:
                connection.execute(sqlalchemy.text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            if state(connection, self.place.where) != "current":
                _migrate(connection)
            connection.commit()
        # What was read from before the migration no longer stands for the ledger.
        self._drop_copy()
        self._reader, self._is_copy, self._writer = None, False, engine
        return connection

    def _postgresql(self) -> sqlalchemy.Engine:
        return postgresql_engine(self.place, self.lock_timeout)

    def _sqlite(self, path: str) -> sqlalchemy.Engine:
        self._prepare_file(path)
        return sqlite_engine(path, self.lock_timeout)

    def _prepare_file(self, path: str) -> None:
        if self.place.is_default:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        try:
            # Through a link: what it points to is made, if it isn't there.
            real = os.path.realpath(path)
            os.close(os.open(real, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            return
        self.warn(
            f"A new ledger was created at {path}. Where a job's disk is not kept (CI, execution environments), "
            "set ledger.url or STOREOPS_LEDGER_URL to PostgreSQL or to a file that is kept."
        )


def _migrate(connection: sqlalchemy.Connection) -> None:
    # Only here: Alembic doubles the time that a task takes to import the ledger, and most tasks find it up to date.
    from .migrate import migrate

    migrate(connection)


def _copy_tables(old: sqlalchemy.Connection, empty: sqlalchemy.Connection) -> None:
    from .migrate import copy_tables

    copy_tables(old, empty)


@contextlib.contextmanager
def _closed_on_error(connection: sqlalchemy.Connection) -> t.Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise
