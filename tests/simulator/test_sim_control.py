# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
import requests
from cryptography import x509
from sim_support import (
    APPLE_ID,
    ASC_KEY_ID,
    BUNDLE_ID,
    ISSUER,
    KEY_ID,
    UNRELEASED,
    KeyPair,
    Running,
    new_token,
)
from storeops_simulator.control import control_app
from storeops_simulator.simulator import Simulator


def status_for(sim: Running, private_pem: str, key_id: str = KEY_ID, bundle_id: str = BUNDLE_ID) -> int:
    """Give the status that a key gets with a made-up transaction ID."""
    token = new_token(private_pem, {"bid": bundle_id}, {"kid": key_id})
    return sim.session.get(
        sim.transaction_url("1"), headers={"Authorization": f"Bearer {token}"}, timeout=120
    ).status_code


def error_of(answer: requests.Response, status: int) -> str:
    """Give the message of a JSON error."""
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    return str(answer.json()["error"])


def test_the_world_can_be_read_and_put_back(sim: Running) -> None:
    world = sim.control("GET", "/world").json()
    assert sim.control("PUT", "/world", world).json() == world
    assert world["teams"][0]["apps"][0]["apple_id"] == APPLE_ID


def test_a_bad_world_changes_nothing(sim: Running, pair: KeyPair) -> None:
    message = error_of(sim.control("PUT", "/world", {"team": []}), 400)
    assert message == "team: unknown key; did you mean teams?"
    assert status_for(sim, pair.private_pem) == 404


def test_a_new_world_starts_without_faults_and_calls(sim: Running, pair: KeyPair) -> None:
    sim.fault(kind="status", status=503)
    assert status_for(sim, pair.private_pem) == 503
    sim.control("PUT", "/world", sim.control("GET", "/world").json())
    assert sim.control("GET", "/faults").json() == {"faults": []}
    assert sim.calls() == {"total": 0, "count": 0, "connections": 0, "calls": []}
    assert status_for(sim, pair.private_pem) == 404


def test_a_created_key_works_and_is_shown_once(sim: Running) -> None:
    answer = sim.control("POST", f"/teams/{ISSUER}/iap_keys", {"name": "devtodev API Key"})
    assert answer.status_code == 201
    made = answer.json()
    assert (len(made["key_id"]), made["issuer_id"]) == (10, ISSUER)
    assert made["private_key"].startswith("-----BEGIN PRIVATE KEY-----\n")
    assert status_for(sim, made["private_key"], made["key_id"]) == 404
    assert "PRIVATE" not in sim.control("GET", "/world").text
    error_of(sim.control("GET", f"/iap_keys/{made['key_id']}/private_key"), 410)


def test_a_created_key_may_bring_its_id(sim: Running) -> None:
    path = f"/teams/{ISSUER}/iap_keys"
    assert sim.control("POST", path, {"key_id": "MYKEY00001"}).json()["key_id"] == "MYKEY00001"
    assert "already" in error_of(sim.control("POST", path, {"key_id": "MYKEY00001"}), 409)
    error_of(sim.control("POST", path, {"key_id": "my key"}), 400)
    # Without any body at all:
    assert sim.control("POST", path).status_code == 201


def test_a_created_key_of_the_other_kind_is_refused(sim: Running) -> None:
    made = sim.control("POST", f"/teams/{ISSUER}/app_store_connect_keys", {}).json()
    assert status_for(sim, made["private_key"], made["key_id"]) == 401
    assert sim.calls()["calls"][-1]["refusal"] == "app_store_connect_key"


def test_a_generated_key_is_given_once(sim: Running) -> None:
    world = {
        "teams": [
            {
                "issuer_id": ISSUER,
                "iap_keys": [{"key_id": KEY_ID}],
                "app_store_connect_keys": [{"key_id": ASC_KEY_ID}],
                "apps": [{"bundle_id": BUNDLE_ID, "apple_id": APPLE_ID}],
            }
        ]
    }
    sim.control("PUT", "/world", world)
    given = sim.control("GET", f"/iap_keys/{KEY_ID}/private_key").json()
    assert status_for(sim, given["private_key"]) == 404
    assert "once" in error_of(sim.control("GET", f"/iap_keys/{KEY_ID}/private_key"), 410)
    other = f"/app_store_connect_keys/{ASC_KEY_ID}/private_key"
    assert sim.control("GET", other).status_code == 200


def test_a_key_is_revoked_and_restored(sim: Running, pair: KeyPair) -> None:
    path = f"/iap_keys/{KEY_ID}"
    assert sim.control("PATCH", path, {"active": False}).json()["active"] is False
    assert status_for(sim, pair.private_pem) == 401
    assert sim.control("PATCH", path, {"active": True}).json()["active"] is True
    assert status_for(sim, pair.private_pem) == 404


def test_a_key_of_before_a_restart_is_shown_again(sim: Running, pair: KeyPair) -> None:
    apps = [{"bundle_id": BUNDLE_ID, "apple_id": APPLE_ID}]
    sim.control("PUT", "/world", {"teams": [{"issuer_id": ISSUER, "iap_keys": [{"key_id": KEY_ID}], "apps": apps}]})
    assert status_for(sim, pair.private_pem) == 401
    sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"public_key": pair.public_pem})
    assert status_for(sim, pair.private_pem) == 404
    assert "given once" in error_of(sim.control("GET", f"/iap_keys/{KEY_ID}/private_key"), 410)
    assert "public_key" in error_of(sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"public_key": "no key"}), 400)


def test_an_app_is_released(sim: Running, pair: KeyPair) -> None:
    assert status_for(sim, pair.private_pem, bundle_id=UNRELEASED) == 401
    answer = sim.control("PATCH", f"/apps/{UNRELEASED}", {"released": True})
    assert answer.json()["released"] is True
    assert status_for(sim, pair.private_pem, bundle_id=UNRELEASED) == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", None, 404),
        ("POST", "/world", {}, 405),
        ("POST", "/teams/unknown/iap_keys", {}, 404),
        ("PATCH", "/iap_keys/NOSUCHKEY1", {"active": True}, 404),
        ("PATCH", f"/iap_keys/{ASC_KEY_ID}", {"active": True}, 404),
        ("PATCH", f"/iap_keys/{KEY_ID}", {"active": "yes"}, 400),
        ("PATCH", f"/iap_keys/{KEY_ID}", {}, 400),
        ("PATCH", f"/iap_keys/{KEY_ID}", {"key_id": "X"}, 400),
        ("PATCH", "/apps/com.example.nowhere", {"released": True}, 404),
        ("PATCH", f"/apps/{BUNDLE_ID}", ["released"], 400),
        ("GET", "/iap_keys/NOSUCHKEY1/private_key", None, 404),
        ("GET", f"/iap_keys/{KEY_ID}/private_key", None, 410),
        ("DELETE", "/faults/77", None, 404),
        ("GET", "/root_certificate?format=p12", None, 400),
        ("GET", "/calls?colour=red", None, 400),
        ("GET", "/calls?limit=-1", None, 400),
    ],
)
def test_errors_are_json(sim: Running, method: str, path: str, body: object, status: int) -> None:
    assert error_of(sim.control(method, path, body), status)


def test_a_body_that_is_not_json(sim: Running) -> None:
    url = f"{sim.announced['control']}/world"
    assert "not JSON" in error_of(sim.session.put(url, data=b"{", timeout=120), 400)


def test_the_root_certificate_in_both_forms(sim: Running) -> None:
    root = x509.load_der_x509_certificate(sim.root_der())
    pem = sim.session.get(f"{sim.announced['root_certificate']}?format=pem", timeout=120).content
    assert x509.load_pem_x509_certificate(pem) == root
    assert root.not_valid_before_utc.timestamp() < time.time() - 2 * 365 * 24 * 3600
    assert "not Apple" in root.subject.rfc4514_string()


@pytest.mark.parametrize(("address", "status"), [("192.0.2.7", 403), ("::ffff:192.0.2.7", 403), ("::1", 200)])
def test_only_this_machine_is_answered(address: str, status: int) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/world",
        "root_path": "",
        "query_string": b"",
        "headers": [],
        "client": (address, 1),
    }

    async def ask() -> None:
        await control_app(Simulator())(scope, receive, send)

    asyncio.run(ask())
    assert sent[0]["status"] == status
