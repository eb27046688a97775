# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""devtodev by browser, against the simulator's pages: a real Chromium, real clicks."""

from __future__ import annotations

import os
import re
import stat
import typing as t
from pathlib import Path

import pytest
from browser_support import FORM, SESSION, World, not_waited_for, state
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, fingerprint_of, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.field import field_check

pytestmark = pytest.mark.usefixtures("shared_browser")


def test_from_nothing_to_active_and_back(world: World, pem: str, other_pem: str) -> None:
    created = world.checked_and_run()
    assert created.results["changed"] and created.results["integration"]["status"] == "Active"
    held = world.held()
    assert (held["bundle_id"], held["issuer_id"], held["key_id"]) == (BUNDLE_ID, ISSUER, KEY_ID)
    assert held["key_fingerprint"] == fingerprint_of(pem) and world.submissions() == 1

    again = world.checked_and_run()
    assert not again.results["changed"] and again.results["integration"]["status"] == "Active"
    assert world.submissions() == 1 and again.warnings == []

    rotated = world.checked_and_run(key="other")
    assert rotated.results["changed"]
    assert rotated.results["diff"]["before"]["key_id"] == KEY_ID
    assert rotated.results["diff"]["before"]["key_fingerprint"] == fingerprint_of(pem)
    assert world.held()["key_fingerprint"] == fingerprint_of(other_pem) and world.submissions() == 2

    gone = world.checked_and_run(state="absent")
    assert not gone.results.get("failed") and not gone.results["changed"]
    assert "documents no way to remove" in gone.warnings[0] and world.held()["key_id"] == "ROTATED001"


def test_info_reads_the_page(world: World) -> None:
    absent = world.info().results["integrations"]
    assert [entry["status"] for entry in absent] == ["Absent"]
    world.run()
    found = world.info().results["integrations"]
    assert [(entry["status"], entry["key_id"], entry["credential_check"]["cause"]) for entry in found] == [
        ("Active", KEY_ID, "accepted")
    ]
    assert world.submissions() == 1


def test_what_a_person_changed_there_is_put_back(world: World, other_pem: str) -> None:
    world.run()
    document = world.sim.control("GET", "/world")
    document["devtodev"]["projects"][0]["integration"]["key_id"] = "BYHAND0001"
    world.sim.control("PUT", "/world", document)
    done = world.checked_and_run()
    assert done.results["changed"] and done.results["diff"]["before"]["key_id"] == "BYHAND0001"
    assert world.held()["key_id"] == KEY_ID


def test_what_the_ledger_does_not_know_is_kept_until_told_otherwise(world: World) -> None:
    world.run()
    (world.folder / "ledger.db").unlink()
    kept = world.checked_and_run()
    assert not kept.results["changed"] and "does not show key_fingerprint" in kept.warnings[0]
    assert kept.results["integration"]["status"] == "Unknown", "nobody knows that it is the declared key"
    refused = world.checked_and_run(devtodev={"on_unknown": "fail"})
    assert refused.results["failed"] and world.submissions() == 1
    assert world.checked_and_run(devtodev={"on_unknown": "replace"}).results["changed"]
    assert not world.checked_and_run().results["changed"] and world.submissions() == 2


def test_the_menu_is_followed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    not_waited_for(monkeypatch, lambda page: not page.url.endswith(FORM))
    assert world.run(devtodev={"url": f"{world.devtodev}/projects/{{project}}"}).results["changed"]
    assert world.held()["key_id"] == KEY_ID


def test_with_a_key_from_the_vault_nothing_touches_the_disk(world: World, pem: str) -> None:
    done = world.run(private_key_path=None, private_key_content=pem)
    assert done.results["changed"] and world.held()["key_fingerprint"] == fingerprint_of(pem)
    texts = [file.read_bytes() for file in world.folder.rglob("*") if file.is_file() and file.suffix != ".p8"]
    assert not [text for text in texts if pem.splitlines()[1].encode() in text]


def test_the_session_from_a_file(world: World) -> None:
    path = world.folder / "session.json"
    path.write_text(state(world.devtodev))
    path.chmod(0o644)
    given = {"session": None, "session_path": str(path)}
    assert "chmod 600" in world.run(devtodev=given).message
    path.chmod(0o600)
    assert world.run(devtodev=given).results["changed"]


RENAMED = {
    "labels": {"bundle_id": "Paket", "issuer_id": "Aussteller", "key_id": "Kennung", "private_key": "Datei"},
    "texts": {"submit": "Sichern", "active": "Aktiv"},
}
ELEMENTS: dict[str, t.Any] = {
    "bundle_id": {"label": "Paket"},
    "issuer_id": {"role": "textbox", "name": "Aussteller"},
    "key_id": {"css": "#key-id"},
    "private_key": {"label": "Datei"},
    "submit": {"name": "Sichern"},
    "status": {"css": "#integration-status"},
}


def test_other_names_are_named_by_options(world: World) -> None:
    world.look(**RENAMED)
    failed = world.checked_and_run(request_timeout=2.0)
    assert failed.results["failed"] and "is not the form" in failed.message and "devtodev.url" in failed.message
    given = {"page": {**ELEMENTS, "active_texts": ["Aktiv"]}}
    assert world.checked_and_run(devtodev=given).results["changed"]
    assert not world.checked_and_run(devtodev=given).results["changed"] and world.submissions() == 1


@pytest.mark.parametrize("name", ["bundle_id", "issuer_id", "key_id", "private_key"])
def test_a_missing_field_is_named_and_nothing_is_submitted(world: World, name: str) -> None:
    world.look(leave_out=[name])
    failed = world.checked_and_run()
    assert failed.results["failed"] and f"devtodev.page.{name}" in failed.message
    assert "Nothing was submitted" in failed.message and world.submissions() == 0
    others = {"bundle_id", "issuer_id", "key_id", "private_key", "submit"} - {name}
    assert not [other for other in others if f"devtodev.page.{other}:" in failed.message]
    picture = Path(re.findall(r"Screenshot: (\S+)", failed.message)[0])
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert stat.S_IMODE(picture.stat().st_mode) == 0o600 and stat.S_IMODE(picture.parent.stat().st_mode) == 0o700


def test_a_missing_button(world: World) -> None:
    world.look(texts={"submit": "Go"})
    given = {"page": {"submit": {"name": "Start"}}}
    failed = world.checked_and_run(devtodev=given)
    assert "devtodev.page.submit" in failed.message and "'Start'" in failed.message and world.submissions() == 0
    assert world.run().results["changed"], "the only button of the form needs no known name"


@pytest.mark.parametrize("how", ["expired", "unknown"])
def test_an_expired_session(world: World, how: str) -> None:
    if how == "expired":
        world.sim.control("PATCH", "/devtodev/sessions/0", {"expired": True})
    session = state(world.devtodev, SESSION if how == "expired" else "not-this-one")
    failed = world.checked_and_run(devtodev={"session": session})
    assert failed.results["failed"] and "the session has expired" in failed.message
    assert SESSION not in repr(failed) and "not-this-one" not in repr(failed)


def test_a_manager_may_not(world: World) -> None:
    world.sim.control("PATCH", "/devtodev/sessions/0", {"role": "manager"})
    assert "HTTP status 403" in world.checked_and_run().message


@pytest.mark.parametrize("place", ["settings/other", "wrong_page"])
def test_a_wrong_page(world: World, place: str) -> None:
    if place == "wrong_page":
        world.look(wrong_page=True)
        failed = world.checked_and_run(request_timeout=2.0)
        assert "is not the form" in failed.message and "IA refunds tracking" in failed.message
    else:
        failed = world.checked_and_run(devtodev={"url": f"{world.devtodev}/{place}"})
        assert "HTTP status 404" in failed.message
    assert "Nothing was submitted" in failed.message


def test_another_apps_page(world: World) -> None:
    world.run()
    failed = world.checked_and_run(bundle_id="com.example.two")
    assert failed.results["failed"] and f"tracks {BUNDLE_ID}" in failed.message and world.submissions() == 1
    assert not world.checked_and_run(bundle_id="com.example.two", state="absent").results["changed"]


def test_a_slow_page_is_waited_for(world: World) -> None:
    world.look(appears_after_ms=2500, activation_s=2.0)
    done = world.run()
    assert done.results["changed"] and done.results["integration"]["status"] == "Active"
    assert not world.run().results["changed"] and world.submissions() == 1


def test_never_active(world: World) -> None:
    world.look(activates=False)
    failed = world.run(wait_timeout=2.0)
    assert failed.results["failed"] and failed.results["changed"]
    assert failed.results["integration"]["status"] == "Pending"
    assert "shows the status 'Pending', not Active" in failed.message and "was submitted" in failed.message
    again = world.checked_and_run()
    assert not again.results["changed"] and again.results["integration"]["status"] == "Pending"
    assert "it says 'Pending', not Active" in again.warnings[0] and world.submissions() == 1


def test_devtodev_says_error(world: World) -> None:
    world.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": False})
    failed = world.run(credential_check="skip")
    assert not failed.results.get("failed") and failed.results["integration"]["status"] == "Failed"
    assert world.info(credential_check="skip").results["integrations"][0]["status"] == "Failed"
    # Nobody waited for what the page would say. That it stays so is green in no exit code.
    again = world.checked_and_run(credential_check="skip")
    assert not again.results["changed"] and again.results["finding"] == "tracker_failed" and world.submissions() == 1
    assert again.message == (
        f"{BUNDLE_ID}: devtodev says 'Error'. Look at its page. When Apple accepts the key, a run submits it again."
    )


def test_an_outage_of_apple_takes_no_active_away(world: World) -> None:
    assert world.run().results["integration"]["status"] == "Active"
    for policy in ("skip", "advisory"):
        world.sim.fault(kind="status", status=503, match={"vendor": "app_store_server"}, times=50)
        kept = world.checked_and_run(credential_check=policy)
        assert (kept.message, kept.results["integration"]["status"]) == ("", "Active"), policy


def test_what_devtodev_rejects_is_submitted_again(world: World) -> None:
    world.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": False})
    world.run(credential_check="skip")
    world.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": True})
    assert world.info().results["integrations"][0]["status"] == "Failed", "Apple's word is not devtodev's"
    predicted, done = world.run(True), world.run()
    # What the page will say once the form was submitted again isn't known before.
    assert predicted.results["integration"] == {**done.results["integration"], "status": "Failed"}
    assert predicted.results["diff"] == done.results["diff"] and done.results["integration"]["status"] == "Active"
    assert done.results["changed"] and done.results["diff"]["before"]["key_fingerprint"] is None
    assert "devtodev's page says 'Error'" in done.warnings[0] and world.submissions() == 2
    again = world.checked_and_run()
    assert not again.results["changed"] and again.warnings == []
    assert again.results["integration"]["status"] == "Active"


def test_an_app_before_its_release_is_pending(world: World) -> None:
    world.look(activates=False)
    done = world.checked_and_run(bundle_id="com.example.unreleased")
    assert done.results["changed"] and done.results["integration"]["status"] == "Pending"


def test_the_service_fails_while_it_is_read(world: World) -> None:
    world.sim.fault(kind="status", status=503, match={"vendor": "devtodev"}, times=50)
    failed = world.checked_and_run()
    assert "HTTP error status" in failed.message and world.submissions() == 0


def test_nobody_listens(world: World) -> None:
    url = f"http://127.0.0.1:9/{FORM}"
    failed = world.checked_and_run(devtodev={"url": url, "session": state(url)})
    assert "can't be reached" in failed.message and "Nothing was submitted" in failed.message


def test_the_field_check_looks_at_the_page(world: World) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(world.folder)}
    world.look(leave_out=["key_id"])
    options = {name: world.options()[name] for name in ("bundle_id", "devtodev", "request_timeout", "deadline")}
    done = run_task(field_check.TASK, options, environ=environ).results
    found = {one["name"]: one for one in done["assumptions"]}
    assert {name for name, one in found.items() if one["outcome"] == "broken"} == {"key_id"}
    assert "Issuer ID" in found["key_id"]["seen"] and found["status_word"]["seen"].endswith("taken for not set up")
    assert world.submissions() == 0
