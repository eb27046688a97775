# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers in the shapes of App Store Connect's web endpoints.

The plain-text 401 of ``/olympus/v1/session`` is observed (github.com/fastlane/fastlane issues
16417 and 19338), and so are ``{"errors": [{title, detail, ...}]}`` and two of the texts; the rest is
assumed. The README of the simulator has the whole list.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping

from starlette.responses import Response

from ...faults import VendorError
from ..api import Refused, usual_code

_JSON_API = "application/vnd.api+json"


def success(body: Mapping[str, object], status: int = 200, media_type: str = _JSON_API) -> Response:
    """Answer with JSON."""
    return Response(_compact(body), status, {"content-type": media_type})


def refused(reason: str, status: int, code: str, detail: str) -> Refused:
    """Refuse with one JSON:API error; the detail stands in the title too, where some look."""
    error = {
        "id": str(uuid.uuid4()),
        "status": str(status),
        "code": code,
        "title": detail,
        "detail": detail,
    }
    return Refused(reason, success({"errors": [error]}, status))


def made_error(status: int, made: VendorError) -> Response:
    """Answer with an error that a test asks for; without a word of its own, 401 is what an ended session gets."""
    if status == 401 and not isinstance(made.code, str):
        return unauthenticated("fault").response
    code = made.code if isinstance(made.code, str) else usual_code(status)
    return refused("fault", status, code, made.message or "The request failed.").response


def malformed(problem: str) -> Refused:
    """Refuse a body that is not as it has to be."""
    return refused("malformed_body", 400, "ENTITY_INVALID", f"The body is not usable: {problem}.")


def unauthenticated(reason: str) -> Refused:
    """Refuse the session with 401, in plain text that never says why."""
    request_id = base64.b32encode(uuid.uuid4().bytes).decode().rstrip("=")
    body = f"Unauthenticated\n\nRequest ID: {request_id}.0.0\n"
    return Refused(reason, Response(body, 401, {"content-type": "text/plain"}))


def no_such_path() -> Response:
    """Answer 404 without a body (assumed)."""
    return Response(status_code=404)


def wrong_method(allowed: str) -> Response:
    """Answer 405 without a body (assumed)."""
    return Response(status_code=405, headers={"allow": allowed})


def _compact(body: Mapping[str, object]) -> str:
    return json.dumps(body, separators=(",", ":"))
