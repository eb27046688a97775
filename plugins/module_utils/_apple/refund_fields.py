# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A verified notification's fields, read strictly: a number that is none must not become money.

No appAccountToken or any other field about the customer is read.
Source: developer.apple.com/documentation/appstoreserverapi/jwstransactiondecodedpayload
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._model.identifiers import is_storable
from .._model.refund import FULL_PERCENTAGE, Notification, Refund

Fields = t.Mapping[str, t.Any]
# What a signed 64-bit column holds.
_LARGEST = 2**63 - 1
# From 9999 on, dates have no four-digit year any more.
_LATEST_DATE = 253_402_300_799_999


class UnexpectedFields(Exception):
    """A required field is missing, or one has another type or range than Apple documents."""


def notification_of(payload: Fields, transaction: Fields) -> Notification:
    """Return a notification from its verified payload and the verified transaction in it."""
    kind = payload.get("notificationType")
    if kind not in ("REFUND", "REFUND_REVERSED", "REFUND_DECLINED"):
        raise UnexpectedFields("notificationType")
    uuid, signed_date = text_field(payload, "notificationUUID"), date_field(payload, "signedDate")
    transaction_id = text_field(transaction, "transactionId")
    revocation_date = date_field(transaction, "revocationDate")
    if uuid is None or signed_date is None or transaction_id is None:
        raise UnexpectedFields("notificationUUID, signedDate and transactionId are required")
    if kind != "REFUND":
        return Notification(uuid, kind, signed_date, transaction_id, revocation_date)
    refunds = _refunds(transaction, transaction_id, uuid, signed_date)
    date = refunds[-1].revocation_date if revocation_date is None else revocation_date
    return Notification(uuid, kind, signed_date, transaction_id, date, refunds)


def refunds_of(transaction: Fields) -> tuple[Refund, ...]:
    """Return the refunds that a verified transaction of Refund History tells of; no notification told of them."""
    transaction_id, signed_date = text_field(transaction, "transactionId"), date_field(transaction, "signedDate")
    if transaction_id is None or signed_date is None:
        raise UnexpectedFields("transactionId and signedDate are required")
    return _refunds(transaction, transaction_id, "", signed_date)


def _refunds(fields: Fields, transaction_id: str, uuid: str, signed_date: int) -> tuple[Refund, ...]:
    """Return the refunds of a transaction by date: those of its items where it has such, else that of the whole."""
    sums = _sums_of_items(fields)
    if not sums:
        date = date_field(fields, "revocationDate")
        if date is None:
            raise UnexpectedFields("a refund needs its revocationDate")
        return (_refund(fields, transaction_id, date, uuid, signed_date),)
    found = []
    for date in sorted(sums):
        # An item's refund without a sum is worth nobody knows what, and never the price of the whole transaction.
        known = {"price": None} if sums[date] is None else {}
        one = _refund({**fields, **known, "revocationPercentage": None}, transaction_id, date, uuid, signed_date)
        found.append(replace(one, refunded=sums[date]))
    return tuple(found)


def _sums_of_items(fields: Fields) -> dict[int, int | None]:
    """Return what was refunded of a transaction's items by date; None where a sum is missing.

    Apple gives these to transactions of the Advanced Commerce API, each time all of them. Their dates are taken even
    where the transaction has a revocationDate: that one may move with a further refund, and then they would count twice
    (unverified). Source: developer.apple.com/documentation/appstoreserverapi/advancedcommercerefund
    """
    found: dict[int, int | None] = {}
    for item in _mappings(_mapping(fields, "advancedCommerceInfo"), "items"):
        for refund in _mappings(item, "refunds"):
            dates = (
                date_field(refund, "refundDate"),
                date_field(item, "revocationDate"),
                date_field(fields, "revocationDate"),
            )
            date = next((one for one in dates if one is not None), None)
            if date is None:
                raise UnexpectedFields("a refund needs its refundDate")
            amount, before = number_field(refund, "refundAmount"), found.get(date, 0)
            found[date] = None if amount is None or before is None else amount + before
    if any(total is not None and total > _LARGEST for total in found.values()):
        raise UnexpectedFields("refundAmount")
    return found


def _refund(fields: Fields, transaction_id: str, revocation_date: int, uuid: str, signed_date: int) -> Refund:
    return Refund(
        transaction_id=transaction_id,
        revocation_date=revocation_date,
        original_transaction_id=text_field(fields, "originalTransactionId"),
        product_id=text_field(fields, "productId"),
        product_type=text_field(fields, "type"),
        quantity=number_field(fields, "quantity"),
        purchase_date=date_field(fields, "purchaseDate"),
        price=number_field(fields, "price"),
        currency=text_field(fields, "currency"),
        percentage=number_field(fields, "revocationPercentage", FULL_PERCENTAGE),
        revocation_reason=number_field(fields, "revocationReason"),
        revocation_type=text_field(fields, "revocationType"),
        ownership=text_field(fields, "inAppOwnershipType"),
        storefront=text_field(fields, "storefront"),
        first_notification_uuid=uuid,
        first_signed_date=signed_date,
    )


def _mapping(fields: Fields, name: str) -> Fields:
    value = fields.get(name)
    if value is not None and not isinstance(value, dict):
        raise UnexpectedFields(name)
    return value or {}


def _mappings(fields: Fields, name: str) -> list[Fields]:
    value = fields.get(name)
    if value is not None and not (isinstance(value, list) and all(isinstance(one, dict) for one in value)):
        raise UnexpectedFields(name)
    return value or []


def text_field(fields: Fields, name: str) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value or len(value) > 1024 or not is_storable(value):
        raise UnexpectedFields(name)
    return value


def number_field(fields: Fields, name: str, largest: int = _LARGEST) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= largest:
        raise UnexpectedFields(name)
    return value


def date_field(fields: Fields, name: str) -> int | None:
    return number_field(fields, name, _LATEST_DATE)
