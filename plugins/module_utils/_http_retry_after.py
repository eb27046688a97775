# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a service asks to wait."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

_MILLISECONDS_FROM = 100_000_000_000


def retry_after(text: str, now: float) -> float | None:
    """Return the seconds to wait that a Retry-After header asks for, or None when it says nothing usable.

    Three forms are in use: UNIX time in milliseconds (developer.apple.com/documentation/appstoreserverapi/
    identifying-rate-limits), seconds, and an HTTP date (RFC 9110).
    """
    text = text.strip()
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 16:
        number = int(text)
        return max(0.0, number / 1000 - now) if number >= _MILLISECONDS_FROM else float(number)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None
