# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checking the headers that App Store Connect's pages send with every call.

That they are sent is observed; what happens without them is assumed.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

from ..api import Refused
from .answers import refused

_APPLES_ORIGIN: Final = "https://appstoreconnect.apple.com"
_PAGE: Final = "/access/integrations/api"
_JSON_TYPES: Final = ("application/json", "application/vnd.api+json")


def check_olympus(request: Request) -> None:
    """Check the headers of a change to the web session."""
    if request.headers.get("x-requested-with") != "olympus-ui":
        raise _forbidden("x_requested_with_missing", "X-Requested-With: olympus-ui")
    _check_content_type(request)


def check_iris(request: Request) -> None:
    """Check the headers of a call below ``/iris``."""
    headers = request.headers
    if headers.get("x-csrf-itc") != "[asc-ui]":
        raise _forbidden("csrf_header_missing", "X-CSRF-ITC: [asc-ui]")
    # A client may derive both from the base URL that it was given, so that is an origin too.
    origins = (_APPLES_ORIGIN, f"{request.url.scheme}://{request.url.netloc}")
    if headers.get("origin") not in origins:
        raise _forbidden("origin_missing_or_wrong", f"Origin: {_APPLES_ORIGIN}")
    referer = headers.get("referer", "")
    if not referer.startswith(tuple(f"{each}/" for each in origins)) or _PAGE not in referer:
        raise _forbidden("referer_missing_or_wrong", f"Referer: {_APPLES_ORIGIN}{_PAGE}")
    if not any(_media_type(each) in _JSON_TYPES for each in headers.get("accept", "").split(",")):
        raise _bad("accept_missing_or_wrong", f"Accept: {', '.join(reversed(_JSON_TYPES))}")
    if request.method in ("POST", "PATCH"):
        _check_content_type(request)


def _check_content_type(request: Request) -> None:
    if _media_type(request.headers.get("content-type", "")) not in _JSON_TYPES:
        raise _bad("content_type_missing_or_wrong", "Content-Type: application/json")


def _media_type(value: str) -> str:
    return value.partition(";")[0].strip().lower()


def _forbidden(reason: str, wanted: str) -> Refused:
    return refused(reason, 403, "FORBIDDEN_ERROR", f"This request needs the header {wanted}")


def _bad(reason: str, wanted: str) -> Refused:
    return refused(reason, 400, "PARAMETER_ERROR.INVALID", f"This request needs the header {wanted}")
