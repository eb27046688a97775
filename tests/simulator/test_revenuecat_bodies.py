# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""RevenueCat's API: creating and updating apps, and how strictly the bodies are read."""

from __future__ import annotations

from typing import Any

import pytest
from sim_support import BUNDLE_ID, ISSUER, KEY_ID, KeyPair, Running, new_key_pair
from tracker_support import (
    APP_ID,
    APPS,
    PLAY_APP_ID,
    PROJECT,
    Api,
    fingerprint,
    key_fields,
    revenuecat,
)

BUNDLE = "com.example.fresh"


@pytest.fixture
def api(sim: Running, pair: KeyPair) -> Api:
    """A client with a key for everything."""
    return revenuecat(sim, pair)


def creation(**details: object) -> dict[str, Any]:
    """Make the body that creates an iOS app."""
    return {"name": "Fresh", "type": "app_store", "app_store": {"bundle_id": BUNDLE, **details}}


def held(sim: Running, place: int = 0) -> dict[str, Any]:
    """Give what the world holds of an app."""
    app: dict[str, Any] = sim.control("GET", "/world").json()["revenuecat"]["projects"][0]["apps"][place]
    return app


def test_creating_with_a_key(api: Api, pair: KeyPair) -> None:
    answer = api.request("POST", APPS, creation(**key_fields(pair)))
    assert answer.status_code == 201
    body = answer.json()
    assert body["app_store"] == {
        "bundle_id": BUNDLE,
        "subscription_key_configured": True,
        "app_store_connect_api_key_configured": False,
    }
    assert (body["object"], body["project_id"], body["id"][:3]) == ("app", PROJECT, "app")
    assert api.request("GET", f"{APPS}/{body['id']}").json() == body
    assert held(api.sim, 2)["app_store"]["subscription_key"] == {
        "key_id": KEY_ID,
        "issuer_id": ISSUER,
        "has_private_key": True,
        "key_fingerprint": fingerprint(pair),
    }
    created = api.sim.calls("?endpoint=create_app")["calls"][0]
    assert (created["bundle_id"], created["key_id"], created["issuer_id"]) == (BUNDLE, KEY_ID, ISSUER)


def test_a_name_that_is_taken(sim: Running, pair: KeyPair) -> None:
    for unique, status in ((False, 201), (True, 409)):
        api = revenuecat(sim, pair, unique_app_names=unique)
        assert api.request("POST", APPS, creation()).status_code == 201
        again = api.request("POST", APPS, {**creation(), "app_store": {"bundle_id": "com.example.other"}})
        assert again.status_code == status
    assert (again.json()["type"], again.json()["param"]) == ("resource_already_exists", "name")
    assert sim.calls("?endpoint=create_app")["calls"][-1]["refusal"] == "name_taken"


def test_updating_and_rotating(api: Api, pair: KeyPair, stranger: KeyPair) -> None:
    path = f"{APPS}/{APP_ID}"
    first = api.request("POST", path, {"app_store": key_fields(pair)})
    assert (first.status_code, first.json()["app_store"]["subscription_key_configured"]) == (200, True)
    api.request("POST", path, {"app_store": key_fields(stranger, "NEWKEY0001")})
    stored = held(api.sim)["app_store"]["subscription_key"]
    assert (stored["key_id"], stored["key_fingerprint"]) == ("NEWKEY0001", fingerprint(stranger))
    renamed = api.request("POST", path, {"name": "Two"}).json()
    assert (renamed["name"], renamed["app_store"]["subscription_key_configured"]) == ("Two", True)


def test_one_part_of_a_key_is_not_a_key(api: Api, pair: KeyPair) -> None:
    path = f"{APPS}/{APP_ID}"
    part = api.request("POST", path, {"app_store": {"subscription_key_id": KEY_ID}}).json()
    assert part["app_store"]["subscription_key_configured"] is False
    whole = api.request("POST", path, {"app_store": key_fields(pair)}).json()
    assert whole["app_store"]["subscription_key_configured"] is True


def test_what_is_no_key_is_taken_all_the_same(api: Api) -> None:
    fields = {"subscription_private_key": "nonsense", "subscription_key_id": "X", "subscription_key_issuer": "Y"}
    answer = api.request("POST", f"{APPS}/{APP_ID}", {"app_store": fields})
    assert answer.json()["app_store"]["subscription_key_configured"] is True
    assert held(api.sim)["app_store"]["subscription_key"]["key_fingerprint"] is None


def test_the_other_key_and_the_vendor_number(api: Api, pair: KeyPair) -> None:
    fields = {
        "app_store_connect_api_key": pair.private_pem,
        "app_store_connect_api_key_id": "ASCKEY0001",
        "app_store_connect_api_key_issuer": ISSUER,
        "app_store_connect_vendor_number": "80000000",
    }
    shown = api.request("POST", f"{APPS}/{APP_ID}", {"app_store": fields}).json()["app_store"]
    assert shown["app_store_connect_api_key_configured"] is True
    assert (shown["subscription_key_configured"], shown["app_store_connect_vendor_number"]) == (False, "80000000")


def test_a_shared_secret_is_set_and_cleared(api: Api) -> None:
    path = f"{APPS}/{APP_ID}"
    assert api.request("POST", path, {"app_store": {"shared_secret": "0" * 32}}).status_code == 200
    assert held(api.sim)["app_store"]["has_shared_secret"] is True
    assert api.request("POST", path, {"app_store": {"shared_secret": None}}).status_code == 200
    assert held(api.sim)["app_store"]["has_shared_secret"] is False


@pytest.mark.parametrize("per_project", [False, True])
def test_the_update_of_january_2026_takes_no_key(sim: Running, pair: KeyPair, per_project: bool) -> None:
    api = revenuecat(sim, pair, accepts_key_on_update=per_project)
    path = f"{APPS}/{APP_ID}"
    if per_project:
        answer = sim.control("PATCH", f"/revenuecat/projects/{PROJECT}", {"accepts_key_on_update": False})
        assert answer.json()["accepts_key_on_update"] is False
    refused = api.request("POST", path, {"app_store": key_fields(pair)})
    body = refused.json()
    assert (refused.status_code, body["type"]) == (400, "parameter_error")
    assert body["param"] == "app_store.subscription_private_key"
    assert api.refusal() == "key_on_update"
    assert api.request("POST", path, {"app_store": {"bundle_id": "com.example.two"}}).status_code == 200
    assert api.request("POST", APPS, creation(**key_fields(pair))).status_code == 201


BAD: dict[str, tuple[object, str]] = {
    "unknown member": (creation() | {"colour": "red"}, "colour"),
    "unknown detail": (creation(colour="red"), "app_store.colour"),
    "a key outside of the details": (creation() | {"subscription_key_id": "X"}, "subscription_key_id"),
    "no name": ({"type": "app_store", "app_store": {"bundle_id": BUNDLE}}, "name"),
    "empty name": (creation() | {"name": ""}, "name"),
    "long name": (creation() | {"name": "x" * 256}, "name"),
    "name of another kind": (creation() | {"name": 1}, "name"),
    "unknown type": (creation() | {"type": "test_store"}, "type"),
    "no details": ({"name": "x", "type": "app_store"}, "app_store.bundle_id"),
    "details that are none": (creation() | {"app_store": "x"}, "app_store"),
    "details of another type": (creation() | {"play_store": {"package_name": "x"}}, "play_store"),
    "empty bundle ID": (creation() | {"app_store": {"bundle_id": ""}}, "app_store.bundle_id"),
    "short secret": (creation(shared_secret="x"), "app_store.shared_secret"),
    "no secret": (creation(shared_secret=None), "app_store.shared_secret"),
    "null key": (creation(subscription_private_key=None), "app_store.subscription_private_key"),
    "long key": (creation(subscription_private_key="x" * 4501), "app_store.subscription_private_key"),
    "long key ID": (creation(subscription_key_id="x" * 33), "app_store.subscription_key_id"),
    "long issuer": (creation(subscription_key_issuer="x" * 37), "app_store.subscription_key_issuer"),
    "long number": (creation(app_store_connect_vendor_number="1" * 21), "app_store.app_store_connect_vendor_number"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_creations(api: Api, case: str) -> None:
    body, param = BAD[case]
    answer = api.request("POST", APPS, body)
    error = answer.json()
    assert (answer.status_code, error["type"], error["param"]) == (400, "parameter_error", param)
    assert (error["retryable"], error["doc_url"]) == (False, "https://errors.rev.cat/parameter-error")
    assert len(api.request("GET", APPS).json()["items"]) == 2


@pytest.mark.parametrize(
    ("app_id", "body", "param"),
    [
        (APP_ID, {"type": "app_store"}, "type"),
        (APP_ID, {"name": None}, "name"),
        (APP_ID, {"app_store": {"subscription_key_id": None}}, "app_store.subscription_key_id"),
        (APP_ID, {"play_store": {"package_name": "x"}}, "play_store"),
        (PLAY_APP_ID, {"app_store": {"bundle_id": "x"}}, "app_store"),
    ],
)
def test_bad_updates(api: Api, app_id: str, body: object, param: str) -> None:
    answer = api.request("POST", f"{APPS}/{app_id}", body)
    assert (answer.status_code, answer.json()["param"]) == (400, param)


def test_other_types(api: Api) -> None:
    play = {"name": "P", "type": "play_store", "play_store": {"package_name": "com.example.p"}}
    assert api.request("POST", APPS, play).json()["play_store"] == {"package_name": "com.example.p"}
    mac = {"name": "M", "type": "mac_app_store", "mac_app_store": {"bundle_id": BUNDLE_ID}}
    assert api.request("POST", APPS, mac).json()["mac_app_store"] == {"bundle_id": BUNDLE_ID}
    answer = api.request("POST", APPS, {"name": "S", "type": "stripe", "stripe": {}})
    assert (answer.status_code, answer.json()["type"]) == (422, "unprocessable_entity_error")


@pytest.mark.parametrize(
    ("content", "content_type", "refusal"),
    [
        (b"{}", "text/plain", "content_type_missing_or_wrong"),
        (b"{}", None, "content_type_missing_or_wrong"),
        (b"{", "application/json", "malformed_body"),
        (b"[]", "application/json; charset=utf-8", "malformed_body"),
    ],
)
def test_bodies_that_are_not_json(api: Api, content: bytes, content_type: str | None, refusal: str) -> None:
    answer = api.request("POST", APPS, content=content, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request")
    assert api.refusal() == refusal


def test_no_key_is_ever_shown(api: Api) -> None:
    pair = new_key_pair()
    answers = [
        api.request("POST", f"{APPS}/{APP_ID}", {"app_store": key_fields(pair)}),
        api.request("POST", APPS, creation(subscription_private_key=pair.private_pem, colour=pair.private_pem)),
        api.request("GET", APPS),
        api.sim.control("GET", "/world"),
        api.sim.control("GET", "/calls"),
    ]
    line = pair.private_pem.splitlines()[1]
    assert not [answer for answer in answers if line in answer.text]
