# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a database says, in words that help: by its code, by its text, and by what was raised."""

from __future__ import annotations

import sqlite3
import typing as t

import pytest
import sqlalchemy.exc

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.explained import (
    Passing,
    RowFault,
    RowsFailed,
    explained,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity

WHERE = "ledger.url: x"
BROKE = "ledger.url: x: the connection broke (words). Check the server and the network; run again."
MEANWHILE = "ledger.url: x was written by another program at the same time (words). Run again."
DEADLINE = "ledger.url: x did not answer in time. Check the server and the network, or raise deadline."
ROW = "ledger.url: x can't hold a value (words). Compare the numbers and texts of this entry."
LOCKED = "ledger.url: x was locked by another program for 2.5 s. Nothing was written; run again when it is free."
NOT_WRITABLE = "ledger.url: x is not writable. Check owner and mode of the file and its folder, or the role."
DAMAGED = "ledger.url: x isn't a SQLite database or is damaged. Restore it from a backup."
READ_ONLY = "ledger.url: x is read-only: a replica, or made so for this role. Give the primary's URL, or another role."
USED = "ledger.url: x can't be used: {}. Check host, database, role and network."
OPENED = "ledger.url: x can't be opened: {}. The folder must exist and be writable."


class FromServer(Exception):
    """What psycopg raises."""

    def __init__(self, sqlstate: str | None, words: str = "words") -> None:
        super().__init__(words)
        self.sqlstate = sqlstate


def raised(
    original: Exception,
    kind: type[sqlalchemy.exc.DBAPIError] = sqlalchemy.exc.OperationalError,
    is_broken: bool = False,
) -> Exception:
    """Wrap it as SQLAlchemy does."""
    return kind("SELECT 1", {}, t.cast(t.Any, original), connection_invalidated=is_broken)


def full(reason: str) -> str:
    """Say that a disk is full."""
    return f"ledger.url: x can't be written: its disk is full ({reason}). Nothing was written; make room, run again."


@pytest.mark.parametrize(
    ("error", "kind", "on_server", "on_file"),
    [
        *((raised(FromServer(code)), Passing, MEANWHILE, MEANWHILE) for code in ("40001", "40P01")),
        *(
            (raised(FromServer(code)), Passing, BROKE, BROKE)
            for code in ("57P01", "57P02", "57P03", "08000", "08003", "08006")
        ),
        (raised(FromServer("57014")), LedgerError, DEADLINE, DEADLINE),
        (raised(FromServer("53100")), LedgerError, full("words"), full("words")),
        (raised(FromServer("25006")), LedgerError, READ_ONLY, OPENED.format("words")),
        (raised(FromServer("42501")), LedgerError, USED.format("words"), OPENED.format("words")),
        (raised(FromServer("55P03", "canceling: lock timeout")), LedgerError, LOCKED, LOCKED),
        (raised(FromServer(None, "one\ntwo")), LedgerError, USED.format("one"), OPENED.format("one")),
        (raised(FromServer(None, "a" * 201)), LedgerError, USED.format("a" * 200), OPENED.format("a" * 200)),
        (raised(FromServer(None, "")), LedgerError, USED.format("FromServer"), OPENED.format("FromServer")),
        *(
            (raised(FromServer("22003"), kind), RowFault, ROW, ROW)
            for kind in (sqlalchemy.exc.DataError, sqlalchemy.exc.IntegrityError)
        ),
        (OverflowError("words"), RowFault, ROW, ROW),
        (sqlite3.OperationalError("database is locked"), LedgerError, LOCKED, LOCKED),
        (
            sqlite3.OperationalError("database or disk is full"),
            LedgerError,
            full("database or disk is full"),
            full("database or disk is full"),
        ),
        (sqlite3.OperationalError("attempt to write a readonly database"), LedgerError, NOT_WRITABLE, NOT_WRITABLE),
        (sqlite3.OperationalError("a read-only transaction"), LedgerError, NOT_WRITABLE, NOT_WRITABLE),
        (PermissionError("words"), LedgerError, NOT_WRITABLE, NOT_WRITABLE),
        (sqlite3.DatabaseError("file is not a database"), LedgerError, DAMAGED, DAMAGED),
        (sqlite3.DatabaseError("disk image is malformed"), LedgerError, DAMAGED, DAMAGED),
        (OSError("words"), LedgerError, USED.format("words"), OPENED.format("words")),
    ],
)
def test_what_a_database_says(error: Exception, kind: type[LedgerError], on_server: str, on_file: str) -> None:
    for is_server, wanted in ((True, on_server), (False, on_file)):
        found = explained(error, WHERE, 2.5, False, is_server)
        assert (type(found), str(found)) == (kind, wanted)


def test_a_connection_that_is_cut_may_pass_and_a_file_has_none() -> None:
    cut = raised(FromServer(None), is_broken=True)
    assert (type(explained(cut, WHERE, 2.5, False, True)), str(explained(cut, WHERE, 2.5, False, True))) == (
        Passing,
        BROKE,
    )
    assert str(explained(cut, WHERE, 2.5, False, False)) == OPENED.format("words")


@pytest.mark.parametrize("code", [None, "40001", "57P01", "22003"])
def test_when_the_deadline_is_over_a_server_was_too_slow(code: str | None) -> None:
    error = raised(FromServer(code))
    assert str(explained(error, WHERE, 2.5, True, True)) == DEADLINE
    assert str(explained(error, WHERE, 2.5, True, True, False)) == DEADLINE.replace(", or raise deadline", "")
    assert str(explained(error, WHERE, 2.5, True, False)) == str(explained(error, WHERE, 2.5, False, False))


def test_of_several_rows_the_first_fault_is_told() -> None:
    places = [Identity("ledger", "", "production", name) for name in ("a", "b")]
    error = RowsFailed(dict(zip(places, ("One.", "Two."), strict=True)))
    assert str(error) == "One." and list(error.faults) == places
