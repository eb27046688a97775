# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two controllers read the refunds of the same apps into one PostgreSQL, and are killed again and again.

STOREOPS_SCALE_REFUND_APPS and STOREOPS_SCALE_REFUNDS (of each app) set another size; 300 and 335 are 100,000 refunds,
which takes minutes.
"""

from __future__ import annotations

import os
import random
import signal
import time
import typing as t
from pathlib import Path

import pytest
from ledger_support import ledger_at
from refund_support import DAY, TODAY, URL_V2, Desk
from unit_servers import simulator
from unit_support import ISSUER, KEY_ID, new_pem

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integrations
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration

APPS = int(os.environ.get("STOREOPS_SCALE_REFUND_APPS", "24"))
REFUNDS = int(os.environ.get("STOREOPS_SCALE_REFUNDS", "40"))
NAMES = [f"com.example.app{number:05}" for number in range(APPS)]
KILLS = int(os.environ.get("STOREOPS_SCALE_KILLS", "12"))
# One of the two dies whenever both together have made about so many calls: fewer than a run takes.
CALLS = 2 * APPS
PATIENCE_S = 600.0
OPTIONS: t.Final = {"bundle_id": None, "apps": [{"bundle_id": name} for name in NAMES], "deadline": 3600}


class Controllers:
    """Two processes that each run refund_ledger for the whole list. Killed by calls, not by time."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.random = random.Random(7)
        self.pids = [self._start() for _number in range(2)]

    def _start(self) -> int:
        child = os.fork()
        if child:
            return child
        code = 1
        try:
            outcome = self.desk.run(now=TODAY, **OPTIONS)
            code = 1 if outcome.results.get("failed") else 0
            if code:
                print(outcome.message[:2000], flush=True)
        finally:
            os._exit(code)

    def kill_one(self, victim: int) -> None:
        """Let both work for a while, kill one and start it again."""
        goal = self._calls() + self.random.randrange(CALLS // 2, CALLS)
        ends = time.monotonic() + PATIENCE_S
        while self._calls() < goal and time.monotonic() < ends:
            for number, pid in enumerate(self.pids):
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    self.pids[number] = self._start()
                    assert status == 0, f"a controller ended by itself: {status}"
            time.sleep(0.01)
        assert self._calls() >= goal, f"fewer than {goal} calls in {PATIENCE_S:g} s"
        os.kill(self.pids[victim], signal.SIGKILL)
        os.waitpid(self.pids[victim], 0)
        self.pids[victim] = self._start()

    def finish(self) -> list[int]:
        """Let both come to their end; give their exit statuses."""
        statuses = []
        while self.pids:
            statuses.append(os.waitpid(self.pids[0], 0)[1])
            self.pids.pop(0)
        return statuses

    def stop(self) -> None:
        """Leave none behind when the test fails."""
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def _calls(self) -> int:
        return int(self.desk.sim.calls("?limit=0")["count"])


@pytest.fixture
def desk(tmp_path: Path, ledger_url: str) -> t.Iterator[Desk]:
    """Apps with a generated history, all Active in PostgreSQL."""
    with simulator(new_pem(), new_pem()) as sim:
        made = Desk(sim, tmp_path, ledger_url)
        made.prepare()
        wanted = {"issuer_id": ISSUER, "bundle_ids": NAMES, "days": 120, "refunds_per_app": REFUNDS}
        year = {**wanted, "start": TODAY - 175 * DAY, "sandbox_percent": 0}
        apps = [{"bundle_id": name, "apple_id": 100 + number, **URL_V2} for number, name in enumerate(NAMES)]
        made.world({"generated_refunds": year}, t.cast(t.Any, apps))
        made.move_to(TODAY)
        key = str(tmp_path / "key.p8")
        entries = [
            Integration(Identity("ledger", "", "production", name), ISSUER, KEY_ID, None, "Active", key, 100 + number)
            for number, name in enumerate(NAMES)
        ]
        ledger = ledger_at(ledger_url)
        put_integrations(ledger, entries, "2026-01-01T00:00:00Z")
        ledger.close()
        yield made


def test_the_sums_are_the_truth_whoever_is_killed(desk: Desk) -> None:
    began = time.monotonic()
    controllers = Controllers(desk)
    try:
        for number in range(KILLS):
            controllers.kill_one(number % 2)
        assert controllers.finish() == [0, 0]
    finally:
        controllers.stop()
    truth, sums = desk.truth(TODAY), desk.sums()
    print(f"{APPS} apps, {len(desk.rows())} refunds, {KILLS} kills, {time.monotonic() - began:.0f} s")
    assert sum(one[0] for one in truth.values()) > APPS * REFUNDS // 3
    assert sums == truth
    assert {row["covered_until"] for row in desk.rows("refund_coverage")} == {TODAY}
    outcome = desk.run(now=TODAY, **OPTIONS)
    assert not outcome.results["changed"]
    assert [one["outcome"] for one in outcome.results["apps"]] == ["read"] * APPS
