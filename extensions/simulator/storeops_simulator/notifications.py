# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""App Store Server Notifications V2 that Apple has sent, or tried to send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .purchases import Wire

TYPES: Final = (
    "SUBSCRIBED",
    "DID_CHANGE_RENEWAL_PREF",
    "DID_CHANGE_RENEWAL_STATUS",
    "OFFER_REDEEMED",
    "DID_RENEW",
    "EXPIRED",
    "DID_FAIL_TO_RENEW",
    "GRACE_PERIOD_EXPIRED",
    "PRICE_INCREASE",
    "REFUND",
    "REFUND_DECLINED",
    "CONSUMPTION_REQUEST",
    "RENEWAL_EXTENDED",
    "REVOKE",
    "TEST",
    "RENEWAL_EXTENSION",
    "REFUND_REVERSED",
    "EXTERNAL_PURCHASE_TOKEN",
    "ONE_TIME_CHARGE",
    "RESCIND_CONSENT",
    "METADATA_UPDATE",
    "MIGRATION",
    "PRICE_CHANGE",
)
"""All types (github.com/apple/app-store-server-library-python, NotificationTypeV2.py)."""

SUBTYPES: Final = (
    "INITIAL_BUY",
    "RESUBSCRIBE",
    "DOWNGRADE",
    "UPGRADE",
    "AUTO_RENEW_ENABLED",
    "AUTO_RENEW_DISABLED",
    "VOLUNTARY",
    "BILLING_RETRY",
    "PRICE_INCREASE",
    "GRACE_PERIOD",
    "PENDING",
    "ACCEPTED",
    "BILLING_RECOVERY",
    "PRODUCT_NOT_FOR_SALE",
    "SUMMARY",
    "FAILURE",
    "UNREPORTED",
)
"""All subtypes (the same library, Subtype.py)."""

WITHOUT_SUBTYPE: Final = (
    "REFUND",
    "REFUND_DECLINED",
    "REFUND_REVERSED",
    "CONSUMPTION_REQUEST",
    "REVOKE",
    "TEST",
    "ONE_TIME_CHARGE",
)
"""Types that go with no subtype: an assumption, like that all other types go with every subtype."""

SEND_RESULTS: Final = (
    "SUCCESS",
    "TIMED_OUT",
    "TLS_ISSUE",
    "CIRCULAR_REDIRECT",
    "NO_RESPONSE",
    "SOCKET_ISSUE",
    "UNSUPPORTED_CHARSET",
    "INVALID_RESPONSE",
    "PREMATURE_CLOSE",
    "UNSUCCESSFUL_HTTP_RESPONSE_CODE",
    "OTHER",
)
"""What became of an attempt (the same library, SendAttemptResult.py)."""

MOST_ATTEMPTS: Final = 6

CHAIN_FAULTS: Final = ("wrong_root", "missing_oid", "missing_intermediate_oid", "expired", "short_chain")
"""Faults of the three certificates."""
CONTENT_FAULTS: Final = ("tampered", "wrong_bundle", "wrong_environment", "wrong_apple_id")
"""Faults of what is signed."""
FAULTS: Final = (*CONTENT_FAULTS, *CHAIN_FAULTS)
"""What can be wrong with a signed payload, or with the signed transaction in it."""


@dataclass(frozen=True)
class SendAttempt:
    """One attempt to deliver a notification; the date in UNIX ms."""

    date: int
    result: str


@dataclass(frozen=True, eq=False)
class Notification:
    """One notification. Compared by identity: two may be alike in everything."""

    notification_type: str
    uuid: str
    environment: str
    signed_date: int
    subtype: str | None = None
    version: str = "2.0"
    transaction: Wire | None = None
    """The transaction as it was at the signed date."""
    bundle_version: str | None = None
    consumption_request_reason: str | None = None
    status: int | None = None
    """Of the subscription, 1 to 5."""
    send_attempts: tuple[SendAttempt, ...] = ()
    """Ascending by date; a notification without any was never attempted, and no history lists it."""
    fault: str | None = None
    fault_in_transaction: bool = False
    """The fault is in the signed transaction, and the payload around it is sound."""

    def attempts_until(self, now_ms: int) -> list[SendAttempt]:
        """Give the attempts that have been made by then."""
        return [attempt for attempt in self.send_attempts if attempt.date <= now_ms]

    def transaction_ids(self) -> set[str]:
        """Give the IDs that the notification's transaction names."""
        names = ("transactionId", "originalTransactionId", "appTransactionId")
        fields = self.transaction or {}
        return {str(fields[name]) for name in names if name in fields}
