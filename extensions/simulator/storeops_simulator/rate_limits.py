# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Request limits per app and endpoint.

developer.apple.com/documentation/appstoreserverapi/identifying-rate-limits gives the numbers,
the sandbox's tenth, the code 4290000 and the unit of Retry-After. How Apple cuts time into
windows is not documented: whole clock seconds are assumed.
"""

from __future__ import annotations

import math
from typing import Final

PER_SECOND: Final[dict[str, int]] = {
    "get_transaction_info": 50,
}
"""Requests per second in production, by endpoint; the world may set others (0 is no limit)."""

_SANDBOX_DIVISOR: Final = 10


class RateLimiter:
    """Counts requests in windows of one second (longer when the limit is below one a second)."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str, str], tuple[int, int]] = {}

    def reset(self) -> None:
        """Forget all counts."""
        self._windows.clear()

    def admit(
        self, environment: str, endpoint: str, bundle_id: str, limit: int, now: float
    ) -> int | None:
        """Count one request; give None, or the UNIX ms from which the next one is allowed.

        :param limit: requests per second in production; 0 is no limit.
        """
        if limit == 0:
            return None
        allowed, seconds = _window(limit, environment)
        number = math.floor(now / seconds)
        key = (environment, endpoint, bundle_id)
        last, count = self._windows.get(key, (number, 0))
        count = count + 1 if last == number else 1
        self._windows[key] = (number, count)
        return None if count <= allowed else (number + 1) * seconds * 1000


def _window(limit: int, environment: str) -> tuple[int, int]:
    """Give how many requests are allowed in how many seconds."""
    if environment != "sandbox":
        return limit, 1
    if limit >= _SANDBOX_DIVISOR:
        return limit // _SANDBOX_DIVISOR, 1
    return limit, _SANDBOX_DIVISOR
