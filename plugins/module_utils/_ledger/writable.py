# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a ledger can be written, found out without writing: check mode has to fail where the run would."""

from __future__ import annotations

import contextlib
import os

from .._model.errors import LedgerError
from .place import Place
from .revision import VERSION_TABLE, State
from .schema import TABLES

# `place.SQLALCHEMY_ERROR` says so to the user before any of this is called.
with contextlib.suppress(ImportError):
    import sqlalchemy

_STANDBY = "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only') = 'on'"
_MAY_CREATE = "SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)"
# The rights on a table that is there. Changing its columns is for its owner alone.
_RIGHTS = (
    "SELECT has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE') "
    "AND has_table_privilege(oid, 'DELETE'), pg_has_role(relowner, 'USAGE') "
    "FROM pg_class WHERE oid = to_regclass(:name)"
)


def is_there(place: Place) -> bool:
    """Tell whether an SQLite ledger exists. Raises LedgerError where this user may not even look."""
    try:
        os.stat(str(place.path))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        # It would pass for a ledger that holds nothing.
        raise LedgerError(
            f"{place.where} can't be read: {error.strerror}.", "Check owner and mode of its folders."
        ) from None
    return True


def refuse_unreadable_file(place: Place) -> None:
    """Raise LedgerError when what lies at an SQLite ledger's place can't be read as a file."""
    path = os.path.realpath(str(place.path))
    if os.path.isdir(path):
        raise LedgerError(f"{place.option}: {path} is a folder.", "Name a file in it, such as ledger.db.")
    if os.path.exists(path) and not os.path.isfile(path):
        # SQLite would wait without end for a pipe that nobody writes into.
        raise LedgerError(f"{place.option}: {path} isn't a regular file.", "Name a file, such as ledger.db.")
    if os.path.exists(path) and not os.access(path, os.R_OK):
        raise LedgerError(f"{place.option}: {path} can't be read.", "Check its owner and mode.")


def refuse_unwritable_file(place: Place) -> None:
    """Raise LedgerError when an SQLite ledger can't be made or written at its place."""
    # Of a link, what it points to counts.
    path = os.path.realpath(str(place.path))
    folder = os.path.dirname(path)
    refuse_unreadable_file(place)
    if not os.path.isdir(folder) and not place.is_default:
        raise LedgerError(f"{place.option}: the folder {folder} does not exist.", "Create it, or correct the path.")
    # Missing folders of the default place are made: then the nearest one that is there counts.
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    if not os.access(folder, os.W_OK | os.X_OK) or not os.path.isdir(folder):
        raise LedgerError(f"{place.option}: the folder {folder} is not writable.", "Check its owner and mode.")
    if os.path.exists(path) and not os.access(path, os.W_OK):
        raise LedgerError(f"{place.option}: {path} is not writable.", "Check its owner and mode.")


def refuse_unwritable_server(connection: sqlalchemy.Connection, place: Place, found: State) -> None:
    """Raise LedgerError when this role can't write to a PostgreSQL ledger, or nobody can."""
    in_recovery, is_read_only = connection.execute(sqlalchemy.text(_STANDBY)).one()
    if in_recovery:
        raise LedgerError(
            f"{place.option}: {place.name} is a replica, which is read-only.", "Give the primary server's URL."
        )
    if is_read_only:
        raise LedgerError(
            f"{place.option}: {place.name} is read-only for this role (default_transaction_read_only is on).",
            "Use another role, or turn that setting off for this one.",
        )
    if found != "current" and not connection.execute(sqlalchemy.text(_MAY_CREATE)).scalar():
        raise LedgerError(
            f"{place.option}: {place.name} lacks tables, and permission denied for this role to create them.",
            "Let the owner of the schema run once, or grant CREATE on it to this role.",
        )
    for table in (VERSION_TABLE, *TABLES):
        rights = connection.execute(sqlalchemy.text(_RIGHTS), {"name": table}).first()
        if rights is None:
            continue
        may_write, is_owner = rights
        if table != VERSION_TABLE and not may_write:
            raise LedgerError(
                f"{place.option}: {place.name}: permission denied for this role to write to the table {table}.",
                "Grant SELECT, INSERT, UPDATE and DELETE on the ledger's tables to this role, or use another one.",
            )
        if found == "behind" and not is_owner:
            raise LedgerError(
                f"{place.option}: {place.name} has an older schema, and permission denied for this role to change it: "
                f"another role owns the table {table}.",
                "Let the owner of the tables run once.",
            )
