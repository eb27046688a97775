# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list that is not done to its end: the deadline, a locked ledger, a kill. Running it again continues."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
import threading
import typing as t
from pathlib import Path

import pytest
from bulk_support import Bulk, apps, outcomes
from unit_servers import Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID

from ansible_collections.storeops.refunds.plugins.module_utils import _run
from ansible_collections.storeops.refunds.plugins.module_utils._http import HttpSettings, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._http_flow import Flow
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.shared.concurrent import each
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.shared.progress import Progress
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import checks, writing
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.last_applied import LastApplied

TWO = "com.example.two"
NAMES = [f"com.example.n{number:03}" for number in range(60)]
# Ends itself before the third batch of ten, as a kill would.
KILLED = """
import json, os, signal, sys
from unit_support import run_task
from ansible_collections.storeops.refunds.plugins.module_utils._ledger import integrations as rows
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integrations, writing
from ansible_collections.storeops.refunds.plugins.module_utils._trackers import ledger
writing.BATCH = 10
count = 0
def put(*arguments):
    global count
    count += 1
    if count == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    rows.put_integrations(*arguments)
ledger.put_integrations = put
run_task(integrations.TASK, json.loads(sys.stdin.read()))
"""


@pytest.fixture
def bulk(sim: Simulator, tmp_path: Path) -> Bulk:
    """Keys and a ledger that is not there yet."""
    return Bulk(sim, tmp_path)


@pytest.fixture
def second_per_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the transport's clock go on by a second with each call and not otherwise."""

    def transport(settings: HttpSettings) -> Transport:
        made: list[Transport] = []
        made.append(Transport(settings, monotonic=lambda: float(made[0].counters.calls) if made else 0.0))
        return made[0]

    monkeypatch.setattr(_run, "Transport", transport)


@pytest.mark.usefixtures("second_per_call")
def test_the_deadline_leaves_the_rest_untried(bulk: Bulk) -> None:
    bulk.world(NAMES)
    done = bulk.run(apps(*NAMES), deadline=30, concurrency=1)
    items = done.results["integrations"]
    assert [entry["bundle_id"] for entry in items] == NAMES
    kept = [entry["bundle_id"] for entry in items if entry["outcome"] == "changed"]
    untried = [entry for entry in items if entry["outcome"] == "not_tried"]
    assert kept == NAMES[: len(kept)] and len(kept) > 20 and len(untried) == 30
    assert bulk.held() == kept, "what was accepted in time is kept"
    assert "not tried, the deadline of 30 s was over" in untried[0]["msg"] and untried[0]["status"] == "Absent"
    assert untried[0]["credential_check"]["cause"] == "not_checked" and untried[0]["action"] == "unchanged"
    assert "30 of 60 apps weren't tried." in done.message and done.results["changed"]
    assert list(done.results["diff"]["after"]) == kept
    again = bulk.run(apps(*NAMES), deadline=300)
    assert not again.message and bulk.held() == NAMES, "running again continues"


def test_absent_apps_need_no_time(bulk: Bulk) -> None:
    bulk.run(apps(BUNDLE_ID))
    done = bulk.run([{"bundle_id": BUNDLE_ID, "state": "absent"}], deadline=0.001)
    assert outcomes(done) == [(BUNDLE_ID, "delete", "changed")] and bulk.held() == []


def test_a_ledger_that_is_locked(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    bulk.run(apps(BUNDLE_ID))
    bulk.world(NAMES[:4])
    monkeypatch.setattr(writing, "BATCH", 2)
    with contextlib.closing(sqlite3.connect(bulk.ledger)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = bulk.run(apps(*NAMES[:4]), deadline=5)
        other.rollback()
    assert [outcome for _name, _action, outcome in outcomes(done)] == ["failed", "failed", "not_tried", "not_tried"]
    assert "was locked by another program" in done.message and not done.results["changed"]
    assert done.results["diff"] == {"before": {}, "after": {}} and bulk.held() == [BUNDLE_ID]
    assert not bulk.run(apps(*NAMES[:4])).message


def test_a_kill_between_two_batches(bulk: Bulk) -> None:
    bulk.world(NAMES)
    script = [sys.executable, "-c", KILLED]
    ran = subprocess.run(
        script,
        input=json.dumps(bulk.options(apps(*NAMES))),
        text=True,
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        check=False,
    )
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    assert bulk.held() == NAMES[:20], "what was written stays"
    again = bulk.run(apps(*NAMES))
    assert [action for _name, action, _outcome in outcomes(again)] == ["unchanged"] * 20 + ["create"] * 40
    assert bulk.held() == NAMES


def test_what_a_save_that_broke_off_left_is_named_where_nobody_declares_it(bulk: Bulk) -> None:
    """It has no Issuer ID, so it may be of any team: of the declared one, too."""
    bulk.run(apps(BUNDLE_ID))
    ledger = Ledger(find_place(f"sqlite:///{bulk.ledger}", {}), False, lambda text: None)
    begun = Integration(Identity("revenuecat", "game", "production", TWO), ISSUER, KEY_ID, "f", "Active")
    LastApplied(ledger, lambda: "2026-11-28T00:00:00Z").begin(begun)
    ledger.close()
    done = bulk.run(apps(BUNDLE_ID)).results
    assert [(one["bundle_id"], one["tracker"]) for one in done["undeclared"]] == [(TWO, "revenuecat")]
    assert f"Set up at revenuecat, and not declared for it: {TWO} at revenuecat (project game)." in done["summary"]


def test_results_keep_the_order_and_the_first_fault_is_raised_last() -> None:
    done: list[int] = []
    is_last_done = threading.Event()

    def slower_first(number: int) -> int:
        # Eight begin at once, so that four are left for all the others.
        assert number >= 4 or is_last_done.wait(300)
        if number == 19:
            is_last_done.set()
        return number * 10

    assert each(range(20), slower_first, Flow(), done.append) == [number * 10 for number in range(20)]
    assert sorted(done) == [number * 10 for number in range(20)] != done

    def failing(number: int) -> int:
        if number in (3, 7):
            raise ValueError(str(number))
        return number

    done.clear()
    with pytest.raises(ValueError, match="3"):
        each(range(20), failing, Flow(), done.append)
    assert len(done) == 18


def test_progress_is_said_every_ten_seconds_at_most() -> None:
    said: list[str] = []
    clock = [1000.0]
    progress = Progress(said.append, lambda: clock[0], "refund_tracking_integrations", 10000)
    for number in range(2400):
        clock[0] += 0.0078125  # exact in binary: 1280 make ten seconds
        progress.ended(number % 100 == 0)
    assert said == ["refund_tracking_integrations: 1,280 of 10,000 apps, 13 failed"]
    clock[0] -= 5000
    progress.ended(False)
    assert len(said) == 2, "a clock that was set back does not silence it"


@pytest.mark.parametrize("nouns", ["apps", "key checks"])
def test_what_was_said_on_the_way_is_said_at_the_end(nouns: str) -> None:
    said: list[str] = []
    clock = [0.0]
    progress = Progress(said.append, lambda: clock[0], "key", 3, nouns)
    for clock[0] in (4, 11, 12):
        progress.ended(False)
    assert said == [f"key: 2 of 3 {nouns}, 0 failed", f"key: 3 of 3 {nouns}, 0 failed"]


def test_a_check_counts_what_it_asks_of_apple(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Progress] = []

    def counted(*given: t.Any) -> Progress:
        made.append(Progress(*given))
        return made[-1]

    monkeypatch.setattr(checks, "Progress", counted)
    bulk.run(apps(*NAMES[:3]), check_mode=True)
    assert [(one.nouns, one.done, one.total) for one in made] == [("key checks", 3, 3)]


def test_a_short_task_says_nothing() -> None:
    said: list[str] = []
    progress = Progress(said.append, lambda: 5.0, "refund_tracking_integrations", 2)
    progress.ended(True)
    progress.ended(False)
    assert said == [] and (progress.done, progress.failed) == (2, 1)
