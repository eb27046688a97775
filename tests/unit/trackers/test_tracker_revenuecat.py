# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""RevenueCat against the simulator: the whole task, in check mode and for real."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from json_tracker_support import PROJECT, ROTATED, Json, Place, store_app
from unit_servers import UNRELEASED, Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, OTHER_ISSUER, fingerprint_of

from ansible_collections.storeops.refunds.plugins.module_utils._http import Call, Reply, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._http_errors import NotAsked

TWIN = "com.example.One"


class RevenueCatPlace(Place):
    """One project with the app, a twin for the Mac, and one with other capitals."""

    def account(self, apps: list[Json] | None = None, **changes: t.Any) -> None:
        """Set the account."""
        mac = {"id": "appmac", "name": "Mac", "type": "mac_app_store", "mac_app_store": {"bundle_id": BUNDLE_ID}}
        ordinary = [mac, store_app("appone", BUNDLE_ID), store_app("apptwin", TWIN)]
        project = {"id": PROJECT, "name": "Studio", "apps": ordinary if apps is None else apps}
        keys = [{"secret": self.secret}]
        limits = {"requests_per_minute": 0}
        self.world(revenuecat={"projects": [project], "api_keys": keys, **limits, **changes})

    def apps(self) -> dict[str, Json]:
        """Give the entries by their ID."""
        return {app["id"]: app for app in self.world()["revenuecat"]["projects"][0]["apps"]}

    def key(self, app_id: str = "appone") -> Json:
        """Give what the service holds of an entry's key."""
        return dict(self.apps()[app_id]["app_store"]["subscription_key"])

    def set_key(self, **key: t.Any) -> None:
        """Change a key in the dashboard."""
        self.account([store_app("appone", BUNDLE_ID, subscription_key=key)])


@pytest.fixture
def place(sim: Simulator, tmp_path: Path) -> RevenueCatPlace:
    made = RevenueCatPlace(sim, tmp_path, "revenuecat", own={"project_id": PROJECT})
    made.account()
    return made


def test_the_ladder(place: RevenueCatPlace) -> None:
    others = {name: app for name, app in place.apps().items() if name != "appone"}
    done = place.step(place.options()).results
    assert (done["changed"], done["integration"]["status"]) == (True, "Active")
    assert done["diff"]["before"]["key_id"] is None and done["diff"]["before"]["bundle_id"] == BUNDLE_ID
    applied = place.key()
    assert applied["key_id"] == KEY_ID and applied["issuer_id"] == ISSUER
    assert applied["key_fingerprint"] == fingerprint_of(place.sim.pem)
    assert place.apps()["appone"]["name"] == "Name of appone"

    again = place.step(place.options())
    assert (again.results["changed"], again.warnings) == (False, [])
    assert again.results["integration"] == done["integration"]

    rotated = place.step(place.rotated()).results
    assert rotated["changed"] and rotated["diff"]["before"]["key_id"] == KEY_ID
    assert rotated["diff"]["after"]["key_id"] == ROTATED
    assert place.key()["key_fingerprint"] == fingerprint_of(place.sim.other_pem)

    place.set_key()
    drift = place.step(place.rotated()).results
    assert drift["changed"] and drift["diff"]["before"]["key_id"] is None
    assert place.key()["key_id"] == ROTATED

    left = place.step(place.options(state="absent", private_key_path=None))
    assert not left.results["changed"] and left.results["integration"]["status"] == "Active"
    assert len(left.warnings) == 1 and "revenuecat.delete_app" in left.warnings[0]

    planned = place.run(place.options(state="absent", account={"delete_app": True}), check_mode=True)
    assert [one["outcome"] for one in planned.results["irreversible"]] == ["would be done"]
    gone = place.step(place.options(state="absent", account={"delete_app": True}))
    assert gone.results["changed"] and gone.results["integration"]["status"] == "Absent"
    (record,) = gone.results["irreversible"]
    assert (record["step"], record["target"], record["outcome"]) == ("delete_app", BUNDLE_ID, "done")
    assert "appone" not in place.apps()
    nothing = place.step(place.options(state="absent", account={"delete_app": True}))
    assert (nothing.results["changed"], nothing.warnings) == (False, [])
    place.account()
    assert {name: app for name, app in place.apps().items() if name != "appone"} == others


@pytest.mark.parametrize("on_unknown", ["keep", "replace", "fail"])
def test_a_key_that_nobody_knows(place: RevenueCatPlace, on_unknown: str) -> None:
    place.set_key(key_id="ELSEWHERE1", issuer_id=ISSUER, has_private_key=True)
    options = place.options(account={"on_unknown": on_unknown})
    done = place.step(options)
    if on_unknown == "replace":
        assert done.results["changed"] and place.key()["key_id"] == KEY_ID
        assert not place.step(options).results["changed"]
        return
    assert not done.results["changed"] and place.key()["key_id"] == "ELSEWHERE1"
    assert done.results["integration"] | {"status": ""} == {
        "bundle_id": BUNDLE_ID,
        "issuer_id": None,
        "key_id": None,
        "key_fingerprint": None,
        "environment": "production",
        "tracker": "revenuecat",
        "status": "",
    }
    assert done.results["integration"]["status"] == "Unknown"
    if on_unknown == "fail":
        assert done.results["failed"] and "on_unknown: replace" in done.message
    else:
        assert len(done.warnings) == 1 and "on_unknown: replace" in done.warnings[0]
        assert len(place.step(options).warnings) == 1, "never a silent ok"


def test_an_app_that_is_not_there_is_created_only_when_asked(place: RevenueCatPlace) -> None:
    place.account([store_app("apptwin", TWIN)])
    refused = place.step(place.options())
    assert refused.results["failed"] and refused.message.startswith("revenuecat.create_app: ")
    assert TWIN in refused.message and BUNDLE_ID in refused.message
    made = place.step(place.options(account={"create_app": True, "app_name": "One"})).results
    assert made["changed"] and made["diff"]["before"] == {} and made["integration"]["status"] == "Active"
    created = [app for app in place.apps().values() if app["app_store"]["bundle_id"] == BUNDLE_ID]
    assert [app["name"] for app in created] == ["One"]
    assert created[0]["app_store"]["subscription_key"]["key_id"] == KEY_ID
    assert not place.step(place.options()).results["changed"]


def test_an_entry_without_a_key_is_left_silently_and_deleted_only_when_asked(place: RevenueCatPlace) -> None:
    kept = place.step(place.options(state="absent"))
    assert (kept.results["changed"], kept.warnings) == (False, []) and "appone" in place.apps()
    gone = place.step(place.options(state="absent", account={"delete_app": True}))
    assert gone.results["changed"] and "appone" not in place.apps() and "apptwin" in place.apps()


@pytest.mark.parametrize("count", [19, 20, 21, 100, 101, 205])
def test_every_page_is_read_once(place: RevenueCatPlace, count: int) -> None:
    many = [store_app(f"app{number}", f"com.example.many{number}") for number in range(count)]
    place.account([*many, store_app("appone", BUNDLE_ID)])
    before = len(place.endpoints("revenuecat"))
    assert place.run(place.options()).results["changed"]
    calls = place.endpoints("revenuecat")[before:]
    assert calls == ["list_apps"] * (count // 100 + 1) + ["update_app"]
    assert place.key()["key_id"] == KEY_ID


def test_pages_that_the_service_makes_smaller(place: RevenueCatPlace) -> None:
    many = [store_app(f"app{number}", f"com.example.many{number}") for number in range(50)]
    place.account([*many, store_app("appone", BUNDLE_ID)], largest_page=20)
    assert place.run(place.options()).results["changed"]
    assert len(place.info(credential_check="skip")) == 51


def test_two_entries_of_one_bundle_id(place: RevenueCatPlace) -> None:
    place.account([store_app("appone", BUNDLE_ID), store_app("apptwo", BUNDLE_ID)])
    done = place.step(place.options())
    assert done.results["failed"] and "'appone', 'apptwo'" in done.message


def test_an_api_that_takes_no_key_on_update_is_explained(place: RevenueCatPlace) -> None:
    place.account(accepts_key_on_update=False)
    done = place.run(place.options())
    assert done.results["failed"] and "HTTP 400" in done.message and BUNDLE_ID in done.message
    assert "dashboard" in done.message and "revenuecat.delete_app" in done.message
    assert not place.key()["has_private_key"]
    # Someone follows the advice; whether it was the declared key nobody can know.
    place.set_key(key_id=KEY_ID, issuer_id=ISSUER, has_private_key=True)
    kept = place.step(place.options())
    assert not kept.results["changed"] and len(kept.warnings) == 1


def test_another_environment_is_refused(place: RevenueCatPlace) -> None:
    done = place.step(place.options(environment="sandbox"))
    assert done.results["failed"] and "environment: revenuecat has one key" in done.message


def test_the_check_comes_first(place: RevenueCatPlace) -> None:
    refused = place.step(place.options(issuer_id=OTHER_ISSUER))
    assert refused.results["failed"] and not place.key()["has_private_key"]
    assert refused.results["integration"]["status"] == "Absent"
    place.account([store_app("appone", BUNDLE_ID), store_app("appun", UNRELEASED)])
    pending = place.step(place.options(bundle_id=UNRELEASED)).results
    assert (pending["changed"], pending["integration"]["status"]) == (True, "Pending")
    advisory = place.step(place.options(issuer_id=OTHER_ISSUER, credential_check="advisory")).results
    assert (advisory["changed"], advisory["integration"]["status"]) == (True, "Failed")


def test_a_rate_limit_that_passes(place: RevenueCatPlace) -> None:
    body = '{"object": "error", "type": "rate_limit_error", "message": "slow", "retryable": true, "backoff_ms": 30}'
    for endpoint in ("list_apps", "update_app"):
        fault = {"kind": "status", "status": 429, "body": body, "content_type": "application/json", "times": 1}
        place.sim.fault(**fault, match={"vendor": "revenuecat", "endpoint": endpoint})
    done = place.run(place.options()).results
    assert done["changed"] and done["http"]["retries"] == 2 and 0.06 <= done["http"]["waited_s"] < 1


def test_a_rate_limit_that_does_not(place: RevenueCatPlace) -> None:
    place.account(requests_per_minute=1)
    place.run(place.options(deadline=3))
    done = place.run(place.options(deadline=3))
    assert done.results["failed"] and "HTTP 429" in done.message and "raise deadline" in done.message


@pytest.mark.parametrize("endpoint", ["list_apps", "create_app", "update_app"])
def test_a_lock_is_waited_for(place: RevenueCatPlace, endpoint: str) -> None:
    if endpoint == "create_app":
        place.account([])
    fault = {"kind": "status", "status": 423, "body": '{"retryable": true, "backoff_ms": 20}', "times": 2}
    place.sim.fault(**fault, content_type="application/json", match={"vendor": "revenuecat", "endpoint": endpoint})
    done = place.run(place.options(account={"create_app": True})).results
    assert done["changed"] and done["http"]["retries"] == 2
    assert len(place.apps()) == (1 if endpoint == "create_app" else 3)


@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_a_lost_answer_never_makes_a_second_app(place: RevenueCatPlace, kind: str) -> None:
    place.account([])
    place.sim.fault(kind=kind, times=1, match={"vendor": "revenuecat", "endpoint": "create_app"})
    before = len(place.endpoints("revenuecat"))
    done = place.run(place.options(account={"create_app": True}))
    assert done.results["changed"] and done.results["integration"]["status"] == "Active"
    assert place.endpoints("revenuecat")[before:] == [
        *("list_apps", "create_app", "list_apps"),
        "update_app",
    ], "nothing tells whose entry that is, and which key it has"
    assert len(place.apps()) == 1
    assert not place.step(place.options()).results["changed"]


def test_a_create_that_never_arrived_is_said(place: RevenueCatPlace) -> None:
    place.account([])
    place.sim.fault(kind="refuse", times=1, match={"vendor": "revenuecat", "endpoint": "create_app"})
    options = place.options(account={"create_app": True})
    done = place.run(options)
    assert done.results["failed"] and "The change may have been made" in done.message
    assert place.apps() == {} and done.results["changed"], "what may have been done counts as done"
    assert place.run(options).results["changed"] and len(place.apps()) == 1


def test_a_refusal_after_a_lost_answer_undoes_nothing(place: RevenueCatPlace) -> None:
    """The first try was carried out: what the ledger knew before is no longer so."""
    place.run(place.options())
    match = {"vendor": "revenuecat", "endpoint": "update_app"}
    place.sim.fault(kind="reset", times=1, match=match)
    place.sim.fault(kind="status", status=403, match=match)
    refused = place.run(place.rotated())
    assert refused.results["failed"] and refused.results["changed"] and place.key()["key_id"] == ROTATED
    place.sim.control("DELETE", "/faults")
    assert place.step(place.options()).results["changed"] and place.key()["key_id"] == KEY_ID


@pytest.mark.parametrize("kind", ["broken", "timeout", "tls"])
def test_a_create_that_was_not_asked_for_is_no_lost_answer(
    place: RevenueCatPlace, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Whatever the host was silent with before: nothing went out, so there is nothing to look for."""
    place.account([])
    send = Transport.send

    def refuse(transport: Transport, call: Call) -> Reply:
        if call.method == "POST":
            raise NotAsked(kind, "not asked: no answer came from rc.invalid for at least 30 s.", "Run again.")
        return send(transport, call)

    monkeypatch.setattr(Transport, "send", refuse)
    before = len(place.endpoints("revenuecat"))
    done = place.run(place.options(account={"create_app": True}))
    assert done.results["failed"] and "not asked: no answer came from rc.invalid" in done.message
    assert "is not known" not in done.message
    assert place.endpoints("revenuecat")[before:] == ["list_apps"] and place.apps() == {}
    monkeypatch.undo()
    assert place.run(place.options(account={"create_app": True})).results["changed"] and len(place.apps()) == 1


def test_a_lost_update_is_repeated_and_never_taken_for_done(place: RevenueCatPlace) -> None:
    match = {"vendor": "revenuecat", "endpoint": "update_app"}
    place.sim.fault(kind="reset", times=1, match=match)
    assert place.run(place.options()).results["http"]["retries"] == 1
    # The other key is applied, and nobody hears of it.
    place.sim.fault(kind="reset", match=match)
    lost = place.run(place.rotated(deadline=3))
    assert lost.results["failed"] and place.key()["key_id"] == ROTATED
    assert lost.results["changed"] and "The change may have been made" in lost.message
    assert lost.results["integration"]["status"] == "Unknown"
    place.sim.control("DELETE", "/faults")
    # Back to the first: the ledger must not say that it is still there.
    back = place.step(place.options()).results
    assert back["changed"] and place.key()["key_id"] == KEY_ID


REFUSALS = [
    (401, "revenuecat.api_key", "STOREOPS_REVENUECAT_API_KEY"),
    (403, "revenuecat.api_key", "project_configuration:apps:read_write"),
    (404, "does not find it", "revenuecat.project_id"),
    (409, "conflict", "run again"),
    (422, "refuses the values", "App Store Connect"),
    (302, "another address", "revenuecat.url"),
    (418, "refuses the request", "dashboard"),
    (500, "can't answer now", "Run again later"),
]


@pytest.mark.parametrize(("status", "problem", "next_step"), REFUSALS)
def test_refusals_in_words(place: RevenueCatPlace, status: int, problem: str, next_step: str) -> None:
    # A service that repeats what it was sent must not make us show it.
    said = {"type": "some_error", "message": f"because of {place.secret} \x1b[31m" + "word " * 100, "retryable": False}
    body = json.dumps(said)
    place.sim.fault(
        kind="status", status=status, body=body, content_type="application/json", match={"vendor": "revenuecat"}
    )
    done = place.step(place.options())
    assert done.results["failed"] and f"HTTP {status}" in done.message
    assert problem in done.message and next_step in done.message
    # A redirect's body is not even read.
    assert ("some_error" in done.message) is ("word word" in done.message) is (status != 302)
    assert "\x1b" not in done.message and len(done.message) < 600
    assert done.message.startswith(f"{BUNDLE_ID}: ")


def test_a_private_key_that_comes_back_is_masked(place: RevenueCatPlace) -> None:
    line = place.sim.pem.splitlines()[1]
    body = json.dumps({"type": "parameter_error", "message": f"bad {line}"})
    match = {"vendor": "revenuecat", "endpoint": "update_app"}
    place.sim.fault(kind="status", status=422, body=body, content_type="application/json", match=match)
    done = place.run(place.options())
    assert done.results["failed"] and "bad ****" in done.message and line not in done.message


def test_what_is_no_revenuecat(place: RevenueCatPlace) -> None:
    place.sim.fault(kind="content_type", match={"vendor": "revenuecat"})
    done = place.step(place.options())
    assert done.results["failed"] and "something else than a JSON object" in done.message


def test_options_that_are_missing_or_wrong(place: RevenueCatPlace) -> None:
    def message(**account: t.Any) -> str:
        done = place.step(place.options(account=account))
        assert done.results["failed"] and not done.results.get("changed")
        return done.message

    assert "revenuecat.api_key: " in message(api_key=None) and "STOREOPS_REVENUECAT" in message(api_key="")
    assert "revenuecat.api_key: " in message(api_key="sk_a\nb")
    assert "revenuecat.project_id: " in message(project_id=None)
    assert "revenuecat.project_id: " in message(project_id="../x")
    assert "revenuecat.url: " in message(url="http://revenuecat.example.com")


def test_info_lists_all_app_store_apps(place: RevenueCatPlace) -> None:
    place.run(place.options())
    held = {entry["bundle_id"]: entry for entry in place.info()}
    assert sorted(held) == sorted([BUNDLE_ID, TWIN])
    assert held[BUNDLE_ID]["status"] == "Active" and held[BUNDLE_ID]["credential_check"]["cause"] == "accepted"
    assert held[TWIN]["status"] == "Absent" and held[TWIN]["key_id"] is None
    place.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": False})
    assert [entry["status"] for entry in place.info() if entry["bundle_id"] == BUNDLE_ID] == ["Failed"]
    (place.folder / "ledger.db").unlink()
    unknown = {entry["bundle_id"]: entry for entry in place.info()}[BUNDLE_ID]
    assert (unknown["status"], unknown["key_id"], unknown["issuer_id"]) == ("Unknown", None, None)
    assert unknown["credential_check"]["cause"] == "not_checked"


def test_an_api_key_of_the_environment(place: RevenueCatPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREOPS_REVENUECAT_API_KEY", place.secret)
    options = place.options()
    del options["revenuecat"]["api_key"]
    assert place.step(options).results["changed"]


def test_two_apps_of_one_name_where_names_are_unique(place: RevenueCatPlace) -> None:
    place.account([], unique_app_names=True)
    account = {"create_app": True, "app_name": "Game"}
    assert place.run(place.options(account=account)).results["changed"]
    for _again in range(2):
        outcome = place.run({**place.options(account=account), "bundle_id": UNRELEASED})
        assert outcome.results["failed"] and not outcome.results.get("changed"), outcome.message
        assert "Name is already taken" in outcome.message and "may have been made" not in outcome.message
        assert "If the name 'Game' is taken, give another one in revenuecat.app_name" in outcome.message
    assert place.run({**place.options(account={**account, "app_name": "Game 2"}), "bundle_id": UNRELEASED}).results[
        "changed"
    ]
