# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stops the task that puts a key in place says nothing of the key: its apps are checked, and the run is red."""

from __future__ import annotations

import typing as t

import pytest
from asc_support import LIST, NAME, Person, enter, key
from unit_servers import Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, OTHER_ISSUER, Outcome, public_pem, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import LOCAL_CAUSES
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integrations

Json = dict[str, t.Any]
NEW = "com.example.two"
BY_NAME: Json = {"key": "studio", "name": NAME, "issuer_id": ISSUER}
BY_ID: Json = {**BY_NAME, "key_id": KEY_ID}
OLD: Json = {"key": "old", "key_id": "OLDKEY0001", "issuer_id": ISSUER, "private_key_path": "/none/o.p8"}


@pytest.fixture
def person(_simulator: Simulator, tmp_path: t.Any, pem: str) -> Person:
    """Someone whose key lies in its place, and is known to the ledger as one that Apple accepts."""
    made = enter(_simulator, tmp_path, keys=[key(KEY_ID, public_key=public_pem(pem), downloadable=False)])
    write_key(made.path, pem)
    assert not integrate(made, BY_ID, [BUNDLE_ID], []).message
    return made


def integrate(
    person: Person, entry: Json, apps: list[str], made: list[Json], ledger_name: str = "ledger", **more: t.Any
) -> Outcome:
    """Run the list with what the task before told."""
    keys = [{**entry, "private_key_path": str(person.path), "apps": apps}]
    ledger = {"url": f"sqlite:///{person.folder.parent}/{ledger_name}.db"}
    options = {"keys": [*keys, *more.pop("keys", [])], "app_store_server_url": person.sim.url, "ledger": ledger}
    return run_task(integrations.TASK, {**options, "iap_keys": made, **more})


def put(person: Person, entry: Json, check_mode: bool, **more: t.Any) -> list[Json]:
    """Run the task before, which fails; give what it tells the next one."""
    keys = [{**entry, "private_key_path": str(person.path)}]
    outcome = person.run(check_mode, name=None, private_key_path=None, keys=keys, **more)
    assert outcome.results["failed"] and outcome.results["iap_keys"][0]["cause"] is None, outcome
    return t.cast(list[Json], outcome.results["iap_keys"])


def stopped(person: Person, kind: str) -> Json:
    """Let the task that puts a key in place fail; give options for it."""
    if kind == "expired":
        person.change(expired=True)
    elif kind in ("503", "429"):
        person.sim.fault(kind="status", status=int(kind), body="{}", match={"endpoint": LIST})
        return {"deadline": 7}
    elif kind == "page":
        person.sim.fault(kind="content_type", match={"endpoint": LIST}, body="<html>")
    elif kind == "nameless":
        person.sim.fault(kind="content_type", match={"endpoint": LIST}, body='{"data": [{"id": "A1"}]}')
    elif kind == "nowhere":
        return {"app_store_connect_url": "http://127.0.0.1:9", "deadline": 3}
    return {"nonsense": {"session": "nonsense"}, "no file": {"session": None, "session_path": "/none/cookie"}}.get(
        kind, {}
    )


KINDS = ["expired", "503", "429", "page", "nameless", "nowhere", "nonsense", "no file"]


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_the_apps_of_a_sound_key_are_checked_whatever_stopped_the_task_before(
    person: Person, kind: str, check_mode: bool
) -> None:
    options = stopped(person, kind)
    # By its name alone, the ledger knows the Key ID of the same private key.
    for entry in (BY_NAME, BY_ID):
        if kind == "nameless" and entry is BY_ID:
            continue
        made = put(person, entry, check_mode, **options)
        for strict in ("refuse", "report"):
            absent = {**OLD, "state": "absent"}
            done = integrate(person, entry, [BUNDLE_ID], made, on_faulty_app=strict, keys=[absent])
            (item,) = done.results["integrations"]
            assert (item["credential_check"]["cause"], item["outcome"], item["status"]) == (
                "accepted",
                "unchanged",
                "Active",
            )
            # It is red all the same, and no key goes.
            assert done.message.startswith("1 of 2 keys needs attention.") and made[0]["msg"] in done.message
            assert done.message.count(made[0]["msg"]) == 1 and done.results["removable_keys"] == []
            (problem,) = [one for one in done.results["keys_with_problems"] if one["key"] == "studio"]
            assert problem == {"key": "studio", "cause": "failed", "msg": f"key studio: {made[0]['msg']}"}


@pytest.mark.parametrize("strict", ["refuse", "report"])
def test_without_a_key_id_the_apps_of_a_key_that_nobody_knows_wait(person: Person, strict: str) -> None:
    person.change(expired=True)
    made = put(person, BY_NAME, False)
    done = integrate(person, BY_NAME, [BUNDLE_ID], made, "new", on_faulty_app=strict)
    (item,) = done.results["integrations"]
    assert item["outcome"] == "failed" and item["credential_check"]["cause"] not in LOCAL_CAUSES
    told = "keys[0] (studio): key_id isn't declared, and the task that puts the key in place failed. Declare it"
    assert told in done.message and made[0]["msg"] in done.message
    # With its Key ID, it needs nobody; and where the same private key is held under one, a new app doesn't either.
    for entry, ledger in ((BY_ID, "new"), (BY_NAME, "ledger")):
        done = integrate(person, entry, [BUNDLE_ID, NEW], made, ledger, on_faulty_app=strict)
        assert [one["credential_check"]["cause"] for one in done.results["integrations"]] == ["accepted"] * 2
        assert made[0]["msg"] in done.message


@pytest.mark.parametrize("check_mode", [True, False])
def test_of_a_key_without_a_file_the_reason_is_the_one_that_was_told(person: Person, check_mode: bool) -> None:
    person.path.unlink()
    person.change(expired=True)
    made = put(person, BY_ID, check_mode)
    options = {"keys": [{**BY_ID, "private_key_path": str(person.path), "apps": [NEW]}], "iap_keys": made}
    options |= {"app_store_server_url": person.sim.url, "ledger": {"url": f"sqlite:///{person.folder.parent}/l.db"}}
    done = run_task(integrations.TASK, options, check_mode)
    (item,) = done.results["integrations"]
    assert item["credential_check"]["cause"] == "key_unreadable" and made[0]["msg"] in item["credential_check"]["hint"]
    # That the file was only predicted is not possible here: the task before told what it came to.
    assert done.message.count(made[0]["msg"].partition(". ")[0]) == 1 and "set key_predicted" not in repr(done)


def test_a_key_that_the_task_before_could_not_use_stops_its_apps(person: Person, pem: str) -> None:
    """What is said of the key itself counts for its apps, too."""
    made = person.run(
        name=None, private_key_path=None, keys=[{**BY_NAME, "name": "no such", "private_key_path": str(person.path)}]
    ).results["iap_keys"]
    assert made[0]["cause"] == "key_id_mismatch"
    done = integrate(person, BY_ID, [BUNDLE_ID], made)
    (item,) = done.results["integrations"]
    assert item["credential_check"]["cause"] == "key_id_mismatch" and "set key_predicted" not in done.message


def test_of_another_team_nothing_is_found_and_its_apps_are_asked(person: Person) -> None:
    made = put(person, {**BY_ID, "issuer_id": OTHER_ISSUER}, False)
    done = integrate(person, {**BY_ID, "issuer_id": OTHER_ISSUER}, [BUNDLE_ID], made)
    assert [one["credential_check"]["cause"] for one in done.results["integrations"]] == ["unauthenticated"]
    assert "no such team" in done.message
