# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How fast one app may be asked: Apple counts calls of an app and endpoint.

Source: developer.apple.com/documentation/appstoreserverapi/identifying-rate-limits
"""

from __future__ import annotations

import threading
import typing as t
from collections import deque
from dataclasses import dataclass, field

from .._http import Transport
from .._model.identifiers import Environment

# Get Notification History: 50 a second in production, a tenth of it in the sandbox. A little less, since calls that
# leave here within a second may arrive within less.
CALLS_A_SECOND: t.Final[t.Mapping[Environment, int]] = {"production": 48, "sandbox": 5}
_SECOND = 1.0


@dataclass
class Pace:
    """Lets at most ``calls`` begin in any second, from any thread."""

    transport: Transport
    calls: int
    _begun: deque[float] = field(default_factory=deque, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def wait(self) -> None:
        """Return when the next call may begin."""
        with self._lock:
            now = self.transport.elapsed()
            begins = now
            if len(self._begun) >= self.calls:
                begins = max(now, self._begun.popleft() + _SECOND)
            self._begun.append(begins)
        if begins > now:
            self.transport.pause(begins - now)
