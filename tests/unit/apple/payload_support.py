# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Payloads as Apple words them, whose signatures nobody looks at."""

from __future__ import annotations

import base64
import json
import typing as t

UUID = "3edf8508-ac4a-4f95-b551-c7c033ba3fd8"
DATE = 1_700_000_000_000


def jws(payload: t.Mapping[str, t.Any]) -> str:
    """A compact JWS whose signature nobody looks at."""

    def part(value: t.Mapping[str, t.Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'ES256'})}.{part(payload)}.c2ln"


def transaction(**changes: t.Any) -> dict[str, t.Any]:
    """A refunded transaction."""
    return {
        "transactionId": "1",
        "originalTransactionId": "1",
        "bundleId": "com.example.one",
        "productId": "coins",
        "purchaseDate": DATE,
        "price": 9990,
        "currency": "EUR",
        "quantity": 1,
        "type": "Consumable",
        "environment": "Sandbox",
        "signedDate": DATE,
        "revocationDate": DATE,
        "revocationReason": 0,
        "inAppOwnershipType": "PURCHASED",
        **changes,
    }


def notice(kind: str, **data: t.Any) -> str:
    """A notification of a type."""
    inner = {"bundleId": "com.example.one", "environment": "Sandbox", **data}
    return jws(
        {"notificationType": kind, "notificationUUID": UUID, "signedDate": DATE, "version": "2.0", "data": inner}
    )
