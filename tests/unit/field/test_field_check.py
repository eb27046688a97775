# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The field check against the simulator, where all holds, and against services that break each assumption."""

from __future__ import annotations

import contextlib
import json
import secrets
import typing as t
from pathlib import Path

import pytest
from unit_servers import Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, new_pem, public_pem, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_connect_api import AppStoreConnectApi
from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_server import AppStoreServer, Hosts
from ansible_collections.storeops.refunds.plugins.module_utils._http import Call, HttpSettings, Reply, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._model.assumption import Finding, shape
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import RefundsError
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Credentials
from ansible_collections.storeops.refunds.plugins.module_utils._model.private_key import parse_content
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.field import field_check
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.field.apple_questions import AppleQuestions
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.field.connect_questions import connect_questions
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.field.session_questions import session_questions
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.field.tracker_questions import (
    qonversion_questions,
    revenuecat_questions,
)
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.settings import parse

Json = dict[str, t.Any]
SECRET = "sk_" + "fieldtest" * 3
COOKIE = secrets.token_hex(24)
PROJECT = "proj1ab2c3d4"
CUSTOMER = "com.customer.secretgame"
API_KEY_ID, HOOK = "ASCKEY0001", "https://hooks.customer.example/apple"


def outcomes(findings: t.Iterable[Finding | Json]) -> dict[str, str]:
    """Give each assumption's outcome by its name."""
    found = [one if isinstance(one, dict) else one.as_result() for one in findings]
    return {one["name"]: one["outcome"] for one in found}


@pytest.fixture
def options(sim: Simulator, tmp_path: Path) -> Json:
    """Everything that can be asked without a browser; the simulator's accounts have something to show."""
    world = sim.control("GET", "/world")
    entry = {"id": "app1", "name": CUSTOMER, "type": "app_store", "app_store": {"bundle_id": CUSTOMER}}
    account = {"projects": [{"id": PROJECT, "name": "Studio", "apps": [entry]}], "api_keys": [{"secret": SECRET}]}
    stores = {"projects": [{"name": "Studio", "secret_key": SECRET, "apple": {"bundle_id": CUSTOMER}}]}
    signed_in = {"myacinfo": COOKIE, "des": {"DES0123abcd": COOKIE}, "email": "me@example.com", "teams": [ISSUER]}
    api_pem = new_pem()
    world["teams"][0]["app_store_connect_keys"] = [{"key_id": API_KEY_ID, "public_key": public_pem(api_pem)}]
    world["teams"][0]["apps"][0] |= {"subscription_status_url": HOOK, "subscription_status_url_version": "V2"}
    changes = {"revenuecat": account, "qonversion": stores, "app_store_connect_sessions": [signed_in]}
    sim.control("PUT", "/world", world | changes)
    cookies = [{"name": name, "value": COOKIE, "domain": ".apple.com"} for name in ("myacinfo", "DES0123abcd")]
    return {
        "bundle_id": BUNDLE_ID,
        "issuer_id": ISSUER,
        "key_id": KEY_ID,
        "private_key_path": str(write_key(tmp_path / "key.p8", sim.pem)),
        "app_store_server_url": sim.url,
        "session": json.dumps(cookies),
        "app_store_connect_url": sim.announced["app_store_connect"],
        "api_issuer_id": ISSUER,
        "api_key_id": API_KEY_ID,
        "api_private_key_content": api_pem,
        "app_store_connect_api_url": sim.announced["app_store_connect_api"],
        "revenuecat": {"api_key": SECRET, "project_id": PROJECT, "url": sim.announced["revenuecat"]},
        "qonversion": {"api_key": SECRET, "url": sim.announced["qonversion"]},
        "html_path": str(tmp_path / "reports" / "check.html"),
        "json_path": str(tmp_path / "reports" / "check.json"),
    }


def test_all_holds_at_the_simulator_and_nothing_of_anybody_is_told(options: Json, sim: Simulator) -> None:
    before = sim.control("GET", "/world")
    predicted = run_task(field_check.TASK, options, check_mode=True)
    assert not Path(options["html_path"]).parent.exists()
    done = run_task(field_check.TASK, options)
    assert done.results["assumptions"] == predicted.results["assumptions"] and sim.control("GET", "/world") == before
    # Notification History is read by POST.
    asked = {(one["method"], one["endpoint"]) for one in sim.calls()["calls"]}
    assert {one for one in asked if one[0] != "GET"} == {("POST", "get_notification_history")}
    found = outcomes(done.results["assumptions"])
    assert set(found.values()) == {"holds", "noted"}, done.results["assumptions"]
    assert {"made_up_transaction", "refused_token", "key_is_told", "has_iap_private_key", "no_project"} <= set(found)
    page, document = (Path(options[name]).read_text() for name in ("html_path", "json_path"))
    assert json.loads(document)["assumptions"] == done.results["assumptions"]
    assert page.count("<tr>") == len(done.results["assumptions"]) + 1 and "Does not hold" not in page
    everything = page + document + repr(done)
    for told in (
        HOOK,
        API_KEY_ID,
        SECRET,
        COOKIE,
        CUSTOMER,
        BUNDLE_ID,
        ISSUER,
        KEY_ID,
        PROJECT,
        *sim.pem.splitlines()[1:-1],
    ):
        assert told not in everything, told


def test_one_part_that_fails_stops_no_other(options: Json) -> None:
    own = {**options, "key_id": "NOTTHEKEY1", "revenuecat": {**options["revenuecat"], "api_key": "sk_wrong"}}
    done = run_task(field_check.TASK, own).results
    assert not done.get("failed")
    found = {(one["part"], one["name"]): one["outcome"] for one in done["assumptions"]}
    assert found["app_store_server", "made_up_transaction"] == "not_seen", "a refused key proves nothing"
    assert ("app_store_server", "history_page") not in found
    assert found["revenuecat", "reachable"] == "not_seen" and found["qonversion", "bundle_id"] == "holds"


PARTS: t.Final[dict[str, tuple[str, Json]]] = {
    "no key": ("app_store_server", {"bundle_id": BUNDLE_ID, "issuer_id": ISSUER, "key_id": KEY_ID}),
    "no key of the API": ("app_store_connect_api", {"api_issuer_id": ISSUER, "api_key_id": API_KEY_ID}),
    "an empty session": ("app_store_connect", {"session": ""}),
    "an empty API key": ("revenuecat", {"revenuecat": {"api_key": "", "project_id": PROJECT}}),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_without_its_secret_is_not_seen(name: str, options: Json) -> None:
    """As in a job that lacks the secret, beside a part that is sound."""
    part, given = PARTS[name]
    done = run_task(field_check.TASK, {"qonversion": options["qonversion"], **given}).results
    outcome = {one["part"]: one["outcome"] for one in done["assumptions"] if one["name"] == "reachable"}
    assert outcome == {part: "not_seen"} and done["summary"]["not_seen"] == 1


def test_a_default_for_all_modules_asks_about_nothing(options: Json) -> None:
    given = {"qonversion": options["qonversion"], "issuer_id": ISSUER, "bundle_id": BUNDLE_ID, "api_issuer_id": ISSUER}
    done = run_task(field_check.TASK, given).results
    assert {one["part"] for one in done["assumptions"]} == {"qonversion"} and not done["summary"]["not_seen"]


def test_an_empty_variable_of_a_session_is_not_seen(options: Json) -> None:
    done = run_task(field_check.TASK, {"qonversion": options["qonversion"]}, environ={"FASTLANE_SESSION": ""}).results
    (found,) = (one for one in done["assumptions"] if one["name"] == "reachable")
    assert found["outcome"] == "not_seen" and "given but empty" in found["seen"]


def test_nothing_to_ask() -> None:
    failed = run_task(field_check.TASK, {})
    assert failed.message.startswith("bundle_id: this or another part is required.")


class Scripted(Transport):
    """Answers by the end of a URL's path."""

    def __init__(self, replies: t.Mapping[str, Reply]) -> None:
        super().__init__(HttpSettings())
        self.replies = replies

    def send(self, call: Call) -> Reply:
        """Answer; what isn't scripted is not there."""
        path = call.url.partition("?")[0]
        found = (reply for end, reply in self.replies.items() if path.endswith(end))
        return next(found, Reply(404, {"content-type": "application/json"}, b"{}"))


def answer(document: t.Any, status: int = 200) -> Reply:
    """Make a JSON answer."""
    return Reply(status, {"content-type": "application/json"}, json.dumps(document).encode())


@pytest.mark.parametrize(
    ("replies", "broken"),
    [
        ({}, {"made_up_transaction", "refused_token"}),
        ({"0001": answer({"errorCode": 4040010}, 404)}, {"refused_token", "history_page"}),
        (
            {"0001": answer({"errorCode": 4040010}, 404), "history": answer({"hasMore": "no"})},
            {"refused_token", "history_page"},
        ),
        (
            {"0001": answer({"errorCode": 4040010}, 404), "history": answer({"errorCode": 4000012}, 400)},
            {"refused_token", "history_page", "history_reach"},
        ),
        (
            {"0001": Reply(401, {"content-type": "text/html"}, b"Unauthenticated\n\nRequest ID: ABCDEFGHIJ1234.0.0")},
            {"refused_token"},
        ),
        (
            {"0001": Reply(401, {"content-type": "text/plain"}, b"Unauthenticated\n\nRequest ID: ABCDEFGHIJ1234.0.0")},
            set(),
        ),
    ],
)
def test_what_apple_may_do_otherwise(replies: t.Mapping[str, Reply], broken: set[str]) -> None:
    credentials = Credentials(ISSUER, KEY_ID, parse_content(new_pem()))
    server = AppStoreServer(Scripted(replies), Hosts(), lambda: 1_790_000_000.0)
    found = outcomes(AppleQuestions(server, credentials, BUNDLE_ID, "production").findings())
    assert {name for name, outcome in found.items() if outcome == "broken"} == broken


PAGE = {"content-type": "text/html; charset=utf-8"}
ELSEWHERE = {
    "a rate limit": answer({"errorCode": 4290000}, 429),
    "an outage": answer({}, 503),
    "a proxy's page": Reply(200, PAGE, b"<html>Sign in"),
    "a proxy's refusal": Reply(403, PAGE, b"<html>Blocked"),
    "a proxy's 401": Reply(401, PAGE, b"Unauthenticated"),
    "a proxy's 404": Reply(404, PAGE, b"<html>Nothing here"),
}
# The questions in their order: what is asked after these is answered as it should be.
ACCEPTED, HISTORY = answer({"errorCode": 4040010}, 404), answer({"notificationHistory": [], "hasMore": False})


class InTurn(Scripted):
    """Answers call by call; the last one for ever."""

    def __init__(self, *replies: Reply) -> None:
        super().__init__({})
        self.turns = list(replies)

    def send(self, call: Call) -> Reply:
        """Answer the next call."""
        return self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]


@pytest.mark.parametrize("what", ELSEWHERE)
@pytest.mark.parametrize("number", range(4))
def test_what_came_from_elsewhere_breaks_no_assumption_about_apple(number: int, what: str) -> None:
    refused = Reply(401, {"content-type": "text/plain"}, b"Unauthenticated\n\nRequest ID: ABCDEFGHIJ1234.0.0")
    sound = [ACCEPTED, refused, HISTORY, HISTORY]
    names = ("made_up_transaction", "refused_token", "history_page", "history_reach")
    # What refuses the history is asked a second time.
    tries = 2 if number >= 2 and ELSEWHERE[what].status == 401 else 1
    replies = [*sound[:number], *[ELSEWHERE[what]] * tries, *sound[number + 1 :]]
    credentials = Credentials(ISSUER, KEY_ID, parse_content(new_pem()))
    server = AppStoreServer(InTurn(*replies), Hosts(), lambda: 1_790_000_000.0)
    found = outcomes(AppleQuestions(server, credentials, BUNDLE_ID, "production").findings())
    assert found.pop(names[number]) == "not_seen"
    assert set(found.values()) <= {"holds", "noted"}, found


@pytest.mark.parametrize("what", ELSEWHERE)
def test_what_came_from_elsewhere_breaks_no_assumption_about_a_tracker(what: str) -> None:
    settings = t.cast(t.Any, parse("revenuecat", {"api_key": SECRET, "project_id": PROJECT}))
    listed = answer({"items": [STORE], "next_page": None})
    found = {}
    # What stops the questions is a finding of its own, which isn't made here.
    with contextlib.suppress(RefundsError):
        for finding in revenuecat_questions(settings, InTurn(listed, ELSEWHERE[what])):
            found[finding.name] = finding.outcome
    assert found.pop("no_project", "not_seen") == "not_seen" and set(found.values()) == {"holds"}


STORE = {"id": "a", "type": "app_store", "app_store": {"bundle_id": CUSTOMER, "subscription_key_configured": True}}
READABLE = {**STORE, "app_store": {"bundle_id": CUSTOMER, "subscription_key_configured": True, "key_issuer": "x"}}
SILENT = {**STORE, "app_store": {"bundle_id": CUSTOMER}}


@pytest.mark.parametrize(
    ("document", "broken"),
    [
        ({"items": [STORE], "next_page": None}, set()),
        ({"items": [SILENT], "next_page": None}, {"key_is_told"}),
        ({"items": [READABLE], "next_page": 5}, {"apps", "key_is_hidden"}),
        ({"apps": []}, {"apps"}),
    ],
)
def test_what_revenuecat_may_do_otherwise(document: Json, broken: set[str]) -> None:
    settings = t.cast(t.Any, parse("revenuecat", {"api_key": SECRET, "project_id": PROJECT}))
    findings = list(revenuecat_questions(settings, Scripted({f"{PROJECT}/apps": answer(document)})))
    assert {name for name, outcome in outcomes(findings).items() if outcome == "broken"} == broken
    assert CUSTOMER not in repr(findings)


def test_what_qonversion_may_do_otherwise() -> None:
    settings = t.cast(t.Any, parse("qonversion", {"api_key": SECRET}))
    document = {"bundle_id": CUSTOMER, "iap_issuer_id": 5, "has_iap_private_key": "yes", "iap_private_key": "hunter2"}
    findings = list(qonversion_questions(settings, Scripted({"/apple": answer(document)})))
    found = outcomes(findings)
    assert found.pop("bundle_id") == "holds" and set(found.values()) == {"broken"}
    assert "hunter2" not in repr(findings) and CUSTOMER not in repr(findings)


class Connect:
    """App Store Connect's answers."""

    def __init__(self, session: Json, keys: Json) -> None:
        self.session, self.keys = session, keys

    def session_document(self) -> Json:
        """Give what the session says."""
        return self.session

    def keys_document(self) -> Json:
        """Give the list of keys."""
        return self.keys


TEAM = {"providerId": 5, "publicProviderId": ISSUER, "name": CUSTOMER}
KEY = {"id": KEY_ID, "attributes": {"nickname": CUSTOMER, "isActive": True, "canDownload": False}}


@pytest.mark.parametrize(
    ("session", "keys", "broken"),
    [
        ({"provider": TEAM, "availableProviders": [TEAM]}, {"data": [KEY]}, set()),
        ({"provider": {**TEAM, "providerId": "5"}, "availableProviders": [TEAM]}, {"data": []}, {"session"}),
        ({"provider": TEAM}, {"data": {}}, {"session", "keys"}),
        ({"provider": TEAM, "availableProviders": []}, {"data": [{"id": KEY_ID}]}, {"keys"}),
        (
            {"provider": TEAM, "availableProviders": []},
            {"data": [{"id": KEY_ID, "attributes": {"nickname": None, "isActive": "yes"}}]},
            {"key_nickname", "key_isActive", "key_canDownload"},
        ),
    ],
)
def test_what_app_store_connect_may_do_otherwise(session: Json, keys: Json, broken: set[str]) -> None:
    findings = list(session_questions(t.cast(t.Any, Connect(session, keys))))
    assert {name for name, outcome in outcomes(findings).items() if outcome == "broken"} == broken
    assert CUSTOMER not in repr(findings) and KEY_ID not in repr(findings)


APP = {"type": "apps", "id": "5", "attributes": {"bundleId": CUSTOMER, "subscriptionStatusUrlVersion": "V2"}}
ODD_URL = {"subscriptionStatusUrl": 7, "subscriptionStatusUrlVersion": "3"}
ODD = {"type": "apps", "id": "6", "attributes": {"bundleId": CUSTOMER, **ODD_URL}}


@pytest.mark.parametrize(
    ("listed", "on_sale", "broken"),
    [
        ([APP], [APP], set()),
        ([APP], [], set()),
        ([APP, ODD], [], {"subscriptionStatusUrl", "subscriptionStatusUrlVersion"}),
        ([APP], [ODD], {"released"}),
        ([{"id": "x", "attributes": {"bundleId": CUSTOMER}}], [], {"apps"}),
        ([7], [], {"apps"}),
        ({}, [], {"apps"}),
    ],
)
def test_what_the_api_may_do_otherwise(listed: t.Any, on_sale: t.Any, broken: set[str]) -> None:
    class Apps(AppStoreConnectApi):
        def first_page(self, is_released: bool = False) -> Json:
            return {"data": on_sale if is_released else listed, "links": {}}

    api = Apps(Scripted({}), None, t.cast(t.Any, None), lambda: 0.0)
    findings = list(connect_questions(api))
    assert {name for name, outcome in outcomes(findings).items() if outcome == "broken"} == broken
    assert CUSTOMER not in repr(findings)


def test_that_what_lies_on_further_pages_breaks_nothing() -> None:
    class Apps(AppStoreConnectApi):
        def first_page(self, is_released: bool = False) -> Json:
            more = {"next": f"{self.url}/v1/apps?cursor=a"}
            return {"data": [ODD if is_released else APP], "links": more}

    api = Apps(Scripted({}), None, t.cast(t.Any, None), lambda: 0.0)
    assert outcomes(connect_questions(api))["released"] == "not_seen"


def test_a_shape_tells_kinds_and_no_values() -> None:
    value = {"b": [1, "x", {"c": None}], "a": True, "me@example.com": "y", "deep": {"er": {"still": {"x": 1}}}}
    assert shape(value) == (
        "{a: boolean, b: [number or text or {c: null}], deep: {er: {still: {...}}}, (a name that is not shown): text}"
    )
