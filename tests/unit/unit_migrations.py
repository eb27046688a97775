# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""New SQLite ledgers, made by the very statements of Alembic's first run: to work them out takes most of the time."""

from __future__ import annotations

import typing as t

import sqlalchemy

from ansible_collections.storeops.refunds.plugins.module_utils._ledger import migrate
from ansible_collections.storeops.refunds.plugins.module_utils._ledger._migrations import MIGRATIONS

Statement = tuple[str, t.Any]


class Migrations:
    """Stands in for a ledger's migration. Only an empty SQLite database is filled without Alembic."""

    def __init__(self) -> None:
        self._statements: list[Statement] = []

    def migrate(self, connection: sqlalchemy.Connection) -> None:
        """Bring a ledger's tables up to date."""
        # Outside of a transaction Alembic begins and ends its own, and a look at the tables would begin one.
        is_file = connection.dialect.name == "sqlite" and connection.in_transaction()
        # A test may have put older migrations in the place of today's, or have taken Alembic away.
        is_usual = migrate.HAS_ALEMBIC and migrate.MIGRATIONS is MIGRATIONS
        if not is_file or not is_usual or sqlalchemy.inspect(connection).get_table_names():
            migrate.migrate(connection)
        elif self._statements:
            for statement, parameters in self._statements:
                connection.exec_driver_sql(statement, parameters).close()
        else:
            self._statements = _recorded(connection)


def _recorded(connection: sqlalchemy.Connection) -> list[Statement]:
    seen: list[Statement] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: t.Any, *_more: object) -> None:
        if not statement.lstrip().upper().startswith(("SELECT", "PRAGMA")):
            seen.append((statement, parameters))

    sqlalchemy.event.listen(connection, "before_cursor_execute", note)
    try:
        migrate.migrate(connection)
    finally:
        sqlalchemy.event.remove(connection, "before_cursor_execute", note)
    return seen
