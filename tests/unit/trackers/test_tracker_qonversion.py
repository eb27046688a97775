# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Qonversion against the simulator: the whole task, in check mode and for real."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from json_tracker_support import ROTATED, Json, Place
from unit_servers import UNRELEASED, Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, OTHER_ISSUER, fingerprint_of

OTHER_APP = "com.example.two"
CONNECT = {"key_id": "CONNECT001", "issuer_id": ISSUER, "has_private_key": True}


class QonversionPlace(Place):
    """One project with settings that are none of ours."""

    def account(self, **apple: t.Any) -> None:
        """Set the project's App Store configuration."""
        others = {"app_id": "1234567890", "has_shared_secret": True, "connect_key": CONNECT}
        project = {"name": "Studio", "secret_key": self.secret, "apple": others | apple}
        self.world(qonversion={"projects": [project]})

    def apple(self) -> Json:
        """Give what the service holds."""
        return dict(self.world()["qonversion"]["projects"][0]["apple"])

    def key(self) -> Json:
        """Give what the service holds of the key."""
        return dict(self.apple()["iap_key"])

    def others(self) -> Json:
        """Give what is none of ours."""
        return {name: value for name, value in self.apple().items() if name not in ("bundle_id", "iap_key")}


@pytest.fixture
def place(sim: Simulator, tmp_path: Path) -> QonversionPlace:
    made = QonversionPlace(sim, tmp_path, "qonversion")
    made.account()
    return made


def test_the_ladder(place: QonversionPlace) -> None:
    others = place.others()
    done = place.step(place.options()).results
    assert (done["changed"], done["integration"]["status"], done["diff"]["before"]) == (True, "Active", {})
    assert place.key()["key_fingerprint"] == fingerprint_of(place.sim.pem)
    assert (place.key()["key_id"], place.key()["issuer_id"], place.apple()["bundle_id"]) == (KEY_ID, ISSUER, BUNDLE_ID)

    again = place.step(place.options())
    assert (again.results["changed"], again.warnings) == (False, [])
    assert again.results["integration"] == done["integration"]

    rotated = place.step(place.rotated()).results
    assert rotated["changed"] and rotated["diff"]["before"]["key_id"] == KEY_ID
    assert rotated["diff"]["before"]["key_fingerprint"] == fingerprint_of(place.sim.pem)
    assert place.key()["key_fingerprint"] == fingerprint_of(place.sim.other_pem)

    place.account(bundle_id=BUNDLE_ID, iap_key={"key_id": "ELSEWHERE1", "issuer_id": ISSUER, "has_private_key": True})
    drift = place.step(place.rotated()).results
    assert drift["changed"] and drift["diff"]["before"]["key_id"] == "ELSEWHERE1"
    assert drift["diff"]["before"]["key_fingerprint"] is None and place.key()["key_id"] == ROTATED

    left = place.step(place.options(state="absent", private_key_path=None))
    assert not left.results["changed"] and left.results["integration"]["status"] == "Active"
    assert len(left.warnings) == 1 and "no documented way" in left.warnings[0]
    assert place.others() == others


def test_a_change_there_to_what_is_declared_now_is_drift(place: QonversionPlace) -> None:
    place.step(place.options())
    place.account(bundle_id=BUNDLE_ID, iap_key={"key_id": ROTATED, "issuer_id": ISSUER, "has_private_key": True})
    drift = place.step(place.rotated()).results
    assert drift["changed"] and place.key()["key_fingerprint"] == fingerprint_of(place.sim.other_pem)
    assert drift["diff"]["before"]["key_id"] == ROTATED and drift["diff"]["before"]["key_fingerprint"] is None


@pytest.mark.parametrize("has_key", [True, False])
@pytest.mark.parametrize("on_unknown", ["keep", "replace", "fail"])
def test_a_key_that_nobody_knows(place: QonversionPlace, on_unknown: str, has_key: bool) -> None:
    place.account(bundle_id=BUNDLE_ID, iap_key={"key_id": KEY_ID, "issuer_id": ISSUER, "has_private_key": has_key})
    options = place.options(account={"on_unknown": on_unknown})
    done = place.step(options)
    if on_unknown == "replace" or not has_key:
        # That there is no key is known.
        assert done.results["changed"] and place.key()["key_fingerprint"] == fingerprint_of(place.sim.pem)
        assert not place.step(options).results["changed"]
        return
    assert not done.results["changed"] and place.key()["key_fingerprint"] is None
    held = done.results["integration"]
    assert (held["status"], held["key_id"], held["key_fingerprint"]) == ("Unknown", KEY_ID, None)
    if on_unknown == "fail":
        assert done.results["failed"] and "key_fingerprint" in done.message
    else:
        assert len(done.warnings) == 1 and "on_unknown: replace" in done.warnings[0]
        assert len(place.step(options).warnings) == 1, "never a silent ok"


def test_a_known_difference_is_an_update_even_with_an_empty_ledger(place: QonversionPlace) -> None:
    place.account(bundle_id=BUNDLE_ID, iap_key={"key_id": ROTATED, "issuer_id": ISSUER, "has_private_key": True})
    done = place.step(place.options()).results
    assert done["changed"] and done["diff"]["before"]["key_id"] == ROTATED and place.key()["key_id"] == KEY_ID


@pytest.mark.parametrize("held", [OTHER_APP, "com.example.One"])
def test_the_project_of_another_app_is_never_overwritten_unasked(place: QonversionPlace, held: str) -> None:
    place.account(bundle_id=held, iap_key={"key_id": KEY_ID, "issuer_id": ISSUER, "has_private_key": True})
    refused = place.step(place.options())
    assert refused.results["failed"] and "qonversion.replace_bundle: " in refused.message
    assert held in refused.message and ("capitals" in refused.message) is (held != OTHER_APP)
    absent = place.step(place.options(state="absent"))
    assert (absent.results["changed"], absent.warnings) == (False, []) and place.apple()["bundle_id"] == held
    done = place.step(place.options(account={"replace_bundle": True})).results
    assert done["changed"] and place.apple()["bundle_id"] == BUNDLE_ID


def test_the_ledger_keeps_projects_apart(place: QonversionPlace) -> None:
    place.step(place.options(account={"project": "a"}))
    other = place.step(place.options(account={"project": "b"}))
    assert len(other.warnings) == 1 and "qonversion b" in other.warnings[0]


def test_another_environment_is_refused(place: QonversionPlace) -> None:
    done = place.step(place.options(environment="sandbox"))
    assert done.results["failed"] and "environment: qonversion has one key" in done.message


def test_an_app_that_is_not_released_is_pending(place: QonversionPlace) -> None:
    done = place.step(place.options(bundle_id=UNRELEASED)).results
    assert (done["changed"], done["integration"]["status"]) == (True, "Pending")
    assert place.step(place.options(bundle_id=UNRELEASED)).results["changed"] is False
    refused = place.step(place.options(bundle_id=UNRELEASED, issuer_id=OTHER_ISSUER))
    assert refused.results["failed"] and place.key()["issuer_id"] == ISSUER


@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_a_lost_answer_is_asked_for_again_under_the_same_name(place: QonversionPlace, kind: str) -> None:
    place.sim.fault(kind=kind, times=2, match={"vendor": "qonversion", "endpoint": "update_store_config"})
    done = place.run(place.options()).results
    assert done["changed"] and done["http"]["retries"] == 2 and place.key()["key_id"] == KEY_ID
    assert not place.step(place.options()).results["changed"]


def test_a_save_without_a_certain_end_is_made_again(place: QonversionPlace) -> None:
    place.run(place.options())
    place.sim.fault(kind="reset", match={"vendor": "qonversion", "endpoint": "update_store_config"})
    lost = place.run(place.rotated(key_id=KEY_ID, credential_check="skip", deadline=3))
    assert lost.results["failed"] and place.key()["key_fingerprint"] == fingerprint_of(place.sim.other_pem)
    assert lost.results["changed"], "what may have been done counts as done"
    place.sim.control("DELETE", "/faults")
    back = place.step(place.options()).results
    assert back["changed"] and place.key()["key_fingerprint"] == fingerprint_of(place.sim.pem)


def test_locks_and_rate_limits_are_waited_for(place: QonversionPlace) -> None:
    for status in (423, 429, 503):
        place.sim.fault(
            kind="status", status=status, headers={"Retry-After": "0"}, times=1, match={"vendor": "qonversion"}
        )
    done = place.run(place.options()).results
    assert done["changed"] and done["http"]["retries"] == 3


REFUSALS = [
    (400, "does not take the request", "report"),
    (401, "qonversion.api_key", "STOREOPS_QONVERSION_API_KEY"),
    (403, "qonversion.api_key", "secret key"),
    (404, "does not find it", "qonversion.url"),
    (409, "conflict", "run again"),
    (422, "refuses the values", "App Store Connect"),
    (500, "can't answer now", "Run again later"),
]


@pytest.mark.parametrize(("status", "problem", "next_step"), REFUSALS)
def test_refusals_in_words(place: QonversionPlace, status: int, problem: str, next_step: str) -> None:
    error = {"type": "request", "code": "some_code", "message": f"because of {place.secret}"}
    body = json.dumps({"error": error | {"details": [{"field": "iap_key_identifier", "message": "bad"}]}})
    place.sim.fault(
        kind="status", status=status, body=body, content_type="application/json", match={"vendor": "qonversion"}
    )
    done = place.step(place.options(deadline=4))
    assert done.results["failed"] and f"HTTP {status}" in done.message and "some_code" in done.message
    assert problem in done.message and next_step in done.message and done.message.startswith(f"{BUNDLE_ID}: ")


def test_a_refused_save_leaves_the_ledger_as_it_was(place: QonversionPlace) -> None:
    place.run(place.options())
    ledger = place.info(credential_check="skip")
    match = {"vendor": "qonversion", "endpoint": "update_store_config"}
    place.sim.fault(kind="status", status=422, body=f"{{}}{place.sim.other_pem}", match=match)
    done = place.run(place.rotated())
    assert done.results["failed"] and "HTTP 422" in done.message
    assert place.info(credential_check="skip") == ledger
    place.sim.control("DELETE", "/faults")
    assert place.step(place.options()).results["changed"] is False


def test_a_service_that_shows_something_else_is_not_active(place: QonversionPlace) -> None:
    match = {"vendor": "qonversion", "endpoint": "update_store_config"}
    place.sim.fault(kind="status", status=204, body="", times=1, match=match)
    done = place.run(place.options())
    assert done.results["failed"] and f"shows no Key ID, and {KEY_ID} was sent" in done.message
    assert done.results["changed"] and done.results["integration"]["status"] == "Failed"
    assert place.run(place.options()).results["changed"] and place.key()["key_id"] == KEY_ID


def test_options_that_are_missing_or_wrong(place: QonversionPlace) -> None:
    for account, option in (({"api_key": None}, "api_key"), ({"url": "http://qonversion.example.com"}, "url")):
        done = place.step(place.options(account=account))
        assert done.results["failed"] and f"qonversion.{option}: " in done.message


def test_info_lists_the_one_app(place: QonversionPlace) -> None:
    assert place.info() == []
    place.run(place.options())
    assert [(entry["bundle_id"], entry["status"]) for entry in place.info()] == [(BUNDLE_ID, "Active")]
    (place.folder / "ledger.db").unlink()
    unknown = place.info()[0]
    assert (unknown["status"], unknown["key_id"], unknown["key_fingerprint"]) == ("Unknown", KEY_ID, None)
    checked = place.info(private_key_path=str(place.folder / "key.p8"))[0]
    # Apple accepts the given key; whether Qonversion has that one, nobody knows.
    assert (checked["status"], checked["credential_check"]["cause"]) == ("Unknown", "accepted")
