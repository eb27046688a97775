# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notification history, read by Apple's own client and verified by Apple's own verifier."""

from __future__ import annotations

from typing import Any

import pytest
from appstoreserverlibrary.api_client import APIError, APIException
from appstoreserverlibrary.models.NotificationTypeV2 import NotificationTypeV2
from appstoreserverlibrary.models.SendAttemptResult import SendAttemptResult
from appstoreserverlibrary.models.Subtype import Subtype
from history_support import (
    DAY,
    HOUR,
    NOW,
    app_of,
    apples_client,
    apples_verifier,
    decoded,
    error_of,
    history_world,
    pages,
    payloads,
    purchase,
    put,
    refund_notice,
    request,
    set_clock,
)
from sim_support import APPLE_ID, BUNDLE_ID, UNRELEASED, KeyPair, Running

MANY = 45


def many(sim: Running, pair: KeyPair, **settings: Any) -> list[int]:
    """Put a world with three pages of refunds; give their signed dates."""
    world = history_world(pair)
    world["server_notifications"] = settings
    dates = [NOW - 20 * DAY + number * HOUR for number in range(MANY)]
    app_of(world)["notifications"] = [refund_notice(number, date) for number, date in enumerate(dates)]
    put(sim, world)
    return dates


def test_apples_client_pages_and_apples_verifier_decodes(sim: Running, pair: KeyPair) -> None:
    dates = many(sim, pair)
    made, verifier = apples_client(sim, pair), apples_verifier(sim)
    assert [len(page.notificationHistory or []) for page in pages(made, request())] == [20, 20, 5]
    notifications = decoded(verifier, made, request())
    assert [each.signedDate for each in notifications] == dates
    assert len({each.notificationUUID for each in notifications}) == MANY
    first = notifications[0]
    assert (first.notificationType, first.subtype, first.version) == (NotificationTypeV2.REFUND, None, "2.0")
    assert first.data is not None and first.data.signedTransactionInfo is not None
    assert (first.data.appAppleId, first.data.bundleId) == (APPLE_ID, BUNDLE_ID)
    transaction = verifier.verify_and_decode_signed_transaction(first.data.signedTransactionInfo)
    assert (transaction.transactionId, transaction.price, transaction.currency) == ("3000000", 9_990, "EUR")
    assert (transaction.revocationPercentage, transaction.revocationDate) == (100_000, dates[0] - HOUR)
    assert transaction.signedDate == dates[0]


def test_a_payload_is_signed_once(sim: Running, pair: KeyPair) -> None:
    many(sim, pair)
    made = apples_client(sim, pair)
    assert payloads(made, request()) == payloads(made, request())


def test_the_order_can_be_turned(sim: Running, pair: KeyPair) -> None:
    dates = many(sim, pair, order="newest_first")
    made = apples_client(sim, pair)
    assert [each.signedDate for each in decoded(apples_verifier(sim), made, request())] == dates[::-1]


@pytest.mark.parametrize(("end", "count"), [("inclusive", 3), ("exclusive", 2)])
def test_both_ends_of_the_time(sim: Running, pair: KeyPair, end: str, count: int) -> None:
    dates = many(sim, pair, end_date=end)
    assert len(payloads(apples_client(sim, pair), request(dates[3], dates[5]))) == count


def test_a_page_belongs_to_its_request(sim: Running, pair: KeyPair) -> None:
    many(sim, pair)
    made = apples_client(sim, pair)
    token = made.get_notification_history(None, request()).paginationToken
    first = made.get_notification_history(token, request())
    # The same page again, as after an answer that was lost.
    assert first.notificationHistory == made.get_notification_history(token, request()).notificationHistory
    assert error_of(made, request(onlyFailures=False), token) is APIError.INVALID_PAGINATION_TOKEN
    assert error_of(made, request(end=NOW - 1), token) is APIError.INVALID_PAGINATION_TOKEN
    assert error_of(made, request(), "made-up") is APIError.INVALID_PAGINATION_TOKEN
    other = apples_client(sim, pair, environment="sandbox")
    assert error_of(other, request(), token) is APIError.INVALID_PAGINATION_TOKEN


def test_a_token_expires(sim: Running, pair: KeyPair) -> None:
    many(sim, pair, pagination_token_life_s=60)
    made = apples_client(sim, pair)
    token = made.get_notification_history(None, request()).paginationToken
    set_clock(sim, frozen_at_ms=NOW + 59_999)
    assert made.get_notification_history(token, request()).notificationHistory
    set_clock(sim, frozen_at_ms=NOW + 60_000)
    assert error_of(made, request(), token) is APIError.PAGINATION_TOKEN_EXPIRED


def test_pages_stay_as_they_were_when_more_arrives(sim: Running, pair: KeyPair) -> None:
    many(sim, pair)
    made = apples_client(sim, pair)
    walk = pages(made, request())
    seen = [item.signedPayload for item in next(walk).notificationHistory or []]
    added = sim.control("POST", f"/apps/{BUNDLE_ID}/notifications", [refund_notice(900, NOW - 21 * DAY)])
    assert added.status_code == 201
    seen += [item.signedPayload for page in walk for item in page.notificationHistory or []]
    assert len(set(seen)) == MANY
    assert len(payloads(made, request())) == MANY + 1


def test_filters(sim: Running, pair: KeyPair) -> None:
    world = history_world(pair)
    bought = [purchase(number, customer="ann" if number < 2 else None) for number in range(3)]
    app_of(world)["transactions"] += bought
    notices = [
        ("CONSUMPTION_REQUEST", "3000000", {"consumption_request_reason": "LEGAL"}),
        ("REFUND_DECLINED", "3000000", {}),
        ("DID_RENEW", "3000001", {"subtype": "BILLING_RECOVERY"}),
        ("DID_RENEW", "3000002", {}),
    ]
    app_of(world)["notifications"] = [
        {"type": kind, "transaction_id": transaction, "signed_date": NOW - DAY, **more}
        for kind, transaction, more in notices
    ]
    put(sim, world)
    made = apples_client(sim, pair)

    def count(**members: Any) -> int:
        return len(payloads(made, request(**members)))

    assert count() == 4
    assert count(notificationType=NotificationTypeV2.DID_RENEW) == 2
    assert count(notificationType=NotificationTypeV2.DID_RENEW, notificationSubtype=Subtype.BILLING_RECOVERY) == 1
    assert count(notificationType=NotificationTypeV2.REFUND) == 0
    # All of Ann's, whichever of her transactions is named.
    assert count(transactionId="3000000") == count(transactionId="3000001") == 3
    assert count(transactionId="3000002") == 1
    (asked,) = decoded(apples_verifier(sim), made, request(notificationType=NotificationTypeV2.CONSUMPTION_REQUEST))
    assert asked.data is not None and asked.data.rawConsumptionRequestReason == "LEGAL"


def test_attempts_come_as_they_are_made(sim: Running, pair: KeyPair) -> None:
    world = history_world(pair)
    attempts = [
        {"date": NOW, "result": "TIMED_OUT"},
        {"date": NOW + HOUR, "result": "TLS_ISSUE"},
        {"date": NOW + 13 * HOUR, "result": "SUCCESS"},
    ]
    app_of(world)["notifications"] = [
        refund_notice(1, NOW, send_attempts=attempts),
        refund_notice(2, NOW),
        refund_notice(3, NOW, send_attempts=[]),
    ]
    put(sim, world)
    made = apples_client(sim, pair)

    def seen(now: int, **members: Any) -> list[list[SendAttemptResult]]:
        set_clock(sim, frozen_at_ms=now)
        page = made.get_notification_history(None, request(end=now + DAY, **members))
        return [[each.sendAttemptResult for each in item.sendAttempts] for item in page.notificationHistory]

    timed_out, success = SendAttemptResult.TIMED_OUT, SendAttemptResult.SUCCESS
    assert seen(NOW - 1) == []
    assert seen(NOW) == [[timed_out], [success]]
    assert seen(NOW, onlyFailures=True) == [[timed_out]]
    assert seen(NOW + 13 * HOUR) == [[timed_out, SendAttemptResult.TLS_ISSUE, success], [success]]
    assert seen(NOW + 13 * HOUR, onlyFailures=True) == []


def test_environments_are_apart(sim: Running, pair: KeyPair) -> None:
    world = history_world(pair)
    app_of(world)["notifications"] = [refund_notice(1, NOW - DAY, environment="Sandbox", bundle_version="7")]
    put(sim, world)
    assert payloads(apples_client(sim, pair), request()) == []
    made = apples_client(sim, pair, environment="sandbox")
    (notification,) = decoded(apples_verifier(sim, environment="sandbox"), made, request())
    assert notification.data is not None
    assert (notification.data.appAppleId, notification.data.bundleVersion) == (APPLE_ID, "7")
    world["server_notifications"] = {"sandbox_app_apple_id": False}
    put(sim, world)
    (notification,) = decoded(apples_verifier(sim, environment="sandbox"), made, request())
    assert notification.data is not None and notification.data.appAppleId is None


@pytest.mark.parametrize(
    "missing", [{"subscription_status_url": None}, {"subscription_status_url_version": "V1"}], ids=["no URL", "V1"]
)
@pytest.mark.parametrize("without_url", ["empty", "error"])
def test_without_a_v2_url(sim: Running, pair: KeyPair, missing: dict[str, Any], without_url: str) -> None:
    many(sim, pair, without_url=without_url)
    made = apples_client(sim, pair)
    assert len(payloads(made, request())) == MANY
    assert sim.control("PATCH", f"/apps/{BUNDLE_ID}", missing).status_code == 200
    if without_url == "empty":
        assert payloads(made, request()) == []
    else:
        assert error_of(made, request()) is APIError.SERVER_NOTIFICATION_URL_NOT_FOUND
    # The URL of the other environment is another matter, and so is a request that is wrong.
    assert payloads(apples_client(sim, pair, environment="sandbox"), request()) == []
    assert error_of(made, request(NOW, NOW)) is APIError.START_DATE_AFTER_END_DATE


def test_an_unreleased_app_is_refused_like_everywhere(sim: Running, pair: KeyPair) -> None:
    put(sim, history_world(pair))
    made = apples_client(sim, pair, environment="sandbox", bundle_id=UNRELEASED)
    assert payloads(made, request()) == []
    with pytest.raises(APIException) as caught:
        payloads(apples_client(sim, pair, bundle_id=UNRELEASED), request())
    assert caught.value.http_status_code == 401
