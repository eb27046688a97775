# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers in the shapes of Qonversion's REST API v4; its documentation has the envelope of errors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from starlette.responses import Response

from ...faults import VendorError
from ..api import Refused

# Which code goes with which status, where a fault does not say; those of 409, 429 and 500 are assumed.
_CODES: Final = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "idempotency_conflict",
    422: "invalid_data",
    429: "rate_limit_exceeded",
}


def success(body: Mapping[str, object]) -> Response:
    """Answer 200 with JSON."""
    return _json(body, 200)


def refused(reason: str, status: int, code: str, message: str, details: Sequence[tuple[str, str]] = ()) -> Refused:
    """Refuse; `details` are fields and what is wrong with each, and are left out when there are none."""
    error: dict[str, object] = {"type": "request", "code": code, "message": message}
    if details:
        error["details"] = [{"field": field, "message": problem} for field, problem in details]
    return Refused(reason, _json({"error": error}, status))


def made_error(status: int, made: VendorError) -> Response:
    """Answer with an error that a test asks for."""
    usual = _CODES.get(status, "internal_error" if status >= 500 else "invalid_request")
    code = made.code if isinstance(made.code, str) else usual
    return refused("fault", status, code, made.message or "The request failed").response


def invalid(reason: str, details: Sequence[tuple[str, str]]) -> Refused:
    """Refuse a body with 422."""
    return refused(reason, 422, "invalid_data", "Validation failed", details)


def not_found() -> Response:
    """Answer 404."""
    return refused("unknown_path", 404, "not_found", "Requested resource does not exist").response


def wrong_method(allowed: str) -> Response:
    """Answer 405 (assumed)."""
    response = refused("wrong_method", 405, "method_not_allowed", "Method not allowed").response
    response.headers["allow"] = allowed
    return response


def _json(body: Mapping[str, object], status: int) -> Response:
    content = json.dumps(body, separators=(",", ":"))
    return Response(content, status, {"content-type": "application/json"})
