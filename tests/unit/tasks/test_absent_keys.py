# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys that are declared absent go last: when every app is Active without them, and only with what is their own."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from bulk_support import Bulk, apps
from unit_servers import Simulator
from unit_support import ISSUER, KEY_ID, fingerprint_of, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.audit import audit_report
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import absent_key
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.iap_key import TASK
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.remote_revocation import Revoked
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import declaration_info, integrations

Json = dict[str, t.Any]
NAMES = ["com.example.n0", "com.example.n1"]
OLD = "OLDKEY0001"
OLD_KEY: Json = {"key": "old", "issuer_id": ISSUER, "key_id": OLD, "private_key_path": "/none/o.p8", "state": "absent"}
BY_HAND: Json = {"trackers": ["devtodev"], "devtodev": {"mode": "handoff", "project": "p"}}


@pytest.fixture
def bulk(sim: Simulator, tmp_path: Path) -> Bulk:
    made = Bulk(sim, tmp_path)
    made.world(NAMES, unreleased=[NAMES[1]])
    return made


def integrate(bulk: Bulk, listed: list[Json], check_mode: bool = False, **more: t.Any) -> Json:
    """Run the list with a key that is to be absent beside the others."""
    options = {**bulk.options(listed), "keys": [*bulk.keys, OLD_KEY], **more}
    outcome = run_task(integrations.TASK, options, check_mode)
    assert "removable_keys" in outcome.results, outcome
    return outcome.results


def begin(bulk: Bulk) -> None:
    """Have a ledger without any app."""
    bulk.ledger.unlink(missing_ok=True)
    made = Ledger(find_place(f"sqlite:///{bulk.ledger}", {}), False, lambda text: None)
    with made.writing():
        """Make its tables."""
    made.close()


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_new_ledger_knows_nothing_of_other_uses(bulk: Bulk, check_mode: bool) -> None:
    kept = integrate(bulk, apps(*NAMES), check_mode)
    never = "would not be" if check_mode else "was not"
    told = f"The key old {never} removed or revoked: ledger.url: {bulk.ledger} had nothing before this run, so nobody"
    assert told in kept["summary"] and kept["removable_keys"] == []
    # From the next run on, it is the one that was meant.
    assert check_mode or integrate(bulk, apps(*NAMES))["removable_keys"] == ["old"]
    gone = integrate(
        bulk, apps(*NAMES, state="absent"), check_mode, ledger={"url": "sqlite:///" + str(bulk.folder / "b")}
    )
    assert gone["removable_keys"] == [] and "had nothing before this run" in gone["summary"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_an_old_key_may_go_only_when_no_app_may_need_it(bulk: Bulk, check_mode: bool) -> None:
    begin(bulk)
    done = integrate(bulk, apps(*NAMES), check_mode)
    assert done["removable_keys"] == ["old"] and "The key" not in done["summary"], "what isn't released needs no key"
    never = "would not be" if check_mode else "was not"
    for listed, reason in (
        (apps(*NAMES, key="b"), "2 of 2 apps need attention, 1 of 3 keys needs attention"),
        (apps(*NAMES[:1], **BY_HAND), f"{NAMES[0]} isn't Active yet"),
        (apps(*NAMES[:1], credential_check="skip"), f"{NAMES[0]} isn't Active yet"),
    ):
        begin(bulk)
        kept = integrate(bulk, listed, check_mode)
        assert kept["removable_keys"] == []
        told = f"The key old {never} removed or revoked: {reason}."
        assert told in kept["summary"] and told in kept.get("msg", told), kept
    bad = {"key": "a", "failed": True, "msg": "It is damaged."}
    assert integrate(bulk, [], check_mode, iap_keys=[bad])["removable_keys"] == [], "a key failed"
    assert integrate(bulk, [], check_mode, iap_keys=[{"key": "old"}])["removable_keys"] == [], "gone already"


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_an_app_that_is_declared_absent_and_still_held_keeps_the_key(bulk: Bulk, is_confirmed: bool) -> None:
    """A person has yet to remove it by hand, whether it is Active there or was never confirmed."""
    old = bulk.key("was", private_key_path=str(bulk.folder / "mine.p8"))
    listed = apps(NAMES[0], key="was", **BY_HAND)
    listed[0]["devtodev"] = {**BY_HAND["devtodev"], "confirmed": is_confirmed}
    for _run in range(2):
        run_task(integrations.TASK, {**bulk.options(listed), "keys": [old]})
    keys = [{**old, "state": "absent"}]
    gone = apps(NAMES[0], key="was", state="absent", **BY_HAND)
    for check_mode, never in ((True, "would not be"), (False, "was not")):
        kept = run_task(integrations.TASK, {**bulk.options(gone), "keys": keys}, check_mode).results
        place = f"{NAMES[0]} at devtodev (project p)"
        told = (
            f"The key was {never} removed or revoked: {place}, which still has to be removed, may use "
            "it. Run again once it is removed there."
        )
        asks = f"{'You would have to remove' if check_mode else 'Remove'} these by hand: {place}. "
        assert kept["summary"] == f"1 app: 1 declared absent and still held ({NAMES[0]}). {asks}{told}"
        assert kept["removable_keys"] == []
    # An audit says of the key what site does, and not to run site, which would keep it.
    audited = run_task(integrations.TASK, {**bulk.options(gone), "keys": keys, "on_faulty_app": "report"}, True).results
    (found,) = audited["keys_with_problems"]
    assert (found["key"], found["cause"]) == ("was", "key_in_use")
    start = f"Declared absent, and {place}, which still has to be removed, may use it. devtodev has no API "
    assert found["msg"].startswith(start), "with the step itself: a key's line has no other hint"
    assert "Remove the integration by hand at project p" in found["msg"]
    assert found["msg"].endswith(", then run storeops.refunds.site with devtodev.confirmed: true, for that run only.")
    absent_keys = [{"key": "was", "changed": True, "summary": "It would be removed."}]
    asked = {"results": [audited], "absent_keys": absent_keys, "path": str(bulk.folder / "reports"), "fail_on": []}
    report = run_task(audit_report.TASK, asked)
    assert not report.message, report
    assert [one["cause"] for one in report.results["report"]["keys_with_problems"]] == ["key_in_use"]
    # The way out where a tracker can clear no key: nothing is wrong once neither is declared.
    assert run_task(integrations.TASK, {**bulk.options([]), "keys": []}).message == ""
    # It was told another key: as long as nobody confirmed that, the one of before may be there.
    other = run_task(integrations.TASK, {**bulk.options(gone), "keys": [{**keys[0], "key_id": OLD}]}).results
    assert other["removable_keys"] == (["was"] if is_confirmed else [])


def test_an_app_that_nobody_declares_and_the_ledger_holds_keeps_the_key(bulk: Bulk) -> None:
    old = bulk.key("was", private_key_path=str(bulk.folder / "mine.p8"))
    run_task(integrations.TASK, {**bulk.options(apps(*NAMES[:1], key="was")), "keys": [old]})
    absent = {**old, "state": "absent"}
    kept = run_task(integrations.TASK, {**bulk.options([]), "keys": [absent]}).results
    told = f"{NAMES[0]} in the ledger may still use it and isn't declared."
    assert kept["removable_keys"] == [] and told in kept["summary"] and kept["keys_with_problems"] == []
    # For an audit it is a finding.
    asked = {**bulk.options([]), "keys": [absent], "on_faulty_app": "report"}
    (found,) = run_task(integrations.TASK, asked, check_mode=True).results["keys_with_problems"]
    assert (found["key"], found["cause"]) == ("was", "key_in_use") and told in found["msg"]
    other = {**absent, "key_id": OLD}
    assert run_task(integrations.TASK, {**bulk.options([]), "keys": [other]}).results["removable_keys"] == ["was"]


def test_a_key_of_two_entries_is_not_absent_in_one() -> None:
    twin = {**OLD_KEY, "key": "same", "private_key_path": "/none/same.p8", "state": "present"}
    outcome = run_task(declaration_info.TASK, {"keys": [OLD_KEY, twin], "on_faulty_app": "refuse", "variables": []})
    assert "keys[0] (old): is to be absent, and keys[1] (same) has the same key_id" in outcome.message
    # By its name, one of the two is found, whichever was meant.
    named = {"name": "Studio", "private_key_path": "/none/new.p8"}
    keys = [
        {"key": "new", **named},
        {"key": "gone", **named, "private_key_path": "/none/old.p8", "state": "absent", "revoke": True},
    ]
    outcome = run_task(declaration_info.TASK, {"keys": keys, "on_faulty_app": "refuse", "variables": []})
    told = "keys[1] (gone): is to be absent, and keys[0] (new) has the same name. Correct one of them, or give the"
    assert told in outcome.message
    outcome = run_task(
        declaration_info.TASK, {"keys": [keys[0], {**keys[1], "name": "\u200bStudio "}], "variables": []}
    )
    assert told in outcome.message
    elsewhere: Json = {"issuer_id": "69a6de70-0000-47e3-e053-5b8c7c11a4d1"}
    keys[0]["issuer_id"] = ISSUER
    for change in ({"key_id": OLD}, {"name": "Studio 2026"}, elsewhere):
        asked = {"keys": [keys[0], {**keys[1], **change}], "on_faulty_app": "refuse", "variables": []}
        assert not run_task(declaration_info.TASK, asked).message
    used = {**OLD_KEY, "apps": [NAMES[0]]}
    outcome = run_task(declaration_info.TASK, {"keys": [used], "on_faulty_app": "refuse", "variables": []})
    assert ": is to be absent, and apps are declared with it (com." in outcome.message


def test_two_entries_that_are_to_be_there_are_not_found_by_one_name() -> None:
    one, two = ({"key": name, "name": "Studio", "private_key_path": f"/none/{name}.p8"} for name in "ab")
    for change, is_twin in (
        ({}, True),
        ({"name": " Stu\u00addio"}, True),
        ({"issuer_id": ISSUER}, True),
        ({"team_id": 7}, True),
        ({"name": "studio"}, False),
        ({"key_id": OLD}, False),
        ({"private_key_path": f"/none/SubscriptionKey_{OLD}.p8"}, False),
        ({"issuer_id": "69a6de70-0000-47e3-e053-5b8c7c11a4d1"}, False),
        ({"team_id": 8}, False),
    ):
        keys = [{**one, "team_id": 7} if "team_id" in change else {**one, "issuer_id": ISSUER}, {**two, **change}]
        outcome = run_task(declaration_info.TASK, {"keys": keys, "variables": []})
        assert bool(outcome.message) is is_twin, (change, outcome.message)
        assert (" is that of keys[0] (a), too. Both mean one key: give each key a name" in outcome.message) is is_twin


def test_a_key_that_is_declared_by_its_name_does_not_go_by_its_id(bulk: Bulk) -> None:
    """The task that finds it tells its Key ID, which the other entry has by mistake."""
    begin(bulk)
    studio = {"key": "studio", "name": "Studio 2027", "issuer_id": ISSUER}
    studio["private_key_path"] = str(bulk.folder / "mine.p8")
    slip = {**OLD_KEY, "key_id": KEY_ID, "revoke": True}
    made = [{"key": "studio", "key_id": KEY_ID, "issuer_id": ISSUER, "failed": False}]
    asked = {**bulk.options(apps(NAMES[0], key="studio")), "keys": [studio, slip], "iap_keys": made}
    told = f"old is to be absent, and keys[0] (studio) is the same key ({KEY_ID}). Correct one of the two entries."
    for check_mode in (True, False):
        done = run_task(integrations.TASK, asked, check_mode).results
        assert done["removable_keys"] == [] and done["summary"].endswith(told)
        assert [one["status"] for one in done["integrations"]] == ["Active"]
    # An audit is told no Key ID: it knows the app's, from the ledger.
    audited = run_task(integrations.TASK, {**asked, "iap_keys": [], "on_faulty_app": "report"}, True).results
    (found,) = [one for one in audited["keys_with_problems"] if one["key"] == "old"]
    told = f"{NAMES[0]} in the ledger, which is to stay, has the same key ({KEY_ID})"
    assert found["cause"] == "failed" and told in found["msg"]


def test_each_state_is_handled_by_itself(tmp_path: Path, pem: str) -> None:
    own = write_key(tmp_path / f"SubscriptionKey_{KEY_ID}.p8", pem)
    new = {"key": "new", "private_key_path": str(tmp_path / "new.p8"), "private_key_content": pem}
    gone = {"key": "gone", "private_key_path": str(own), "state": "absent"}
    done = run_task(TASK, {"keys": [gone, new], "only_state": "present"}).results
    assert [key["key"] for key in done["iap_keys"]] == ["new"] and own.exists() and done["summary"] == ""
    done = run_task(TASK, {"keys": [gone, new], "only_state": "absent"}).results
    assert [key["key"] for key in done["iap_keys"]] == ["gone"] and os.listdir(tmp_path) == ["new.p8"]
    assert (
        done["summary"]
        == f"key gone: {own} was removed. Nothing is changed at Apple: revoke: true revokes a key there."
    )
    same = {**gone, "private_key_path": new["private_key_path"]}
    for keys in ([same, new], [new, same]):
        outcome = run_task(TASK, {"keys": keys, "only_state": "absent"})
        assert outcome.message.startswith("1 of 1 key declared absent needs attention. 'gone': "), (
            "the other wasn't tried"
        )
        assert "One file holds one key: " in outcome.message and os.listdir(tmp_path) == ["new.p8"]


@pytest.mark.parametrize("data", [b"", b"\xff", b"hunter2", b"-----BEGIN PRIVATE KEY-----\n"])
@pytest.mark.parametrize("backup", [True, False])
def test_what_is_no_key_is_never_removed(tmp_path: Path, data: bytes, backup: bool) -> None:
    for name in ("old.p8", f"SubscriptionKey_{KEY_ID}.p8"):
        path = tmp_path / name
        path.write_bytes(data)
        path.chmod(0o600)
        for check_mode in (True, False):
            options = {"private_key_path": str(path), "state": "absent", "backup": backup}
            outcome = run_task(TASK, options, check_mode)
            assert outcome.results["failed"] and "Nothing was removed or revoked" in outcome.message
            assert "remove it by hand; else correct private_key_path" in outcome.message
            assert path.read_bytes() == data and "irreversible" not in outcome.results


@pytest.mark.parametrize("name", ["old.p8", f"AuthKey_{KEY_ID}.p8"])
def test_a_file_that_nothing_ties_to_the_key_gets_a_second_name(tmp_path: Path, pem: str, name: str) -> None:
    path = write_key(tmp_path / name, pem, 0o644)
    options = {"private_key_path": str(path), "key_id": KEY_ID, "state": "absent"}
    assert run_task(TASK, options, True).results["backup_file"]
    done = run_task(TASK, options).results
    (kept,) = os.listdir(tmp_path)
    backup = tmp_path / kept
    assert done["backup_file"] == str(backup) and backup.read_text() == pem and backup.stat().st_mode & 0o777 == 0o600
    assert done["changed"] and "irreversible" not in done
    assert f"{path} was renamed to {backup}, because nothing tells which Key ID it has." in done["summary"]


def test_what_it_is_removed_for_is_what_was_proven(tmp_path: Path, pem: str, other_pem: str) -> None:
    ties: list[tuple[str, Json, str]] = [
        (f"SubscriptionKey_{KEY_ID}.p8", {}, f"its name says {KEY_ID}"),
        ("a.p8", {"private_key_content": pem}, "private_key_content is the same key"),
        ("a.p8", {"backup": False}, "nothing tells which Key ID it has"),
    ]
    for name, more, proven in ties:
        path = write_key(tmp_path / name, pem)
        (record,) = run_task(TASK, {"private_key_path": str(path), "state": "absent", **more}).results["irreversible"]
        expected = f"it holds the key with the fingerprint {fingerprint_of(pem)[:16]}…, and {proven}"
        assert record["proven"] == expected and ("backup: false" in record["asked_by"]) is ("backup" in more)
        assert os.listdir(tmp_path) == []
    path = write_key(tmp_path / "a.p8", other_pem)
    outcome = run_task(TASK, {"private_key_path": str(path), "state": "absent", "private_key_content": pem})
    assert outcome.results["cause"] == "key_id_mismatch" and path.exists()


STAMP = "20261123T084500Z"


@pytest.mark.parametrize("is_there", [True, False])
def test_what_killed_runs_left_of_a_key_goes_with_its_file(
    tmp_path: Path, pem: str, other_pem: str, is_there: bool
) -> None:
    """Nobody would find it later. What holds another key stays, and so does what no run has named so."""
    folder, home = tmp_path / "keys", tmp_path / "home"
    (home / "iap_key_ab12").mkdir(parents=True)
    folder.mkdir()
    path = folder / "studio.p8"
    left = [f"studio.p8.{KEY_ID}.rescued", f"studio.p8.{KEY_ID}.unparsed-2", f"studio.p8.{STAMP}.bak"]
    left += [f"studio.p8.{STAMP}-2.bak", f"studio.p8.{STAMP}.{KEY_ID}.bak", ".iap_key_0a1b2c3d"]
    same = [write_key(folder / name, pem) for name in left]
    same.append(write_key(home / "iap_key_ab12" / f"studio.p8.{KEY_ID}.rescued", pem))
    mine = ["copy.p8", "studio.p8.old", "studio.p8.bak", f"other.p8.{STAMP}.bak", f"a.studio.p8.{STAMP}.bak"]
    stays = [write_key(folder / name, pem) for name in mine]
    stays += [write_key(folder / f"studio.p8.{STAMP}-3.bak", other_pem), write_key(folder / ".iap_key_x", other_pem)]
    stays.append(write_key(folder / ".iap_key_y", ""))
    if is_there:
        write_key(path, pem)
    options = {"private_key_path": str(path), "private_key_content": pem, "state": "absent"}
    everything = {str(one) for one in same} | ({str(path)} if is_there else set())
    for check_mode in (True, False):
        done = run_task(TASK, options, check_mode, {"HOME": str(home)}).results
        assert done["changed"] and set(done["diff"]["before"]["copies"]) == {str(one) for one in same}
        assert {record["target"] for record in done["irreversible"]} == everything
        verb = "would be" if check_mode else "was"
        for one in same:
            assert f"{one}, a copy of the same key, {verb} removed." in done["summary"]
            assert one.exists() is check_mode
        assert [one for one in stays if not one.exists()] == []
        outcomes = {record["outcome"] for record in done["irreversible"]}
        assert outcomes == {"would be done" if check_mode else "done"}
    assert not path.exists() and not run_task(TASK, options, False, {"HOME": str(home)}).results["changed"]


def test_a_file_that_is_only_renamed_leaves_its_copies(tmp_path: Path, pem: str) -> None:
    """Nothing tells which key it is. That a copy's name says so is told."""
    path = write_key(tmp_path / "studio.p8", pem)
    saved = write_key(tmp_path / f"studio.p8.{KEY_ID}.rescued", pem)
    options = {"private_key_path": str(path), "key_id": KEY_ID, "state": "absent"}
    outcome = run_task(TASK, options, False, {"TMPDIR": str(tmp_path)})
    assert outcome.results["backup_file"] and saved.exists() and "irreversible" not in outcome.results
    told = (
        f"{saved} stays: an earlier run kept there what it downloaded for {KEY_ID}. Nothing proves that it is the key "
    )
    assert outcome.warnings == [f"{told}that is to be gone: remove it by hand if it is."]
    assert run_task(TASK, {**options, "key_id": OLD}, False, {"TMPDIR": str(tmp_path)}).warnings == []


@pytest.mark.parametrize("of", ["studio.p8", ".iap_key_0a1b2c3d"])
def test_what_was_changed_since_the_look_is_not_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pem: str, other_pem: str, of: str
) -> None:
    path, copy = write_key(tmp_path / "studio.p8", pem), write_key(tmp_path / ".iap_key_0a1b2c3d", pem)

    def late(*_arguments: t.Any) -> Revoked:
        write_key(tmp_path / of, other_pem)
        return Revoked(KEY_ID, True)

    monkeypatch.setattr(absent_key, "revoke_key", late)
    options = {"private_key_path": str(path), "private_key_content": pem, "state": "absent", "revoke": True}
    outcome = run_task(TASK, options, False, {"TMPDIR": str(tmp_path)})
    held, holds = fingerprint_of(pem)[:16], fingerprint_of(other_pem)[:16]
    told = (
        f"private_key_path: {tmp_path / of} was changed meanwhile: it held the key with the fingerprint {held}…, and "
    )
    assert outcome.message.startswith(f"{told}now it holds the key with the fingerprint {holds}…. It was not removed.")
    assert outcome.message.endswith(f"{KEY_ID} was revoked.") and outcome.results["changed"]
    assert (tmp_path / of).read_text() == other_pem and copy.exists() is (of == copy.name) and path.exists()
