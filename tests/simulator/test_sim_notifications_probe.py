# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test notifications: Apple's client asks for one and for what became of it."""

from __future__ import annotations

from typing import Any

import pytest
from appstoreserverlibrary.api_client import APIError, APIException
from appstoreserverlibrary.models.NotificationTypeV2 import NotificationTypeV2
from appstoreserverlibrary.models.SendAttemptResult import SendAttemptResult
from history_support import (
    DAY,
    HOUR,
    NOW,
    app_of,
    apples_client,
    apples_verifier,
    decoded,
    history_world,
    payloads,
    put,
    refund_notice,
    request,
    set_clock,
)
from sim_support import APPLE_ID, BUNDLE_ID, KeyPair, Running

MADE_UP = "ce3af791-365e-4c60-841b-1674b43c1609"


def status_error(sim: Running, pair: KeyPair, token: str, **client: Any) -> APIError | None:
    """Ask for a status in vain."""
    with pytest.raises(APIException) as caught:
        apples_client(sim, pair, **client).get_test_notification_status(token)
    return caught.value.api_error


@pytest.mark.parametrize("environment", ["production", "sandbox"])
def test_a_test_notification(sim: Running, pair: KeyPair, environment: str) -> None:
    put(sim, history_world(pair))
    made, verifier = apples_client(sim, pair, environment), apples_verifier(sim, environment)
    token = made.request_test_notification().testNotificationToken
    assert token is not None
    status = made.get_test_notification_status(token)
    assert [(each.attemptDate, each.sendAttemptResult) for each in status.sendAttempts or []] == [
        (NOW, SendAttemptResult.SUCCESS)
    ]
    assert status.signedPayload is not None
    notification = verifier.verify_and_decode_notification(status.signedPayload)
    assert (notification.notificationType, notification.signedDate) == (NotificationTypeV2.TEST, NOW)
    assert notification.data is not None
    assert (notification.data.appAppleId, notification.data.bundleId) == (APPLE_ID, BUNDLE_ID)
    assert notification.data.signedTransactionInfo is None
    assert [each.notificationUUID for each in decoded(verifier, made, request())] == [notification.notificationUUID]


@pytest.mark.parametrize("version", ["V1", "V2"])
def test_the_sandbox_has_productions_url_where_it_has_none(sim: Running, pair: KeyPair, version: str) -> None:
    """Of either version: Apple's page says that a test can be asked for regardless of it. Only V2 has a history."""
    world = history_world(pair)
    own = {"subscription_status_url_for_sandbox": None, "subscription_status_url_version_for_sandbox": None}
    notice = refund_notice(1, NOW - HOUR, environment="Sandbox")
    app_of(world).update(own, subscription_status_url_version=version, notifications=[notice])
    put(sim, world)
    made = apples_client(sim, pair, "sandbox")
    assert len(payloads(made, request())) == (1 if version == "V2" else 0)
    token = made.request_test_notification().testNotificationToken or ""
    (attempt,) = made.get_test_notification_status(token).sendAttempts or []
    assert attempt.sendAttemptResult is SendAttemptResult.SUCCESS


def test_without_a_url_for_the_environment(sim: Running, pair: KeyPair) -> None:
    world = history_world(pair)
    app_of(world)["subscription_status_url"] = None
    put(sim, world)
    with pytest.raises(APIException) as caught:
        apples_client(sim, pair).request_test_notification()
    assert caught.value.api_error is APIError.SERVER_NOTIFICATION_URL_NOT_FOUND
    assert caught.value.http_status_code == 404
    assert apples_client(sim, pair, "sandbox").request_test_notification().testNotificationToken


def test_tokens(sim: Running, pair: KeyPair) -> None:
    put(sim, history_world(pair))
    token = apples_client(sim, pair).request_test_notification().testNotificationToken
    assert token is not None
    assert status_error(sim, pair, "no-uuid") is APIError.INVALID_TEST_NOTIFICATION_TOKEN
    assert status_error(sim, pair, MADE_UP) is APIError.TEST_NOTIFICATION_NOT_FOUND
    assert status_error(sim, pair, token, environment="sandbox") is APIError.TEST_NOTIFICATION_NOT_FOUND
    set_clock(sim, frozen_at_ms=NOW + 184 * DAY)
    assert status_error(sim, pair, token) is APIError.TEST_NOTIFICATION_NOT_FOUND


def test_what_became_of_it_is_the_worlds_choice(sim: Running, pair: KeyPair) -> None:
    world = history_world(pair)
    world["server_notifications"] = {"test_result": "TLS_ISSUE", "test_delay_s": 2}
    put(sim, world)
    made = apples_client(sim, pair)
    token = made.request_test_notification().testNotificationToken
    assert token is not None
    assert status_error(sim, pair, token) is APIError.TEST_NOTIFICATION_NOT_FOUND
    set_clock(sim, frozen_at_ms=NOW + 2000)
    (attempt,) = made.get_test_notification_status(token).sendAttempts or []
    assert attempt.sendAttemptResult is SendAttemptResult.TLS_ISSUE
    # It may be read again, and it is undelivered.
    (notification,) = decoded(apples_verifier(sim), made, request(end=NOW + DAY, onlyFailures=True))
    assert notification.notificationType is NotificationTypeV2.TEST
