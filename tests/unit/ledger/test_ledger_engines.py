# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept in a process between two tasks, and what a task on SQLite leaves alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.engines import read_only_engine
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place

PACKAGE = "ansible_collections.storeops.refunds.plugins.module_utils"
UNUSED = (
    "sqlalchemy.dialects.postgresql",
    "alembic",
    f"{PACKAGE}._trackers.browser",
    f"{PACKAGE}._trackers.revenuecat",
)


def made(path: Path) -> Ledger:
    ledger = Ledger(find_place(f"sqlite:///{path}", {}), False, lambda text: None)
    with ledger.writing():
        pass
    ledger.close()
    return ledger


def names(ledger: Ledger) -> list[str]:
    with ledger.reading() as connection:
        rows = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE name LIKE 'mark%'").all()
    ledger.close()
    return [str(row[0]) for row in rows]


def test_a_ledger_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    path, other = tmp_path / "ledger.db", tmp_path / "other.db"
    ledger = made(path)
    assert names(ledger) == []
    with made(other).writing() as connection:
        connection.exec_driver_sql("CREATE TABLE marked (name TEXT)")
    other.replace(path)
    assert names(ledger) == ["marked"]


def test_an_engine_is_made_once_and_keeps_no_connection(tmp_path: Path) -> None:
    ledger = made(tmp_path / "ledger.db")
    names(ledger)
    before = read_only_engine.cache_info().misses
    names(ledger)
    assert read_only_engine.cache_info().misses == before
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("no /proc")
    assert str(tmp_path / "ledger.db") not in {str(link.readlink()) for link in folder.iterdir() if link.is_symlink()}


def test_a_task_imports_only_what_it_uses() -> None:
    imported = f"{PACKAGE}._tasks.tracking.integration"
    script = f"import sys, {imported}; print([name for name in {UNUSED!r} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
