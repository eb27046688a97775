# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""App Store Connect: cookies, the web session and its team."""

from __future__ import annotations

import re
import time
from typing import Any

import httpx
import pytest
from connect_support import (
    EMAIL,
    IRIS_HEADERS,
    KEYS,
    SESSION,
    Browser,
    browser_for,
    connect_world,
    error_detail,
    new_cookie,
    refusal,
    unauthenticated,
)
from sim_support import ISSUER, OTHER_ISSUER, KeyPair, Running

DES = "DES5c148586daa45"


def test_the_session_names_user_and_teams(browser: Browser) -> None:
    answer = browser.session()
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    first = {"providerId": 120000001, "publicProviderId": ISSUER, "name": "Team 120000001"}
    other = {"providerId": 120000002, "publicProviderId": OTHER_ISSUER, "name": "Team 120000002"}
    assert answer.json() == {
        "provider": first,
        "availableProviders": [first, other],
        "user": {"emailAddress": EMAIL},
    }
    assert "set-cookie" not in answer.headers


def test_only_its_own_teams_are_available(sim: Running, pair: KeyPair) -> None:
    browser = browser_for(sim, connect_world(pair, teams=[OTHER_ISSUER]))
    session = browser.session().json()
    assert session["provider"]["publicProviderId"] == OTHER_ISSUER
    assert session["availableProviders"] == [session["provider"]]
    error_detail(browser.switch(120000001), 403)
    assert refusal(sim) == "team_not_available"


def test_a_provider_id_and_a_name_may_be_given(sim: Running, pair: KeyPair) -> None:
    world = connect_world(pair, team=OTHER_ISSUER)
    world["teams"][1].update(provider_id=120000001, name="Studio B")
    session = browser_for(sim, world).session().json()
    assert session["provider"] == {
        "providerId": 120000001,
        "publicProviderId": OTHER_ISSUER,
        "name": "Studio B",
    }
    assert session["availableProviders"][0]["providerId"] == 120000002


def test_switching_the_team(browser: Browser) -> None:
    assert browser.list()["meta"]["paging"]["total"] == 2
    assert browser.switch(120000002).status_code == 200
    assert browser.session().json()["provider"]["publicProviderId"] == OTHER_ISSUER
    assert [each["id"] for each in browser.list()["data"]] == ["OTHERTEAM1"]
    world = browser.sim.control("GET", "/world").json()
    assert world["app_store_connect_sessions"][0]["team"] == OTHER_ISSUER


def test_a_switch_is_for_one_session_only(sim: Running, pair: KeyPair) -> None:
    world = connect_world(pair)
    second = {**world["app_store_connect_sessions"][0], "myacinfo": new_cookie()}
    world["app_store_connect_sessions"].append(second)
    browser = browser_for(sim, world)
    assert browser.switch(120000002).status_code == 200
    other = Browser(sim, {"myacinfo": second["myacinfo"]})
    assert other.session().json()["provider"]["publicProviderId"] == ISSUER


@pytest.mark.parametrize("provider_id", [None, "120000002", True, 1.5])
def test_a_switch_needs_a_number(browser: Browser, provider_id: object) -> None:
    assert "whole number" in error_detail(browser.switch(provider_id), 400)
    assert refusal(browser.sim) == "malformed_body"


def test_a_switch_to_an_unknown_team(browser: Browser) -> None:
    assert "does not allow" in error_detail(browser.switch(7), 403)
    assert refusal(browser.sim) == "team_not_available"


def test_a_switch_needs_its_header(browser: Browser) -> None:
    body = {"provider": {"providerId": 120000002}}
    for value in (None, "XMLHttpRequest"):
        answer = browser.request("POST", SESSION, body, {"X-Requested-With": value})
        error_detail(answer, 403)
        assert refusal(browser.sim) == "x_requested_with_missing"
    error_detail(browser.request("POST", SESSION, body, {"Content-Type": "text/plain"}), 400)
    assert refusal(browser.sim) == "content_type_missing_or_wrong"
    assert browser.session().json()["provider"]["publicProviderId"] == ISSUER


BAD_SESSIONS: dict[str, tuple[dict[str, Any], dict[str, str | None]]] = {
    "cookie_missing": ({}, {"myacinfo": None}),
    "unknown_session": ({}, {"myacinfo": "madeup"}),
    "session_expired": ({"expired": True}, {}),
    "foreign_session": ({"foreign": True}, {}),
    "dqsid_missing_or_wrong": ({"dqsid": "wanted"}, {"dqsid": "other"}),
    "des_cookie_missing": ({"des": {DES: "a/b+c="}}, {DES: None}),
    "des_cookie_not_quoted": ({"des": {DES: "a/b+c="}}, {DES: "a/b+c="}),
    "des_cookie_wrong": ({"des": {DES: "a/b+c="}}, {DES: '"other"'}),
}


@pytest.mark.parametrize("path", [SESSION, f"{KEYS}?limit=1"])
@pytest.mark.parametrize("reason", BAD_SESSIONS)
def test_bad_sessions(sim: Running, pair: KeyPair, reason: str, path: str) -> None:
    session, cookies = BAD_SESSIONS[reason]
    browser = browser_for(sim, connect_world(pair, **session))
    merged = {**browser.cookies, **cookies}
    browser.cookies = {name: value for name, value in merged.items() if value is not None}
    answer = browser.request("GET", path)
    assert unauthenticated(answer)
    assert re.search(r"Request ID: [A-Z2-7]{26}\.0\.0\n$", answer.text)
    assert answer.headers["content-type"] == "text/plain"
    assert refusal(sim) == reason


def test_all_cookies_together(sim: Running, pair: KeyPair) -> None:
    des = {DES: new_cookie(), "DES0a": new_cookie()}
    browser = browser_for(sim, connect_world(pair, des=des, dqsid=new_cookie()))
    assert browser.session().status_code == 200
    assert browser.list()["meta"]["paging"]["total"] == 2


def test_a_session_expires_at_its_time(sim: Running, pair: KeyPair) -> None:
    browser = browser_for(sim, connect_world(pair, expires_at=time.time() + 3600))
    assert browser.session().status_code == 200
    sim.control("PATCH", "/app_store_connect_sessions/0", {"expires_at": time.time()})
    assert unauthenticated(browser.session())
    assert unauthenticated(browser.create())
    assert refusal(sim) == "session_expired"


def test_the_state_of_a_session_can_be_changed(browser: Browser) -> None:
    path = "/app_store_connect_sessions/0"
    assert browser.sim.control("PATCH", path, {"expired": True}).json()["expired"] is True
    assert unauthenticated(browser.session())
    browser.sim.control("PATCH", path, {"expired": False, "role": "DEVELOPER"})
    assert browser.session().status_code == 200
    assert browser.create().status_code == 403
    browser.sim.control("PATCH", path, {"role": "ACCOUNT_HOLDER"})
    assert browser.create().status_code == 201
    browser.sim.control("PATCH", path, {"expires_at": time.time() - 1})
    assert unauthenticated(browser.session())


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/app_store_connect_sessions/1", {"expired": True}, 404),
        ("/app_store_connect_sessions/0", {}, 400),
        ("/app_store_connect_sessions/0", {"expired": "yes"}, 400),
        ("/app_store_connect_sessions/0", {"expires_at": 1700000000000}, 400),
        ("/app_store_connect_sessions/0", {"myacinfo": "x"}, 400),
        ("/app_store_connect_sessions/x", {"expired": True}, 404),
    ],
)
def test_bad_changes_of_a_session(browser: Browser, path: str, body: object, status: int) -> None:
    answer = browser.sim.control("PATCH", path, body)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])


def test_refreshed_cookies_replace_the_old_ones(sim: Running, pair: KeyPair) -> None:
    browser = browser_for(sim, connect_world(pair, refreshes_cookie=True))
    old = dict(browser.cookies)
    answer = browser.session()
    new = {name: str(answer.cookies[name]) for name in ("myacinfo", "dqsid")}
    assert answer.status_code == 200 and new["myacinfo"] != old["myacinfo"]
    assert unauthenticated(browser.session())
    assert refusal(sim) == "cookie_superseded"
    browser.cookies = {"myacinfo": new["myacinfo"]}
    assert unauthenticated(browser.session())
    assert refusal(sim) == "dqsid_missing_or_wrong"
    browser.cookies = new
    refused = browser.create("")
    error_detail(refused, 400)
    assert refused.cookies["myacinfo"] != new["myacinfo"]


def test_an_ordinary_cookie_jar_follows_the_refresh(sim: Running, pair: KeyPair) -> None:
    browser = browser_for(sim, connect_world(pair, refreshes_cookie=True))
    base = browser.sim.announced["app_store_connect"]
    with httpx.Client(trust_env=False, verify=False, timeout=120, headers=IRIS_HEADERS) as client:
        client.cookies.set("myacinfo", browser.cookies["myacinfo"], domain="127.0.0.1")
        statuses = [client.get(f"{base}{path}").status_code for path in (SESSION, KEYS) * 3]
    assert statuses == [200] * 6


def test_a_lost_answer_loses_the_refreshed_cookie(sim: Running, pair: KeyPair) -> None:
    browser = browser_for(sim, connect_world(pair, refreshes_cookie=True))
    sim.fault(kind="refuse", times=1)
    sim.fault(kind="truncate", times=1)
    for _turn in range(2):
        with pytest.raises(httpx.RemoteProtocolError):
            browser.session()
    assert unauthenticated(browser.session())
    current = sim.control("GET", "/world").json()["app_store_connect_sessions"][0]
    browser.cookies = {name: current[name] for name in ("myacinfo", "dqsid")}
    assert browser.session().status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/", 404, None),
        ("GET", "/iris/v1/apiKeys", 404, None),
        ("GET", "/olympus/v1/session/", 404, None),
        ("DELETE", SESSION, 405, "GET, POST"),
        ("DELETE", f"{KEYS}/2X9R4HXF34", 405, "GET, PATCH"),
        ("PUT", KEYS, 405, "GET, POST"),
    ],
)
def test_unknown_paths_and_methods(browser: Browser, method: str, path: str, status: int, allow: str | None) -> None:
    answer = browser.request(method, path)
    assert (answer.status_code, answer.headers.get("allow"), answer.text) == (status, allow, "")
