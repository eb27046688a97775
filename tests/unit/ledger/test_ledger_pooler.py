# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger behind a real PgBouncer in transaction mode: each transaction may get another connection to the server."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import typing as t
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from ledger_support import NOW, entry, ledger_at, write_at_the_same_time
from test_ledger_postgresql import PASSWORD, Cluster, _as_owner, _owner, cluster, process_wait
from unit_ports import free_port
from unit_support import run_task

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import (
    find_integration,
    list_integrations,
    put_integration,
)
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_info

# A fixture, used by its name alone.
__all__ = ["cluster"]
SETTINGS = """
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 2
logfile = {folder}/log
"""


@pytest.fixture(scope="module")
def pooler(cluster: Cluster) -> t.Iterator[Cluster]:
    """A pooler before the cluster, and a database named pooled."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if program is None:
        message = "NO PGBOUNCER HERE: install it (Debian: pgbouncer), else poolers are not tested"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    cluster.run("CREATE DATABASE pooled")
    folder = Path(tempfile.mkdtemp(prefix="storeops-pool-"))
    port = free_port()
    (folder / "users").write_text(f'"owner" "{PASSWORD}"\n')
    (folder / "settings").write_text(SETTINGS.format(server=cluster.port, port=port, folder=folder))
    if os.geteuid() == 0:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, _owner())
    process = subprocess.Popen(
        _as_owner([program, str(folder / "settings")]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    made = Cluster(port)
    try:
        for _attempt in range(1200):
            assert process.poll() is None, (folder / "log").read_text()
            try:
                made.run("SELECT 1", "pooled")
                break
            except psycopg.OperationalError:
                process_wait(process, 0.05)
        yield made
    finally:
        process.terminate()
        process.wait(timeout=120)
        shutil.rmtree(folder, ignore_errors=True)


def test_many_transactions_on_few_connections(pooler: Cluster) -> None:
    ledgers = [replace(ledger_at(pooler.url("pooled")), remaining=lambda: 100.0) for _number in range(3)]
    for number in range(12):
        for index, ledger in enumerate(ledgers):
            put_integration(ledger, entry(f"com.example.a{index}b{number}"), NOW)
            assert find_integration(ledger, entry(f"com.example.a{index}b{number}").identity) is not None
    # The other tests of this file write there as well, in any order.
    held = {one.identity.bundle_id for one in list_integrations(ledgers[0], "ledger", "", "production")}
    assert {f"com.example.a{index}b{number}" for index in range(3) for number in range(12)} <= held
    results = run_task(refund_info.TASK, {"ledger": {"url": pooler.url("pooled")}}).results
    assert not results.get("failed"), results
    for ledger in ledgers:
        ledger.close()


def test_two_controllers_behind_one_pooler(pooler: Cluster) -> None:
    write_at_the_same_time(pooler.url("pooled"), 10)


def test_no_setting_of_ours_stays_in_the_pool(pooler: Cluster) -> None:
    put_integration(replace(ledger_at(pooler.url("pooled")), remaining=lambda: 100.0), entry(), NOW)
    shown = "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"
    assert {pooler.run(shown, "pooled")[0] for _number in range(6)} == {("0", "0")}
