# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of a transaction: their names in the world, on the wire, and what they may hold.

Wire names: developer.apple.com/documentation/appstoreserverapi/jwstransactiondecodedpayload.
"""

from __future__ import annotations

from typing import Final

from .fields import Fields, InputError
from .purchases import Revocation, Transaction, Wire

ENVIRONMENTS: Final = ("Production", "Sandbox")
_TYPES: Final = (
    "Auto-Renewable Subscription",
    "Non-Consumable",
    "Consumable",
    "Non-Renewing Subscription",
)
_OWNERSHIP: Final = ("PURCHASED", "FAMILY_SHARED")
_REASONS: Final = ("PURCHASE", "RENEWAL")
_FULL_PERCENTAGE: Final = 100_000
# Any date before 2001-09-09 in ms is below this; a smaller number is a date in seconds.
_LEAST_MS: Final = 1_000_000_000_000

WIRE_NAMES: Final = {
    "transaction_id": "transactionId",
    "original_transaction_id": "originalTransactionId",
    "app_transaction_id": "appTransactionId",
    "app_account_token": "appAccountToken",
    "product_id": "productId",
    "subscription_group_id": "subscriptionGroupIdentifier",
    "environment": "environment",
    "purchase_date": "purchaseDate",
    "original_purchase_date": "originalPurchaseDate",
    "expires_date": "expiresDate",
    "quantity": "quantity",
    "type": "type",
    "in_app_ownership_type": "inAppOwnershipType",
    "transaction_reason": "transactionReason",
    "storefront": "storefront",
    "storefront_id": "storefrontId",
    "price": "price",
    "currency": "currency",
    "revocation_date": "revocationDate",
    "revocation_reason": "revocationReason",
    "revocation_type": "revocationType",
    "revocation_percentage": "revocationPercentage",
}
_WORLD_NAMES: Final = {wire: name for name, wire in WIRE_NAMES.items()}
_DATES: Final = ("original_purchase_date", "expires_date")
_IDS: Final = ("subscription_group_id", "app_transaction_id", "app_account_token")
_DETAILS: Final = ("revocation_reason", "revocation_type", "revocation_percentage")


def read_transaction(value: object, path: str) -> Transaction:
    """Read one transaction of the world; defaults make the shortest entry a paid consumable."""
    fields = Fields(value, path, (*WIRE_NAMES, "customer", "reversal_date"))
    values: dict[str, str | int] = {
        "transaction_id": fields.text("transaction_id", r"[0-9]+", "be digits in quotes"),
        "product_id": fields.text("product_id"),
        "environment": fields.choice("environment", ENVIRONMENTS, "Production"),
        "purchase_date": read_milliseconds(fields, "purchase_date"),
        "quantity": fields.integer("quantity", 1) if fields.has("quantity") else 1,
        "type": fields.choice("type", _TYPES, "Consumable"),
        "in_app_ownership_type": fields.choice("in_app_ownership_type", _OWNERSHIP, "PURCHASED"),
        "transaction_reason": fields.choice("transaction_reason", _REASONS, "PURCHASE"),
        "currency": fields.text("currency", r"[A-Z]{3}", "be three capitals, like USD"),
        **_storefront(fields),
    }
    if "price" not in fields.names() or fields.has("price"):
        values["price"] = fields.integer("price")
    values["original_transaction_id"] = (
        fields.text("original_transaction_id", r"[0-9]+", "be digits in quotes")
        if fields.has("original_transaction_id")
        else values["transaction_id"]
    )
    values["original_purchase_date"] = values["purchase_date"]
    values.update({name: read_milliseconds(fields, name) for name in _DATES if fields.has(name)})
    values.update({name: fields.text(name) for name in _IDS if fields.has(name)})
    return Transaction(
        transaction_id=str(values["transaction_id"]),
        environment=str(values["environment"]),
        fields=_wire(values),
        customer=fields.text("customer", r"[^\x00:][^\x00]*", "not start with a colon")
        if fields.has("customer")
        else None,
        revocations=_revocations(fields),
    )


def write_transaction(transaction: Transaction) -> dict[str, str | int | None]:
    """Write a transaction in the world's own names, so that it can be read again."""
    written = write_fields(transaction.fields)
    if transaction.customer is not None:
        written["customer"] = transaction.customer
    for revocation in transaction.revocations:
        written.update(write_fields(revocation.fields))
        if revocation.reversed_at is not None:
            written["reversal_date"] = revocation.reversed_at
    if "price" not in transaction.fields:
        written["price"] = None
    return written


def write_fields(wire: Wire) -> dict[str, str | int | None]:
    """Write wire fields in the world's own names."""
    return {_WORLD_NAMES[name]: value for name, value in wire.items()}


def _wire(values: Wire) -> Wire:
    return {WIRE_NAMES[name]: value for name, value in values.items()}


def _storefront(fields: Fields) -> dict[str, str | int]:
    if not fields.has("storefront"):
        return {"storefront": "USA", "storefront_id": "143441"}
    return {
        "storefront": fields.text("storefront", r"[A-Z]{3}", "be three capitals, like USA"),
        "storefront_id": fields.text("storefront_id", r"[0-9]+", "be digits in quotes"),
    }


def _revocations(fields: Fields) -> tuple[Revocation, ...]:
    details = [name for name in (*_DETAILS, "reversal_date") if fields.has(name)]
    if not fields.has("revocation_date"):
        if details:
            raise InputError(fields.at(details[0]), "needs revocation_date beside it")
        return ()
    date = read_milliseconds(fields, "revocation_date")
    reversed_at = read_milliseconds(fields, "reversal_date") if fields.has("reversal_date") else None
    if reversed_at is not None and reversed_at <= date:
        raise InputError(fields.at("reversal_date"), "must be after revocation_date")
    values: dict[str, str | int] = {"revocation_date": date}
    if fields.has("revocation_reason"):
        values["revocation_reason"] = fields.integer("revocation_reason", 0, 1)
    if fields.has("revocation_type"):
        # Not a closed list: Apple adds types, and clients have to bear with unknown ones.
        values["revocation_type"] = fields.text("revocation_type", r"\w+", "be one word")
    if fields.has("revocation_percentage"):
        values["revocation_percentage"] = fields.integer("revocation_percentage", 0, _FULL_PERCENTAGE)
    return (Revocation(date, _wire(values), reversed_at),)


def read_milliseconds(fields: Fields, name: str) -> int:
    """Read a required date in UNIX ms; one that can only be in seconds is refused."""
    value = fields.integer(name)
    if value < _LEAST_MS:
        raise InputError(fields.at(name), f"must be UNIX milliseconds, not seconds ({value})")
    return value
