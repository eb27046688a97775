# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Notification History of the App Store Server API: what Apple told, or tried to tell, an app's server.

Source: developer.apple.com/documentation/appstoreserverapi/get-notification-history
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from urllib.parse import urlencode

from .._model.coverage import Window
from .._model.errors import RefundsError, TransportError
from .._model.identifiers import Environment
from .._model.refund import DAY_MS, NotificationType
from . import hints
from .app_store_server import Answer, AppCalls, is_page_token, page_of
from .pace import Pace

_PATH = "/inApps/v1/notifications/history"
START_TOO_FAR = 4000012
NO_URL = 4040007
_TOKEN_CODES = (4000014, 4000017)
# developer.apple.com/documentation/appstoreserverapi/notificationhistoryrequest: 180 and 30 days. A day less, since
# clocks differ and time passes while pages are read.
REACH: dict[Environment, int] = {"production": 179 * DAY_MS, "sandbox": 29 * DAY_MS}
# A start 170 days back was once refused (observed: developer.apple.com/forums/thread/766328), so it is moved in steps.
SHRINK_STEP: dict[Environment, int] = {"production": 5 * DAY_MS, "sandbox": DAY_MS}
# Notifications on a page.
PAGE = 20
# 2,000 notifications of a type are read, verified and recorded at once, at most.
MOST_PAGES = 100
_LEAST_WINDOW = 1_000
_HARD_SPLIT = 16
# Of the payloads of a list, a few kilobytes each, which are in memory at once.
_MOST_CHARACTERS = 64 * 1024 * 1024

Parts = t.Callable[[t.Sequence[t.Any]], int]


class StartTooFar(RefundsError):
    """Apple's history does not reach back to the start of the window."""


class NoNotificationUrl(Exception):
    """Apple says that no URL is set. What it answers for such an app is not documented; an empty list is likely too."""


class TooLong(Exception):
    """The window is better asked for in ``parts``."""

    def __init__(self, parts: int) -> None:
        super().__init__(parts)
        self.parts = parts


class _TokenExpired(Exception):
    """The list has to be read again from its first page."""


@dataclass(frozen=True)
class NotificationHistory(AppCalls):
    """The history of one app."""

    pace: Pace

    def signed_payloads(self, kind: NotificationType, window: Window, parts: Parts) -> list[t.Any]:
        """Return the ``signedPayload`` of every notification of a type in a window, all pages.

        What is no signed payload is returned as it came. ``parts`` is told what was read so far while there is more,
        and says into how many windows the time should be split; 1: it is read on. Raises TooLong, NoNotificationUrl,
        StartTooFar, TransportError and RefundsError.
        """
        for _attempt in range(2):
            try:
                return self._all_pages(kind, window, parts)
            except _TokenExpired:
                continue
        raise RefundsError(
            f"{self.bundle_id}: Apple let the list of notifications expire twice while it was read.", "Run again."
        )

    def _all_pages(self, kind: NotificationType, window: Window, parts: Parts) -> list[t.Any]:
        body = {"startDate": window.start, "endDate": window.end, "notificationType": kind}
        found: list[t.Any] = []
        token: str | None = None
        asked: set[str | None] = set()
        size = 0
        while True:
            if found and (split := parts(found)) > 1:
                raise TooLong(split)
            if len(asked) >= MOST_PAGES or size > _MOST_CHARACTERS:
                if window.end - window.start < 2 * _LEAST_WINDOW:
                    raise self._unexpected("has more pages than one second can hold")
                raise TooLong(_HARD_SPLIT)
            asked.add(token)
            document = self._page(body, token)
            page = [_payload(item) for item in document["notificationHistory"]]
            size += sum(len(payload) for payload in page if isinstance(payload, str))
            found += page
            if not document["hasMore"]:
                return found
            token = document.get("paginationToken")
            if not is_page_token(token) or token in asked:
                raise self._unexpected("says that there is more, but not where")

    def _page(self, body: t.Mapping[str, t.Any], token: str | None) -> dict[str, t.Any]:
        query = "" if token is None else "?" + urlencode({"paginationToken": token})
        # It only reads, so it is safe to repeat.
        reply = self.ask("POST", f"{_PATH}{query}", body)
        if reply.error_code in _TOKEN_CODES and token is not None:
            raise _TokenExpired
        if reply.error_code == NO_URL:
            raise NoNotificationUrl
        if reply.status != 200:
            raise self._refused(reply)
        document = page_of(reply, "notificationHistory")
        if document is None:
            raise self._unexpected("isn't a page of notifications")
        return document

    def check_deadline(self) -> None:
        """Raise TransportError when the time of the task is over."""
        if self.server.transport.remaining() <= 0:
            reason = f"{self.bundle_id}: the deadline was over while Apple's payloads were verified."
            raise TransportError("deadline", reason, "Raise deadline.")

    def wait(self, is_first: bool) -> None:
        self.pace.wait()

    def _refused(self, reply: Answer) -> RefundsError:
        if reply.error_code == START_TOO_FAR:
            return StartTooFar(f"{self.bundle_id}: Apple's history does not reach back so far.")
        named = f"{self.bundle_id}: Apple refused Notification History ({self.environment}): HTTP {reply.status}"
        details = f"{f', error {reply.error_code}' if reply.error_code else ''}"
        details += f", request ID {reply.request_id}" if reply.request_id else ""
        if reply.status == 401:
            step = hints.ASK_AUDIT
        elif reply.status == 429:
            step = "The app's hourly limit is used up; run again later, or raise deadline."
        else:
            step = "Run again later; if it stays so, look at app_store_server_url and at proxies in between."
        return RefundsError(f"{named}{details}.", step)

    def _unexpected(self, what: str) -> RefundsError:
        return RefundsError(
            f"{self.bundle_id}: the answer of Notification History {what}.",
            "Look at app_store_server_url and at proxies in between.",
        )


def _payload(item: t.Any) -> t.Any:
    return item.get("signedPayload", item) if isinstance(item, dict) else item
