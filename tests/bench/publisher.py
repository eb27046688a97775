# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The publisher that is audited: teams with one key each, their apps, and a ledger where every app is Active."""

from __future__ import annotations

import json
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integrations
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration
from ansible_collections.storeops.refunds.plugins.module_utils._model.private_key import parse_content

TEAMS = 5
# So many of the apps that follow each other are one team's: a loop has one key.
APPS_IN_A_ROW = 100
TOKEN_LIFE_S = 3500
_APPLE_ID = 1_000_000_000
# What an incremental run of refund_ledger finds.
NEW_REFUNDS = 20
MADE_UP_TRANSACTION_ID = "1000000000000001"
Document = dict[str, t.Any]


@dataclass(frozen=True)
class Publisher:
    """Keys by name, and all apps; a measurement takes the first ones."""

    folder: Path
    keys: dict[str, dict[str, str]]
    apps: list[dict[str, str]]

    def ledger_url(self, count: int) -> str:
        """Return the ledger that holds so many apps and no others, which an audit would tell as undeclared."""
        file = self.folder / f"ledger_{count}.db"
        url = f"sqlite:///{file}"
        if not file.exists():
            fill_ledger(self, url, count)
        return url

    def variables(self, count: int, app_store_server: str) -> Path:
        """Write the declaration of so many apps, as a user has it; return the file."""
        document = {
            "refund_tracking_keys": [{"key": name, **key} for name, key in self.keys.items()],
            "refund_tracking_apps": self.apps[:count],
            "refund_tracking_defaults": {
                "app_store_server_url": app_store_server.replace("/production", "/{environment}"),
                "ledger": {"url": self.ledger_url(count)},
            },
        }
        return _written(self.folder / f"apps_{count}.json", document)

    def key_of_first(self, count: int) -> dict[str, str]:
        """Return the key of the first apps, which must all be those of one team."""
        (name,) = {app["key"] for app in self.apps[:count]}
        return self.keys[name]

    def tokens(self, count: int) -> list[dict[str, str]]:
        """Return a token for each of the first apps."""
        key = self.key_of_first(count)
        pem = Path(key["private_key_path"]).read_text()
        bundle_ids = [app["bundle_id"] for app in self.apps[:count]]
        return [{"bundle_id": bundle_id, "token": _token(key, pem, bundle_id)} for bundle_id in bundle_ids]

    def transaction_url(self, app_store_server: str) -> str:
        """Return what the credential check asks for."""
        return f"{app_store_server}/inApps/v1/transactions/{MADE_UP_TRANSACTION_ID}"


def make(folder: Path, count: int) -> Publisher:
    """Make keys and the simulator's world."""
    (folder / "keys").mkdir(mode=0o700)
    keys, teams = {}, []
    for number in range(TEAMS):
        name, path = f"studio_{number}", folder / "keys" / f"studio_{number}.p8"
        pem, public = _key_pair()
        path.touch(mode=0o600)
        path.write_text(pem)
        key = {"issuer_id": f"57246542-96fe-1a63-e053-{number:012d}", "key_id": f"BENCHKEY{number:02d}"}
        keys[name] = {**key, "private_key_path": str(path)}
        iap_key = {"key_id": key["key_id"], "public_key": public}
        teams.append({"issuer_id": key["issuer_id"], "iap_keys": [iap_key], "apps": list[Document]()})
    apps = [{"bundle_id": f"com.example.app{n:05d}", "key": f"studio_{_team(n)}"} for n in range(count)]
    for n, app in enumerate(apps):
        recent = _recent_refunds() if n == 0 else {}
        seen = {"bundle_id": app["bundle_id"], "apple_id": _APPLE_ID + n, **recent}
        t.cast("list[Document]", teams[_team(n)]["apps"]).append(seen)
    _written(folder / "world.json", {"teams": teams})
    return Publisher(folder, keys, apps)


def _team(app: int) -> int:
    return app // APPS_IN_A_ROW % TEAMS


def fill_ledger(publisher: Publisher, url: str, count: int) -> None:
    """Put the first apps into the ledger at ``url`` as Active, which makes it where there is none."""
    fingerprints = {
        name: parse_content(Path(key["private_key_path"]).read_text()).fingerprint
        for name, key in publisher.keys.items()
    }
    entries = [
        Integration(
            identity=Identity("ledger", "", "production", app["bundle_id"]),
            issuer_id=publisher.keys[app["key"]]["issuer_id"],
            key_id=publisher.keys[app["key"]]["key_id"],
            key_fingerprint=fingerprints[app["key"]],
            status="Active",
            private_key_path=publisher.keys[app["key"]]["private_key_path"],
            app_apple_id=_APPLE_ID + number,
        )
        for number, app in enumerate(publisher.apps[:count])
    ]
    ledger = Ledger(find_place(url, {}), False, lambda text: None)
    put_integrations(ledger, entries, "2026-01-01T00:00:00Z")
    ledger.close()


def _recent_refunds() -> Document:
    """Return what Apple knows of an app with a few refunds within the last hour."""
    now = int(time.time() * 1000)
    transactions = [
        {
            "transaction_id": f"2000000{n:09d}",
            "product_id": "coins",
            "price": 990_000,
            "currency": "USD",
            "purchase_date": now - 86_400_000,
            "revocation_date": now - 1_800_000 + n,
        }
        for n in range(NEW_REFUNDS)
    ]
    notifications = [
        {"type": "REFUND", "signed_date": found["revocation_date"], "transaction_id": found["transaction_id"]}
        for found in transactions
    ]
    url = {"subscription_status_url": "https://example.com/refunds", "subscription_status_url_version": "V2"}
    return {**url, "transactions": transactions, "notifications": notifications}


def _key_pair() -> tuple[str, str]:
    private_key = ec.generate_private_key(ec.SECP256R1())
    pem = private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = private_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem.decode(), public.decode()


def _token(key: t.Mapping[str, str], pem: str, bundle_id: str) -> str:
    now = int(time.time())
    claims = {"iss": key["issuer_id"], "iat": now - 60, "exp": now - 60 + TOKEN_LIFE_S, "aud": "appstoreconnect-v1"}
    return jwt.encode({**claims, "bid": bundle_id}, pem, algorithm="ES256", headers={"kid": key["key_id"]})


def _written(path: Path, document: Document) -> Path:
    path.touch(mode=0o600)
    path.write_text(json.dumps(document))
    return path
