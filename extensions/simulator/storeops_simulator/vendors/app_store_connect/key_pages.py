# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cutting the list of keys into pages, in the way of Apple's public API."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from ...world import Key
from .answers import refused

_LARGEST_LIMIT: Final = 2000


@dataclass(frozen=True)
class Page:
    """One page, and what JSON:API says about it."""

    keys: Sequence[Key]
    links: dict[str, str]
    meta: dict[str, object]


def page_of(keys: Sequence[Key], request: Request, largest: int) -> Page:
    """Cut out the page that the request asks for.

    :param largest: the vendor's own bound, which is below the client's limit in silence.
    """
    size = min(_limit(request), largest)
    start = _start(request)
    links = {"self": str(request.url)}
    if start + size < len(keys):
        cursor = base64.urlsafe_b64encode(str(start + size).encode()).decode().rstrip("=")
        links["next"] = str(request.url.include_query_params(cursor=cursor))
    meta: dict[str, object] = {"paging": {"total": len(keys), "limit": size}}
    return Page(keys[start : start + size], links, meta)


def _limit(request: Request) -> int:
    text = request.query_params.get("limit")
    if text is None:
        return _LARGEST_LIMIT
    number = _whole_number(text)
    if number is None or not 1 <= number <= _LARGEST_LIMIT:
        detail = f"The parameter 'limit' has to be from 1 to {_LARGEST_LIMIT}."
        raise refused("bad_limit", 400, "PARAMETER_ERROR.INVALID", detail)
    return number


def _start(request: Request) -> int:
    cursor = request.query_params.get("cursor")
    if cursor is None:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (ValueError, binascii.Error):
        text = ""
    number = _whole_number(text)
    if number is None:
        detail = "The parameter 'cursor' is not one that was given out."
        raise refused("bad_cursor", 400, "PARAMETER_ERROR.INVALID", detail)
    return number


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
