# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happened, as rulebooks see it: refunds, reversals, declined requests, and requests for consumption information.

docs/refund-event.schema.json describes the body. It holds no customer data beyond what the ledger keeps.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from types import MappingProxyType

from .money import units
from .refund import Notification, Refund, iso_time

Kind = t.Literal["refund", "refund_reversed", "refund_declined", "consumption_request"]
UNKNOWN = "unknown"
# developer.apple.com/documentation/appstoreservernotifications/notificationtype: answer within 12 hours.
ANSWER_WITHIN_MS = 12 * 3_600_000

# In words, by whether it is shared within a family (then nobody was paid) and whether it is reversed already.
_ENDED = {
    (False, False): "Refund",
    (False, True): "Refund, reversed already",
    (True, False): "Access within a family ended",
    (True, True): "Access within a family ended, given back already",
}
_GIVEN_BACK = {False: "Refund reversed", True: "Access within a family given back"}


@dataclass(frozen=True)
class Event:
    """``key`` names what happened, once for an app. ``signed_date`` is UNIX milliseconds, ``fields`` go into JSON."""

    kind: Kind
    key: str
    signed_date: int
    fields: t.Mapping[str, t.Any]


@dataclass(frozen=True)
class ConsumptionRequest:
    """A verified CONSUMPTION_REQUEST: a customer asked Apple for a refund, and Apple asks the developer."""

    uuid: str
    signed_date: int
    transaction_id: str
    original_transaction_id: str | None
    product_id: str | None
    product_type: str | None
    price: int | None
    currency: str | None
    reason: str | None

    def event(self) -> Event:
        fields = {
            "notification_uuid": self.uuid,
            "transaction_id": self.transaction_id,
            "original_transaction_id": self.original_transaction_id,
            "product_id": self.product_id,
            "product_type": self.product_type,
            "price_milliunits": UNKNOWN if self.price is None or self.currency is None else self.price,
            "currency": self.currency,
            "request_reason": self.reason,
            "answer_until": iso_time(self.signed_date + ANSWER_WITHIN_MS),
            "price": _amount(self.price, self.currency),
            "what": "Consumption information is asked for",
        }
        return Event("consumption_request", f"consumption/{self.uuid}", self.signed_date, fields)


def events_of(
    steps: t.Iterable[tuple[Refund | None, Refund]],
    told: t.Iterable[Notification],
    reversals: t.Mapping[tuple[str, int], Notification] = MappingProxyType({}),
    unmatched: t.Iterable[Notification] = (),
) -> list[Event]:
    """Return what is new: ``steps`` are refunds before (None: not held) and after, ``told`` new notifications.

    ``reversals``: what reversed refunds, by their keys. ``unmatched``: new reversals of refunds that aren't held.
    A refund that is told again under another UUID is no news, and neither is what is learnt later about its amount.
    """
    found: list[Event] = []
    for before, after in steps:
        place = f"{after.transaction_id}/{after.revocation_date}"
        # Its reversal may have been told before it: a rule then tells by this what holds now.
        is_over = {} if after.reversed_at is None else {"reversed_at": iso_time(after.reversed_at)}
        if before is None:
            fields = _refund_fields(after) | is_over
            fields["what"] = _ENDED[after.is_family_shared, bool(is_over)]
            found.append(Event("refund", f"refund/{place}", after.first_signed_date, fields))
        if after.reversed_at is not None and (before is None or before.reversed_at is None):
            fields = _refund_fields(after) | is_over
            fields["what"] = _GIVEN_BACK[after.is_family_shared]
            cause = reversals.get(after.key)
            if cause is not None:
                fields["notification_uuid"] = cause.uuid
            # The same before and after the refund is known: the history may tell of it later.
            key = f"reversed/{place if cause is None else cause.uuid}"
            found.append(Event("refund_reversed", key, after.reversed_at, fields))
    found += [_unmatched(one) for one in unmatched]
    for one in told:
        if one.type == "REFUND_DECLINED":
            fields = {"notification_uuid": one.uuid, "transaction_id": one.transaction_id, "what": "Refund declined"}
            found.append(Event("refund_declined", f"declined/{one.uuid}", one.signed_date, fields))
    return sorted(found, key=lambda event: event.signed_date)


def _unmatched(one: Notification) -> Event:
    """Return the reversal of a refund of which nothing else is known."""
    unknown = ("original_transaction_id", "product_id", "product_type", "quantity", "currency", "reason")
    fields = {
        **dict.fromkeys((*unknown, "revocation_type", "storefront")),
        "notification_uuid": one.uuid,
        "transaction_id": one.transaction_id,
        "refund_date": None if one.revocation_date is None else iso_time(one.revocation_date),
        "amount": UNKNOWN,
        "amount_milliunits": UNKNOWN,
        "amount_is_assumed_full": False,
        "is_family_shared": False,
        "reversed_at": iso_time(one.signed_date),
        "what": _GIVEN_BACK[False],
    }
    return Event("refund_reversed", f"reversed/{one.uuid}", one.signed_date, fields)


def _amount(milliunits: int | None, currency: str | None) -> str:
    """Return an amount as people write it, with its currency."""
    return UNKNOWN if milliunits is None or currency is None else f"{units(milliunits, currency)} {currency}"


def _refund_fields(refund: Refund) -> dict[str, t.Any]:
    return {
        "notification_uuid": refund.first_notification_uuid,
        "transaction_id": refund.transaction_id,
        "original_transaction_id": refund.original_transaction_id,
        "product_id": refund.product_id,
        "product_type": refund.product_type,
        "quantity": refund.quantity,
        "refund_date": iso_time(refund.revocation_date),
        "amount": _amount(refund.amount, refund.currency),
        "amount_milliunits": UNKNOWN if refund.amount is None else refund.amount,
        "amount_is_assumed_full": refund.assumed_full,
        "currency": refund.currency,
        "is_family_shared": refund.is_family_shared,
        "reason": refund.revocation_reason,
        "revocation_type": refund.revocation_type,
        "storefront": refund.storefront,
    }
