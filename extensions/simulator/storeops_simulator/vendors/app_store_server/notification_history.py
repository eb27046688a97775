# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get Notification History: what Apple has sent, or tried to send, to an app's V2 URL.

developer.apple.com/documentation/appstoreserverapi/get-notification-history
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from starlette.responses import Response

from ...history_state import PageToken
from ...notifications import Notification, SendAttempt
from ...simulator import Simulator
from ...world import App
from ..api import Endpoint
from . import answers
from .endpoints import WIRE_ENVIRONMENTS, Accepted, Handler
from .history_request import HistoryRequest, Problem, read_history_request
from .signed_notifications import signed_payload

PAGE: Final = 20
_Test = Callable[[Notification], bool]


@dataclass(frozen=True)
class _Page:
    items: list[Notification]
    next_position: int | None


async def get_notification_history(accepted: Accepted) -> Response:
    """Answer 200 ``{notificationHistory, hasMore, paginationToken?}``, or one of the errors of the request."""
    simulator = accepted.simulator
    now = simulator.store_ms()
    reach = simulator.world.server_notifications.reach_ms(accepted.environment)
    try:
        asked = read_history_request(await accepted.request.body(), now, reach)
        return _answer(accepted, asked, now)
    except Problem as problem:
        return problem.response


def _answer(accepted: Accepted, asked: HistoryRequest, now: int) -> Response:
    simulator, app = accepted.simulator, accepted.caller.app
    if not app.has_v2_url(accepted.environment):
        return _without_url(simulator)
    token = _place(accepted, asked, now)
    request = replace(asked, end=token.end_ms)
    page = _page(token, _test(request, accepted, now))
    body: dict[str, object] = {
        "notificationHistory": [_item(each, app, simulator, now) for each in page.items],
        "hasMore": page.next_position is not None,
    }
    if page.next_position is not None:
        body["paginationToken"] = simulator.history.issue(replace(token, position=page.next_position, issued_ms=now))
    return answers.success(body)


def _without_url(simulator: Simulator) -> Response:
    if simulator.world.server_notifications.without_url == "error":
        return answers.error(answers.SERVER_NOTIFICATION_URL_NOT_FOUND)
    return answers.success({"notificationHistory": [], "hasMore": False})


def _place(accepted: Accepted, asked: HistoryRequest, now: int) -> PageToken:
    """Find where the page begins: at the pagination token, else at the beginning."""
    simulator, bundle_id = accepted.simulator, accepted.caller.app.bundle_id
    settings = simulator.world.server_notifications
    # One app's token is worth nothing to another one, and neither is it in the other environment.
    digest = asked.digest + f"{accepted.environment} {bundle_id}".encode()
    name = accepted.request.query_params.get("paginationToken")
    if name is not None:
        token = simulator.history.token(name)
        if token is None or token.request_digest != digest:
            raise Problem(answers.INVALID_PAGINATION_TOKEN)
        if now >= token.issued_ms + settings.pagination_token_life_s * 1000:
            raise Problem(answers.PAGINATION_TOKEN_EXPIRED)
        return token
    listed = simulator.world.notifications(bundle_id, WIRE_ENVIRONMENTS[accepted.environment])
    first = bisect_left(listed, asked.start, key=_signed_date)
    cut = bisect_right if settings.end_date == "inclusive" else bisect_left
    chosen = listed[first : cut(listed, asked.end, key=_signed_date)]
    ordered = chosen if settings.order == "oldest_first" else chosen[::-1]
    return PageToken(digest, ordered, 0, asked.end, now)


def _signed_date(notification: Notification) -> int:
    return notification.signed_date


def _page(token: PageToken, test: _Test) -> _Page:
    items: list[Notification] = []
    for position in range(token.position, len(token.listed)):
        if test(token.listed[position]):
            if len(items) == PAGE:
                return _Page(items, position)
            items.append(token.listed[position])
    return _Page(items, None)


def _test(asked: HistoryRequest, accepted: Accepted, now: int) -> _Test:
    ids = _customer_ids(asked.transaction_id, accepted) if asked.transaction_id else None

    def test(notification: Notification) -> bool:
        if asked.notification_type not in (None, notification.notification_type):
            return False
        if asked.subtype not in (None, notification.subtype):
            return False
        if ids is not None and not (notification.transaction_ids() & ids):
            return False
        attempts = notification.attempts_until(now)
        return bool(attempts) and not (asked.only_failures and _delivered(attempts))

    return test


def _delivered(attempts: list[SendAttempt]) -> bool:
    return any(attempt.result == "SUCCESS" for attempt in attempts)


def _customer_ids(transaction_id: str, accepted: Accepted) -> set[str]:
    """Give all IDs of the customer who owns a transaction; 4040010 when nobody does."""
    world, bundle_id = accepted.simulator.world, accepted.caller.app.bundle_id
    environment = WIRE_ENVIRONMENTS[accepted.environment]
    owned = world.purchases_with(bundle_id, environment, transaction_id)
    ids = {any_id for transaction in owned for any_id in transaction.ids}
    if ids:
        return ids
    # A notification may carry a transaction that the app does not list.
    named = [each.transaction_ids() for each in world.notifications(bundle_id, environment)]
    if any(transaction_id in each for each in named):
        return {transaction_id}
    raise Problem(answers.TRANSACTION_ID_NOT_FOUND)


def _item(notification: Notification, app: App, simulator: Simulator, now: int) -> dict[str, object]:
    return {
        "signedPayload": signed_payload(notification, app, simulator),
        "sendAttempts": send_attempts(notification, now),
    }


def send_attempts(notification: Notification, now: int) -> list[dict[str, object]]:
    """Give the attempts that have been made by now, as the wire has them."""
    return [
        {"attemptDate": attempt.date, "sendAttemptResult": attempt.result}
        for attempt in notification.attempts_until(now)
    ]


ENDPOINTS: Final[tuple[Endpoint[Handler], ...]] = (
    Endpoint("get_notification_history", "POST", "/inApps/v1/notifications/history", get_notification_history),
)
