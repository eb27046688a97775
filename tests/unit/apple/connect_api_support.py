# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of the App Store Connect API, against the simulator and against servers that misbehave."""

from __future__ import annotations

import json
import time
import typing as t
from dataclasses import dataclass, field

from unit_servers import Canned, Simulator
from unit_support import ISSUER, public_pem

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_connect_api import (
    AppStoreConnectApi,
    ConnectApiCredentials,
)
from ansible_collections.storeops.refunds.plugins.module_utils._http import HttpSettings, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._model.private_key import parse_content

API_KEY_ID = "ASCKEY0001"


@dataclass
class Client:
    """The API, and what it warned of."""

    api: AppStoreConnectApi
    warnings: list[str] = field(default_factory=list)


def client(pem: str, url: str | None, issuer_id: str | None = ISSUER, ahead: float = 0.0, **settings: t.Any) -> Client:
    """Make a client whose clock is ``ahead`` seconds ahead, and that never really waits."""
    transport = Transport(HttpSettings(**settings), sleep=lambda _seconds: None, jitter=lambda: 0.0)
    credentials = ConnectApiCredentials(API_KEY_ID, issuer_id, parse_content(pem))
    warnings: list[str] = []
    api = AppStoreConnectApi(transport, url, credentials, lambda: time.time() + ahead, warnings.append)
    return Client(api, warnings)


def put_world(sim: Simulator, apps: list[dict[str, t.Any]], **settings: t.Any) -> str:
    """Bring up a team with an API key (of the simulator's first key pair) and apps; give the API's URL."""
    key = {"key_id": API_KEY_ID, "public_key": public_pem(sim.pem)}
    team = {"issuer_id": ISSUER, "app_store_connect_keys": [key], "apps": apps}
    sim.control("PUT", "/world", {"teams": [team], "app_store_connect_api": settings})
    return str(sim.announced["app_store_connect_api"])


def app(number: int, **fields: t.Any) -> dict[str, t.Any]:
    """An app of the world."""
    return {"bundle_id": f"com.example.a{number:03}", "apple_id": number + 1, **fields}


def listed(*entries: dict[str, t.Any], following: t.Any = None) -> Canned:
    """A page."""
    links = {} if following is None else {"next": following}
    return Canned(200, {}, json.dumps({"data": entries, "links": links}).encode())


def entry(number: int = 1, **attributes: t.Any) -> dict[str, t.Any]:
    """An app of a page."""
    return {"type": "apps", "id": str(number), "attributes": {"bundleId": f"com.example.a{number}", **attributes}}
