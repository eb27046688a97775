# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers in the shapes of the App Store Server API.

JSON errors: developer.apple.com/documentation/appstoreserverapi/error-codes. The plain-text 401,
``server: daiquiri/5`` and the x-apple headers are observed, not documented.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping

from starlette.responses import Response

from ...faults import VendorError

# Apple's library takes an error's body only when Content-Type is exactly this.
_JSON = "application/json"

TRANSACTION_ID_NOT_FOUND = (4040010, "Transaction id not found.")
INVALID_TRANSACTION_ID = (4000006, "Invalid transaction id.")
# The codes are documented; of these texts only the beginning of 4000012 was seen.
GENERAL_BAD_REQUEST = (4000000, "Invalid request.")
INVALID_REQUEST_REVISION = (4000005, "Invalid request revision.")
START_DATE_TOO_FAR_IN_PAST = (4000012, "Invalid request. The start date is too far in the past.")
START_DATE_AFTER_END_DATE = (4000013, "Invalid request. The start date is not before the end date.")
INVALID_PAGINATION_TOKEN = (4000014, "Invalid request. The pagination token is not valid.")
INVALID_START_DATE = (4000015, "Invalid request. The start date is not valid.")
INVALID_END_DATE = (4000016, "Invalid request. The end date is not valid.")
PAGINATION_TOKEN_EXPIRED = (4000017, "Invalid request. The pagination token is expired.")
INVALID_NOTIFICATION_TYPE = (4000018, "Invalid request. The notification type or subtype is not valid.")
MULTIPLE_FILTERS_SUPPLIED = (4000019, "Invalid request. Supply either a transaction id or a notification type.")
INVALID_TEST_NOTIFICATION_TOKEN = (4000020, "Invalid request. The test notification token is not valid.")
SERVER_NOTIFICATION_URL_NOT_FOUND = (4040007, "No App Store Server Notification URL found for this app.")
TEST_NOTIFICATION_NOT_FOUND = (4040008, "Either the test notification token is expired or the status is not available.")
RATE_LIMIT_EXCEEDED = (4290000, "Rate limit exceeded.")


def vendor_headers() -> dict[str, str]:
    """Make the headers of one answer; the correlation key is the UUID in base32, 26 letters."""
    request = uuid.uuid4()
    return {
        "server": "daiquiri/5",
        "x-apple-jingle-correlation-key": base64.b32encode(request.bytes).decode().rstrip("="),
        "x-apple-request-uuid": str(request),
        "apple-originating-system": "CommerceGateway",
    }


def success(body: Mapping[str, object]) -> Response:
    """Answer 200 with JSON."""
    return _json(200, body, {})


def error(code_and_message: tuple[int, str], headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a documented error; its HTTP status is the code's first three digits."""
    code, message = code_and_message
    return _json(code // 10_000, {"errorCode": code, "errorMessage": message}, headers or {})


def made_error(status: int, made: VendorError) -> Response:
    """Answer with an error that a test asks for."""
    return _json(status, {"errorCode": made.code, "errorMessage": made.message}, {})


def rate_limited(next_allowed_ms: int) -> Response:
    """Answer 429; Retry-After is a UNIX time in milliseconds, not a number of seconds."""
    return error(RATE_LIMIT_EXCEEDED, {"retry-after": str(next_allowed_ms)})


def unauthenticated() -> Response:
    """Answer 401, which is plain text and never says why."""
    headers = vendor_headers()
    request_id = f"{headers['x-apple-jingle-correlation-key']}.0.0"
    body = f"Unauthenticated\n\nRequest ID: {request_id}\n"
    return Response(body, 401, {**headers, "content-type": "text/plain"})


def no_such_path() -> Response:
    """Answer 404 without a body: what Apple says for unknown paths is not known."""
    return Response(status_code=404, headers=vendor_headers())


def wrong_method(allowed: str) -> Response:
    """Answer 405 without a body (assumed)."""
    return Response(status_code=405, headers={**vendor_headers(), "allow": allowed})


def _json(status: int, body: Mapping[str, object], headers: Mapping[str, str]) -> Response:
    content = json.dumps(body, separators=(",", ":"))
    return Response(content, status, {**vendor_headers(), **headers, "content-type": _JSON})
