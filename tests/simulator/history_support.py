# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A world with notifications, and Apple's client and verifier for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from appstoreserverlibrary.api_client import APIError, APIException, AppStoreServerAPIClient
from appstoreserverlibrary.models.Environment import Environment
from appstoreserverlibrary.models.NotificationHistoryRequest import NotificationHistoryRequest
from appstoreserverlibrary.models.NotificationHistoryResponse import NotificationHistoryResponse
from appstoreserverlibrary.models.ResponseBodyV2DecodedPayload import ResponseBodyV2DecodedPayload
from appstoreserverlibrary.signed_data_verifier import SignedDataVerifier
from sim_support import APPLE_ID, BUNDLE_ID, ISSUER, KEY_ID, KeyPair, Running, new_world

HOUR = 3_600_000
DAY = 24 * HOUR
NOW = int(time.time() * 1000) // DAY * DAY
URL = "https://notifications.example.com/app-store"
ENVIRONMENTS = {"production": Environment.PRODUCTION, "sandbox": Environment.SANDBOX}
ENDPOINTS = (
    "get_notification_history",
    "get_refund_history",
    "request_test_notification",
    "get_test_notification_status",
)


def history_world(pair: KeyPair) -> dict[str, Any]:
    """Make the usual world with V2 URLs, no rate limits, and a clock that stands still."""
    world = new_world(pair)
    world["rate_limits"] |= dict.fromkeys(ENDPOINTS, 0)
    world["clock"] = {"frozen_at_ms": NOW}
    for team in world["teams"]:
        for app in team["apps"]:
            for suffix in ("", "_for_sandbox"):
                app[f"subscription_status_url{suffix}"] = URL
                app[f"subscription_status_url_version{suffix}"] = "V2"
    return world


def app_of(world: dict[str, Any]) -> dict[str, Any]:
    """Give the app that most tests are about."""
    app: dict[str, Any] = world["teams"][0]["apps"][0]
    return app


def purchase(number: int, **changes: object) -> dict[str, Any]:
    """Make a transaction of the world."""
    return {
        "transaction_id": str(3_000_000 + number),
        "product_id": "coins",
        "price": 9_990,
        "currency": "EUR",
        "purchase_date": NOW - 300 * DAY,
        **changes,
    }


def refunded(number: int, date: int, **changes: object) -> dict[str, Any]:
    """Make a refunded transaction of the world."""
    revocation = {"revocation_date": date, "revocation_reason": 1, "revocation_type": "REFUND_FULL"}
    return purchase(number, **{**revocation, "revocation_percentage": 100_000, **changes})


def refund_notice(number: int, date: int, **changes: object) -> dict[str, Any]:
    """Make a REFUND that carries its transaction."""
    environment = str(changes.get("environment", "Production"))
    transaction = refunded(number, date - HOUR, environment=environment)
    return {"type": "REFUND", "signed_date": date, "transaction": transaction, **changes}


def put(sim: Running, world: dict[str, Any]) -> None:
    """Start over in a world."""
    answer = sim.control("PUT", "/world", world)
    assert answer.status_code == 200, answer.text


def set_clock(sim: Running, **clock: int) -> None:
    """Set the store's clock."""
    answer = sim.control("PUT", "/clock", clock)
    assert answer.status_code == 200, answer.text


def apples_client(
    sim: Running, pair: KeyPair, environment: str = "production", bundle_id: str = BUNDLE_ID
) -> AppStoreServerAPIClient:
    """Make Apple's client for the simulator."""
    made = AppStoreServerAPIClient(pair.private_pem.encode(), KEY_ID, ISSUER, bundle_id, ENVIRONMENTS[environment])
    made._base_url = sim.base(environment)
    return made


def apples_verifier(
    sim: Running, environment: str = "production", bundle_id: str = BUNDLE_ID, apple_id: int = APPLE_ID
) -> SignedDataVerifier:
    """Make Apple's verifier, offline, so that the chain is checked at the signed date."""
    return SignedDataVerifier([sim.root_der()], False, ENVIRONMENTS[environment], bundle_id, apple_id)


def request(start: int = NOW - 29 * DAY, end: int = NOW, **members: Any) -> NotificationHistoryRequest:
    """Make a request of Apple's client."""
    return NotificationHistoryRequest(startDate=start, endDate=end, **members)


def pages(made: AppStoreServerAPIClient, asked: NotificationHistoryRequest) -> Iterator[NotificationHistoryResponse]:
    """Read page after page."""
    token: str | None = None
    while True:
        page = made.get_notification_history(token, asked)
        yield page
        if not page.hasMore:
            assert page.paginationToken is None
            return
        token = page.paginationToken
        assert token


def payloads(made: AppStoreServerAPIClient, asked: NotificationHistoryRequest) -> list[str]:
    """Read the signed payloads of all pages."""
    items = [item for page in pages(made, asked) for item in page.notificationHistory or []]
    return [str(item.signedPayload) for item in items]


def decoded(
    verifier: SignedDataVerifier, made: AppStoreServerAPIClient, asked: NotificationHistoryRequest
) -> list[ResponseBodyV2DecodedPayload]:
    """Read and verify all notifications."""
    return [verifier.verify_and_decode_notification(each) for each in payloads(made, asked)]


def error_of(made: AppStoreServerAPIClient, asked: NotificationHistoryRequest, token: str | None = None) -> APIError:
    """Call in vain, and give the error."""
    with pytest.raises(APIException) as caught:
        made.get_notification_history(token, asked)
    assert caught.value.api_error is not None
    return caught.value.api_error
