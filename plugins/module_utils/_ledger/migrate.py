# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings a ledger's schema up to date, with Alembic driven from Python.

Alembic's own ScriptDirectory wants files in a folder, which a module packed by AnsiballZ doesn't have. Its
MigrationContext takes a function that yields the steps, so the migrations are ordinary modules, imported statically.
"""

from __future__ import annotations

import itertools
import traceback
import typing as t
from types import ModuleType

from .._model.errors import LedgerError
from ._migrations import m0001_integrations

if t.TYPE_CHECKING:
    import sqlalchemy

try:
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext, RevisionStep
    from alembic.script.base import Script
    from alembic.script.revision import RevisionMap
except ImportError:
    ALEMBIC_ERROR: str | None = traceback.format_exc()
else:
    ALEMBIC_ERROR = None

# In order; each names its predecessor in `down_revision`.
MIGRATIONS: tuple[ModuleType, ...] = (m0001_integrations,)
# A PostgreSQL database may hold other programs' tables, and their own alembic_version.
_OPTIONS = {"version_table": "refund_tracking_schema"}
HEAD: str = MIGRATIONS[-1].revision


def current_revision(connection: sqlalchemy.Connection) -> str | None:
    """Return the revision of the schema, None for an empty database. Writes nothing."""
    return MigrationContext.configure(connection, opts=_OPTIONS).get_current_revision()


def is_current(connection: sqlalchemy.Connection, name: str) -> bool:
    """Tell whether the schema is the newest. Raises LedgerError when a newer version of the collection wrote it."""
    revision = current_revision(connection)
    if revision is not None and revision not in {migration.revision for migration in MIGRATIONS}:
        raise LedgerError(
            f"ledger.url: {name} was written by a newer version of storeops.refunds (schema {revision}).",
            f"Upgrade the collection (this one knows schema {HEAD}). The ledger was not touched.",
        )
    return revision == HEAD


def migrate(connection: sqlalchemy.Connection) -> None:
    """Run the missing migrations inside the caller's transaction."""
    scripts = [Script(migration, migration.revision, "") for migration in MIGRATIONS]
    revisions = RevisionMap(lambda: scripts)

    # From the newest to the oldest; asking for heads first links the scripts to each other.
    path = list(revisions.iterate_revisions(revisions.heads, "base"))

    def steps(heads: tuple[str, ...], _context: MigrationContext) -> list[RevisionStep]:
        missing = itertools.takewhile(lambda script: script.revision not in heads, path)
        return [RevisionStep(revisions, t.cast("Script", script), True) for script in reversed(list(missing))]

    context = MigrationContext.configure(connection, opts={**_OPTIONS, "fn": steps})
    with Operations.context(context) as operations:
        context.run_migrations(operations=operations)
