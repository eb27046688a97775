# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledgers that other tests begin with are those that Alembic makes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from ledger_support import NOW, entry, ledger_at
from unit_migrations import Migrations

from ansible_collections.storeops.refunds.plugins.module_utils._ledger import ledger, migrate
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integration


def test_a_quick_ledger_is_an_ordinary_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ways = Migrations()
    dumps = []
    for number, way in enumerate((migrate.migrate, ways.migrate, ways.migrate)):
        monkeypatch.setattr(ledger, "_migrate", way)
        path = tmp_path / f"{number}.db"
        made = ledger_at(f"sqlite:///{path}")
        put_integration(made, entry(), NOW)
        made.close()
        with sqlite3.connect(path) as connection:
            dumps.append(list(connection.iterdump()))
    assert dumps[0] == dumps[1] == dumps[2] and len(dumps[0]) > 10
