# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refunds in PostgreSQL: two controllers at once, and a ledger of the first schema."""

from __future__ import annotations

import os
from pathlib import Path

from ledger_support import NOW, entry, ledger_at
from refund_support import DAY, TODAY, Desk
from test_ledger_postgresql import FORBID, PASSWORD, Cluster, cluster, database, failed
from test_refund_migration import make_first_schema
from unit_servers import Simulator
from unit_support import run_task

from ansible_collections.storeops.refunds.plugins.module_utils._ledger._migrations import HEAD
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import (
    find_integration,
    put_integration,
)
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_info
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration_info

__all__ = ["cluster", "database"]
START = 1_750_000_000_000
END = START + 175 * DAY


def _child(desk: Desk, start: int, go: int) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.close(go)
        os.read(start, 1)
        code = 1 if desk.run(now=END).results.get("failed") else 0
    finally:
        os._exit(code)


def test_two_controllers_at_once(sim: Simulator, tmp_path: Path, cluster: Cluster, database: str) -> None:
    desk = Desk(sim, tmp_path, cluster.url(database))
    desk.prepare()
    desk.generate(120, 200, START)
    desk.move_to(END)
    for _round in range(2):
        start, go = os.pipe()
        children = [_child(desk, start, go) for _number in range(2)]
        os.close(start)
        os.close(go)
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
        assert desk.sums() == desk.truth(END)
    assert not desk.run(now=END).results["changed"]
    assert len(desk.rows("refund_coverage")) == 1


def test_check_mode_writes_nothing(sim: Simulator, tmp_path: Path, cluster: Cluster, database: str) -> None:
    desk = Desk(sim, tmp_path, cluster.url(database))
    desk.prepare()
    desk.refund(-3)
    desk.refund(-2, "2000000000000002", fault="tampered")
    told = desk.run(check_mode=True)
    assert told.results["refunds"]["new"] == 1 and desk.rows() == [] and desk.rows("refund_coverage") == []
    done = desk.run()
    assert done.results["coverage"] == told.results["coverage"] and len(desk.rows()) == 1
    assert len(desk.rows("refund_quarantine")) == 1


def test_a_ledger_of_the_first_schema_is_migrated(
    sim: Simulator, tmp_path: Path, cluster: Cluster, database: str
) -> None:
    desk = Desk(sim, tmp_path, cluster.url(database))
    make_first_schema(desk.url)
    assert "refund_tracking_refunds" not in cluster.tables(database)
    desk.prepare()
    desk.refund(-3)
    desk.run(now=TODAY)
    assert cluster.run("SELECT version_num FROM refund_tracking_schema", database) == [(HEAD,)]
    assert len(desk.rows()) == 1


def test_tables_and_indexes_of_other_programs_stay(cluster: Cluster, database: str) -> None:
    cluster.run("CREATE TABLE refunds (id int); CREATE INDEX refunds_by_date ON refunds (id)", database)
    cluster.run("CREATE TABLE refund_notifications (id int); CREATE TABLE refund_coverage (id int)", database)
    ledger = ledger_at(cluster.url(database))
    put_integration(ledger, entry(), NOW)
    ledger.close()
    found = cluster.run("SELECT indexname, tablename FROM pg_indexes WHERE schemaname = 'public'", database)
    mine = [name for name, table in found if table != "refunds"]
    assert len(mine) == 15 and all(name.startswith("refund_tracking_") for name in mine), mine


def test_looking_at_a_ledger_of_the_first_schema_changes_nothing(cluster: Cluster, database: str) -> None:
    url = cluster.url(database)
    make_first_schema(url)
    cluster.run(f"DROP ROLE IF EXISTS onlooker; CREATE ROLE onlooker LOGIN PASSWORD '{PASSWORD}'")
    cluster.run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO onlooker", database)
    cluster.run(FORBID, database)
    held = entry("com.example.old")
    for user in ("owner", "onlooker"):
        options = {"ledger": {"url": cluster.url(database, user)}, "bundle_id": "com.example.old"}
        looked = run_task(integration_info.TASK, options).results
        assert [one["key_id"] for one in looked["integrations"]] == ["KEY"], looked
        asked = run_task(refund_info.TASK, options).results
        assert asked["total"] == 0 and [one["state"] for one in asked["coverage"]] == ["never"], asked
        ledger = ledger_at(cluster.url(database, user), read_only=True)
        assert [find_integration(ledger, held.identity) for _twice in range(2)] == [held, held]
        ledger.close()
    assert "no DDL here" in failed(lambda: put_integration(ledger_at(url), entry(), NOW)), "the trigger works"
    ledger_at(url, read_only=True).check_place()
    cannot = ledger_at(cluster.url(database, "onlooker"), read_only=True)
    assert "permission denied" in failed(cannot.check_place)


def test_what_is_written_after_a_look_at_the_first_schema_is_seen(cluster: Cluster, database: str) -> None:
    make_first_schema(cluster.url(database))
    ledger = ledger_at(cluster.url(database))
    assert find_integration(ledger, entry().identity) is None
    put_integration(ledger, entry(), NOW)
    assert find_integration(ledger, entry().identity) == entry()
    ledger.close()


def _looks_and_writes(url: str, name: str, start: int, go: int) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.close(go)
        os.read(start, 1)
        ledger = ledger_at(url)
        assert find_integration(ledger, entry("com.example.old").identity) is not None
        put_integration(ledger, entry(name), NOW)
        code = 0
    finally:
        os._exit(code)


def test_many_workers_after_an_upgrade(cluster: Cluster, database: str) -> None:
    for number in range(3):
        name = f"{database}_{number}"
        cluster.run(f"CREATE DATABASE {name}")
        make_first_schema(cluster.url(name))
        start, go = os.pipe()
        children = [_looks_and_writes(cluster.url(name), f"com.w{worker}", start, go) for worker in range(6)]
        os.close(start)
        os.close(go)
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * 6
        assert cluster.run("SELECT count(*) FROM refund_tracking_integrations", name) == [(7,)]
        assert cluster.run("SELECT version_num FROM refund_tracking_schema", name) == [(HEAD,)]
