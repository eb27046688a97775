# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting the real simulator, and making the keys, tokens and worlds that its tests need."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

SIMULATOR = Path(__file__).resolve().parents[2] / "extensions" / "simulator"

ISSUER = "57246542-96fe-1a63-e053-0824d011072a"
OTHER_ISSUER = "69a6de7f-0000-47e3-e053-5b8c7c11a4d1"
KEY_ID = "2X9R4HXF34"
REVOKED_KEY_ID = "REVOKED001"
ASC_KEY_ID = "ASCKEY0001"
OTHER_KEY_ID = "OTHERTEAM1"
BUNDLE_ID = "com.example.one"
APPLE_ID = 1234567890
UNRELEASED = "com.example.unreleased"
OTHER_BUNDLE_ID = "com.example.other"
PRODUCTION_ID = "2000000123456789"
SANDBOX_ID = "2000000999999999"
REFUND_DATE = 1700003600000


@dataclass(frozen=True)
class KeyPair:
    """A key pair as PEM texts."""

    private_pem: str = field(repr=False)
    public_pem: str


def new_key_pair(curve: ec.EllipticCurve | None = None) -> KeyPair:
    """Make a key pair, on P-256 when no curve is given."""
    key = ec.generate_private_key(curve or ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return KeyPair(private.decode(), public.decode())


def new_world(pair: KeyPair) -> dict[str, Any]:
    """Make a world of two teams whose keys are all the same pair, so that only IDs differ."""
    transaction = {
        "product_id": "coins",
        "price": 990000,
        "currency": "USD",
        "purchase_date": 1700000000000,
    }
    refunded = {
        "revocation_date": REFUND_DATE,
        "revocation_reason": 0,
        "revocation_type": "REFUND_FULL",
        "revocation_percentage": 100000,
    }
    return {
        "teams": [
            {
                "issuer_id": ISSUER,
                "iap_keys": [
                    {"key_id": KEY_ID, "public_key": pair.public_pem},
                    {"key_id": REVOKED_KEY_ID, "active": False, "public_key": pair.public_pem},
                ],
                "app_store_connect_keys": [{"key_id": ASC_KEY_ID, "public_key": pair.public_pem}],
                "apps": [
                    {
                        "bundle_id": BUNDLE_ID,
                        "apple_id": APPLE_ID,
                        "transactions": [
                            {"transaction_id": PRODUCTION_ID, **transaction, **refunded},
                            {
                                "transaction_id": SANDBOX_ID,
                                "environment": "Sandbox",
                                **transaction,
                            },
                        ],
                    },
                    {"bundle_id": UNRELEASED, "apple_id": 1234567891, "released": False},
                ],
            },
            {
                "issuer_id": OTHER_ISSUER,
                "iap_keys": [{"key_id": OTHER_KEY_ID, "public_key": pair.public_pem}],
                "apps": [{"bundle_id": OTHER_BUNDLE_ID, "apple_id": 1234567892}],
            },
        ],
        "rate_limits": {"get_transaction_info": 0},
    }


def new_token(
    private_pem: str,
    claims: Mapping[str, object] | None = None,
    header: Mapping[str, object] | None = None,
) -> str:
    """Sign a sound token; claims replace its own, and None takes one away."""
    now = int(time.time())
    sound = {
        "iss": ISSUER,
        "iat": now - 60,
        "exp": now + 300,
        "aud": "appstoreconnect-v1",
        "bid": BUNDLE_ID,
    }
    merged = {**sound, **(claims or {})}
    payload = {name: value for name, value in merged.items() if value is not None}
    # Not jwt.encode: it refuses to make some of the wrong tokens that are wanted here.
    return jwt.PyJWS().encode(
        json.dumps(payload).encode(),
        private_pem,
        algorithm="ES256",
        headers={"kid": KEY_ID, **(header or {})},
    )


@dataclass
class Running:
    """A simulator that has said where it listens."""

    process: subprocess.Popen[str]
    announced: dict[str, Any]
    session: requests.Session = field(default_factory=requests.Session)

    def base(self, environment: str = "production") -> str:
        """Give the base URL of the App Store Server API."""
        return str(self.announced["app_store_server"][environment])

    def transaction_url(self, transaction_id: str = PRODUCTION_ID, environment: str = "production") -> str:
        """Give the URL of Get Transaction Info."""
        return f"{self.base(environment)}/inApps/v1/transactions/{transaction_id}"

    def control(self, method: str, path: str, body: object = None) -> requests.Response:
        """Call the control API."""
        return self.session.request(method, f"{self.announced['control']}{path}", json=body, timeout=120)

    def fault(self, **fault: object) -> None:
        """Arm one fault."""
        answer = self.control("POST", "/faults", fault)
        assert answer.status_code == 201, answer.text

    def calls(self, query: str = "") -> dict[str, Any]:
        """Read the call log."""
        answer = self.control("GET", f"/calls{query}")
        assert answer.status_code == 200, answer.text
        report: dict[str, Any] = answer.json()
        return report

    def root_der(self) -> bytes:
        """Read the root certificate."""
        return self.session.get(self.announced["root_certificate"], timeout=120).content


def command(*arguments: str) -> list[str]:
    """Give the command line of the simulator."""
    return [sys.executable, str(SIMULATOR), *arguments]


@contextmanager
def started(*arguments: str) -> Iterator[Running]:
    """Start a simulator on a free port; stop it at the end."""
    process = subprocess.Popen(
        command("--port", "0", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stderr is not None
    with process:
        line = process.stdout.readline()
        if not line:
            raise AssertionError(f"the simulator did not start: {process.stderr.read()}")
        running = Running(process, json.loads(line))
        running.session.trust_env = False
        try:
            yield running
        finally:
            running.session.close()
            process.terminate()
            process.wait(timeout=120)
