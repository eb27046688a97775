# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Request a Test Notification, and its status. Where no route leads, the world says what became of it.

developer.apple.com/documentation/appstoreserverapi/request-a-test-notification
"""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from typing import Final

from starlette.responses import Response

from ...history_state import TestNotification
from ...notifications import Notification, SendAttempt
from ..api import Endpoint
from . import answers
from .delivery import is_sent, send
from .endpoints import WIRE_ENVIRONMENTS, Accepted, Handler
from .notification_history import send_attempts
from .signed_notifications import signed_payload

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TOKEN_LIFE_MS: Final = 183 * 86_400_000


async def request_test_notification(accepted: Accepted) -> Response:
    """Answer 200 ``{testNotificationToken}``, or 404 4040007 without a URL for the environment, of either version."""
    simulator, app = accepted.simulator, accepted.caller.app
    if app.notification_url(accepted.environment)[0] is None:
        return answers.error(answers.SERVER_NOTIFICATION_URL_NOT_FOUND)
    now = simulator.store_ms()
    settings = simulator.world.server_notifications
    wire = WIRE_ENVIRONMENTS[accepted.environment]
    is_really_sent = is_sent(simulator, app.bundle_id, wire)
    sent_at = now + int(settings.test_delay_s * 1000)
    notification = Notification(
        notification_type="TEST",
        uuid=str(uuid.uuid4()),
        environment=wire,
        signed_date=now,
        send_attempts=() if is_really_sent else (SendAttempt(sent_at, settings.test_result),),
    )
    token = str(uuid.uuid4())
    simulator.history.tests[token] = TestNotification(accepted.environment, app.bundle_id, notification)
    held = simulator.world.apps[app.bundle_id]
    changed = replace(app, notifications=(*app.notifications, notification))
    simulator.world = simulator.world.with_app(held, changed)
    if is_really_sent:
        await send(simulator, app.bundle_id, [notification], sent_at)
    return answers.success({"testNotificationToken": token})


async def get_test_notification_status(accepted: Accepted) -> Response:
    """Answer 200 ``{signedPayload, sendAttempts}``, 400 4000020 or 404 4040008."""
    token = accepted.path_values["token"]
    if _UUID.fullmatch(token.lower()) is None:
        return answers.error(answers.INVALID_TEST_NOTIFICATION_TOKEN)
    simulator, app = accepted.simulator, accepted.caller.app
    now = simulator.store_ms()
    held = simulator.history.tests.get(token.lower())
    if held is None or (held.environment, held.bundle_id) != (accepted.environment, app.bundle_id):
        return answers.error(answers.TEST_NOTIFICATION_NOT_FOUND)
    # The world has the attempts that were made since.
    notification = next((each for each in app.notifications if each.uuid == held.notification.uuid), held.notification)
    attempts = send_attempts(notification, now)
    if not attempts or now > held.notification.signed_date + _TOKEN_LIFE_MS:
        return answers.error(answers.TEST_NOTIFICATION_NOT_FOUND)
    payload = signed_payload(notification, app, simulator)
    return answers.success({"signedPayload": payload, "sendAttempts": attempts})


ENDPOINTS: Final[tuple[Endpoint[Handler], ...]] = (
    Endpoint("request_test_notification", "POST", "/inApps/v1/notifications/test", request_test_notification),
    Endpoint(
        "get_test_notification_status", "GET", "/inApps/v1/notifications/test/{token}", get_test_notification_status
    ),
)
