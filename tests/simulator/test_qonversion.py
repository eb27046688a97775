# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Qonversion's API: a project's App Store configuration."""

from __future__ import annotations

import pytest
from sim_support import BUNDLE_ID, ISSUER, KEY_ID, KeyPair, Running
from tracker_support import STORE, Api, fingerprint, last_call, qonversion


@pytest.fixture
def api(sim: Running, pair: KeyPair) -> Api:
    """A client of the first project."""
    return qonversion(sim, pair)


def triplet(pair: KeyPair, kind: str = "iap") -> dict[str, str]:
    """Make the three members that bring a key."""
    return {
        f"{kind}_key_identifier": KEY_ID,
        f"{kind}_private_key": pair.private_pem,
        f"{kind}_issuer_id": ISSUER,
    }


def test_an_empty_configuration(api: Api) -> None:
    answer = api.request("GET", STORE)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == {
        "object": "store_config",
        "url": "/v4/project-settings/stores/apple",
        "platform": "apple",
        "has_shared_secret": False,
        "has_connect_private_key": False,
        "has_iap_private_key": False,
        "app_id": None,
        "bundle_id": BUNDLE_ID,
        "connect_key_identifier": None,
        "connect_issuer_id": None,
        "iap_key_identifier": None,
        "iap_issuer_id": None,
    }


def test_a_key_is_stored_and_read_back_but_for_its_private_part(api: Api, pair: KeyPair) -> None:
    body = {"bundle_id": "com.example.two", "app_id": "123", "shared_secret": "s" * 32, **triplet(pair)}
    written = api.request("POST", STORE, body)
    shown = written.json()
    assert (written.status_code, shown["has_iap_private_key"], shown["has_shared_secret"]) == (200, True, True)
    assert (shown["iap_key_identifier"], shown["iap_issuer_id"]) == (KEY_ID, ISSUER)
    assert (shown["bundle_id"], shown["app_id"]) == ("com.example.two", "123")
    assert api.request("GET", STORE).json() == shown
    held = api.sim.control("GET", "/world").json()["qonversion"]["projects"][0]["apple"]["iap_key"]
    assert held["key_fingerprint"] == fingerprint(pair)
    line = pair.private_pem.splitlines()[1]
    texts = [written.text, api.sim.control("GET", "/world").text, api.sim.control("GET", "/calls").text]
    assert not [text for text in texts if line in text]
    assert api.secret not in texts[2]


def test_what_is_left_out_is_kept(api: Api, pair: KeyPair) -> None:
    api.request("POST", STORE, {**triplet(pair), **triplet(pair, "connect")})
    shown = api.request("POST", STORE, {"app_id": "77"}).json()
    assert (shown["has_iap_private_key"], shown["has_connect_private_key"]) == (True, True)
    assert (shown["app_id"], shown["bundle_id"]) == ("77", BUNDLE_ID)
    assert api.request("POST", STORE, {}).json() == shown


def test_a_key_is_rotated(api: Api, pair: KeyPair, stranger: KeyPair) -> None:
    api.request("POST", STORE, triplet(pair))
    api.request("POST", STORE, {**triplet(stranger), "iap_key_identifier": "NEWKEY0001"})
    held = api.sim.control("GET", "/world").json()["qonversion"]["projects"][0]["apple"]["iap_key"]
    assert (held["key_id"], held["key_fingerprint"]) == ("NEWKEY0001", fingerprint(stranger))


@pytest.mark.parametrize("kind", ["iap", "connect"])
@pytest.mark.parametrize("left_out", [(0,), (1,), (2,), (0, 1), (1, 2)])
def test_part_of_a_triplet_is_refused(api: Api, pair: KeyPair, kind: str, left_out: tuple[int, ...]) -> None:
    whole = triplet(pair, kind)
    missing = [list(whole)[place] for place in left_out]
    answer = api.request("POST", STORE, {name: value for name, value in whole.items() if name not in missing})
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"]) == (422, "request", "invalid_data")
    assert [detail["field"] for detail in error["details"]] == missing
    assert api.refusal() == "partial_triplet"
    assert api.request("GET", STORE).json()[f"has_{kind}_private_key"] is False


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"colour": "red"}, "unknown_field"),
        ({"bundle_id": 1}, "bad_value"),
        ({"bundle_id": None}, "bad_value"),
        ({"app_id": " "}, "bad_value"),
    ],
)
def test_bad_bodies(api: Api, body: dict[str, object], refusal: str) -> None:
    answer = api.request("POST", STORE, body)
    error = answer.json()["error"]
    assert (answer.status_code, error["message"]) == (422, "Validation failed")
    assert [detail["field"] for detail in error["details"]] == list(body)
    assert api.refusal() == refusal


@pytest.mark.parametrize(
    ("content", "content_type", "refusal"),
    [
        (b"{}", "text/plain", "content_type_missing_or_wrong"),
        (b"{", "application/json", "malformed_body"),
        (b"[]", "application/json", "malformed_body"),
    ],
)
def test_bodies_that_are_not_json(api: Api, content: bytes, content_type: str, refusal: str) -> None:
    answer = api.request("POST", STORE, content=content, headers={"Content-Type": content_type})
    assert answer.status_code == 400
    assert "details" not in answer.json()["error"]
    assert api.refusal() == refusal


@pytest.mark.parametrize(
    ("header", "status", "refusal"),
    [
        (None, 401, "authorization_missing"),
        ("Basic abc", 401, "not_bearer"),
        ("Bearer sk_nobody", 401, "unknown_api_key"),
        ("Bearer projectkey", 403, "not_a_secret_key"),
    ],
)
def test_refused_keys(api: Api, header: str | None, status: int, refusal: str) -> None:
    answer = api.request("GET", STORE, headers={"Authorization": header})
    assert (answer.status_code, list(answer.json())) == (status, ["error"])
    assert api.refusal() == refusal


@pytest.mark.parametrize(("method", "path", "status"), [("GET", f"{STORE}x", 404), ("PUT", STORE, 405)])
def test_what_is_not_there(api: Api, method: str, path: str, status: int) -> None:
    answer = api.request(method, path)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])


@pytest.mark.parametrize("status", [None, 422])
def test_idempotency(sim: Running, pair: KeyPair, status: int | None) -> None:
    api = qonversion(sim, pair, idempotency_conflict_status=status)
    headers = {"Idempotency-Key": "one"}
    first = api.request("POST", STORE, {"app_id": "1"}, headers=headers)
    api.request("POST", STORE, {"app_id": "2"})
    again = api.request("POST", STORE, {"app_id": "1"}, headers=headers)
    assert (again.status_code, again.json()) == (200, first.json())
    assert api.request("GET", STORE).json()["app_id"] == "2"
    other = api.request("POST", STORE, {"app_id": "3"}, headers=headers)
    assert other.status_code == (status or 409)
    assert api.refusal() == "idempotency_key_reused"
    assert api.request("POST", STORE, {"app_id": "3"}, headers={"Idempotency-Key": "two"}).status_code == 200


def test_projects_do_not_see_each_other(api: Api, pair: KeyPair) -> None:
    api.request("POST", STORE, triplet(pair))
    second = api.sim.control("GET", "/world").json()["qonversion"]["projects"][1]["secret_key"]
    other = Api(api.sim, api.base, second)
    assert other.request("GET", STORE).json()["has_iap_private_key"] is False


def test_faults_and_the_call_log(api: Api, pair: KeyPair) -> None:
    api.sim.fault(kind="status", status=429, headers={"Retry-After": "1"}, match={"vendor": "qonversion"}, times=1)
    assert api.request("POST", STORE, triplet(pair)).status_code == 429
    assert api.request("POST", STORE, triplet(pair)).status_code == 200
    call = last_call(api.sim)
    assert (call["endpoint"], call["bundle_id"]) == ("update_store_config", BUNDLE_ID)
    assert (call["key_id"], call["issuer_id"]) == (KEY_ID, ISSUER)
