# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SQLite ledger: private, unharmed by reading, and every trouble in words."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import sqlalchemy
from ledger_support import NOW, entry, ledger_at, write_at_the_same_time
from unit_support import as_other_user, give_away

from ansible_collections.storeops.refunds.plugins.module_utils._ledger import engines
from ansible_collections.storeops.refunds.plugins.module_utils._ledger import ledger as module
from ansible_collections.storeops.refunds.plugins.module_utils._ledger._migrations import HEAD
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import (
    find_integration,
    list_integrations,
    put_integration,
    put_integrations,
    remove_integration,
)
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError

HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""
KILLED_IN_A_TRANSACTION = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("CREATE TABLE big AS WITH RECURSIVE n(i) AS "
    "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i, hex(randomblob(50)) FROM n")
os.kill(os.getpid(), 9)
"""
NO_DATABASES = (b"no database at all, but long enough" * 40, b"\0" * 4096, b"SQLite format 3\0" + b"x" * 5000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger shall lie."""
    return tmp_path / "ledger.db"


@pytest.fixture
def url(path: Path) -> str:
    """Its URL."""
    return f"sqlite:///{path}"


def put(url: str, *entries: t.Any) -> None:
    """Write entries and close."""
    ledger = ledger_at(url)
    for given in entries or (entry(),):
        put_integration(ledger, given, NOW)
    ledger.close()


def read(url: str, read_only: bool = True) -> list[str]:
    """Give the bundle IDs."""
    ledger = ledger_at(url, read_only)
    found = list_integrations(ledger, "ledger", "", "production")
    ledger.close()
    return [held.identity.bundle_id for held in found]


def test_what_is_put_is_found_again(url: str) -> None:
    put(url)
    ledger = ledger_at(url)
    assert find_integration(ledger, entry().identity) == entry()
    put_integration(ledger, entry(key_id="B", status="Failed"), "2026-02-02T00:00:00Z")
    assert find_integration(ledger, entry().identity) == entry(key_id="B", status="Failed")
    remove_integration(ledger, entry().identity)
    remove_integration(ledger, entry().identity)
    assert find_integration(ledger, entry().identity) is None
    ledger.close()


def test_times_of_an_entry(path: Path, url: str) -> None:
    put(url)
    ledger = ledger_at(url)
    put_integration(ledger, entry(key_id="B"), "2026-02-02T00:00:00Z")
    ledger.close()
    row = sqlite3.connect(path).execute("SELECT created_at, updated_at FROM refund_tracking_integrations").fetchone()
    assert row == (NOW, "2026-02-02T00:00:00Z")


def test_entries_are_listed_by_bundle_id(url: str) -> None:
    put(url, entry("com.b"), entry("com.B"), entry("com.a"))
    assert read(url) == ["com.B", "com.a", "com.b"]


def test_capitals_make_another_entry(url: str) -> None:
    put(url, entry("com.a"), entry("com.A", key_id="B"))
    ledger = ledger_at(url)
    found = find_integration(ledger, entry("com.a").identity)
    ledger.close()
    assert found is not None and found.key_id == "KEY"


def test_a_new_file_is_private_and_warned_of_once(path: Path, url: str) -> None:
    warnings: list[str] = []
    before = os.umask(0)
    try:
        for _run in range(2):
            ledger = Ledger(find_place(url, {}), False, warnings.append)
            put_integration(ledger, entry(), NOW)
            ledger.close()
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(path.parent) == ["ledger.db"]
    assert len(warnings) == 1
    assert warnings[0] == (
        f"A new ledger was created at {path}. Where a job's disk is not kept (CI, execution environments), set "
        "ledger.url or STOREOPS_LEDGER_URL to PostgreSQL or to a file that is kept."
    )


def test_the_folder_of_the_default_place_is_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        put_integration(Ledger(find_place(None, {"XDG_STATE_HOME": str(tmp_path)}), False, print), entry(), NOW)
    finally:
        os.umask(before)
    assert (tmp_path / "storeops.refunds").stat().st_mode & 0o777 == 0o700


def test_reading_makes_nothing(path: Path, url: str) -> None:
    assert read(url) == [] and read(url, read_only=False) == []
    assert os.listdir(path.parent) == []


def test_the_tables_of_a_ledger_that_is_not_there_are_made_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[sqlalchemy.Connection] = []
    migrate = module._migrate
    monkeypatch.setattr(module, "_migrate", lambda connection: (made.append(connection), migrate(connection)))
    ledger = ledger_at(url)
    for _number in range(3):
        assert list_integrations(ledger, "ledger", "", "production") == []
    assert len(made) == 1
    ledger.close()


@pytest.mark.parametrize("make", [b"", None], ids=["empty file", "ledger"])
def test_reading_leaves_every_byte(path: Path, url: str, make: bytes | None) -> None:
    put(url) if make is None else path.write_bytes(make)
    before, times = path.read_bytes(), path.stat().st_mtime_ns
    assert read(url) == (["com.example.one"] if make is None else [])
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (before, times)
    assert os.listdir(path.parent) == ["ledger.db"]


def test_a_read_only_ledger_refuses_to_write(path: Path, url: str) -> None:
    with pytest.raises(AssertionError):
        put_integration(ledger_at(url, read_only=True), entry(), NOW)
    assert not path.exists()


def failed(function: t.Callable[[], object], path: object = "") -> str:
    """Call what fails; give the message."""
    with pytest.raises(LedgerError) as caught:
        function()
    assert str(caught.value).startswith("ledger.url: ") and str(path) in str(caught.value)
    assert caught.value.next_step and "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("content", NO_DATABASES)
def test_what_is_no_database(path: Path, url: str, content: bytes) -> None:
    path.write_bytes(content)
    for function in (lambda: read(url), lambda: put(url)):
        assert "a SQLite database or is damaged" in failed(function, path)
    assert path.read_bytes() == content


def test_a_ledger_of_a_newer_version(path: Path, url: str) -> None:
    put(url)
    database = sqlite3.connect(path)
    database.execute("UPDATE refund_tracking_schema SET version_num = '9999'")
    database.commit()
    database.close()
    before = path.read_bytes()
    for function in (lambda: read(url), lambda: put(url)):
        message = failed(function, path)
        assert "newer version" in message and "9999" in message and HEAD in message and "Upgrade" in message
    assert path.read_bytes() == before


@pytest.mark.services
def test_another_program_holds_the_lock(path: Path, url: str) -> None:
    put(url)
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        for read_only in (True, False):
            ledger = ledger_at(url, read_only, lock_timeout=0.2)
            message = failed(lambda ledger=ledger: find_integration(ledger, entry().identity), path)
            assert "locked by another program for 0.2 s" in message
        writer = ledger_at(url, lock_timeout=0.2)
        assert "locked" in failed(lambda: put_integration(writer, entry("com.b"), NOW))
    put(url, entry("com.b"))
    assert read(url) == ["com.b", "com.example.one"]


def test_a_folder_in_its_place(path: Path, url: str) -> None:
    path.mkdir()
    assert "is a folder" in failed(ledger_at(url).check_place, path)
    for function in (lambda: read(url), lambda: put(url)):
        failed(function, path)


def test_a_missing_folder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/no/ledger.db"
    assert "does not exist" in failed(ledger_at(url).check_place, tmp_path / "no")
    failed(lambda: put(url), tmp_path / "no")
    assert os.listdir(tmp_path) == []


@pytest.mark.services
def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    closed = give_away(tmp_path) / "closed"
    closed.mkdir(mode=0o755 if os.geteuid() == 0 else 0o555)
    url = f"sqlite:///{closed}/ledger.db"
    assert "is not writable" in as_other_user(lambda: failed(ledger_at(url).check_place, closed))
    assert "is not writable" in as_other_user(lambda: failed(lambda: put(url), closed))
    assert os.listdir(closed) == []


def test_places_that_can_be_written(path: Path, url: str) -> None:
    ledger_at(url).check_place()
    assert not path.exists()
    put(url)
    link = path.with_name("link.db")
    link.symlink_to(path)
    for place in (url, f"sqlite:///{link}"):
        ledger_at(place).check_place()
    default = find_place(None, {"XDG_STATE_HOME": f"{path.parent}/not/yet"})
    Ledger(default, True, lambda text: None).check_place()


@pytest.mark.services
def test_files_that_cannot_be_written(tmp_path: Path) -> None:
    path = give_away(tmp_path) / "ledger.db"
    url = f"sqlite:///{path}"
    put(url)
    path.chmod(0o644 if os.geteuid() == 0 else 0o444)
    assert as_other_user(lambda: read(url)) == ["com.example.one"]
    assert "is not writable" in as_other_user(lambda: failed(ledger_at(url).check_place, path))
    assert "is not writable" in as_other_user(lambda: failed(lambda: put(url, entry("com.b")), path))
    path.chmod(0o000)
    if os.geteuid() == 0:
        as_other_user(lambda: failed(lambda: read(url), path))


@pytest.mark.services
def test_a_folder_that_may_not_be_entered_is_no_empty_ledger(tmp_path: Path) -> None:
    folder = give_away(tmp_path) / "closed"
    folder.mkdir()
    url = f"sqlite:///{folder}/ledger.db"
    put(url)
    folder.chmod(0o000)
    if os.geteuid() == 0:
        assert "can't be read: Permission denied" in as_other_user(lambda: failed(lambda: read(url), folder))


@pytest.mark.services
def test_two_processes_at_once_lose_nothing_and_migrate_once(path: Path, url: str) -> None:
    printed = write_at_the_same_time(url)
    assert len(read(url)) == 100
    assert sum("A new ledger" in text for text in printed) == 1
    versions = sqlite3.connect(path).execute("SELECT version_num FROM refund_tracking_schema").fetchall()
    assert versions == [(HEAD,)]


def test_a_full_disk_is_said_and_leaves_the_old_state(url: str) -> None:
    put(url)
    ledger = ledger_at(url)
    with ledger.writing():
        pass
    assert ledger._writer is not None
    sqlalchemy.event.listen(
        ledger._writer, "begin", lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 1")
    )
    many = [entry(f"com.example.n{number}") for number in range(3000)]
    with pytest.raises(LedgerError, match=r"its disk is full .* make room, run again"):
        put_integrations(ledger, many, NOW)
    ledger.close()
    assert read(url) == ["com.example.one"]


@pytest.mark.services
def test_what_a_killed_writer_left_keeps_nobody_from_reading(path: Path, url: str) -> None:
    """An audit may be the next one to come by."""
    put(url)
    assert subprocess.run([sys.executable, "-c", KILLED_IN_A_TRANSACTION, str(path)], check=False).returncode == -9
    assert os.listdir(path.parent) != ["ledger.db"] and read(url) == ["com.example.one"]
    assert os.listdir(path.parent) == ["ledger.db"]
    assert subprocess.run([sys.executable, "-c", KILLED_IN_A_TRANSACTION, str(path)], check=False).returncode == -9
    connection = engines._open_to_read(str(path), 1)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM refund_tracking_integrations")
    connection.close()


@pytest.mark.services
def test_a_writer_killed_in_a_transaction_leaves_the_old_state(path: Path, url: str) -> None:
    put(url)
    done = subprocess.run([sys.executable, "-c", KILLED_IN_A_TRANSACTION, str(path)], check=False)
    assert done.returncode == -9
    assert os.listdir(path.parent) != ["ledger.db"], "the journal was left"
    put(url, entry("com.b"))
    assert read(url) == ["com.b", "com.example.one"]
