# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the notification history keeps between requests."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from .notifications import Notification

SIGNED_KEPT: Final = 20_000
"""Signed payloads that are kept, about 8 kB each; an older one is signed again with the same signed date."""
TOKENS_KEPT: Final = 200_000


@dataclass(frozen=True)
class PageToken:
    """Where the next page begins, and the request it belongs to."""

    request_digest: bytes
    listed: tuple[Notification, ...]
    """The app's notifications in the order of the answer, as they were at the first request."""
    position: int
    """How many of them are behind."""
    end_ms: int
    """The end of the first request's time, clamped to the moment of that request."""
    issued_ms: int


@dataclass(frozen=True)
class TestNotification:
    """A test notification that was asked for."""

    __test__ = False

    environment: str
    bundle_id: str
    notification: Notification


@dataclass
class HistoryState:
    """Signed payloads, pagination tokens and test notifications of one world."""

    tests: dict[str, TestNotification] = field(default_factory=dict)
    """By the token that the client got."""
    _signed: OrderedDict[tuple[Notification, str], str] = field(default_factory=OrderedDict)
    _tokens: OrderedDict[str, PageToken] = field(default_factory=OrderedDict)

    def reset(self) -> None:
        """Forget everything."""
        self.tests.clear()
        self._signed.clear()
        self._tokens.clear()

    def signed(self, notification: Notification, bundle_id: str, sign: Callable[[], str]) -> str:
        """Give the signed payload, the same at every request as long as it is kept."""
        key = (notification, bundle_id)
        if key not in self._signed:
            self._signed[key] = sign()
            if len(self._signed) > SIGNED_KEPT:
                self._signed.popitem(last=False)
        return self._signed[key]

    def carry(self, old: Notification, new: Notification, bundle_id: str) -> Notification:
        """Keep the signed payload for a notification that takes the place of another; give the new one."""
        signed = self._signed.pop((old, bundle_id), None)
        if signed is not None:
            self._signed[(new, bundle_id)] = signed
        return new

    def issue(self, token: PageToken) -> str:
        """Keep a position under a new token, which has the shape of a UUID."""
        name = str(uuid.uuid4())
        self._tokens[name] = token
        if len(self._tokens) > TOKENS_KEPT:
            self._tokens.popitem(last=False)
        return name

    def token(self, name: str) -> PageToken | None:
        """Find a token; it may be used again, as a client does whose answer was lost."""
        return self._tokens.get(name)
