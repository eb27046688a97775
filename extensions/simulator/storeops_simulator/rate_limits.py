# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Request limits per app and endpoint.

developer.apple.com/documentation/appstoreserverapi/identifying-rate-limits gives the numbers,
the sandbox's tenth, the code 4290000 and the unit of Retry-After. How Apple cuts time into
windows is not documented: whole clock seconds are assumed.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

PER_SECOND: Final[dict[str, int]] = {
    "get_transaction_info": 50,
    "get_notification_history": 50,
    "get_refund_history": 10,
    "request_test_notification": 1,
    "get_test_notification_status": 1,
}
"""Requests per second in production, by endpoint; the world may set others (0 is no limit)."""

_SANDBOX_DIVISOR: Final = 10
_MINUTE: Final = 60.0
_HOUR: Final = 3600.0


class RateLimiter:
    """Counts requests in windows of one second (longer when the limit is below one a second)."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str, str], tuple[int, int]] = {}

    def reset(self) -> None:
        """Forget all counts."""
        self._windows.clear()

    def admit(self, environment: str, endpoint: str, bundle_id: str, limit: int, now: float) -> int | None:
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


class MinuteLimiter:
    """Counts requests in windows of one minute, which start with the first request."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, ...], tuple[float, int]] = {}

    def reset(self) -> None:
        """Forget all counts."""
        self._windows.clear()

    def admit(self, caller: tuple[str, ...], limit: int, now: float) -> tuple[int, int]:
        """Count one request; give the usage, and the seconds to wait (0 when it is admitted).

        :param limit: requests a minute; 0 is no limit. A refused request does not count.
        """
        start, count = self._windows.get(caller, (now, 0))
        if not start <= now < start + _MINUTE:
            start, count = now, 0
        if limit and count >= limit:
            return count, max(1, math.ceil(start + _MINUTE - now))
        self._windows[caller] = (start, count + 1)
        return count + 1, 0


class HourLimiter:
    """Counts requests in a rolling hour, as the App Store Connect API does."""

    def __init__(self) -> None:
        self._times: dict[str, deque[float]] = {}

    def reset(self) -> None:
        """Forget all counts."""
        self._times.clear()

    def admit(self, caller: str, limit: int, now: float) -> int | None:
        """Count one request; give how many there were in the last hour, or None when that were too many."""
        times = self._times.setdefault(caller, deque())
        while times and times[0] <= now - _HOUR:
            times.popleft()
        if len(times) >= limit:
            return None
        times.append(now)
        return len(times)


def _window(limit: int, environment: str) -> tuple[int, int]:
    """Give how many requests are allowed in how many seconds."""
    if environment != "sandbox":
        return limit, 1
    if limit >= _SANDBOX_DIVISOR:
        return limit // _SANDBOX_DIVISOR, 1
    return limit, _SANDBOX_DIVISOR
