# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""PATCH /v1/apps/{id}: the notification URLs of an app."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from sim_support import APPLE_ID, ASC_KEY_ID, BUNDLE_ID, KeyPair, Running, new_token

URL = "https://refunds.example.com/apple"
FIELDS = "fields[apps]=subscriptionStatusUrl,subscriptionStatusUrlVersion"


def send(
    sim: Running, pair: KeyPair, method: str, body: object = None, path: str = "", **claims: object
) -> requests.Response:
    """Ask about one app; the path may have a query."""
    token = new_token(pair.private_pem, {"bid": None, **claims}, {"kid": ASC_KEY_ID, "typ": "JWT"})
    url = f"{sim.announced['app_store_connect_api']}/v1/apps/{path or APPLE_ID}"
    return sim.session.request(method, url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=120)


def update(**attributes: object) -> dict[str, Any]:
    """Make the body of an update."""
    return {"data": {"type": "apps", "id": str(APPLE_ID), "attributes": attributes}}


def test_set_and_read_back_only_when_asked_for(sim: Running, pair: KeyPair) -> None:
    answer = send(sim, pair, "PATCH", update(subscriptionStatusUrl=URL, subscriptionStatusUrlVersion="V2"))
    assert answer.status_code == 200 and "subscriptionStatusUrl" not in answer.json()["data"]["attributes"]
    shown = send(sim, pair, "GET", path=f"{APPLE_ID}?{FIELDS}").json()["data"]
    assert shown["attributes"] == {"subscriptionStatusUrl": URL, "subscriptionStatusUrlVersion": "V2"}
    assert shown["id"] == str(APPLE_ID) and shown["links"]["self"].endswith(f"/v1/apps/{APPLE_ID}")
    apps = sim.control("GET", "/world").json()["teams"][0]["apps"]
    (app,) = (each for each in apps if each["bundle_id"] == BUNDLE_ID)
    assert (app["subscription_status_url"], app["subscription_status_url_version"]) == (URL, "V2")


def test_back_to_version_1(sim: Running, pair: KeyPair) -> None:
    """Apple's technical note TN3180."""
    for version in ("V2", "V1"):
        body = update(subscriptionStatusUrl=URL, subscriptionStatusUrlVersion=version)
        assert send(sim, pair, "PATCH", body).status_code == 200
    shown = send(sim, pair, "GET", path=f"{APPLE_ID}?{FIELDS}").json()["data"]
    assert shown["attributes"] == {"subscriptionStatusUrl": URL, "subscriptionStatusUrlVersion": "V1"}


@pytest.mark.parametrize(
    ("reason", "status", "body"),
    [
        ("not_patchable", 409, update(name="Other")),
        ("url_not_https", 409, update(subscriptionStatusUrl="http://refunds.example.com")),
        ("unknown_version", 409, update(subscriptionStatusUrlVersion="V3")),
        ("bad_entity", 422, {"data": []}),
        ("other_entity", 409, {"data": {"type": "apps", "id": "1", "attributes": {}}}),
    ],
)
def test_refused(sim: Running, pair: KeyPair, reason: str, status: int, body: object) -> None:
    sim.control("PATCH", f"/apps/{BUNDLE_ID}", {"subscription_status_url_version": "V2"})
    assert send(sim, pair, "PATCH", body).status_code == status
    assert sim.calls("?vendor=app_store_connect_api")["calls"][-1]["refusal"] == reason


def test_another_teams_app_is_not_there_and_a_scoped_token_changes_nothing(sim: Running, pair: KeyPair) -> None:
    assert send(sim, pair, "GET", path="1234567892").status_code == 404
    answer = send(sim, pair, "PATCH", update(subscriptionStatusUrl=URL), scope=["GET /v1/apps"])
    assert answer.status_code == 401


@pytest.mark.parametrize(("null_url", "status"), [("clear", 200), ("refuse", 409)])
def test_a_null_url(sim: Running, pair: KeyPair, null_url: str, status: int) -> None:
    world = sim.control("GET", "/world").json()
    world["app_store_connect_api"]["null_url"] = null_url
    assert sim.control("PUT", "/world", world).status_code == 200
    sim.control("PATCH", f"/apps/{BUNDLE_ID}", {"subscription_status_url": URL})
    assert send(sim, pair, "PATCH", update(subscriptionStatusUrl=None)).status_code == status
    shown = send(sim, pair, "GET", path=f"{APPLE_ID}?{FIELDS}").json()["data"]["attributes"]
    assert shown["subscriptionStatusUrl"] == (None if status == 200 else URL)
