# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Production refuses, the sandbox accepts: "never released" is no answer for an app that production accepted before."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from unit_ports import free_port
from unit_servers import UNRELEASED, Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, Outcome, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration

Run = t.Callable[..., Outcome]


@pytest.fixture
def run(sim: Simulator, tmp_path: Path) -> Run:
    """Run the task with sound options; the ledger lies in the test's folder."""
    write_key(tmp_path / "key.p8", sim.pem)
    write_key(tmp_path / "other.p8", sim.other_pem)

    def running(check_mode: bool = False, file: str = "key.p8", **options: t.Any) -> Outcome:
        given = {
            "bundle_id": BUNDLE_ID,
            "issuer_id": ISSUER,
            "key_id": KEY_ID,
            "private_key_path": str(tmp_path / file),
            "app_store_server_url": sim.url,
            "ledger": {"url": f"sqlite:///{tmp_path}/ledger.db"},
            **options,
        }
        return run_task(integration.TASK, given, check_mode)

    return running


def verdict(outcome: Outcome) -> tuple[str, bool, str]:
    """Give cause, failure and status."""
    results = outcome.results
    return results["credential_check"]["cause"], bool(results.get("failed")), results["integration"]["status"]


def test_the_key_that_was_accepted_before(run: Run, sim: Simulator) -> None:
    assert verdict(run()) == ("accepted", False, "Active")
    sim.control("PATCH", f"/apps/{BUNDLE_ID}", {"released": False})
    for check_mode in (True, False):
        outcome = run(check_mode)
        assert verdict(outcome) == ("unauthenticated", True, "Active") and not outcome.results["changed"]
        assert "although it accepted it for this app before" in outcome.message and outcome.warnings == []
    outcome = run(credential_check="advisory")
    assert verdict(outcome) == ("unauthenticated", False, "Failed")
    sim.control("PATCH", f"/apps/{BUNDLE_ID}", {"released": True})
    assert verdict(run()) == ("accepted", False, "Active")


def test_another_key_is_refused_for_an_app_that_production_accepted_before(run: Run, sim: Simulator) -> None:
    """A rotation must not take that for success, and revoke the key that works."""
    assert verdict(run()) == ("accepted", False, "Active")
    sim.control("PATCH", f"/apps/{BUNDLE_ID}", {"released": False})
    for check_mode in (True, False):
        outcome = run(check_mode, file="other.p8", key_id="ROTATED001")
        assert verdict(outcome) == ("unauthenticated", True, "Active") and not outcome.results["changed"]
        assert "Keep the key that works" in outcome.message


def test_that_production_accepted_it_is_never_forgotten(run: Run, sim: Simulator) -> None:
    """The status may be Failed since: the app was released all the same."""
    assert verdict(run()) == ("accepted", False, "Active")
    assert verdict(run(issuer_id=ISSUER.replace("5", "6"), credential_check="advisory"))[2] == "Failed"
    sim.control("PATCH", f"/apps/{BUNDLE_ID}", {"released": False})
    assert verdict(run(file="other.p8", key_id="ROTATED001"))[:2] == ("unauthenticated", True)


@pytest.mark.parametrize("policy", ["advisory", "skip"])
def test_what_apple_did_not_decide_keeps_what_was_proven(run: Run, policy: str) -> None:
    assert verdict(run()) == ("accepted", False, "Active")
    outcome = run(credential_check=policy, app_store_server_url=f"http://127.0.0.1:{free_port()}")
    assert outcome.results["integration"]["status"] == "Active" and not outcome.results["changed"]


def test_what_apple_did_not_decide_of_another_key_is_pending(run: Run) -> None:
    assert verdict(run()) == ("accepted", False, "Active")
    outcome = run(credential_check="skip", file="other.p8", key_id="ROTATED001")
    assert outcome.results["integration"]["status"] == "Pending"


def test_an_app_that_was_never_active(run: Run) -> None:
    for changed in (True, False):
        outcome = run(bundle_id=UNRELEASED)
        assert verdict(outcome) == ("app_not_released", False, "Pending")
        assert outcome.results["changed"] is changed and len([w for w in outcome.warnings if UNRELEASED in w]) == 1
