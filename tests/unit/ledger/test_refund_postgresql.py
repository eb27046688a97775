# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refunds in PostgreSQL: two controllers at once, and a ledger of the first schema."""

from __future__ import annotations

import os
from pathlib import Path

from refund_support import DAY, TODAY, Desk
from test_ledger_postgresql import Cluster, cluster, database
from test_refund_migration import make_first_schema
from unit_servers import Simulator

from ansible_collections.storeops.refunds.plugins.module_utils._ledger._migrations import HEAD

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
    assert "refunds" not in cluster.tables(database)
    desk.prepare()
    desk.refund(-3)
    desk.run(now=TODAY)
    assert cluster.run("SELECT version_num FROM refund_tracking_schema", database) == [(HEAD,)]
    assert len(desk.rows()) == 1
