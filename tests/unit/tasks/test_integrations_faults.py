# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fault of ours that meets one app costs no other app its outcome; what breaks a task off stops its list."""

from __future__ import annotations

import signal
import threading
import typing as t
from pathlib import Path

import pytest
from bulk_support import Bulk, Json, apps, outcomes
from unit_servers import Simulator
from unit_support import ISSUER, KEY_ID, OTHER_ISSUER, Outcome, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._apple.credential_check import CredentialCheck
from ansible_collections.storeops.refunds.plugins.module_utils._http_flow import FIRST, Flow
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.explained import RowsFailed
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Integration
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.audit import audit_report
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.shared.concurrent import each
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import (
    checks,
    declaration_info,
    engine,
    writing,
)
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.ledger import LedgerTracker

NAMES = [f"com.example.n{number}" for number in range(6)]
BAD = NAMES[2]
FAULT = "This is a fault of storeops.refunds, not of your input: AttributeError at test_integrations_faults.py:"


@pytest.fixture
def bulk(sim: Simulator, tmp_path: Path) -> Bulk:
    made = Bulk(sim, tmp_path)
    made.world(NAMES)
    return made


def faulty(work: t.Callable[..., t.Any], find: t.Callable[..., str]) -> t.Callable[..., t.Any]:
    """Give what does the work, but raises for one app. ``find``: the bundle ID in the arguments."""

    def do(*arguments: t.Any) -> t.Any:
        if find(*arguments) == BAD:
            raise AttributeError("as a\nmistake would")
        return work(*arguments)

    return do


def as_other_tracker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the ledger be written to as other trackers are: one app after the other."""
    monkeypatch.setattr(writing, "LedgerTracker", Bulk)
    monkeypatch.setattr(
        LedgerTracker, "save", lambda self, entry, credentials: self.note(entry) or entry, raising=False
    )


@pytest.mark.parametrize("where", ["look-up", "check", "decision", "writing"])
def test_one_app_meets_a_fault(bulk: Bulk, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    if where == "look-up":
        never = property(lambda self: False, lambda self, value: None)
        monkeypatch.setattr(LedgerTracker, "is_listable", never)
        monkeypatch.setattr(LedgerTracker, "find", faulty(LedgerTracker.find, lambda _self, one: one.bundle_id))
    elif where == "check":
        check = faulty(CredentialCheck.check, lambda _self, _credentials, bundle_id, _place: bundle_id)
        monkeypatch.setattr(CredentialCheck, "check", check)
    elif where == "decision":
        decide = faulty(engine.decide_present, lambda wanted, *_rest: wanted.identity.bundle_id)
        monkeypatch.setattr(engine, "decide_present", decide)
    else:
        as_other_tracker(monkeypatch)
        carry_out = faulty(writing.carry_out, lambda decision, _tracker: decision.held.identity.bundle_id)
        monkeypatch.setattr(writing, "carry_out", carry_out)
    done = bulk.run(apps(*NAMES))
    # Where it struck while a tracker was written to, nobody knows how far it came.
    action, ending = ("create", " run again.") if where == "writing" else ("unchanged", "; the other apps went on.")
    expected = [(name, "create", "changed") if name != BAD else (name, action, "failed") for name in NAMES]
    assert outcomes(done) == expected
    message = done.results["integrations"][2]["msg"]
    assert message.startswith(f"{BAD}: {FAULT}") and message.endswith(ending)
    assert "as a mistake would" in message
    assert done.message.startswith(f"1 of 6 apps needs attention.\n{BAD}: {FAULT}") and done.results["changed"]
    monkeypatch.undo()
    assert bulk.held() == [name for name in NAMES if name != BAD]


def test_a_fault_while_a_hint_is_sharpened_hides_no_refusal(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    bulk.run(apps(*NAMES))
    compare = faulty(checks.facts, lambda current, *_rest: current.identity.bundle_id)
    monkeypatch.setattr(checks, "facts", compare)
    done = bulk.both(apps(*NAMES), keys=[bulk.key("a", issuer_id=OTHER_ISSUER)])
    items = done.results["integrations"]
    assert [item["credential_check"]["cause"] for item in items] == ["unauthenticated"] * len(NAMES)
    assert all(item["msg"].startswith(f"{item['bundle_id']}: the credential check failed: ") for item in items)
    hints = [item["credential_check"]["hint"] for item in items]
    assert "is refused for all 6 apps" in hints[2], "the inference across apps is left"
    assert ["Changed: issuer_id was" in hint for hint in hints] == [name != BAD for name in NAMES]
    assert FAULT not in done.message and len(done.warnings) == 1
    assert done.warnings[0].startswith(f"{BAD}: {FAULT}") and "the hint says less than it could" in done.warnings[0]


def test_a_fault_amid_the_batches_does_not_hide_what_was_written(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "BATCH", 2)
    note_all = faulty(LedgerTracker.note_all, lambda _self, entries: entries[0].identity.bundle_id)
    monkeypatch.setattr(LedgerTracker, "note_all", note_all)
    done = bulk.run(apps(*NAMES))
    assert [outcome for _name, _action, outcome in outcomes(done)] == [
        *["changed"] * 2,
        *["failed"] * 2,
        *["not_tried"] * 2,
    ]
    assert FAULT in done.message and list(done.results["diff"]["after"]) == NAMES[:2]
    assert bulk.held() == NAMES[:2]


def test_one_row_that_the_ledger_can_not_hold_fails_one_app(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_self: LedgerTracker, entries: t.Sequence[Integration]) -> t.NoReturn:
        note_all(_self, [entry for entry in entries if entry.identity.bundle_id != BAD])
        raise RowsFailed({entry.identity: "too long." for entry in entries if entry.identity.bundle_id == BAD})

    note_all = LedgerTracker.note_all
    monkeypatch.setattr(LedgerTracker, "note_all", refused)
    done = bulk.run(apps(*NAMES))
    assert done.message == f"1 of 6 apps needs attention.\n{BAD}: too long."
    assert [outcome for name, _action, outcome in outcomes(done) if name != BAD] == ["changed"] * 5
    assert bulk.held() == [name for name in NAMES if name != BAD]


def test_a_fault_of_the_list_itself_fails_the_task(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LedgerTracker, "list", faulty(LedgerTracker.list, lambda *_arguments: BAD))
    done = bulk.run(apps(*NAMES))
    assert done.message.startswith(FAULT) and "integrations" not in done.results


class TimeIsOver(BaseException):
    """As Ansible's keyword ``timeout`` raises it, from a signal's handler."""


def test_a_timeout_of_the_task_ends_the_list() -> None:
    """Ansible's alarm reaches the thread that waits; what has begun may end, and nothing else begins."""
    before = set(threading.enumerate())
    release, heard, begun = threading.Event(), threading.Event(), []

    def work(number: int) -> None:
        begun.append(number)
        is_over = number != FIRST - 1
        while not is_over:
            signal.pthread_kill(t.cast(int, threading.main_thread().ident), signal.SIGUSR1)
            # What a handler raises within the garbage collector is ignored: then once more.
            is_over = heard.wait(5)
        release.wait(60)

    def ring(*_arguments: t.Any) -> t.NoReturn:
        raise TimeIsOver

    usual = signal.signal(signal.SIGUSR1, ring)
    try:
        with pytest.raises(TimeIsOver):
            each(range(5 * FIRST), work, Flow())
    finally:
        heard.set()
        signal.signal(signal.SIGUSR1, usual)
        release.set()
    for thread in set(threading.enumerate()) - before:
        thread.join()
    assert len(begun) == FIRST


def test_a_faulty_entry_can_be_reported_beside_the_others(bulk: Bulk) -> None:
    """An audit shows each app as it is; the fault of one is none of the others'."""
    given = [*apps(*NAMES), {"bundle_id": "com..bad", "key": "a"}, {"bundle_id": "com.example.keyless", "key": "zz"}]
    done = bulk.run(given, on_faulty_app="report")
    found = {item["bundle_id"]: (item["outcome"], item["msg"]) for item in done.results["integrations"]}
    assert [found[name][0] for name in NAMES] == ["changed"] * len(NAMES)
    assert found[f"apps[{len(NAMES)}]"][0] == "failed" and "com..bad" in found[f"apps[{len(NAMES)}]"][1]
    assert found["com.example.keyless"][0] == "failed" and "zz" in found["com.example.keyless"][1]
    assert done.results["failed"] and done.message.startswith("2 of 8 apps need attention.\n")


def test_a_key_without_ids_is_known_by_what_the_ledger_holds(bulk: Bulk) -> None:
    """A key that App Store Connect made can be audited before its IDs are written down by hand."""
    assert not bulk.run(apps(BAD)).results.get("failed")
    bare = [{"key": "a", "private_key_path": bulk.keys[0]["private_key_path"]}]
    done = bulk.run(apps(BAD), on_faulty_app="report", keys=bare)
    assert outcomes(done) == [(BAD, "unchanged", "unchanged")]
    assert not done.results.get("failed") and done.results["keys_with_problems"] == []
    assert bulk.run(apps(BAD), keys=bare).results["failed"]
    other = [{"key": "a", "private_key_path": bulk.keys[1]["private_key_path"]}]
    done = bulk.run(apps(BAD), on_faulty_app="report", keys=other)
    assert done.message == (
        "1 of 1 app needs attention, 1 of 1 key needs attention.\nkeys[0] (a): issuer_id: is required. It stands above "
        f"the list of In-App Purchase keys. Apps: {BAD}."
    )
    assert done.results["integrations"][0]["status"] == "Active", "what is held is known all the same"


def audited(bulk: Bulk, keys: list[Json], given: list[Json], **more: t.Any) -> tuple[Outcome, Outcome]:
    """Audit as the playbook's role does: the declaration, all apps in check mode, and the report."""
    declared: Json = {"keys": keys, "apps": given, "on_faulty_app": "report", **more}
    checked = run_task(declaration_info.TASK, declared)
    assert not checked.message
    done = bulk.run(given, True, keys=keys, on_faulty_app="report", **more)
    path = str(bulk.folder / "reports")
    return done, run_task(
        audit_report.TASK, {"results": [done.results], "path": path, "fail_on": ["refused", "unknown"]}
    )


BY_HAND: Json = {"trackers": ["devtodev"], "devtodev": {"mode": "handoff", "project": "p"}}


@pytest.mark.parametrize("held", [{}, BY_HAND])
def test_an_audit_knows_a_key_that_was_made_by_any_app_that_holds_it(bulk: Bulk, held: Json) -> None:
    """Its IDs were never written down: site has them from App Store Connect."""
    assert not bulk.run(apps(BAD, **held)).results.get("failed")
    bare = {"key": "a", "name": "devtodev API Key", "private_key_path": bulk.keys[0]["private_key_path"]}
    wanted = {"issuer_id": ISSUER, "key_id": KEY_ID}
    for given in ([BAD], [NAMES[0], BAD], [BAD, NAMES[0]], [NAMES[0]], []):
        keys = [{**bare, "apps": [{"bundle_id": name, **(held if name == BAD else {})} for name in given]}]
        done, report = audited(bulk, keys, [])
        assert (done.message, done.results["keys_with_problems"]) == ("", []), given
        assert report.message == "" or not given
        new = {NAMES[0]: ("create", "changed")}
        found = {name: (action, outcome) for name, action, outcome in outcomes(done)}
        assert found == {name: new.get(name, ("unchanged", "unchanged")) for name in given}
        for one in done.results["integrations"]:
            assert {name: one["declared"][name] for name in wanted} == wanted
        # The team is known by it, and so is what nobody declares.
        left = {entry["bundle_id"] for entry in done.results["undeclared"]}
        assert left == ({BAD} if BAD not in given else set())


def test_an_id_that_is_declared_comes_before_the_one_that_is_held(bulk: Bulk) -> None:
    assert not bulk.run(apps(BAD)).results.get("failed")
    half = [{"key": "a", "issuer_id": OTHER_ISSUER, "private_key_path": bulk.keys[0]["private_key_path"]}]
    done = bulk.run(apps(BAD, credential_check="skip"), True, on_faulty_app="report", keys=half)
    assert outcomes(done) == [(BAD, "update", "changed")] and done.results["keys_with_problems"] == []


def test_what_can_not_be_looked_up_is_told_although_the_key_is_known(
    bulk: Bulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not bulk.run(apps(NAMES[0])).results.get("failed")
    never = property(lambda self: False, lambda self, value: None)
    monkeypatch.setattr(LedgerTracker, "is_listable", never)
    monkeypatch.setattr(LedgerTracker, "find", faulty(LedgerTracker.find, lambda _self, one: one.bundle_id))
    bare = [{"key": "a", "private_key_path": bulk.keys[0]["private_key_path"]}]
    done = bulk.run(apps(BAD, NAMES[0]), True, on_faulty_app="report", keys=bare)
    assert [outcome for _name, _action, outcome in outcomes(done)] == ["failed", "unchanged"]
    assert FAULT in done.results["integrations"][0]["msg"] and done.results["keys_with_problems"] == []


@pytest.mark.parametrize("by_hand", [True, False])
@pytest.mark.parametrize("state", ["none", "empty", "there"])
def test_an_audit_takes_no_app_for_gone_that_only_an_empty_ledger_tells_of(
    bulk: Bulk, by_hand: bool, state: str
) -> None:
    """A slip in ledger.url, or a fresh disk: nobody was asked then. For site, a warning was decided."""
    gone = apps(BAD, state="absent", **(BY_HAND if by_hand else {}))
    if state == "there":
        bulk.run(apps(NAMES[0]))
    elif state == "empty":
        bulk.ledger.touch(mode=0o600)
    audited = bulk.run(gone, check_mode=True, on_faulty_app="report")
    (item,) = audited.results["integrations"]
    assert audited.warnings == [] and (item["status"], item["action"]) == ("Absent", "unchanged")
    site = bulk.run(gone)
    assert not site.message and len(site.warnings) == (state != "there")
    if state == "there":
        assert (audited.message, item["outcome"]) == ("", "unchanged")
        return
    lack = "does not exist" if state == "none" else "is empty: nothing was ever stored in it"
    step = "make sure at devtodev that it is gone, and delete" if by_hand else "delete"
    assert item["outcome"] == "failed" and item["msg"] == (
        f"{BAD}: ledger.url: {bulk.ledger} {lack}, so nobody knows whether it is gone. If another ledger has it, "
        f"correct ledger.url. Else {step} the app's entry."
    )
    assert f"{BAD}: ledger.url: {bulk.ledger} {lack}" in audited.message
    report = run_task(audit_report.TASK, {"results": [audited.results], "path": str(bulk.folder / "reports")})
    assert "1 of 1 app needs attention (1 unknown)" in report.message and "nobody knows" in report.message
