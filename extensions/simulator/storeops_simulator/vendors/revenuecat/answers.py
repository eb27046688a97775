# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers in the shapes of RevenueCat's REST API v2; error bodies as in its OpenAPI document."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from ...faults import VendorError
from ..api import Refused

# Types and statuses as in the OpenAPI document; the first type of a status stands for it.
_TYPES: Final = {
    400: "parameter_error",
    401: "authentication_error",
    403: "authorization_error",
    404: "resource_missing",
    409: "resource_already_exists",
    422: "unprocessable_entity_error",
    423: "resource_locked_error",
    429: "rate_limit_error",
}
_RETRYABLE: Final = ("rate_limit_error", "resource_locked_error", "server_error")


def vendor_headers() -> dict[str, str]:
    """Make the headers of one answer."""
    return {"x-request-id": str(uuid.uuid4())}


def success(body: Mapping[str, object], status: int = 200) -> Response:
    """Answer with JSON."""
    content = json.dumps(body, separators=(",", ":"))
    return Response(content, status, {**vendor_headers(), "content-type": "application/json"})


def refused(
    reason: str,
    status: int,
    error_type: str,
    message: str,
    param: str | None = None,
    wait_s: int = 0,
) -> Refused:
    """Refuse with an error object; with `wait_s` it may be tried again after so many seconds."""
    body: dict[str, object] = {
        "object": "error",
        "type": error_type,
        "message": message,
        "retryable": wait_s > 0,
        "doc_url": f"https://errors.rev.cat/{error_type.replace('_', '-')}",
    }
    if param is not None:
        body["param"] = param
    if wait_s:
        body["backoff_ms"] = wait_s * 1000
    response = success(body, status)
    if wait_s:
        response.headers["retry-after"] = str(wait_s)
    return Refused(reason, response)


def made_error(status: int, made: VendorError, headers: Mapping[str, str]) -> Response:
    """Answer with an error that a test asks for; `backoff_ms` says the same as a Retry-After among the headers."""
    usual = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request")
    error_type = made.code if isinstance(made.code, str) else usual
    asked = headers.get("retry-after", "")
    wait_s = int(asked) if asked.isdecimal() else 1 if error_type in _RETRYABLE else 0
    return refused("fault", status, error_type, made.message or "The request failed", None, wait_s).response


def bad_parameter(reason: str, param: str, problem: str) -> Refused:
    """Refuse one parameter; the problem never quotes a value, which may be a secret."""
    return refused(reason, 400, "parameter_error", f"{param} {problem}", param)


def not_found(reason: str) -> Refused:
    """Refuse with 404."""
    return refused(reason, 404, "resource_missing", "Resource not found")


def wrong_method(allowed: str) -> Response:
    """Answer 405 (assumed)."""
    response = refused("wrong_method", 405, "invalid_request", "Method not allowed").response
    response.headers["allow"] = allowed
    return response
