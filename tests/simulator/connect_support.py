# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A signed-in browser in front of the simulated App Store Connect."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from appstoreserverlibrary.api_client import APIException, AppStoreServerAPIClient
from appstoreserverlibrary.models.Environment import Environment
from sim_support import BUNDLE_ID, ISSUER, OTHER_ISSUER, KeyPair, Running, new_world

APPLE = "https://appstoreconnect.apple.com"
KEYS = "/iris/v1/subscriptionKeys"
SESSION = "/olympus/v1/session"
EMAIL = "release@example.com"
IRIS_HEADERS = {
    "Accept": "application/vnd.api+json, application/json",
    "X-CSRF-ITC": "[asc-ui]",
    "Origin": APPLE,
    "Referer": f"{APPLE}/access/integrations/api",
}
SWITCH_HEADERS = {"X-Requested-With": "olympus-ui"}


def new_cookie() -> str:
    """Make a cookie value."""
    return secrets.token_hex(24)


@dataclass
class Browser:
    """Sends exactly the cookies and headers that it is told to send."""

    sim: Running
    cookies: dict[str, str] = field(default_factory=dict, repr=False)
    headers: dict[str, str] = field(default_factory=lambda: dict(IRIS_HEADERS))

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> httpx.Response:
        """Send one request; `headers` replace the browser's own, and None takes one away."""
        merged = {**self.headers, **SWITCH_HEADERS, **(headers or {})}
        if self.cookies:
            merged["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        url = path if path.startswith("http") else f"{self.sim.announced['app_store_connect']}{path}"
        with httpx.Client(trust_env=False, verify=False, timeout=120) as client:
            request = client.build_request(method, url, json=body)
            for name, value in merged.items():
                request.headers.pop(name, None)
                if value is not None:
                    request.headers[name] = value
            return client.send(request)

    def session(self) -> httpx.Response:
        """Read the web session."""
        return self.request("GET", SESSION)

    def switch(self, provider_id: object) -> httpx.Response:
        """Switch the team."""
        return self.request("POST", SESSION, {"provider": {"providerId": provider_id}})

    def list(self, query: str = "?limit=200") -> dict[str, Any]:
        """Read a page of the list of keys."""
        answer = self.request("GET", f"{KEYS}{query}")
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def attributes(self, key_id: str) -> dict[str, Any]:
        """Read one key's attributes from the list."""
        return next(dict(each["attributes"]) for each in self.list()["data"] if each["id"] == key_id)

    def create(self, nickname: object = "new key") -> httpx.Response:
        """Create a key."""
        data = {"type": "subscriptionKeys", "attributes": {"nickname": nickname}}
        return self.request("POST", KEYS, {"data": data})

    def created(self, nickname: str = "new key") -> str:
        """Create a key that must work out; give its ID."""
        answer = self.create(nickname)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["id"])

    def download(self, key_id: str) -> httpx.Response:
        """Ask for a private key."""
        return self.request("GET", f"{KEYS}/{key_id}?fields[subscriptionKeys]=privateKey")

    def revoke(self, key_id: str, active: object = False) -> httpx.Response:
        """Revoke a key."""
        data = {"type": "subscriptionKeys", "id": key_id, "attributes": {"isActive": active}}
        return self.request("PATCH", f"{KEYS}/{key_id}", {"data": data})


def connect_world(pair: KeyPair, **session: object) -> dict[str, Any]:
    """Make the usual world with one session; None takes a member of it away."""
    made = {
        "myacinfo": new_cookie(),
        "email": EMAIL,
        "role": "ADMIN",
        "teams": [ISSUER, OTHER_ISSUER],
        **session,
    }
    kept = {name: value for name, value in made.items() if value is not None}
    return {**new_world(pair), "app_store_connect_sessions": [kept]}


def first_team(world: dict[str, Any]) -> dict[str, Any]:
    """Give the team whose keys are listed."""
    team: dict[str, Any] = world["teams"][0]
    return team


def browser_for(sim: Running, world: dict[str, Any]) -> Browser:
    """Put the simulator into a world, and sign in with the cookies of its first session."""
    answer = sim.control("PUT", "/world", world)
    assert answer.status_code == 200, answer.text
    session = world["app_store_connect_sessions"][0]
    cookies = {name: f'"{value}"' for name, value in session.get("des", {}).items()}
    cookies |= {name: session[name] for name in ("myacinfo", "dqsid") if name in session}
    return Browser(sim, cookies)


def refusal(sim: Running) -> str | None:
    """Give the reason of the last refusal, from the call log."""
    reason: str | None = sim.calls("?vendor=app_store_connect")["calls"][-1]["refusal"]
    return reason


def error_detail(answer: httpx.Response, status: int) -> str:
    """Give the text of a JSON:API error."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/vnd.api+json"
    (error,) = answer.json()["errors"]
    assert sorted(error) == ["code", "detail", "id", "status", "title"]
    assert error["status"] == str(status)
    return str(error["detail"])


def unauthenticated(answer: httpx.Response) -> bool:
    """Tell whether it is the plain-text 401."""
    return answer.status_code == 401 and answer.text.startswith("Unauthenticated\n\nRequest ID: ")


def server_verdict(sim: Running, private_pem: str, key_id: str, bundle_id: str = BUNDLE_ID) -> int:
    """Give the status that Apple's own client gets with a key and a made-up transaction ID."""
    client = AppStoreServerAPIClient(private_pem.encode(), key_id, ISSUER, bundle_id, Environment.PRODUCTION)
    client._base_url = sim.base()
    with pytest.raises(APIException) as caught:
        client.get_transaction_info("1")
    return caught.value.http_status_code
