# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which schema a ledger has, read without Alembic: a ledger that is up to date needs no more."""

from __future__ import annotations

import contextlib
import typing as t

from .._model.errors import LedgerError
from ._migrations import HEAD, MIGRATIONS

# `place.SQLALCHEMY_ERROR` says so to the user before any of this is called.
with contextlib.suppress(ImportError):
    import sqlalchemy

# Alembic's own name is not used: a PostgreSQL database may hold other programs' tables and their alembic_version.
VERSION_TABLE = "refund_tracking_schema"


def current_revision(connection: sqlalchemy.Connection) -> str | None:
    """Return the revision of the schema, None for an empty database. Writes nothing."""
    if not _has_version_table(connection):
        return None
    revision = connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar()
    return None if revision is None else str(revision)


def _has_version_table(connection: sqlalchemy.Connection) -> bool:
    if connection.dialect.name == "sqlite":
        # SQLAlchemy's inspector takes longer than all else that an app of a loop asks its ledger.
        found = connection.exec_driver_sql(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (VERSION_TABLE,)
        )
        return found.scalar() is not None
    return bool(sqlalchemy.inspect(connection).has_table(VERSION_TABLE))


State = t.Literal["empty", "behind", "current"]


def state(connection: sqlalchemy.Connection, where: str) -> State:
    """Tell how far the schema is. Raises LedgerError when a newer version of the collection wrote it."""
    revision = current_revision(connection)
    if revision is not None and revision not in {migration.revision for migration in MIGRATIONS}:
        raise LedgerError(
            f"{where} was written by a newer version of storeops.refunds (schema {revision}).",
            f"Upgrade the collection (this one knows schema {HEAD}). The ledger was not touched.",
        )
    if revision is None:
        return "empty"
    return "current" if revision == HEAD else "behind"
