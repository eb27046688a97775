# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings a ledger's schema up to date, with Alembic driven from Python.

Alembic's own ScriptDirectory wants files in a folder, which a module packed by AnsiballZ doesn't have. Its
MigrationContext takes a function that yields the steps, so the migrations are ordinary modules, imported statically.
"""

from __future__ import annotations

import itertools
import typing as t

from .._model.errors import LedgerError
from ._migrations import MIGRATIONS
from .revision import VERSION_TABLE, current_revision

try:
    import sqlalchemy
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext, RevisionStep
    from alembic.script.base import Script
    from alembic.script.revision import RevisionMap
except ImportError:
    HAS_ALEMBIC = False
else:
    HAS_ALEMBIC = True

# Years of refunds are not held in memory.
_AT_ONCE = 1_000


def migrate(connection: sqlalchemy.Connection, until: str | None = None) -> None:
    """Run the missing migrations inside the caller's transaction, the newest last or ``until`` a revision.

    Raises LedgerError without Alembic.
    """
    if not HAS_ALEMBIC:
        raise LedgerError(
            "ledger.url: this ledger's tables are missing or old, and the Python library alembic is not installed.",
            "Install alembic for the Python that runs the task.",
        )
    scripts = [Script(migration, migration.revision, "") for migration in MIGRATIONS]
    revisions = RevisionMap(lambda: scripts)

    # From the newest to the oldest; asking for heads first links the scripts to each other.
    heads = revisions.heads
    path = list(revisions.iterate_revisions(until or heads, "base"))

    def steps(heads: tuple[str, ...], _context: MigrationContext) -> list[RevisionStep]:
        missing = itertools.takewhile(lambda script: script.revision not in heads, path)
        return [RevisionStep(revisions, t.cast("Script", script), True) for script in reversed(list(missing))]

    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "fn": steps})
    with Operations.context(context) as operations:
        context.run_migrations(operations=operations)


def copy_tables(old: sqlalchemy.Connection, empty: sqlalchemy.Connection) -> None:
    """Copy a ledger of an older schema, as it is, into an empty database. Only reads the old one.

    Raises LedgerError without Alembic.
    """
    migrate(empty, current_revision(old))
    tables = sqlalchemy.MetaData()
    tables.reflect(empty)
    for table in tables.sorted_tables:
        if table.name == VERSION_TABLE:
            continue
        rows = old.execute(sqlalchemy.select(table), execution_options={"yield_per": _AT_ONCE}).mappings()
        for batch in rows.partitions():
            empty.execute(sqlalchemy.insert(table), [dict(row) for row in batch])
    empty.commit()
