# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ledgers with declared apps, and notifications signed as Apple does, for the tests of notification URLs and events."""

from __future__ import annotations

import json
import sys
import time
import typing as t
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "extensions" / "simulator"))

from storeops_simulator.chain import make_chain

from ansible_collections.storeops.refunds.plugins.module_utils._apple.root_certificate import Root
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integration
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration

NOW = "2026-01-01T00:00:00Z"
APPLE_ID = 1
BUNDLE_ID = "com.example.one"


def ledger_at(url: str, read_only: bool = False) -> Ledger:
    """Make a ledger whose warnings nobody sees."""
    return Ledger(find_place(url, {}), read_only, lambda text: None, 5.0)


def declare(ledger: Ledger, bundle_id: str = BUNDLE_ID, app_apple_id: int | None = APPLE_ID) -> None:
    """Put an app's integration into the ledger."""
    identity = Identity("ledger", "", "production", bundle_id)
    put_integration(ledger, Integration(identity, "issuer", "KEY", None, "Active", None, app_apple_id), NOW)


class Apple:
    """Signs with a chain of its own; another one's notifications are forgeries to whoever trusts this one's root."""

    def __init__(self) -> None:
        self.chain = make_chain()

    @property
    def root(self) -> Root:
        """The root to trust."""
        return Root(self.chain.root_der())

    def body(self, kind: str = "REFUND", number: int = 1, fault: str | None = None, **fields: t.Any) -> bytes:
        """Make the body of a request; ``fields`` replace those of the payload, else of its ``data``."""
        now = int(time.time() * 1000)
        wire = {"bundleId": BUNDLE_ID, "environment": "Production"}
        bought = {
            **wire,
            "transactionId": str(number),
            "originalTransactionId": str(number),
            "productId": "coins",
            "type": "Consumable",
            "purchaseDate": now - 3_600_000,
            "signedDate": now,
            "price": 9990,
            "currency": "EUR",
            "appAccountToken": "11111111-2222-3333-4444-555555555555",
        }
        if kind == "REFUND":
            bought |= {"revocationDate": now, "revocationReason": 1, "revocationPercentage": 100_000}
        data = {**wire, "appAppleId": APPLE_ID, "signedTransactionInfo": self.chain.sign(bought)}
        outer = {"notificationType": kind, "notificationUUID": str(uuid.uuid4()), "version": "2.0", "signedDate": now}
        outer |= {name: fields.pop(name) for name in tuple(fields) if name in outer}
        payload = {**outer, "data": {**data, **fields}}
        return json.dumps({"signedPayload": self.chain.sign(payload, fault)}).encode()
