# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of a transaction: their names in the world, on the wire, and what they may hold.

Wire names: developer.apple.com/documentation/appstoreserverapi/jwstransactiondecodedpayload.
"""

from __future__ import annotations

from typing import Final

from .fields import Fields, InputError
from .world import Transaction

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
_DATES: Final = ("original_purchase_date", "expires_date", "revocation_date")
_DETAILS: Final = ("revocation_reason", "revocation_type", "revocation_percentage")


def read_transaction(value: object, path: str) -> Transaction:
    """Read one transaction of the world; defaults make the shortest entry a paid consumable."""
    fields = Fields(value, path, tuple(WIRE_NAMES))
    values: dict[str, str | int] = {
        "transaction_id": fields.text("transaction_id", r"[0-9]+", "be digits in quotes"),
        "product_id": fields.text("product_id"),
        "environment": fields.choice("environment", ENVIRONMENTS, "Production"),
        "purchase_date": _milliseconds(fields, "purchase_date"),
        "quantity": fields.integer("quantity", 1) if fields.has("quantity") else 1,
        "type": fields.choice("type", _TYPES, "Consumable"),
        "in_app_ownership_type": fields.choice("in_app_ownership_type", _OWNERSHIP, "PURCHASED"),
        "transaction_reason": fields.choice("transaction_reason", _REASONS, "PURCHASE"),
        "price": fields.integer("price"),
        "currency": fields.text("currency", r"[A-Z]{3}", "be three capitals, like USD"),
        **_storefront(fields),
        **_revocation(fields),
    }
    values["original_transaction_id"] = (
        fields.text("original_transaction_id", r"[0-9]+", "be digits in quotes")
        if fields.has("original_transaction_id")
        else values["transaction_id"]
    )
    values["original_purchase_date"] = values["purchase_date"]
    values.update({name: _milliseconds(fields, name) for name in _DATES if fields.has(name)})
    if fields.has("subscription_group_id"):
        values["subscription_group_id"] = fields.text("subscription_group_id")
    wire = {WIRE_NAMES[name]: value for name, value in values.items()}
    return Transaction(str(values["transaction_id"]), str(values["environment"]), wire)


def write_transaction(transaction: Transaction) -> dict[str, str | int]:
    """Write a transaction in the world's own names, so that it can be read again."""
    names = {wire: name for name, wire in WIRE_NAMES.items()}
    return {names[wire]: value for wire, value in transaction.fields.items()}


def _storefront(fields: Fields) -> dict[str, str | int]:
    if not fields.has("storefront"):
        return {"storefront": "USA", "storefront_id": "143441"}
    return {
        "storefront": fields.text("storefront", r"[A-Z]{3}", "be three capitals, like USA"),
        "storefront_id": fields.text("storefront_id", r"[0-9]+", "be digits in quotes"),
    }


def _revocation(fields: Fields) -> dict[str, str | int]:
    details = [name for name in _DETAILS if fields.has(name)]
    if details and not fields.has("revocation_date"):
        raise InputError(fields.at(details[0]), "needs revocation_date beside it")
    values: dict[str, str | int] = {}
    if fields.has("revocation_reason"):
        values["revocation_reason"] = fields.integer("revocation_reason", 0, 1)
    if fields.has("revocation_type"):
        # Not a closed list: Apple adds types, and clients have to bear with unknown ones.
        values["revocation_type"] = fields.text("revocation_type", r"\w+", "be one word")
    if fields.has("revocation_percentage"):
        values["revocation_percentage"] = fields.integer("revocation_percentage", 0, _FULL_PERCENTAGE)
    return values


def _milliseconds(fields: Fields, name: str) -> int:
    value = fields.integer(name)
    if value < _LEAST_MS:
        raise InputError(fields.at(name), f"must be UNIX milliseconds, not seconds ({value})")
    return value
