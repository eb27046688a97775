# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Without the ledger of before, nobody knows what else uses a key: it stays, whatever a tracker shows by itself."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from rotation_support import NEW, OLD, ONE, Publisher
from unit_servers import Simulator
from unit_support import ISSUER, Outcome, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._context import Task
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.rotation import rotation
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integrations

Json = dict[str, t.Any]
# Where the task looks for its ledger; the first has none of its own, as in a job without the variable.
PLACES = ("", "none.db", "not-mounted/none.db", "empty.db")
TRACKERS = ("qonversion", "revenuecat")


@pytest.fixture
def publisher(sim: Simulator, tmp_path: Path) -> Publisher:
    """A publisher whose ledger is not at hand; both trackers have the app with the old key."""
    made = Publisher(sim, tmp_path)
    made.revenuecat(ONE)
    held = {"bundle_id": ONE, "iap_key": {"key_id": OLD, "issuer_id": ISSUER, "has_private_key": True}}
    project = {"name": "game", "secret_key": "sk_9876543210", "apple": held}
    sim.control("PUT", "/world", {**sim.control("GET", "/world"), "qonversion": {"projects": [project]}})
    (tmp_path / "empty.db").touch()
    return made


def at(publisher: Publisher, tracker: str) -> Json:
    """Declare the app at a tracker and in the ledger."""
    if tracker == "revenuecat":
        options = {"api_key": "sk_0123456789", "project_id": "proj1ab2c3d4", "on_unknown": "replace"}
    else:
        options = {"api_key": "sk_9876543210", "project": "game"}
    options["url"] = publisher.sim.announced[tracker]
    return {"bundle_id": ONE, "trackers": ["ledger", tracker], tracker: options}


def run(publisher: Publisher, task: Task, place: str, check_mode: bool, **more: t.Any) -> Outcome:
    """Run a task with the ledger at a place."""
    options = {**publisher.shared, **more, "ledger": {"url": f"sqlite:///{publisher.folder}/{place}"} if place else {}}
    return run_task(task, options, check_mode, {"HOME": str(publisher.folder / "home")})


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("tracker", TRACKERS)
def test_a_rotation_keeps_the_old_key(publisher: Publisher, tracker: str, place: str, check_mode: bool) -> None:
    new = {"key_id": NEW, "name": "new key", "private_key_path": str(publisher.folder / "new.p8")}
    asked = {"keys": publisher.declared(at(publisher, tracker)), "old_key_id": OLD, "new_key": new, "wait": 0}
    told = f"had nothing before this run, so nobody knows what else uses {OLD}. Correct it, or run storeops."
    for stage in ("plan", "move"):
        outcome = run(publisher, rotation.TASK, place, check_mode, **asked, stage=stage, revoke=True)
        assert outcome.results["failed"] and told in outcome.message, outcome
        assert publisher.active() == {OLD, NEW} and "irreversible" not in outcome.results
        assert stage == "move" or "No key was made, and nothing was moved or revoked." in outcome.message


@pytest.mark.parametrize("place", PLACES)
def test_without_revoke_a_rotation_says_so_at_its_end(publisher: Publisher, place: str) -> None:
    new = {"key_id": NEW, "name": "new key", "private_key_path": str(publisher.folder / "new.p8")}
    asked = {"keys": publisher.declared(at(publisher, "qonversion")), "old_key_id": OLD, "new_key": new, "wait": 0}
    plan = run(publisher, rotation.TASK, place, False, **asked, stage="plan")
    assert not plan.results.get("failed"), plan.message
    done = run(publisher, rotation.TASK, place, False, **asked, stage="move")
    assert "so nobody knows what else uses" in (done.message or done.results["rotation"]["message"])
    assert publisher.active() == {OLD, NEW}


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("tracker", TRACKERS)
def test_site_keeps_a_key_that_is_to_be_absent(
    publisher: Publisher, tracker: str, place: str, check_mode: bool
) -> None:
    keys = publisher.declared(at(publisher, tracker), key_id=NEW, file="new.p8")
    keys += [{"key": "old", "issuer_id": ISSUER, "key_id": OLD, "state": "absent", "revoke": True}]
    outcome = run(publisher, integrations.TASK, place, check_mode, keys=keys)
    assert outcome.results["removable_keys"] == []
    assert "had nothing before this run" in outcome.results["summary"] or outcome.results["failed"], outcome
