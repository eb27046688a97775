# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger as the layers above see it: short transactions on SQLite or PostgreSQL, errors in words."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import typing as t
from dataclasses import dataclass, field

from .._model.errors import LedgerError
from .engines import copy_in_memory, postgresql_engine, postgresql_reader, read_only_engine, sqlite_engine
from .place import Place
from .revision import state

# `place.SQLALCHEMY_ERROR` says so to the user before any of this is called.
with contextlib.suppress(ImportError):
    import sqlalchemy
    import sqlalchemy.exc

# Any number that no other program on the same database takes for its own locks.
_MIGRATION_LOCK = 7_386_052_101


@dataclass
class Ledger:
    """Opened when first used. ``read_only`` (check mode, info) refuses to write. ``lock_timeout`` is in seconds."""

    place: Place
    read_only: bool
    warn: t.Callable[[str], None]
    lock_timeout: float = 30.0
    _reader: sqlalchemy.Engine | None = field(default=None, init=False, repr=False)
    _writer: sqlalchemy.Engine | None = field(default=None, init=False, repr=False)
    _is_behind: bool = field(default=False, init=False, repr=False)
    _may_create: bool = field(default=True, init=False, repr=False)

    def check_place(self) -> None:
        """Raise LedgerError when a run could not write here: in check mode too, and before anything is done."""
        if self.place.path is not None:
            _refuse_unwritable(self.place)
            return
        with self.reading():
            # Opening it tells whether its tables are there or may be made.
            pass
        if not self._may_create:
            raise LedgerError(
                f"ledger.url: {self.place.name} lacks tables, and permission denied for this role to create them.",
                "Let the owner of the schema run once, or grant CREATE on it to this role.",
            )

    @contextlib.contextmanager
    def reading(self) -> t.Iterator[sqlalchemy.Connection]:
        """Yield a connection whose transaction is rolled back at the end. Creates and changes nothing."""
        with self._errors_in_words(), self._reader.connect() if self._reader else self._first_reader() as connection:
            if self._is_behind:
                _migrate(connection)
            yield connection
            connection.rollback()

    @contextlib.contextmanager
    def writing(self) -> t.Iterator[sqlalchemy.Connection]:
        """Yield a connection whose transaction is committed at the end, or rolled back by an exception."""
        if self.read_only:
            raise AssertionError("nothing is written in check mode")
        with self._errors_in_words(), self._writer.connect() if self._writer else self._first_writer() as connection:
            yield connection
            connection.commit()

    def close(self) -> None:
        for engine in (self._reader, self._writer):
            if engine is not None:
                engine.dispose()
        self._reader = self._writer = None

    @contextlib.contextmanager
    def _errors_in_words(self) -> t.Iterator[None]:
        try:
            yield
        except (sqlalchemy.exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise LedgerError(*_explained(error, self)) from None

    def _first_reader(self) -> sqlalchemy.Connection:
        """Return the first connection to read from, having found out what is there."""
        path = self.place.path
        if path is not None and not os.path.exists(path):
            return self._copied()
        engine = read_only_engine(path, self.lock_timeout) if path else postgresql_reader(self.place, self.lock_timeout)
        connection = engine.connect()
        with _closed_on_error(connection):
            found = state(connection, self.place.name)
            if path is None and found != "current":
                allowed = "SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)"
                self._may_create = bool(connection.execute(sqlalchemy.text(allowed)).scalar())
            if found == "current":
                self._reader, self._is_behind = engine, False
                return connection
            copy = self._copied(connection if path is None and found == "behind" else None)
        connection.close()
        return copy

    def _copied(self, old: sqlalchemy.Connection | None = None) -> sqlalchemy.Connection:
        # The missing tables are made where nobody sees them, and where no role and no other process can be in the way.
        engine = copy_in_memory(self.place.path, self.lock_timeout)
        connection = engine.connect()
        if old is not None:
            _copy_tables(old, connection)
        self._reader, self._is_behind = engine, True
        return connection

    def _first_writer(self) -> sqlalchemy.Connection:
        """Return the first connection to write to, its tables up to date."""
        engine = self._postgresql() if self.place.path is None else self._sqlite(self.place.path)
        connection = engine.connect()
        with _closed_on_error(connection):
            if self.place.path is None:
                connection.execute(sqlalchemy.text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            if state(connection, self.place.name) != "current":
                _migrate(connection)
            connection.commit()
        # What was read from before the migration no longer stands for the ledger.
        if self._reader is not None:
            self._reader.dispose()
        self._reader, self._is_behind, self._writer = None, False, engine
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
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            return
        self.warn(
            f"A new ledger was created at {path}. Where a job's disk is not kept (CI, execution environments), "
            "set ledger.url or STOREOPS_LEDGER_URL to PostgreSQL or to a file that is kept."
        )


def _refuse_unwritable(place: Place) -> None:
    path = str(place.path)
    folder = os.path.dirname(path)
    if os.path.isdir(path):
        raise LedgerError(f"ledger.url: {path} is a folder.", "Name a file in it, such as ledger.db.")
    if not os.path.isdir(folder) and not place.is_default:
        raise LedgerError(f"ledger.url: the folder {folder} does not exist.", "Create it, or correct ledger.url.")
    # Missing folders of the default place are made: then the nearest one that is there counts.
    while place.is_default and not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    if not os.access(folder, os.W_OK | os.X_OK) or not os.path.isdir(folder):
        raise LedgerError(f"ledger.url: the folder {folder} is not writable.", "Check its owner and mode.")
    if os.path.exists(path) and not os.access(path, os.R_OK | os.W_OK):
        raise LedgerError(f"ledger.url: {path} is not writable.", "Check its owner and mode.")


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


def _explained(error: Exception, ledger: Ledger) -> tuple[str, str]:
    name = ledger.place.name
    reason = str(getattr(error, "orig", None) or error).splitlines()[0][:200]
    if "locked" in reason or "lock timeout" in reason:
        return (
            f"ledger.url: {name} was locked by another program for {ledger.lock_timeout:g} s.",
            "Nothing was written; run again when it is free.",
        )
    if "readonly" in reason or "read-only" in reason or isinstance(error, PermissionError):
        return (
            f"ledger.url: {name} is not writable.",
            "Check owner and mode of the file and its folder, or the role.",
        )
    if "not a database" in reason or "malformed" in reason:
        return (
            f"ledger.url: {name} is no SQLite database or is damaged.",
            "Restore it from a backup.",
        )
    if ledger.place.path is None:
        return (
            f"ledger.url: {name} can't be used: {reason}.",
            "Check host, database, role and network.",
        )
    return (
        f"ledger.url: {name} can't be opened: {reason}.",
        "The folder must exist and be writable.",
    )
