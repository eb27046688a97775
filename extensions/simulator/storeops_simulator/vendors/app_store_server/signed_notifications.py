# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing notifications as App Store Server Notifications V2, sound or with the fault that the world asks for.

developer.apple.com/documentation/appstoreservernotifications/responsebodyv2decodedpayload
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Final

from ...chain import Chain
from ...notifications import Notification
from ...simulator import Simulator
from ...world import App

_OTHER_ENVIRONMENT: Final = {"Production": "Sandbox", "Sandbox": "Production"}


def signed_payload(notification: Notification, app: App, simulator: Simulator) -> str:
    """Give the signed payload: signed at the first request, with the world's signed date, and kept."""
    settings = simulator.world.server_notifications
    with_apple_id = notification.environment == "Production" or settings.sandbox_app_apple_id
    apple_id = app.apple_id if with_apple_id else None
    return simulator.history.signed(
        notification, app.bundle_id, lambda: _sign(notification, app.bundle_id, apple_id, simulator.chain)
    )


def _sign(notification: Notification, bundle_id: str, apple_id: int | None, chain: Chain) -> str:
    payload = {
        "notificationType": notification.notification_type,
        "subtype": notification.subtype,
        "notificationUUID": notification.uuid,
        "version": notification.version,
        "signedDate": notification.signed_date,
        "data": _data(notification, bundle_id, apple_id, chain),
    }
    fault = None if notification.fault_in_transaction else notification.fault
    return _tampered(chain.sign(_given(payload), fault), fault)


def _data(notification: Notification, bundle_id: str, apple_id: int | None, chain: Chain) -> Mapping[str, object]:
    data: dict[str, object] = {
        "appAppleId": apple_id,
        "environment": notification.environment,
        "bundleId": bundle_id,
        "bundleVersion": notification.bundle_version,
        "status": notification.status,
        "consumptionRequestReason": notification.consumption_request_reason,
        "signedTransactionInfo": _transaction(notification, bundle_id, chain),
    }
    if notification.fault_in_transaction:
        return _given(data)
    if notification.fault == "wrong_apple_id":
        # Also where none would have been sent.
        data["appAppleId"] = (apple_id or 0) + 1
    return _given(_misdirected(data, notification.fault))


def _transaction(notification: Notification, bundle_id: str, chain: Chain) -> str | None:
    if notification.transaction is None:
        return None
    fields = {**notification.transaction, "bundleId": bundle_id, "signedDate": notification.signed_date}
    fault = notification.fault if notification.fault_in_transaction else None
    return _tampered(chain.sign(_misdirected(fields, fault), fault), fault)


def _misdirected(fields: Mapping[str, object], fault: str | None) -> dict[str, object]:
    if fault == "wrong_bundle":
        return {**fields, "bundleId": f"{fields['bundleId']}.other"}
    if fault == "wrong_environment":
        return {**fields, "environment": _OTHER_ENVIRONMENT[str(fields["environment"])]}
    return dict(fields)


def _tampered(signed: str, fault: str | None) -> str:
    """Change what was signed, and keep the signature."""
    if fault != "tampered":
        return signed
    header, payload, signature = signed.split(".")
    content = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    changed = json.dumps({**content, "signedDate": content["signedDate"] + 1}, separators=(",", ":"))
    encoded = base64.urlsafe_b64encode(changed.encode()).rstrip(b"=").decode("ascii")
    return f"{header}.{encoded}.{signature}"


def _given(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}
