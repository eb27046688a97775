# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads an app's Notification History window by window, and verifies what it gets."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._apple.notification_history import SHRINK_STEP, NoNotificationUrl, NotificationHistory, StartTooFar, TooManyPages
from .._apple.signed_data import SignedData, payload_sha256
from .._model.coverage import Window
from .._model.refund import NOTIFICATION_TYPES, Notification, Rejected

_HOUR = 3_600_000
# A day's run reads the last 7 days again, so that one window is enough for it.
WINDOW = 10 * 24 * _HOUR
# 2,000 notifications of a type are read, verified and recorded at once; a window with more is halved.
MOST_PAGES = 100


@dataclass(frozen=True)
class Batch:
    """What one window holds. ``verified`` are the SHA-256 of the payloads of ``notifications``."""

    window: Window
    notifications: tuple[Notification, ...]
    rejected: tuple[Rejected, ...]
    verified: frozenset[str]
    has_url: bool = True

    @property
    def newest(self) -> int | None:
        return max((one.signed_date for one in self.notifications), default=None)


@dataclass(frozen=True)
class Reader:
    """Reads for one app; the three types are asked for one after the other."""

    history: NotificationHistory
    signed: SignedData
    most_pages: int = MOST_PAGES

    def batches(self, wanted: Window) -> t.Iterator[Batch]:
        """Yield the windows from the oldest on. The first may start later than wanted, where Apple's reach ends.

        Raises StartTooFar when not even the newest part is given, TransportError, RefundsError.
        """
        start, size, has_read = wanted.start, WINDOW, False
        while start < wanted.end:
            window = Window(start, min(start + size, wanted.end))
            try:
                batch = self._batch(window, self.most_pages if size > _HOUR else None)
            except TooManyPages:
                size //= 2
                continue
            except NoNotificationUrl:
                batch = Batch(window, (), (), frozenset(), has_url=False)
            except StartTooFar:
                start += SHRINK_STEP[self.history.environment]
                if has_read or start >= wanted.end:
                    raise
                continue
            yield batch
            start, has_read = window.end, True

    def _batch(self, window: Window, most_pages: int | None) -> Batch:
        found: list[Notification] = []
        rejected: dict[str, Rejected] = {}
        verified: set[str] = set()
        for kind in NOTIFICATION_TYPES:
            for payload in self.history.signed_payloads(kind, window, most_pages):
                said = self.signed.notification(payload, kind)
                if isinstance(said, Rejected):
                    rejected[said.payload_sha256] = said
                else:
                    found.append(said)
                    verified.add(payload_sha256(payload))
        return Batch(window, tuple(found), tuple(rejected.values()), frozenset(verified))
