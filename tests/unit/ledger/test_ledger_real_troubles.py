# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL in trouble that is no stand-in: a real replica, a real deadlock, and writers that are killed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
import typing as t
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from ledger_support import NOW, entry, ledger_at
from test_ledger_postgresql import (
    PASSWORD,
    Cluster,
    _as_owner,
    _owner,
    _program,
    _wait_until_it_answers,
    cluster,
    failed,
)
from unit_ports import free_port
from unit_support import ISSUER, KEY_ID, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import (
    find_integration,
    list_integrations,
    put_integration,
    put_integrations,
)
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_info
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration

# A fixture, used by its name alone.
__all__ = ["cluster"]
OURS = "UPDATE refund_tracking_integrations SET key_id = 'NEW' WHERE bundle_id = '{}'"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'd'"
CHANGE = "UPDATE refund_tracking_integrations SET status = 'Failed' WHERE bundle_id = '{}'"


@pytest.fixture
def server(cluster: Cluster) -> Cluster:
    """A cluster with an empty database named d."""
    cluster.run("DROP DATABASE IF EXISTS d WITH (FORCE)")
    cluster.run("CREATE DATABASE d")
    return cluster


def held(url: str) -> list[str]:
    ledger = ledger_at(url, read_only=True)
    found = [one.identity.bundle_id for one in list_integrations(ledger, "ledger", "", "production")]
    ledger.close()
    return found


@pytest.fixture
def replica(server: Cluster) -> t.Iterator[Cluster]:
    """A hot standby of the cluster, which has a ledger with one app."""
    put_integration(ledger_at(server.url("d")), entry(), NOW)
    folder = Path(tempfile.mkdtemp(prefix="storeops-standby-"))
    if os.geteuid() == 0:
        shutil.chown(folder, _owner())
    data, port = str(folder / "data"), free_port()
    source = f"host=127.0.0.1 port={server.port} user=owner password={PASSWORD}"
    copy = [str(_program("pg_basebackup")), "-D", data, "-R", "-X", "stream", "-c", "fast", "--no-sync", "-d", source]
    subprocess.run(_as_owner(copy), check=True, capture_output=True, cwd=folder)
    settings = ["-h", "127.0.0.1", "-p", str(port), "-c", "fsync=off", "-c", f"unix_socket_directories={folder}"]
    with (folder / "log").open("wb") as log:
        command = _as_owner([str(_program("postgres")), "-D", data, *settings])
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        made = Cluster(port)
        _wait_until_it_answers(made, process, folder / "log")
        yield made
    finally:
        os.kill(int(Path(data, "postmaster.pid").read_text().split()[0]), 2)
        process.wait(timeout=120)
        shutil.rmtree(folder, ignore_errors=True)


def test_a_replica_is_read_and_never_written_to(replica: Cluster, server: Cluster, pem: str) -> None:
    url = replica.url("d")
    assert find_integration(ledger_at(url, read_only=True), entry().identity) == entry()
    assert not run_task(refund_info.TASK, {"ledger": {"url": url}}).results.get("failed")
    assert "replica" in failed(lambda: ledger_at(url, read_only=True).check_place())
    key = {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_content": pem, "credential_check": "skip"}
    given = {"bundle_id": "com.b", **key, "ledger": {"url": url}}
    for check_mode in (True, False):
        told = run_task(integration.TASK, given, check_mode)
        assert told.results["failed"] and not told.results.get("changed"), told
        assert "is a replica, which is read-only. Give the primary server's URL." in told.message
    assert "read-only" in failed(lambda: put_integration(ledger_at(url), entry("com.c"), NOW))
    assert held(server.url("d")) == ["com.example.one"]


def test_a_deadlock_is_survived(server: Cluster) -> None:
    """Another program holds what we want, and wants what we hold. PostgreSQL ends ours, and it goes again."""
    url = server.url("d")
    put_integrations(ledger_at(url), [entry("com.a"), entry("com.b")], NOW)
    ledger = replace(ledger_at(url, lock_timeout=300.0), wait=lambda seconds: None)
    tries: list[int] = []
    with psycopg.connect(url) as other:
        # It never looks for a deadlock, so that ours is the one that is ended.
        other.execute("SET deadlock_timeout = '60s'")
        other.execute(t.cast(t.Any, CHANGE.format("com.b")))
        thread = threading.Thread(target=lambda: other.execute(t.cast(t.Any, CHANGE.format("com.a"))))

        def work(connection: sqlalchemy.Connection) -> None:
            tries.append(1)
            if len(tries) > 1:
                # With ours gone, the other one gets on.
                thread.join(300)
                other.commit()
            connection.exec_driver_sql(OURS.format("com.a"))
            if len(tries) == 1:
                thread.start()
                # PostgreSQL looks for a deadlock once for each who waits.
                while server.run(WAITING) != [(1,)]:
                    time.sleep(0.01)
            connection.exec_driver_sql(OURS.format("com.b"))

        ledger.write(work)
    assert len(tries) == 2
    rows = server.run("SELECT bundle_id, status, key_id FROM refund_tracking_integrations ORDER BY 1", "d")
    assert rows == [("com.a", "Failed", "NEW"), ("com.b", "Failed", "NEW")], "both programs' changes are there"


@pytest.mark.parametrize("at", ["INSERT", "COMMIT"])
def test_a_writer_killed_while_it_writes_leaves_the_old_state(server: Cluster, at: str) -> None:
    url = server.url("d")
    put_integration(ledger_at(url), entry(), NOW)
    child = os.fork()
    if child == 0:
        try:
            ledger = ledger_at(url)

            def die(*_event: t.Any) -> None:
                os.kill(os.getpid(), 9)

            if at == "COMMIT":
                sqlalchemy.event.listen(sqlalchemy.Engine, "commit", die)
            else:
                after = "after_cursor_execute"
                sqlalchemy.event.listen(
                    sqlalchemy.Engine, after, lambda *event: die() if event[2].startswith("INSERT") else None
                )
            put_integrations(ledger, [entry("com.b"), entry("com.c")], NOW)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9
    assert held(url) == ["com.example.one"]
    # Nothing of the dead one stands in the way.
    put_integrations(ledger_at(url), [entry("com.b"), entry("com.c")], NOW)
    assert held(url) == ["com.b", "com.c", "com.example.one"]
