# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A verified notification's fields, read strictly: a number that is none must not become money.

No appAccountToken or any other field about the customer is read.
Source: developer.apple.com/documentation/appstoreserverapi/jwstransactiondecodedpayload
"""

from __future__ import annotations

import typing as t

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
    uuid, signed_date = _text(payload, "notificationUUID"), _date(payload, "signedDate")
    transaction_id = _text(transaction, "transactionId")
    revocation_date = _date(transaction, "revocationDate")
    if uuid is None or signed_date is None or transaction_id is None:
        raise UnexpectedFields("notificationUUID, signedDate and transactionId are required")
    if kind != "REFUND":
        return Notification(uuid, kind, signed_date, transaction_id, revocation_date)
    if revocation_date is None:
        raise UnexpectedFields("a refund needs its revocationDate")
    refund = _refund(transaction, transaction_id, revocation_date, uuid, signed_date)
    return Notification(uuid, kind, signed_date, transaction_id, revocation_date, refund)


def refund_of(transaction: Fields) -> Refund:
    """Return the refund that a verified transaction of Refund History tells of; no notification told of it."""
    transaction_id, revocation_date = _text(transaction, "transactionId"), _date(transaction, "revocationDate")
    signed_date = _date(transaction, "signedDate")
    if transaction_id is None or revocation_date is None or signed_date is None:
        raise UnexpectedFields("transactionId, revocationDate and signedDate are required")
    return _refund(transaction, transaction_id, revocation_date, "", signed_date)


def _refund(fields: Fields, transaction_id: str, revocation_date: int, uuid: str, signed_date: int) -> Refund:
    return Refund(
        transaction_id=transaction_id,
        revocation_date=revocation_date,
        original_transaction_id=_text(fields, "originalTransactionId"),
        product_id=_text(fields, "productId"),
        product_type=_text(fields, "type"),
        quantity=_number(fields, "quantity"),
        purchase_date=_date(fields, "purchaseDate"),
        price=_number(fields, "price"),
        currency=_text(fields, "currency"),
        percentage=_number(fields, "revocationPercentage", FULL_PERCENTAGE),
        revocation_reason=_number(fields, "revocationReason"),
        revocation_type=_text(fields, "revocationType"),
        ownership=_text(fields, "inAppOwnershipType"),
        storefront=_text(fields, "storefront"),
        first_notification_uuid=uuid,
        first_signed_date=signed_date,
    )


def _text(fields: Fields, name: str) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value or len(value) > 1024 or not is_storable(value):
        raise UnexpectedFields(name)
    return value


def _number(fields: Fields, name: str, largest: int = _LARGEST) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= largest:
        raise UnexpectedFields(name)
    return value


def _date(fields: Fields, name: str) -> int | None:
    return _number(fields, name, _LATEST_DATE)
