# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A verified request for consumption information, read strictly. No field about the customer is read.

Source: developer.apple.com/documentation/appstoreservernotifications/consumptionrequestreason
"""

from __future__ import annotations

from .._model.event import ConsumptionRequest
from .refund_fields import Fields, UnexpectedFields, date_field, number_field, text_field


def consumption_of(payload: Fields, transaction: Fields) -> ConsumptionRequest:
    """Return the request of a verified payload and the verified transaction in it. Raises UnexpectedFields."""
    uuid, signed_date = text_field(payload, "notificationUUID"), date_field(payload, "signedDate")
    transaction_id = text_field(transaction, "transactionId")
    if uuid is None or signed_date is None or transaction_id is None:
        raise UnexpectedFields("notificationUUID, signedDate and transactionId are required")
    data = payload.get("data")
    return ConsumptionRequest(
        uuid=uuid,
        signed_date=signed_date,
        transaction_id=transaction_id,
        original_transaction_id=text_field(transaction, "originalTransactionId"),
        product_id=text_field(transaction, "productId"),
        product_type=text_field(transaction, "type"),
        price=number_field(transaction, "price"),
        currency=text_field(transaction, "currency"),
        reason=text_field(data, "consumptionRequestReason") if isinstance(data, dict) else None,
    )
