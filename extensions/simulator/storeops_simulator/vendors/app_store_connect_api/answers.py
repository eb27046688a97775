# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers in the shapes of the App Store Connect API.

Errors, the header X-Rate-Limit and RATE_LIMIT_EXCEEDED: developer.apple.com/documentation/appstoreconnectapi, pages
"About the HTTP status code" and "Identifying rate limits". The wording of titles and details is assumed.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from ...faults import VendorError
from ..api import Refused, usual_code


@dataclass(frozen=True)
class Usage:
    """How many requests a key may make in an hour, and how many are left."""

    limit: int
    remaining: int

    def headers(self) -> dict[str, str]:
        """Make the header that every answer to a known key carries."""
        return {"x-rate-limit": f"user-hour-lim:{self.limit};user-hour-rem:{self.remaining};"}


def success(body: Mapping[str, object], status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(json.dumps(body, separators=(",", ":")), status, {"content-type": "application/json"})


def refused(reason: str, status: int, code: str, detail: str, parameter: str | None = None) -> Refused:
    """Refuse with one error object; `parameter` is the query parameter that is wrong."""
    error: dict[str, object] = {
        "id": str(uuid.uuid4()),
        "status": str(status),
        "code": code,
        "title": detail,
        "detail": detail,
    }
    if parameter is not None:
        error["source"] = {"parameter": parameter}
    return Refused(reason, success({"errors": [error]}, status))


def made_error(status: int, made: VendorError) -> Response:
    """Answer with an error that a test asks for."""
    code = made.code if isinstance(made.code, str) else usual_code(status)
    return refused("fault", status, code, made.message or "The request failed.").response


def not_authorized(reason: str) -> Refused:
    """Refuse a token; the answer never says why."""
    return refused(reason, 401, "NOT_AUTHORIZED", "Authentication credentials are missing or invalid.")


def forbidden(reason: str) -> Refused:
    """Refuse a key that is revoked, or a text that is no token: documented as 403."""
    return refused(reason, 403, "FORBIDDEN_ERROR", "This request is forbidden for security reasons.")


def bad_parameter(reason: str, parameter: str) -> Refused:
    """Refuse one query parameter."""
    detail = "A parameter has an invalid value, or is not known."
    return refused(reason, 400, "PARAMETER_ERROR.INVALID", detail, parameter)
