# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What customers of the playground's apps bought, what was refunded, and what Apple told of it."""

from __future__ import annotations

import time
import typing as t

Json = dict[str, t.Any]
NOTIFIED: Json = {
    "subscription_status_url": "https://example.com/notifications",
    "subscription_status_url_version": "V2",
    "subscription_status_url_for_sandbox": "https://refunds.example.com/apple",
    "subscription_status_url_version_for_sandbox": "V2",
}
HOUR = 3_600_000
DAY = 24 * HOUR


def _bought(number: int, price: int | None, currency: str, **fields: t.Any) -> Json:
    return {
        "transaction_id": str(2_000_000_000_000_000 + number),
        "product_id": "coins",
        "price": price,
        "currency": currency,
        **fields,
    }


def _told(kind: str, transaction: Json, signed: int, **fields: t.Any) -> Json:
    return {"type": kind, "signed_date": signed, "transaction_id": transaction["transaction_id"], **fields}


def _refunds() -> list[tuple[int, Json]]:
    """Refunded purchases, each with the days since: in part, in full, for one customer, of unknown share and price."""
    full = {"revocation_type": "REFUND_FULL", "revocation_percentage": 100_000}
    share = {"revocation_type": "REFUND_PRORATED", "revocation_percentage": 33_333}
    family = {"in_app_ownership_type": "FAMILY_SHARED", "revocation_type": "FAMILY_REVOKE"}
    return [
        (3, _bought(1, 9990, "EUR", customer="ann", revocation_reason=1, **share)),
        (5, _bought(2, 4990, "USD", customer="ann", revocation_reason=0, **full)),
        (8, _bought(3, 1_200_000, "JPY", revocation_reason=1)),
        (15, _bought(4, 4990, "USD", revocation_reason=0, **family)),
        (20, _bought(5, None, "EUR", revocation_reason=0, **full)),
    ]


def app_with_refunds(now: int) -> Json:
    """Transactions and notifications of an app. ``now``: UNIX milliseconds."""
    transactions, notifications = [], []
    for days, bought in _refunds():
        refunded = now - days * DAY
        transactions.append({**bought, "purchase_date": refunded - DAY, "revocation_date": refunded})
        notifications.append(_told("REFUND", bought, refunded + HOUR))
    reversed_ = _bought(6, 9990, "EUR", purchase_date=now - 14 * DAY, revocation_reason=1)
    dates = {"revocation_date": now - 12 * DAY, "reversal_date": now - 10 * DAY}
    kept = _bought(7, 990, "EUR", purchase_date=now - 9 * DAY)
    transactions += [{**reversed_, **dates}, kept]
    notifications += [
        _told("REFUND", reversed_, now - 12 * DAY + HOUR),
        _told("REFUND_REVERSED", reversed_, now - 10 * DAY + HOUR),
        _told("REFUND_DECLINED", kept, now - 7 * DAY),
    ]
    return {**NOTIFIED, "transactions": transactions, "notifications": notifications}


def app_with_a_forgery(now: int) -> Json:
    """The same with a refund that can't be verified."""
    bought = _bought(101, 990, "EUR", purchase_date=now - 4 * DAY, revocation_date=now - 3 * DAY)
    told = _told("REFUND", bought, now - 2 * DAY, fault="tampered")
    return {**NOTIFIED, "transactions": [bought], "notifications": [told]}


def milliseconds() -> int:
    """Return UNIX milliseconds now, of a whole second."""
    return int(time.time()) * 1000
