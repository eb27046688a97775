# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""App Store Connect: headers, roles, agreements, the call log, and answers that get lost."""

from __future__ import annotations

import time

import httpx
import pytest
from connect_support import (
    APPLE,
    EMAIL,
    KEYS,
    SESSION,
    Browser,
    browser_for,
    connect_world,
    error_detail,
    new_cookie,
    refusal,
)
from sim_support import ISSUER, KEY_ID, OTHER_ISSUER, KeyPair, Running

HEADERS = [
    ("X-CSRF-ITC", None, 403, "csrf_header_missing"),
    ("X-CSRF-ITC", "asc-ui", 403, "csrf_header_missing"),
    ("Origin", None, 403, "origin_missing_or_wrong"),
    ("Origin", "https://example.com", 403, "origin_missing_or_wrong"),
    ("Referer", None, 403, "referer_missing_or_wrong"),
    ("Referer", f"{APPLE}/apps", 403, "referer_missing_or_wrong"),
    ("Referer", f"{APPLE}.example.com/access/integrations/api", 403, "referer_missing_or_wrong"),
    ("Accept", None, 400, "accept_missing_or_wrong"),
    ("Accept", "*/*", 400, "accept_missing_or_wrong"),
]


@pytest.mark.parametrize(("name", "value", "status", "reason"), HEADERS)
def test_every_call_of_iris_needs_its_headers(
    browser: Browser, name: str, value: str | None, status: int, reason: str
) -> None:
    patch = {"type": "subscriptionKeys", "id": KEY_ID, "attributes": {"isActive": False}}
    post = {"type": "subscriptionKeys", "attributes": {"nickname": "x"}}
    for method, path, data in (
        ("GET", KEYS, None),
        ("GET", f"{KEYS}/{KEY_ID}", None),
        ("POST", KEYS, post),
        ("PATCH", f"{KEYS}/{KEY_ID}", patch),
    ):
        body = {"data": data} if data else None
        answer = browser.request(method, path, body, {name: value})
        assert name in error_detail(answer, status)
        assert refusal(browser.sim) == reason
    assert browser.list()["meta"]["paging"]["total"] == 2
    assert browser.attributes(KEY_ID)["isActive"] is True


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_change_has_to_be_json(browser: Browser, content_type: str | None) -> None:
    post = {"data": {"type": "subscriptionKeys", "attributes": {"nickname": "x"}}}
    patch = {"data": {"type": "subscriptionKeys", "id": KEY_ID, "attributes": {"isActive": False}}}
    for method, path, body in (("POST", KEYS, post), ("PATCH", f"{KEYS}/{KEY_ID}", patch)):
        answer = browser.request(method, path, body, {"Content-Type": content_type})
        assert "Content-Type" in error_detail(answer, 400)
        assert refusal(browser.sim) == "content_type_missing_or_wrong"
    assert browser.attributes(KEY_ID)["isActive"] is True


def test_headers_that_follow_the_base_url_are_as_good(browser: Browser) -> None:
    base = browser.sim.announced["app_store_connect"]
    origin = base.removesuffix("/app-store-connect")
    browser.headers |= {"Origin": origin, "Referer": f"{base}/access/integrations/api"}
    browser.headers["Accept"] = "application/json;q=0.9"
    assert browser.create().status_code == 201


@pytest.mark.parametrize("role", ["APP_MANAGER", "DEVELOPER", "FINANCE"])
def test_other_roles_may_not(sim: Running, pair: KeyPair, role: str) -> None:
    browser = browser_for(sim, connect_world(pair, role=role))
    assert browser.session().status_code == 200
    for answer in (
        browser.request("GET", f"{KEYS}?limit=1"),
        browser.create(),
        browser.download(KEY_ID),
        browser.revoke(KEY_ID),
    ):
        assert "does not allow" in error_detail(answer, 403)
        assert refusal(sim) == "role_not_allowed"


def test_the_account_holder_may(sim: Running, pair: KeyPair) -> None:
    browser = browser_for(sim, connect_world(pair, role="ACCOUNT_HOLDER"))
    assert browser.revoke(browser.created()).status_code == 200


def test_a_pending_agreement(sim: Running, pair: KeyPair) -> None:
    browser = browser_for(sim, connect_world(pair, agreement_pending=True))
    assert browser.session().status_code == 200
    for answer in (browser.request("GET", f"{KEYS}?limit=1"), browser.create()):
        error_detail(answer, 403)
        (error,) = answer.json()["errors"]
        assert error["code"] == "FORBIDDEN.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED"
        assert refusal(sim) == "agreement_pending"


def test_what_an_entry_of_the_log_holds(browser: Browser) -> None:
    browser.download(KEY_ID)
    (entry,) = browser.sim.calls()["calls"]
    for name in ("at", "connection", "user_agent"):
        assert entry.pop(name)
    assert entry == {
        "vendor": "app_store_connect",
        "environment": None,
        "method": "GET",
        "path": f"/app-store-connect{KEYS}/{KEY_ID}",
        "endpoint": "read_subscription_key",
        "bundle_id": None,
        "key_id": KEY_ID,
        "issuer_id": ISSUER,
        "status": 200,
        "refusal": None,
        "fault": None,
    }


def test_the_log_names_endpoints_teams_and_new_keys(browser: Browser) -> None:
    browser.session()
    browser.list()
    key_id = browser.created()
    browser.revoke(key_id)
    browser.switch(120000002)
    browser.list()
    browser.cookies = {}
    browser.session()
    calls = browser.sim.calls()["calls"]
    assert [(call["endpoint"], call["key_id"], call["issuer_id"]) for call in calls] == [
        ("get_session", None, ISSUER),
        ("list_subscription_keys", None, ISSUER),
        ("create_subscription_key", key_id, ISSUER),
        ("revoke_subscription_key", key_id, ISSUER),
        ("switch_team", None, ISSUER),
        ("list_subscription_keys", None, OTHER_ISSUER),
        ("get_session", None, None),
    ]


def test_no_cookie_and_no_key_is_in_the_log(sim: Running, pair: KeyPair) -> None:
    des = {"DES0a1b": new_cookie()}
    browser = browser_for(sim, connect_world(pair, des=des, dqsid=new_cookie()))
    pem = browser.download(browser.created()).json()["data"]["attributes"]["privateKey"]
    browser.cookies["myacinfo"] = unknown = new_cookie()
    browser.session()
    text = sim.control("GET", "/calls").text
    assert not any(value.strip('"') in text for value in [*browser.cookies.values(), unknown])
    assert not any(line in text for line in pem.splitlines())
    assert "myacinfo" not in text and EMAIL not in text


@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_a_lost_answer_leaves_a_key_behind(browser: Browser, kind: str) -> None:
    browser.sim.fault(kind=kind, match={"endpoint": "create_subscription_key"}, times=1)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        browser.create("orphan")
    made = browser.list()["data"][-1]
    assert made["attributes"]["nickname"] == "orphan"
    (call,) = browser.sim.calls("?endpoint=create_subscription_key")["calls"]
    assert (call["key_id"], call["fault"], call["status"]) == (made["id"], kind, 201)
    assert browser.download(made["id"]).json()["data"]["attributes"]["privateKey"]


@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_a_lost_download_is_lost_for_good(browser: Browser, kind: str) -> None:
    key_id = browser.created()
    browser.sim.fault(kind=kind, match={"endpoint": "read_subscription_key"}, times=1)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        browser.download(key_id)
    assert browser.attributes(key_id)["canDownload"] is False
    assert "privateKey" not in browser.download(key_id).text


def test_a_refused_connection_changes_nothing(browser: Browser) -> None:
    browser.sim.fault(kind="refuse", match={"vendor": "app_store_connect"}, times=1)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        browser.create()
    assert browser.list()["meta"]["paging"]["total"] == 2


def test_a_late_answer_comes_after_the_work(browser: Browser) -> None:
    base = browser.sim.announced["app_store_connect"]
    match = {"endpoint": "create_subscription_key"}
    browser.sim.fault(kind="delay", seconds=60, match=match, times=1)
    headers = {**browser.headers, "Cookie": f"myacinfo={browser.cookies['myacinfo']}"}
    body = {"data": {"type": "subscriptionKeys", "attributes": {"nickname": "late"}}}
    begin = time.monotonic()
    patience = httpx.Timeout(30, read=0.5)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{base}{KEYS}", json=body, headers=headers, timeout=patience, trust_env=False)
    while browser.list()["data"][-1]["attributes"]["nickname"] != "late":
        assert time.monotonic() - begin < 60
    assert browser.sim.calls()["calls"][0]["fault"] == "delay"
    assert time.monotonic() - begin < 60, "the work was done before the answer was due"


def test_a_sign_in_page_instead_of_an_answer(browser: Browser) -> None:
    page = "<html><body>Sign In</body></html>"
    match = {"vendor": "app_store_connect"}
    browser.sim.fault(kind="content_type", body=page, match=match, times=1)
    answer = browser.session()
    assert (answer.status_code, answer.text) == (200, page)
    assert answer.headers["content-type"] == "text/html"
    location = {"Location": "https://idmsa.example.com/signin"}
    browser.sim.fault(kind="status", status=302, headers=location, match=match, times=1)
    answer = browser.request("GET", KEYS)
    assert (answer.status_code, answer.headers["location"]) == (302, location["Location"])


def test_the_other_shape_of_errors(browser: Browser) -> None:
    body = {"serviceErrors": [{"title": "Busy", "message": "Try again later."}]}
    browser.sim.fault(kind="status", status=503, body=body, match={"endpoint": "get_session"})
    answer = browser.request("GET", SESSION)
    assert (answer.status_code, answer.json()) == (503, body)
