# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of one running simulator. One asyncio loop is its only user, so nothing is locked."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec

from .calls import CallLog
from .chain import Chain, make_chain
from .deliveries import Deliveries
from .faults import FaultList
from .history_state import HistoryState
from .rate_limits import PER_SECOND, HourLimiter, MinuteLimiter, RateLimiter
from .world import World
from .world_input import ReadWorld


@dataclass(frozen=True)
class Replay:
    """A request that was granted, and what it was answered."""

    request_digest: bytes
    body: bytes


@dataclass
class Simulator:
    """Everything that a request may read or change."""

    world: World = field(default_factory=World)
    private_keys: dict[str, str] = field(default_factory=dict, repr=False)
    """Generated private keys (.p8 text by Key ID) that nobody has taken yet."""
    chain: Chain = field(default_factory=make_chain)
    faults: FaultList = field(default_factory=FaultList)
    calls: CallLog = field(default_factory=CallLog)
    limiter: RateLimiter = field(default_factory=RateLimiter)
    minutes: MinuteLimiter = field(default_factory=MinuteLimiter)
    hours: HourLimiter = field(default_factory=HourLimiter)
    replays: dict[tuple[str, str], Replay] = field(default_factory=dict, repr=False)
    """Answers by project and Idempotency-Key, for the vendor that has such a header."""
    uploaded_keys: dict[str, ec.EllipticCurvePrivateKey] = field(default_factory=dict, repr=False)
    """Keys that were uploaded to devtodev and not tried yet, by project."""
    history: HistoryState = field(default_factory=HistoryState)
    """Signed notifications, pagination tokens and test notifications."""
    deliveries: Deliveries = field(default_factory=Deliveries)
    """Notifications that are sent to a URL, and when they are tried again."""
    now: Callable[[], float] = time.time

    def reset(self, read: ReadWorld) -> None:
        """Start over in another world: no faults, no calls, no counts; the chain stays."""
        self.world = read.world
        self.private_keys = dict(read.private_keys)
        self.faults.reset()
        self.calls.reset()
        self.limiter.reset()
        self.minutes.reset()
        self.hours.reset()
        self.replays.clear()
        self.uploaded_keys.clear()
        self.history.reset()
        self.deliveries.reset()

    def limit(self, endpoint: str) -> int:
        """Give an endpoint's requests per second in production; 0 is no limit."""
        return self.world.rate_limits.get(endpoint, PER_SECOND[endpoint])

    def now_ms(self) -> int:
        """Give the time in UNIX ms."""
        return int(self.now() * 1000)

    def store_ms(self) -> int:
        """Give the time that purchases, refunds and notifications live in: the world's clock may be moved."""
        return self.world.clock.at(self.now_ms())
