# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Worlds and clients of the simulated refund trackers."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography.hazmat.primitives import serialization
from sim_support import BUNDLE_ID, ISSUER, KEY_ID, KeyPair, Running, new_world

PROJECT = "proj1a2b3c4d"
OTHER_PROJECT = "proj9f8e7d6c"
APPS = f"/projects/{PROJECT}/apps"
APP_ID = "app1a2b3c4d5e"
PLAY_APP_ID = "app0f0e0d0c0b"
STORE = "/v4/project-settings/stores/apple"
DEVTODEV_PROJECT = "1234"
PAGE = f"/projects/{DEVTODEV_PROJECT}/settings/payments-integration/ia-refunds-tracking"


def new_secret(prefix: str = "sk_") -> str:
    """Make a secret key."""
    return prefix + secrets.token_hex(16)


def fingerprint(pair: KeyPair) -> str:
    """Give the SHA-256 of the SubjectPublicKeyInfo DER."""
    key = serialization.load_pem_public_key(pair.public_pem.encode())
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def put_world(sim: Running, world: dict[str, Any]) -> None:
    """Put the simulator into a world."""
    answer = sim.control("PUT", "/world", world)
    assert answer.status_code == 200, answer.text


def last_call(sim: Running) -> dict[str, Any]:
    """Give the newest entry of the call log."""
    entry: dict[str, Any] = sim.calls()["calls"][-1]
    return entry


@dataclass
class Api:
    """A client of a JSON API with a bearer key."""

    sim: Running
    base: str
    secret: str = field(repr=False)

    def request(self, method: str, path: str, body: object = None, **options: Any) -> httpx.Response:
        """Send one request; `headers` replace the client's own, and None takes one away."""
        headers = {"Authorization": f"Bearer {self.secret}", **options.pop("headers", {})}
        kept = {name: value for name, value in headers.items() if value is not None}
        if body is not None:
            options["json"] = body
        with httpx.Client(trust_env=False, timeout=120) as client:
            return client.request(method, f"{self.base}{path}", headers=kept, **options)

    def refusal(self) -> str | None:
        """Give the reason of the last refusal."""
        reason: str | None = last_call(self.sim)["refusal"]
        return reason


def revenuecat_world(pair: KeyPair, secret: str, **account: object) -> dict[str, Any]:
    """Make a world with two projects, one of which has an iOS and an Android app."""
    apps = [
        {"id": APP_ID, "name": "One", "type": "app_store", "created_at": 1, "app_store": {"bundle_id": BUNDLE_ID}},
        {"id": PLAY_APP_ID, "name": "One", "type": "play_store", "play_store": {"package_name": BUNDLE_ID}},
    ]
    projects = [
        {"id": PROJECT, "name": "Studio A", "created_at": 1700000000000, "apps": apps},
        {"id": OTHER_PROJECT, "name": "Studio B"},
    ]
    made = {"requests_per_minute": 0, "api_keys": [{"secret": secret}], "projects": projects, **account}
    return {**new_world(pair), "revenuecat": made}


def revenuecat(sim: Running, pair: KeyPair, **account: object) -> Api:
    """Put the simulator into such a world."""
    secret = new_secret()
    put_world(sim, revenuecat_world(pair, secret, **account))
    return Api(sim, sim.announced["revenuecat"], secret)


def key_fields(pair: KeyPair, key_id: str = KEY_ID) -> dict[str, str]:
    """Make the three members of a RevenueCat body that bring a key."""
    return {
        "subscription_private_key": pair.private_pem,
        "subscription_key_id": key_id,
        "subscription_key_issuer": ISSUER,
    }


def qonversion(sim: Running, pair: KeyPair, **account: object) -> Api:
    """Put the simulator into a world with two Qonversion projects; the client is for the first."""
    secret = new_secret()
    projects = [
        {"name": "One", "secret_key": secret, "apple": {"bundle_id": BUNDLE_ID}},
        {"name": "Two", "secret_key": new_secret("test_sk_")},
    ]
    put_world(sim, {**new_world(pair), "qonversion": {"projects": projects, **account}})
    return Api(sim, sim.announced["qonversion"], secret)


def devtodev_world(pair: KeyPair, cookie: str, **account: object) -> dict[str, Any]:
    """Make a world with one devtodev project and one session."""
    made = {
        "sessions": [{"cookie": cookie}],
        "projects": [{"id": DEVTODEV_PROJECT, "name": "One & Only"}],
        **account,
    }
    return {**new_world(pair), "devtodev": made}


@dataclass
class Visitor:
    """A browser without scripts."""

    sim: Running
    cookies: dict[str, str] = field(repr=False)

    def get(self, path: str) -> httpx.Response:
        """Open a page; redirects are followed."""
        return self._send("GET", path)

    def save(self, values: dict[str, str], upload: object = None, token: str | None = None) -> httpx.Response:
        """Open the page, fill in its form, send it."""
        if token is None:
            token = self.token()
        # Always multipart, with or without a file.
        files: dict[str, Any] = {"private_key": upload if upload is not None else ("", b"")}
        return self._send("POST", PAGE, data={"csrf_token": token, **values}, files=files)

    def token(self) -> str:
        """Read the form's token from the page."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(PAGE).text)
        return found[1] if found else ""

    def status(self) -> tuple[str, str]:
        """Read the state and the text of the status from the page."""
        found = re.search(r'id="integration-status"[^>]* data-state="(\w+)"[^>]*>([^<]*)<', self.get(PAGE).text)
        assert found
        return found[1], found[2]

    def stored(self) -> Any:
        """Read what the project holds, from the control API."""
        return self.sim.control("GET", f"/devtodev/projects/{DEVTODEV_PROJECT}").json()["integration"]

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        with httpx.Client(trust_env=False, timeout=120, cookies=self.cookies, follow_redirects=True) as client:
            return client.request(method, f"{self.sim.announced['devtodev']}{path}", **options)


def visitor(sim: Running, pair: KeyPair, **account: object) -> Visitor:
    """Put the simulator into such a world, and sign in."""
    cookie = secrets.token_hex(24)
    put_world(sim, devtodev_world(pair, cookie, **account))
    return Visitor(sim, {"devtodev_session": cookie})


def form_values(**changed: str) -> dict[str, str]:
    """Make the values of a form that works."""
    return {"bundle_id": BUNDLE_ID, "issuer_id": ISSUER, "key_id": KEY_ID, **changed}


def p8(pair: KeyPair, name: str = f"SubscriptionKey_{KEY_ID}.p8") -> tuple[str, bytes]:
    """Make an upload of a private key."""
    return name, pair.private_pem.encode()
