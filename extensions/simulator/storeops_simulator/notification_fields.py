# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the notifications of an app, and writing them back."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Final

from .fields import Fields, InputError
from .notifications import CHAIN_FAULTS, FAULTS, MOST_ATTEMPTS, SEND_RESULTS, Notification, SendAttempt
from .purchases import Transaction, Wire
from .transaction_fields import ENVIRONMENTS, read_milliseconds, read_transaction, write_fields

_NOTIFICATION: Final = (
    "type",
    "subtype",
    "uuid",
    "environment",
    "signed_date",
    "version",
    "transaction_id",
    "transaction",
    "bundle_version",
    "consumption_request_reason",
    "status",
    "send_attempts",
    "fault",
    "fault_in",
)
_WORD: Final = (r"\w+", "be one word")
_UUID: Final = (r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "be a UUID")
_PLACES: Final = ("payload", "transaction")
_TRANSACTION_FAULTS: Final = ("tampered", "wrong_bundle", "wrong_environment", *CHAIN_FAULTS)
_LAST_STATUS: Final = 5
_WITHOUT_REVOCATION: Final = ("REFUND_REVERSED", "REFUND_DECLINED")
_WITH_REVOCATION: Final = ("REFUND", "REVOKE")
_REVOCATION: Final = ("revocationDate", "revocationReason", "revocationType", "revocationPercentage")

Known = Iterable[Transaction]
"""The transactions of the app that a notification may name."""


def read_notification(value: object, path: str, known: Known) -> Notification:
    """Read one notification; the shortest one has `type`, `signed_date` and `transaction_id`."""
    fields = Fields(value, path, _NOTIFICATION)
    kind = fields.text("type", *_WORD)
    environment = fields.choice("environment", ENVIRONMENTS, "Production")
    signed_date = read_milliseconds(fields, "signed_date")
    fault, in_transaction = _fault(fields)
    return Notification(
        notification_type=kind,
        uuid=fields.text("uuid", *_UUID) if fields.has("uuid") else str(uuid.uuid4()),
        environment=environment,
        signed_date=signed_date,
        subtype=fields.text("subtype", *_WORD) if fields.has("subtype") else None,
        version=fields.optional_text("version") or "2.0",
        transaction=_transaction(fields, kind, (environment, signed_date), known),
        bundle_version=fields.optional_text("bundle_version"),
        consumption_request_reason=fields.optional_text("consumption_request_reason"),
        status=fields.integer("status", 1, _LAST_STATUS) if fields.has("status") else None,
        send_attempts=_attempts(fields, signed_date),
        fault=fault,
        fault_in_transaction=in_transaction,
    )


def write_notification(notification: Notification) -> dict[str, object]:
    """Write a notification so that it can be read again, with its transaction in full."""
    place = _PLACES[notification.fault_in_transaction]
    optional: dict[str, object] = {
        "subtype": notification.subtype,
        "bundle_version": notification.bundle_version,
        "consumption_request_reason": notification.consumption_request_reason,
        "status": notification.status,
        "transaction": _write_transaction(notification.transaction) if notification.transaction else None,
        "fault": notification.fault,
        "fault_in": place if notification.fault else None,
    }
    return {
        "type": notification.notification_type,
        "uuid": notification.uuid,
        "environment": notification.environment,
        "signed_date": notification.signed_date,
        "version": notification.version,
        **{name: value for name, value in optional.items() if value is not None},
        "send_attempts": [{"date": each.date, "result": each.result} for each in notification.send_attempts],
    }


def _write_transaction(wire: Wire) -> dict[str, str | int | None]:
    written = write_fields(wire)
    return written if "price" in wire else {**written, "price": None}


def _fault(fields: Fields) -> tuple[str | None, bool]:
    if not fields.has("fault"):
        if fields.has("fault_in"):
            raise InputError(fields.at("fault_in"), "needs fault beside it")
        return None, False
    in_transaction = fields.choice("fault_in", _PLACES, "payload") == "transaction"
    if in_transaction and not (fields.has("transaction") or fields.has("transaction_id")):
        raise InputError(fields.at("fault_in"), "there is no transaction")
    return fields.choice("fault", _TRANSACTION_FAULTS if in_transaction else FAULTS), in_transaction


def _transaction(fields: Fields, kind: str, place: tuple[str, int], known: Known) -> Wire | None:
    environment = place[0]
    if not fields.has("transaction"):
        return _named(fields, kind, place, known) if fields.has("transaction_id") else None
    if fields.has("transaction_id"):
        raise InputError(fields.at("transaction"), "stands beside transaction_id; give one")
    path = fields.at("transaction")
    raw = fields.raw("transaction")
    # A sandbox notification is about a sandbox transaction; saying it once is enough.
    given = {"environment": environment, **raw} if isinstance(raw, dict) else raw
    read = read_transaction(given, path)
    if read.environment != environment:
        raise InputError(f"{path}.environment", f"must be that of the notification, {environment}")
    if read.customer is not None or any(each.reversed_at is not None for each in read.revocations):
        raise InputError(path, "is what was signed; customer and reversal_date belong to the app's own transactions")
    return {**read.fields, **(read.revocations[0].fields if read.revocations else {})}


def _named(fields: Fields, kind: str, place: tuple[str, int], known: Known) -> Wire:
    environment, signed_date = place
    transaction_id, at = fields.text("transaction_id"), fields.at("transaction_id")
    found = next(
        (each for each in known if (each.environment, each.transaction_id) == (environment, transaction_id)), None
    )
    if found is None:
        raise InputError(at, f"the app has no transaction {transaction_id!r} in {environment}")
    wire = found.fields_at(signed_date)
    if kind in _WITH_REVOCATION and "revocationDate" not in wire:
        raise InputError(
            at, f"{transaction_id} is not refunded at signed_date; give transaction with all fields instead"
        )
    if kind in _WITHOUT_REVOCATION:
        return {name: each for name, each in wire.items() if name not in _REVOCATION}
    return wire


def _attempts(fields: Fields, signed_date: int) -> tuple[SendAttempt, ...]:
    if fields.raw("send_attempts") is None:
        return (SendAttempt(signed_date, "SUCCESS"),)
    attempts = [_attempt(value, path) for path, value in fields.entries("send_attempts")]
    if len(attempts) > MOST_ATTEMPTS:
        raise InputError(fields.at("send_attempts"), f"must be at most {MOST_ATTEMPTS}")
    return tuple(sorted(attempts, key=lambda attempt: attempt.date))


def _attempt(value: object, path: str) -> SendAttempt:
    fields = Fields(value, path, ("date", "result"))
    return SendAttempt(read_milliseconds(fields, "date"), fields.choice("result", SEND_RESULTS, "SUCCESS"))
