# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON in and out of the control API."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from .fields import InputError


class JsonAnswer(Response):
    """A JSON answer in pure ASCII: what a caller once sent may not be encodable otherwise."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Encode the body."""
        return json.dumps(content).encode("ascii")


async def read_json(request: Request) -> object:
    """Read a JSON body."""
    try:
        document: object = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise InputError("", "the body is not JSON") from error
    return document


async def read_optional_json(request: Request) -> object:
    """Read a JSON body; an empty one is an empty mapping."""
    return await read_json(request) if await request.body() else {}
