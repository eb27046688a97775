# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apple's test notification: the proof that an app's notification URL works.

Source: developer.apple.com/documentation/appstoreserverapi/request-a-test-notification, …/get-test-notification-status
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .._model.errors import RefundsError
from .._model.identifiers import Environment
from . import hints
from .app_store_server import Answer, AppCalls

_PATH = "/inApps/v1/notifications/test"
_NO_URL = 4040007
_NOT_YET = 4040008
# Apple allows one call a second for each of the two endpoints, a tenth of it in the sandbox.
_FIRST_PAUSE_S = 1.0
_PAUSE_S: dict[Environment, float] = {"production": 2.0, "sandbox": 10.0}
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,128}")
SUCCESS = "SUCCESS"
# Apple's names (github.com/apple/app-store-server-library-python, SendAttemptResult.py), and what to look at.
_MEANING = {
    "TIMED_OUT": "the server didn't answer in time",
    "TLS_ISSUE": "the TLS handshake failed: check the certificate and its chain",
    "CIRCULAR_REDIRECT": "the server redirects in a circle",
    "NO_RESPONSE": "the server closed the connection without an answer",
    "SOCKET_ISSUE": "no connection: check the host name, the port and firewalls",
    "UNSUPPORTED_CHARSET": "the answer has a character set that Apple can't read",
    "INVALID_RESPONSE": "the answer isn't HTTP",
    "PREMATURE_CLOSE": "the server closed the connection within its answer",
    "UNSUCCESSFUL_HTTP_RESPONSE_CODE": "the server answered with another HTTP status than 200 to 206",
}


@dataclass(frozen=True)
class Delivery:
    """What became of a test notification. ``result`` is Apple's name, None while Apple has told nothing."""

    result: str | None
    attempted_at: int | None = None

    @property
    def is_proof(self) -> bool:
        return self.result == SUCCESS

    @property
    def meaning(self) -> str:
        """Return in words why there is no proof."""
        if self.result is None:
            return "Apple hadn't told what became of it when wait_timeout was over"
        return f"{self.result}, {_MEANING.get(self.result, 'which Apple does not explain')}"


@dataclass(frozen=True)
class TestNotifications(AppCalls):
    """Test notifications of one app. Asking for one posts to the app's URL."""

    __test__ = False

    def deliver(self, wait_timeout: float) -> Delivery:
        """Ask for a test notification, and wait up to ``wait_timeout`` seconds for its first delivery attempt.

        Raises TransportError, RefundsError.
        """
        reply = self.ask("POST", _PATH, is_repeatable=False)
        token = (reply.document or {}).get("testNotificationToken")
        if reply.error_code == _NO_URL:
            raise RefundsError(
                f"Apple says that {self._named} has no notification URL.",
                "If it was set just now, run again: it may take up to an hour to arrive.",
            )
        if reply.status != 200 or not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise self._refused(reply, "a test notification")
        pause, left = _FIRST_PAUSE_S, wait_timeout
        while True:
            self.server.transport.pause(pause)
            left, pause = left - pause, _PAUSE_S[self.environment]
            found = self._status(token)
            if found.result is not None or left <= 0 or self.server.transport.remaining() <= pause:
                return found

    def _status(self, token: str) -> Delivery:
        reply = self.ask("GET", f"{_PATH}/{token}")
        if reply.error_code == _NOT_YET:
            return Delivery(None)
        attempts = (reply.document or {}).get("sendAttempts")
        if reply.status != 200 or not isinstance(attempts, list):
            raise self._refused(reply, "the status of a test notification")
        if not attempts or not isinstance(attempts[-1], dict):
            return Delivery(None)
        result, date = attempts[-1].get("sendAttemptResult"), attempts[-1].get("attemptDate")
        is_name = isinstance(result, str) and re.fullmatch(r"[A-Z_]{1,64}", result)
        return Delivery(
            str(result) if is_name else "OTHER", date if isinstance(date, int) and not isinstance(date, bool) else None
        )

    def wait(self, is_first: bool) -> None:
        if not is_first:
            self.server.transport.pause(_PAUSE_S[self.environment])

    def _refused(self, reply: Answer, what: str) -> RefundsError:
        code = f", error {reply.error_code}" if reply.error_code else ""
        request = f", request ID {reply.request_id}" if reply.request_id else ""
        step = hints.ASK_AUDIT if reply.status == 401 else "Run again later."
        return RefundsError(f"Apple refused {what} of {self._named}: HTTP {reply.status}{code}{request}.", step)

    @property
    def _named(self) -> str:
        return f"{self.bundle_id} ({self.environment})"
