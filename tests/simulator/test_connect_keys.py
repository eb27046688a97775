# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""App Store Connect: creating, downloading and revoking In-App Purchase keys."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable

import pytest
from connect_support import (
    KEYS,
    Browser,
    browser_for,
    connect_world,
    error_detail,
    first_team,
    refusal,
)
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sim_support import (
    ASC_KEY_ID,
    ISSUER,
    KEY_ID,
    OTHER_KEY_ID,
    REVOKED_KEY_ID,
    KeyPair,
    Running,
)

DECODERS: dict[str, Callable[[str], str]] = {
    "pem": str,
    "base64_pem": lambda text: base64.b64decode(text, validate=True).decode(),
    "base64_json_pem": lambda text: str(json.loads(base64.b64decode(text, validate=True))),
}


def test_a_created_key(browser: Browser) -> None:
    answer = browser.create("devtodev")
    assert answer.status_code == 201
    data = answer.json()["data"]
    assert (data["type"], len(data["id"])) == ("subscriptionKeys", 10)
    assert data["attributes"] == {
        "nickname": "devtodev",
        "isActive": True,
        "canDownload": True,
        "lastUsed": None,
        "revokingDate": None,
    }
    assert browser.list()["data"][-1] == data
    assert "PRIVATE" not in browser.sim.control("GET", "/world").text


def test_names_may_be_used_twice(browser: Browser) -> None:
    assert browser.created("same") != browser.created("same")


@pytest.mark.parametrize("nickname", [None, "", "  ", 7, ["x"]])
def test_a_key_needs_a_name(browser: Browser, nickname: object) -> None:
    assert "nickname" in error_detail(browser.create(nickname), 400)
    assert browser.list()["meta"]["paging"]["total"] == 2


@pytest.mark.parametrize("content", [b"{", b"", b"[]", b'{"data": 7}', b"[" * 5000])
def test_a_body_that_is_not_usable(browser: Browser, content: bytes) -> None:
    answer = browser.sim.session.post(
        f"{browser.sim.announced['app_store_connect']}{KEYS}",
        data=content,
        headers={
            **browser.headers,
            "Content-Type": "application/json",
            "Cookie": f"myacinfo={browser.cookies['myacinfo']}",
        },
        timeout=120,
    )
    assert (answer.status_code, refusal(browser.sim)) == (400, "malformed_body")


def test_ten_active_keys_are_the_limit(browser: Browser) -> None:
    made = [browser.created(f"key {number}") for number in range(9)]
    answer = browser.create("one too many")
    assert "maximum number of active keys" in error_detail(answer, 409)
    assert refusal(browser.sim) == "active_key_limit"
    assert browser.list()["meta"]["paging"]["total"] == 11
    assert browser.revoke(made[0]).status_code == 200
    assert browser.create("fits again").status_code == 201
    # Each team has a limit of its own.
    assert browser.switch(120000002).status_code == 200
    assert browser.create().status_code == 201


def test_limit_and_statuses_are_the_worlds_choice(sim: Running, pair: KeyPair) -> None:
    world = connect_world(pair)
    world["app_store_connect"] = {"active_key_limit": 2, "limit_status": 403, "created_status": 200}
    browser = browser_for(sim, world)
    assert browser.create().status_code == 200
    assert "maximum number of active keys" in error_detail(browser.create(), 403)


@pytest.mark.parametrize("encoding", DECODERS)
@pytest.mark.parametrize("of_key", [False, True])
def test_the_download_works_once(sim: Running, pair: KeyPair, encoding: str, of_key: bool) -> None:
    world = connect_world(pair)
    own = {"private_key_encoding": encoding}
    generated = {"key_id": "GENERATED1", **(own if of_key else {})}
    first_team(world)["iap_keys"].append(generated)
    world["app_store_connect"] = {} if of_key else own
    browser = browser_for(sim, world)
    key_id = "GENERATED1" if of_key else browser.created()
    assert browser.attributes(key_id)["canDownload"] is True
    data = browser.download(key_id).json()["data"]
    assert (data["type"], data["id"]) == ("subscriptionKeys", key_id)
    assert list(data["attributes"]) == ["privateKey"]
    pem = DECODERS[encoding](data["attributes"]["privateKey"])
    assert pem.startswith("-----BEGIN PRIVATE KEY-----\n")
    assert load_pem_private_key(pem.encode(), None)
    assert browser.attributes(key_id)["canDownload"] is False
    second = browser.download(key_id)
    assert (second.status_code, second.json()["data"]["attributes"]) == (200, {"canDownload": False})


def test_what_cannot_be_downloaded(sim: Running, pair: KeyPair) -> None:
    world = connect_world(pair)
    first_team(world)["iap_keys"] += [
        {"key_id": "BARRED0001", "downloadable": False},
        {"key_id": "REVOKED002", "active": False},
    ]
    browser = browser_for(sim, world)
    for key_id in (KEY_ID, "BARRED0001", "REVOKED002"):
        assert browser.attributes(key_id)["canDownload"] is False
        assert "privateKey" not in browser.download(key_id).text
    # Tests may still need what App Store Connect no longer gives.
    assert sim.control("GET", "/iap_keys/BARRED0001/private_key").status_code == 200


def test_a_key_that_the_control_api_gave_out_is_gone(sim: Running, pair: KeyPair) -> None:
    browser = browser_for(sim, connect_world(pair))
    key_id = browser.created()
    assert sim.control("GET", f"/iap_keys/{key_id}/private_key").status_code == 200
    assert browser.attributes(key_id)["canDownload"] is False
    made = sim.control("POST", f"/teams/{ISSUER}/iap_keys", {"name": "by control"}).json()
    assert browser.attributes(made["key_id"])["canDownload"] is False


def test_other_reads_do_not_use_up_the_download(browser: Browser) -> None:
    key_id = browser.created("mine")
    plain = browser.request("GET", f"{KEYS}/{key_id}").json()["data"]["attributes"]
    assert plain["nickname"] == "mine" and "privateKey" not in plain
    query = "?limit=200&fields[subscriptionKeys]=privateKey"
    assert all(each["attributes"] == {} for each in browser.list(query)["data"])
    both = browser.request("GET", f"{KEYS}/{key_id}?fields[subscriptionKeys]=privateKey,nickname")
    assert sorted(both.json()["data"]["attributes"]) == ["nickname", "privateKey"]


def test_a_revoked_key(browser: Browser) -> None:
    key_id = browser.created()
    answer = browser.revoke(key_id)
    assert answer.status_code == 200
    attributes = answer.json()["data"]["attributes"]
    assert (attributes["isActive"], attributes["canDownload"]) == (False, False)
    assert attributes["revokingDate"] is not None
    assert browser.attributes(key_id) == attributes
    # Once more changes nothing, not even the date.
    assert browser.revoke(key_id).json()["data"]["attributes"] == attributes
    assert "privateKey" not in browser.download(key_id).text


@pytest.mark.parametrize("key_id", [KEY_ID, REVOKED_KEY_ID])
def test_a_key_cannot_be_reinstated(browser: Browser, key_id: str) -> None:
    error_detail(browser.revoke(key_id, True), 409)
    assert refusal(browser.sim) == "cannot_reinstate"


@pytest.mark.parametrize(
    "data",
    [
        {"type": "subscriptionKeys", "id": REVOKED_KEY_ID, "attributes": {"isActive": False}},
        {"type": "apiKeys", "id": KEY_ID, "attributes": {"isActive": False}},
        {"type": "subscriptionKeys", "id": KEY_ID, "attributes": {"isActive": "false"}},
        {"type": "subscriptionKeys", "id": KEY_ID},
        None,
    ],
)
def test_bad_revocations(browser: Browser, data: object) -> None:
    error_detail(browser.request("PATCH", f"{KEYS}/{KEY_ID}", {"data": data}), 400)
    assert refusal(browser.sim) == "malformed_body"
    assert browser.attributes(KEY_ID)["isActive"] is True


@pytest.mark.parametrize(
    ("key_id", "reason"),
    [
        ("NOSUCHKEY1", "unknown_key_id"),
        (ASC_KEY_ID, "not_an_iap_key"),
        (OTHER_KEY_ID, "key_of_another_team"),
    ],
)
def test_keys_that_are_not_there(browser: Browser, key_id: str, reason: str) -> None:
    for answer in (browser.download(key_id), browser.revoke(key_id)):
        assert key_id in error_detail(answer, 404)
        assert refusal(browser.sim) == reason


def test_the_control_api_notes_when_a_key_was_revoked(browser: Browser) -> None:
    revoked = browser.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": False}).json()
    assert abs(revoked["revoked_at"] - time.time()) < 3600
    assert browser.attributes(KEY_ID)["revokingDate"] is not None
    restored = browser.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": True}).json()
    assert "revoked_at" not in restored
    assert browser.attributes(KEY_ID)["revokingDate"] is None
