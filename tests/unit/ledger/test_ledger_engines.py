# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept in a process between two tasks, and what a task on SQLite leaves alone."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.engines import (
    _milliseconds,
    copy_in_memory,
    read_only_engine,
)
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


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [(math.inf, "0"), (30.0, "30000"), (1.2345, "1234"), (0.0, "1"), (-1.0, "1"), (2**31 / 1000, str(2**31 - 1))],
)
def test_a_time_out_is_never_none_by_accident(seconds: float, wanted: str) -> None:
    # 0 is none, and a larger number than 32 bits hold is an error.
    assert _milliseconds(seconds) == wanted


def test_a_copy_is_read_in_any_thread_and_is_one_database(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with made(path).writing() as connection:
        connection.exec_driver_sql("CREATE TABLE marked (name TEXT)")
    engine, found = copy_in_memory(str(path), 5.0), []

    def read() -> None:
        with engine.connect() as connection:
            found.append(connection.exec_driver_sql("SELECT count(*) FROM marked").scalar())

    with engine.connect() as connection:
        connection.exec_driver_sql("INSERT INTO marked VALUES ('x')")
        connection.commit()
    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    engine.dispose()
    assert found == [1]
