# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo's publisher: one team, two keys made at this moment, three apps."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

ISSUER_ID = "57246542-96fe-1a63-e053-0824d011072a"
WRONG_ISSUER_ID = "69a6de70-0000-47e3-e053-5b8c7c11a4d1"
KEY_IDS = {"K1": "2X9R4HXF34", "K2": "9ABCDEF123"}
APPS = {"com.example.one": "K1", "com.example.two": "K1", "com.example.three": "K2"}


@dataclass(frozen=True)
class Key:
    """One pair: ``private_pem`` is the text of a .p8, ``public_pem`` what Apple would keep."""

    private_pem: str
    public_pem: str


def make_key() -> Key:
    handle = ec.generate_private_key(ec.SECP256R1())
    private = handle.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = handle.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return Key(private.decode(), public.decode())


def world(keys: t.Mapping[str, Key]) -> dict[str, t.Any]:
    """Return the simulator's world: what Apple knows of the publisher."""
    iap_keys = [
        {"key_id": KEY_IDS[name], "name": f"{name} refund tracking", "public_key": key.public_pem}
        for name, key in keys.items()
    ]
    apps = [{"bundle_id": bundle_id, "apple_id": 1_000_000_000 + n} for n, bundle_id in enumerate(APPS)]
    return {"teams": [{"issuer_id": ISSUER_ID, "name": "Studio A", "iap_keys": iap_keys, "apps": apps}]}


def variables(
    keys: t.Mapping[str, Key], keys_folder: str, ledger_url: str, app_store_server_url: str, wrong_issuer: str = ""
) -> dict[str, t.Any]:
    """Return the playbook's variables. ``wrong_issuer`` names the app that is given a wrong Issuer ID."""
    declared = {
        name: {
            "issuer_id": ISSUER_ID,
            "key_id": KEY_IDS[name],
            "private_key_path": f"{keys_folder}/SubscriptionKey_{KEY_IDS[name]}.p8",
            "private_key_content": key.private_pem,
        }
        for name, key in keys.items()
    }
    apps: list[dict[str, t.Any]] = [{"bundle_id": bundle_id, "key": key} for bundle_id, key in APPS.items()]
    for app in apps:
        if app["bundle_id"] == wrong_issuer:
            app["issuer_id"] = WRONG_ISSUER_ID
    return {
        "refund_tracking_defaults": {"app_store_server_url": app_store_server_url, "ledger": {"url": ledger_url}},
        "refund_tracking_keys": declared,
        "refund_tracking_apps": apps,
    }
