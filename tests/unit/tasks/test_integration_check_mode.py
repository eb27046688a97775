# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check mode predicts exactly what the run then does, and writes nothing: random histories of one app."""

from __future__ import annotations

import os
import shutil
import tempfile
import typing as t
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit_servers import FOREIGN, UNRELEASED, Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, OTHER_ISSUER, Outcome, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration, integration_info

Options = dict[str, t.Any]
# What a step may change of the ordinary options; None takes one away.
CHANGES: dict[str, Options] = {
    "as declared": {},
    "rotated": {"key_id": "ROTATED001", "private_key_path": "other.p8"},
    "wrong issuer": {"issuer_id": OTHER_ISSUER},
    "wrong key file": {"private_key_path": "other.p8"},
    "unreleased app": {"bundle_id": UNRELEASED},
    "foreign app": {"bundle_id": FOREIGN},
    "other capitals": {"bundle_id": "com.example.One"},
    "sandbox": {"environment": "sandbox"},
    "absent": {"state": "absent"},
    "absent, unreleased": {"state": "absent", "bundle_id": UNRELEASED},
    "no file": {"private_key_path": "gone.p8"},
    "damaged file": {"private_key_path": "damaged.p8"},
    "open file": {"private_key_path": "open.p8"},
    "API key name": {"private_key_path": f"AuthKey_{KEY_ID}.p8"},
    "contradicting name": {"private_key_path": "SubscriptionKey_OTHER00001.p8"},
    "no key ID": {"key_id": None},
    "no issuer": {"issuer_id": None},
    "bad bundle ID": {"bundle_id": "com..example"},
    "Apple ID": {"app_apple_id": 7},
}
WORLDS = ("sound", "revoked", "fault 503", "fault html", "fault refuse", "passing 401")
STEPS = st.tuples(
    st.sampled_from(sorted(CHANGES)),
    st.sampled_from(["required", "required", "advisory", "skip"]),
    st.sampled_from(("sound", "sound", *WORLDS)),
)
COMPARED = ("failed", "changed", "diff", "integration", "declared")


def put_keys(folder: Path, sim: Simulator) -> None:
    """Put all key files of the steps in place."""
    for name in ("key.p8", f"AuthKey_{KEY_ID}.p8", "SubscriptionKey_OTHER00001.p8"):
        write_key(folder / name, sim.pem)
    write_key(folder / "other.p8", sim.other_pem)
    write_key(folder / "damaged.p8", sim.pem[:99])
    write_key(folder / "open.p8", sim.pem, 0o644)


def set_world(sim: Simulator, world: str) -> None:
    """Bring the simulator into a state: the same before check mode and before the run."""
    sim.start_over()
    if world == "revoked":
        sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": False})
    elif world == "fault 503":
        sim.fault(kind="status", status=501)
    elif world == "fault html":
        sim.fault(kind="content_type")
    elif world == "fault refuse":
        sim.fault(kind="status", status=302, headers={"Location": "https://login.invalid/"})
    elif world == "passing 401":
        sim.fault(kind="status", status=401, times=1)


def options_of(sim: Simulator, folder: Path, change: str, policy: str) -> Options:
    """Give a step's options."""
    ordinary = {"bundle_id": BUNDLE_ID, "issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": "key.p8"}
    merged = {name: value for name, value in {**ordinary, **CHANGES[change]}.items() if value is not None}
    merged["private_key_path"] = str(folder / merged["private_key_path"])
    ledger = {"url": f"sqlite:///{folder}/ledger.db"}
    return {**merged, "app_store_server_url": sim.url, "credential_check": policy, "ledger": ledger}


def content(folder: Path) -> dict[str, bytes]:
    """Give every file's bytes."""
    return {entry.name: entry.read_bytes() for entry in sorted(folder.iterdir())}


def cause(outcome: Outcome) -> object:
    """Give the verdict's cause."""
    return outcome.results.get("credential_check", {}).get("cause")


def step(sim: Simulator, folder: Path, change: str, policy: str, world: str) -> Outcome:
    """Run one step in check mode and for real; both must tell the same."""
    options = options_of(sim, folder, change, policy)
    set_world(sim, world)
    before = content(folder)
    predicted = run_task(integration.TASK, options, check_mode=True)
    assert content(folder) == before, "check mode wrote something"
    set_world(sim, world)
    done = run_task(integration.TASK, options)
    for name in COMPARED:
        assert predicted.results.get(name) == done.results.get(name), (name, predicted, done)
    assert cause(predicted) == cause(done)
    assert predicted.warnings == [text for text in done.warnings if "new ledger" not in text]
    if done.results.get("failed"):
        assert content(folder) == before, "a failed item wrote something"
        if "diff" in done.results:
            assert done.results["diff"]["before"] == done.results["diff"]["after"] and not done.results["changed"]
    else:
        assert (done.results["diff"]["before"] != done.results["diff"]["after"]) is done.results["changed"]
    return done


@settings(max_examples=10, suppress_health_check=list(HealthCheck))
@given(history=st.lists(STEPS, min_size=1, max_size=5))
def test_check_mode_is_true(sim: Simulator, history: list[tuple[str, str, str]]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="storeops-unit-"))
    try:
        put_keys(folder, sim)
        for change, policy, world in history:
            done = step(sim, folder, change, policy, world)
            again = step(sim, folder, change, policy, world)
            assert not again.results.get("changed"), "the second run changed something"
            assert again.results.get("failed") == done.results.get("failed")
    finally:
        shutil.rmtree(folder)


def ready(sim: Simulator, folder: Path) -> Path:
    """Put keys in place."""
    put_keys(folder, sim)
    return folder


def test_every_change_alone(sim: Simulator, tmp_path: Path) -> None:
    ready(sim, tmp_path)
    outcomes = {change: step(sim, tmp_path, change, "required", "sound") for change in CHANGES}
    causes = {change: cause(outcome) for change, outcome in outcomes.items()}
    assert causes == {
        "as declared": "accepted",
        "rotated": "accepted",
        "wrong issuer": "unauthenticated",
        "wrong key file": "unauthenticated",
        "unreleased app": "app_not_released",
        "foreign app": "unauthenticated",
        "other capitals": "unauthenticated",
        "sandbox": "accepted",
        "absent": "not_checked",
        "absent, unreleased": "not_checked",
        "no file": "key_unreadable",
        "damaged file": "key_unreadable",
        "open file": "key_unreadable",
        "API key name": "accepted",
        "contradicting name": "key_id_mismatch",
        "no key ID": None,
        "no issuer": None,
        "bad bundle ID": None,
        "Apple ID": "accepted",
    }
    twin = outcomes["other capitals"].results["credential_check"]["hint"]
    assert f"with other capitals: {BUNDLE_ID}." in twin
    pending = outcomes["unreleased app"]
    assert pending.results["integration"]["status"] == "Pending" and len(pending.warnings) == 1
    for refused, held in (("wrong issuer", "Active"), ("wrong key file", "Active"), ("no file", "Absent")):
        results = outcomes[refused].results
        assert results["failed"] and results["changed"] is False
        assert results["integration"]["status"] == held, "as held now"


def test_what_the_policies_do_with_a_refusal(sim: Simulator, tmp_path: Path) -> None:
    ready(sim, tmp_path)
    required = step(sim, tmp_path, "wrong issuer", "required", "sound")
    assert required.results["failed"] and not (tmp_path / "ledger.db").exists()
    advisory = step(sim, tmp_path, "wrong issuer", "advisory", "sound")
    assert advisory.results["changed"] and advisory.results["integration"]["status"] == "Failed"
    assert len([text for text in advisory.warnings if "unauthenticated" in text]) == 1
    skip = step(sim, tmp_path, "wrong issuer", "skip", "sound")
    assert (skip.results["changed"], skip.results["integration"]["status"]) == (False, "Failed")
    assert (cause(skip), skip.results["http"]["calls"]) == ("not_checked", 0)
    local = step(sim, tmp_path, "damaged file", "skip", "sound")
    assert local.results["failed"], "an unusable key fails whatever the policy"


def test_a_predicted_key_is_planned_in_check_mode_only(sim: Simulator, tmp_path: Path) -> None:
    options = {**options_of(sim, tmp_path, "no file", "required"), "key_predicted": True}
    predicted = run_task(integration.TASK, options, check_mode=True)
    assert (predicted.results["changed"], cause(predicted)) == (True, "key_not_yet_created")
    assert predicted.results["integration"]["status"] == "Pending" and predicted.warnings == []
    assert cause(run_task(integration.TASK, options)) == "key_unreadable"
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("there", ["open.p8", "other.p8", "damaged.p8", "folder.p8"])
def test_a_predicted_key_is_never_read_in_check_mode(sim: Simulator, tmp_path: Path, there: str) -> None:
    """The run before this task would have repaired or replaced what lies there now."""
    ready(sim, tmp_path)
    (tmp_path / "folder.p8").mkdir()
    options = {**options_of(sim, tmp_path, "as declared", "required"), "key_predicted": True}
    options["private_key_path"] = str(tmp_path / there)
    sim.start_over()
    predicted = run_task(integration.TASK, options, check_mode=True)
    assert (predicted.results["changed"], cause(predicted)) == (True, "key_not_yet_created")
    assert not predicted.results.get("failed") and sim.calls()["total"] == 0
    assert run_task(integration.TASK, options).results["failed"], "a real run reads it"


def test_a_predicted_mode_is_not_judged(sim: Simulator, tmp_path: Path) -> None:
    """Whether the task before repairs the mode or replaces the key, this one can't tell."""
    ready(sim, tmp_path)
    assert cause(step(sim, tmp_path, "as declared", "required", "sound")) == "accepted"
    options = options_of(sim, tmp_path, "as declared", "required")
    (tmp_path / "key.p8").chmod(0o644)
    set_world(sim, "revoked")
    for other in ({}, {"key_id": "ROTATED001"}, {"private_key_path": f"{tmp_path}/other.p8"}):
        planned = run_task(integration.TASK, {**options, **other, "key_predicted": True}, check_mode=True)
        assert cause(planned) == "key_not_yet_created" and not planned.results.get("failed"), other
    for check_mode, is_predicted in ((False, True), (True, False), (False, False)):
        refused = run_task(integration.TASK, {**options, "key_predicted": is_predicted}, check_mode=check_mode)
        assert cause(refused) == "key_unreadable" and "mode 0644" in refused.message


def test_the_key_name_of_another_service_is_refused_when_nothing_settles_it(sim: Simulator, tmp_path: Path) -> None:
    ready(sim, tmp_path)
    assert cause(step(sim, tmp_path, "API key name", "skip", "sound")) == "key_wrong_kind"
    assert cause(step(sim, tmp_path, "API key name", "required", "fault html")) == "key_wrong_kind"


def test_the_ledger_never_holds_a_key(sim: Simulator, tmp_path: Path) -> None:
    ready(sim, tmp_path)
    options = options_of(sim, tmp_path, "as declared", "required")
    content_only = {**options, "private_key_content": sim.pem}
    del content_only["private_key_path"]
    sim.start_over()
    outcome = run_task(integration.TASK, content_only)
    stored = (tmp_path / "ledger.db").read_bytes()
    for line in sim.pem.splitlines():
        assert line.encode() not in stored and line not in repr(outcome)


def test_the_text_of_a_key_does_not_make_the_ledger_forget_its_file(sim: Simulator, tmp_path: Path) -> None:
    ready(sim, tmp_path)
    by_path = options_of(sim, tmp_path, "as declared", "required")
    by_text = {**by_path, "private_key_content": sim.pem}
    del by_text["private_key_path"]
    sim.start_over()
    for options, changed in ((by_path, True), (by_text, False)):
        assert run_task(integration.TASK, options).results["changed"] is changed
    # The stored path is what gives the key here.
    named = {"ledger": by_path["ledger"], "app_store_server_url": sim.url}
    info = run_task(integration_info.TASK, named).results["integrations"][0]
    assert info["credential_check"]["cause"] == "accepted"


def test_info_checks_what_is_held_and_writes_nothing(sim: Simulator, tmp_path: Path) -> None:
    ready(sim, tmp_path)
    for change in ("as declared", "unreleased app"):
        step(sim, tmp_path, change, "required", "sound")
    options = {"ledger": {"url": f"sqlite:///{tmp_path}/ledger.db"}, "app_store_server_url": sim.url}
    before = content(tmp_path)
    set_world(sim, "revoked")
    held = run_task(integration_info.TASK, options).results["integrations"]
    assert [(entry["bundle_id"], entry["status"]) for entry in held] == [(BUNDLE_ID, "Failed"), (UNRELEASED, "Failed")]
    assert all("refused for both apps" in entry["credential_check"]["hint"] for entry in held)
    skipped = run_task(integration_info.TASK, {**options, "credential_check": "skip"}).results["integrations"]
    assert [entry["status"] for entry in skipped] == ["Active", "Pending"]
    write_key(tmp_path / "key.p8", sim.other_pem)
    swapped = run_task(integration_info.TASK, {**options, "bundle_id": BUNDLE_ID}).results["integrations"]
    assert swapped[0]["credential_check"]["cause"] == "key_id_mismatch"
    wanted = "declare its Key ID and run storeops.refunds.site; else put the old file back."
    assert swapped[0]["credential_check"]["hint"].endswith(f"If the file holds the new key, {wanted}")
    # Of the key that was applied, this file says nothing.
    assert swapped[0]["status"] == "Active"
    (tmp_path / "key.p8").unlink()
    moved = run_task(integration_info.TASK, options).results["integrations"]
    for entry, status in zip(moved, ("Active", "Pending"), strict=True):
        assert (entry["status"], entry["credential_check"]["cause"]) == (status, "not_checked")
        assert "run where the stored path exists" in entry["credential_check"]["hint"]
    write_key(tmp_path / "key.p8", sim.pem)
    assert content(tmp_path) == before
