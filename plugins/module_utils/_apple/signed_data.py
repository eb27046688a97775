# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Notifications verified with Apple's own library, and the reason by name where that fails.

Source: developer.apple.com/documentation/appstoreservernotifications/responsebodyv2decodedpayload
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import traceback
import typing as t

from .._model.apple_id import ids_told
from .._model.event import ConsumptionRequest
from .._model.foreign_json import json_object
from .._model.identifiers import Environment
from .._model.refund import NOTIFICATION_TYPES, Notification, NotificationType, Refund, Rejected
from .consumption_fields import consumption_of
from .quick_verifier import make_verifier
from .refund_fields import UnexpectedFields, notification_of, refunds_of
from .root_certificate import Root
from .signature_faults import fault_of

try:
    from appstoreserverlibrary.signed_data_verifier import VerificationException, VerificationStatus
except ImportError:
    LIBRARY_ERROR: str | None = traceback.format_exc()
else:
    LIBRARY_ERROR = None

_UUID = re.compile(r"[A-Za-z0-9-]{1,64}")
# The parts of a notification that name its app.
_ABOUT = ("data", "summary", "externalPurchaseToken", "appData")
# Why a payload is in quarantine.
REASONS = (
    "undecodable",
    "missing_chain",
    "wrong_algorithm",
    "wrong_chain_length",
    "unreadable_certificate",
    "wrong_root",
    "broken_chain",
    "expired",
    "not_yet_valid",
    "missing_oid",
    "unsuitable_chain",
    "tampered",
    "wrong_bundle_id",
    "wrong_apple_id",
    "wrong_environment",
    "wrong_type",
    "missing_transaction",
    "unexpected_fields",
    "verification_failed",
)

# Apple's library compares the numbers of an app, and reads fields, only of what it has found signed.
_SIGNED = frozenset({"wrong_apple_id", "unexpected_fields"})

Fields = t.Mapping[str, t.Any]


class _Refused(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SignedData:
    """Verifies for one app. ``app_apple_id`` is required for production (Apple's library insists)."""

    def __init__(self, root: Root, environment: Environment, bundle_id: str, app_apple_id: int | None) -> None:
        self._root = root
        self._bundle_id = bundle_id
        self._app_apple_id = app_apple_id
        # As Apple's payloads name it.
        self._environment = "Production" if environment == "production" else "Sandbox"
        self._verifier = make_verifier(root, environment, bundle_id, app_apple_id)

    def notification(self, signed_payload: object, wanted: NotificationType) -> Notification | Rejected:
        """Return what a ``signedPayload`` of the type asked for says, or why it can't be taken."""
        text = _text(signed_payload)
        claimed = claims(text) or {}
        try:
            self._verified(text, self._verifier.verify_and_decode_notification)
            if claimed.get("notificationType") != wanted:
                raise _Refused("wrong_type")
            return notification_of(claimed, self._transaction(claimed))
        except _Refused as refused:
            reason = refused.reason
        except UnexpectedFields:
            reason = "unexpected_fields"
        detail = self._numbers(claimed) if reason == "wrong_apple_id" else ""
        return Rejected(payload_sha256(signed_payload), _uuid(claimed), reason, _date(claimed), detail=detail)

    def told(self, signed_payload: object) -> Notification | ConsumptionRequest | str | Rejected:
        """Return what a ``signedPayload`` of any type says; of a type that is nothing to us, the type itself.

        ``Rejected``: it can't be taken. It need not be a forgery: see its reason, and ``is_apples``.
        """
        text = _text(signed_payload)
        claimed = claims(text) or {}
        is_apples = False
        try:
            self._verified(text, self._verifier.verify_and_decode_notification)
            is_apples = True
            kind = str(claimed.get("notificationType"))
            if kind == "CONSUMPTION_REQUEST":
                return consumption_of(claimed, self._transaction(claimed))
            return notification_of(claimed, self._transaction(claimed)) if kind in NOTIFICATION_TYPES else kind
        except _Refused as refused:
            reason = refused.reason
        except UnexpectedFields:
            reason = "unexpected_fields"
        is_apples = is_apples or (reason in _SIGNED and self._is_named(claimed))
        return Rejected(payload_sha256(signed_payload), _uuid(claimed), reason, is_apples=is_apples)

    def refunds(self, signed_transaction: object) -> tuple[Refund, ...] | Rejected:
        """Return the refunds in a signed transaction of Refund History, or why it can't be taken."""
        text = _text(signed_transaction)
        try:
            self._verified(text, self._verifier.verify_and_decode_signed_transaction)
            return refunds_of(claims(text) or {})
        except _Refused as refused:
            reason = refused.reason
        except UnexpectedFields:
            reason = "unexpected_fields"
        return Rejected(payload_sha256(signed_transaction), None, reason)

    def _transaction(self, notification: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
        data = notification.get("data")
        signed = data.get("signedTransactionInfo") if isinstance(data, dict) else None
        if not isinstance(signed, str):
            raise _Refused("missing_transaction")
        self._verified(signed, self._verifier.verify_and_decode_signed_transaction)
        return claims(signed) or {}

    def _verified(self, text: str, verify: t.Callable[[str], object]) -> None:
        try:
            verify(text)
        except VerificationException as error:
            raise _Refused(self._reason(text, error.status)) from None
        # Whatever a signed payload makes Apple's models raise: one payload never stops the others.
        except Exception:
            raise _Refused("unexpected_fields" if claims(text) is not None else "undecodable") from None

    def _reason(self, text: str, status: VerificationStatus) -> str:
        payload = claims(text)
        if payload is None:
            return "undecodable"
        if status == VerificationStatus.INVALID_ENVIRONMENT:
            return "wrong_environment"
        if status == VerificationStatus.INVALID_APP_IDENTIFIER:
            return self._wrong_app(payload)
        return fault_of(_json_part(text, 0) or {}, payload, self._root, text)

    def _wrong_app(self, payload: t.Mapping[str, t.Any]) -> str:
        named = _named(payload)
        about: Fields = named if isinstance(named, dict) else {}
        if "bundleId" not in about:
            return "unexpected_fields"
        if about["bundleId"] != self._bundle_id:
            return "wrong_bundle_id"
        if named is payload.get("externalPurchaseToken"):
            is_sandbox = str(about.get("externalPurchaseId")).startswith("SANDBOX")
            about = {**about, "environment": "Sandbox" if is_sandbox else "Production"}
        # Apple's library looks at the Apple ID first; a sandbox payload may have none.
        return "wrong_apple_id" if about.get("environment") == self._environment else "wrong_environment"

    def _is_named(self, payload: Fields) -> bool:
        named = _named(payload)
        return isinstance(named, dict) and named.get("bundleId") == self._bundle_id

    def _numbers(self, payload: t.Mapping[str, t.Any]) -> str:
        """Return both Apple IDs; the library refuses for one only what Apple signed."""
        named = _named(payload)
        number = named.get("appAppleId") if isinstance(named, dict) else None
        return ids_told(number, self._app_apple_id)


def _named(payload: t.Mapping[str, t.Any]) -> object:
    """Return what Apple's library looks at: the first of these that is there; a transaction says it itself."""
    return next((payload[name] for name in _ABOUT if payload.get(name)), payload)


def payload_sha256(signed_payload: object) -> str:
    """Return what names a payload in quarantine."""
    return hashlib.sha256(_text(signed_payload).encode("utf-8", "replace")).hexdigest()


def _text(signed_payload: object) -> str:
    return signed_payload if isinstance(signed_payload, str) else json.dumps(signed_payload, sort_keys=True)


def claimed_date(signed_payload: object) -> int | None:
    """Return when a payload says that it was signed, UNIX milliseconds; unverified."""
    return _date(claims(signed_payload) or {}) if isinstance(signed_payload, str) else None


def _date(claimed: t.Mapping[str, t.Any]) -> int | None:
    found = claimed.get("signedDate")
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def claims(text: str) -> dict[str, t.Any] | None:
    """Return the payload of a compact JWS, unverified; None when it is none."""
    if text.count(".") != 2 or _json_part(text, 0) is None:
        return None
    return _json_part(text, 1)


def _json_part(text: str, index: int) -> dict[str, t.Any] | None:
    try:
        part = text.split(".")[index].encode("ascii")
        return json_object(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    except ValueError:
        return None


def _uuid(claimed: t.Mapping[str, t.Any]) -> str | None:
    """Return the UUID that an unverified payload claims, if it looks like one."""
    found = claimed.get("notificationUUID")
    return found if isinstance(found, str) and _UUID.fullmatch(found) else None
