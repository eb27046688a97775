# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo's publisher: one team, three apps, nobody has made a key yet, and one person is signed in."""

from __future__ import annotations

import json
import secrets
import typing as t

ISSUER_ID = "57246542-96fe-1a63-e053-0824d011072a"
KEY_NAMES = {"K1": "devtodev API Key", "K2": "Partner studio"}
APPS = {"com.example.one": "K1", "com.example.two": "K1", "com.example.three": "K2"}
APPLE_IDS = {name: 1_000_000_000 + number for number, name in enumerate(APPS)}
# Where Apple would send notifications; only apps with one have a history of refunds.
NOTIFIED = ("com.example.one", "com.example.two")
NOTIFICATION_URL = "https://notifications.example.com/app-store"
# One of them, as someone may write it.
WRONG = "com.example.ONE"
Document = dict[str, t.Any]


def make_cookie() -> str:
    """Return what stands for a signed-in session, new in every run."""
    return secrets.token_hex(24)


def world(cookie: str) -> Document:
    """Return the simulator's world: what Apple knows of the publisher."""
    apps = [{"bundle_id": name, "apple_id": number, **_notified(name)} for name, number in APPLE_IDS.items()]
    session = {"myacinfo": cookie, "email": "release@example.com", "role": "ADMIN", "teams": [ISSUER_ID]}
    return {
        "teams": [{"issuer_id": ISSUER_ID, "name": "Studio A", "apps": apps}],
        "app_store_connect_sessions": [session],
        "generated_refunds": {"bundle_ids": list(NOTIFIED), "refunds_per_app": 40, "days": 60, "sandbox_percent": 0},
    }


def _notified(bundle_id: str) -> Document:
    if bundle_id not in NOTIFIED:
        return {}
    return {"subscription_status_url": NOTIFICATION_URL, "subscription_status_url_version": "V2"}


def variables(folder: str, urls: t.Mapping[str, str]) -> Document:
    """Return what a release engineer declares: keys with their apps below them, and where the ledger lies."""
    return {
        "refund_tracking_defaults": {
            "app_store_server_url": urls["app_store_server"],
            "ledger": {"url": f"sqlite:///{folder}/ledger.db"},
            # Without it, only what Apple signed is believed.
            "root_certificate_path": f"{folder}/root.pem",
        },
        "refund_tracking_app_store_connect_url": urls["app_store_connect"],
        "refund_tracking_keys": [_key(folder, name) for name in KEY_NAMES],
    }


def _key(folder: str, name: str) -> Document:
    return {
        "key": name,
        "name": KEY_NAMES[name],
        "issuer_id": ISSUER_ID,
        "private_key_path": f"{folder}/keys/{name}.p8",
        "apps": [{"bundle_id": app, "app_apple_id": APPLE_IDS[app]} for app, key in APPS.items() if key == name],
    }


def with_session(declared: Document, cookie: str) -> Document:
    """Add the session: what makes a run one of a workstation, where keys are made."""
    cookies = [{"name": "myacinfo", "value": cookie, "domain": "apple.com"}]
    return {**declared, "refund_tracking_session": json.dumps(cookies)}


def with_key_ids(declared: Document, key_ids: t.Mapping[str, str]) -> Document:
    """Add the Key IDs that the first run printed: what CI and auditors need instead of a session."""
    keys = [{**key, "key_id": key_ids[key["key"]]} for key in declared["refund_tracking_keys"]]
    return {**declared, "refund_tracking_keys": keys}


def with_wrong_capitals(declared: Document, bundle_id: str) -> Document:
    """Write an app's bundle ID in capitals that are not Apple's."""
    return t.cast(Document, json.loads(json.dumps(declared).replace(json.dumps(bundle_id), json.dumps(WRONG))))
