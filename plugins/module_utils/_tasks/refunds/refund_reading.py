# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads an app's Notification History window by window, and verifies what it gets."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._apple.notification_history import (
    SHRINK_STEP,
    NoNotificationUrl,
    NotificationHistory,
    StartTooFar,
    TooManyPages,
)
from ..._apple.signed_data import SignedData, payload_sha256
from ..._model.coverage import Window
from ..._model.refund import NOTIFICATION_TYPES, Notification, Rejected

_HOUR = 3_600_000
# A day's run reads the last 7 days again, so that one window is enough for it.
WINDOW = 10 * 24 * _HOUR
# Of an app that was never read, nobody knows how much a day holds.
FIRST_WINDOW = _HOUR
_LEAST_WINDOW = 1_000
# 2,000 notifications of a type are read, verified and recorded at once; a window with more is halved.
MOST_PAGES = 100
# Windows are made to hold about so many notifications of a type, and grow no faster than this.
_FITTING = 1_000
_FASTEST = 8


@dataclass(frozen=True)
class Batch:
    """What one window holds. ``verified`` are the SHA-256 of the payloads of ``notifications``.

    ``next_size``: how much time the next window should span, in milliseconds.
    """

    window: Window
    notifications: tuple[Notification, ...]
    rejected: tuple[Rejected, ...]
    verified: frozenset[str]
    has_url: bool = True
    next_size: int = FIRST_WINDOW


@dataclass(frozen=True)
class Reader:
    """Reads for one app; the three types are asked for one after the other."""

    history: NotificationHistory
    signed: SignedData
    most_pages: int = MOST_PAGES

    def batches(self, wanted: Window, first_size: int = FIRST_WINDOW) -> t.Iterator[Batch]:
        """Yield the windows from the oldest on. The first may start later than wanted, where Apple's reach ends.

        ``first_size``: what the first one spans, in milliseconds. Raises StartTooFar when not even the newest part is
        given, TransportError, RefundsError.
        """
        start, size, has_read = wanted.start, min(first_size, WINDOW), False
        while start < wanted.end:
            window = Window(start, min(start + size, wanted.end))
            try:
                batch = self._batch(window, size)
            except TooManyPages:
                size = (window.end - window.start) // 2
                if size < _LEAST_WINDOW:
                    raise self.history.endless() from None
                continue
            except NoNotificationUrl:
                # It is about the app, not about the window: thousands of short ones would say no more.
                longer = _next_size(size, window.end - window.start, 0)
                batch = Batch(window, (), (), frozenset(), has_url=False, next_size=longer)
            except StartTooFar:
                start += SHRINK_STEP[self.history.environment]
                if has_read or start >= wanted.end:
                    raise
                continue
            yield batch
            start, size, has_read = window.end, batch.next_size, True

    def _batch(self, window: Window, size: int) -> Batch:
        found: list[Notification] = []
        rejected: dict[str, Rejected] = {}
        verified: set[str] = set()
        most = 0
        for kind in NOTIFICATION_TYPES:
            payloads = self.history.signed_payloads(kind, window, self.most_pages)
            most = max(most, len(payloads))
            for payload in payloads:
                # Each takes a millisecond or more.
                self.history.check_deadline()
                said = self.signed.notification(payload, kind)
                if isinstance(said, Rejected):
                    rejected[said.payload_sha256] = said
                else:
                    found.append(said)
                    verified.add(payload_sha256(payload))
        return Batch(
            window,
            tuple(found),
            tuple(rejected.values()),
            frozenset(verified),
            next_size=_next_size(size, window.end - window.start, most),
        )


def _next_size(size: int, length: int, most: int) -> int:
    """Return what the next window should span, when one of ``length`` held ``most`` notifications of a type."""
    fitting = min(length * _FASTEST, max(length // 2, length * _FITTING // max(most, 1)))
    # The last window of a run may be a short one.
    wanted = fitting if most > _FITTING else max(size, fitting)
    return max(_LEAST_WINDOW, min(wanted, WINDOW))
