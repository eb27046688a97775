# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledgers that other tests begin with are those that Alembic makes."""

from __future__ import annotations

import sqlite3
import typing as t
from pathlib import Path

import pytest
import sqlalchemy
from ledger_support import NOW, entry, insert_integration, ledger_at
from unit_migrations import Migrations

from ansible_collections.storeops.refunds.plugins.module_utils._ledger import ledger, migrate
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integration

# As it is before the fixtures of all tests put a quicker one into its place.
REAL = ledger._migrate


def test_a_quick_ledger_is_an_ordinary_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ways = Migrations()
    dumps = []
    for number, way in enumerate((REAL, ways.migrate, ways.migrate)):
        monkeypatch.setattr(ledger, "_migrate", way)
        path = tmp_path / f"{number}.db"
        made = ledger_at(f"sqlite:///{path}")
        put_integration(made, entry(), NOW)
        made.close()
        with sqlite3.connect(path) as connection:
            dumps.append(list(connection.iterdump()))
    assert dumps[0] == dumps[1] == dumps[2] and len(dumps[0]) > 10


@pytest.mark.parametrize("copy", [migrate.copy_tables, ledger._copy_tables], ids=["itself", "imported late"])
@pytest.mark.parametrize("until", [migration.revision for migration in migrate.MIGRATIONS])
def test_an_old_schema_is_copied_as_it_is(until: str, copy: t.Callable[..., None]) -> None:
    def dump(connection: sqlalchemy.Connection) -> list[str]:
        return list(t.cast(sqlite3.Connection, connection.connection.driver_connection).iterdump())

    engines = [sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.pool.StaticPool) for _engine in range(2)]
    with engines[0].connect() as old, engines[1].connect() as empty:
        migrate.migrate(old, until)
        for name in ("com.a", "com.b"):
            insert_integration(old, entry(name))
        old.commit()
        before = dump(old)
        copy(old, empty)
        # It is committed.
        empty.rollback()
        assert dump(old) == before == dump(empty) and sum("com." in line for line in before) == 2
    for engine in engines:
        engine.dispose()
