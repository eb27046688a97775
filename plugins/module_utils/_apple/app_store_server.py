# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls of the App Store Server API, and what its answers mean.

Source: developer.apple.com/documentation/appstoreserverapi
"""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .._http import RETRIED_STATUSES, Advice, Call, Reply, Transport
from .._model.foreign_json import json_object
from .._model.identifiers import Environment
from .._model.integration import Credentials
from .._model.secret import Secret
from .token import sign

HOSTS: dict[Environment, str] = {
    "production": "https://api.storekit.apple.com",
    "sandbox": "https://api.storekit-sandbox.apple.com",
}
ENVIRONMENT_PLACEHOLDER = "{environment}"
TRANSACTION_ID_NOT_FOUND = 4040010
RATE_LIMIT_EXCEEDED = 4290000
# developer.apple.com/documentation/appstoreserverapi/error-codes: the names of these end with Retryable.
_RETRYABLE = frozenset({4040002, 4040004, 4040006, 5000001})
# Well-formed and made up: the answer "not found" proves that the token was accepted, and nothing is touched.
MADE_UP_TRANSACTION_ID = "1000000000000001"
_REQUEST_ID = re.compile(rb"Request ID: ([A-Z0-9][A-Z0-9.]{9,63})")

# Apple says nothing of what a token for the next page is made of; a longer one would fit in no URL.
_PAGE_TOKEN = re.compile(r"[!-~]{1,4096}")


def is_page_token(value: object) -> t.TypeGuard[str]:
    """Tell whether a value can name the next page in a URL."""
    return isinstance(value, str) and _PAGE_TOKEN.fullmatch(value) is not None


# Apple's pages hold 20 items.
_MOST_ITEMS = 100


@dataclass(frozen=True)
class Hosts:
    """Base URLs by environment. With an own URL without ``{environment}`` only the environment asked for is known."""

    override: str | None = None

    def url(self, environment: Environment) -> str:
        if self.override is None:
            return HOSTS[environment]
        return self.override.replace(ENVIRONMENT_PLACEHOLDER, environment)

    def other_than_apple(self, environment: Environment) -> str:
        """Return the host and port of an own URL, empty for Apple's."""
        own = urlsplit(self.url(environment)).netloc
        return "" if self.override is None or own in [urlsplit(url).netloc for url in HOSTS.values()] else own

    @property
    def has_both(self) -> bool:
        return self.override is None or ENVIRONMENT_PLACEHOLDER in self.override


@dataclass(frozen=True)
class Answer:
    """An answer of the App Store Server API. ``document`` is its JSON object, None when the body is none.

    ``has_request_text``: the body itself names the request, as Apple's 401 does.
    """

    status: int
    document: t.Mapping[str, t.Any] | None
    content_type: str
    date: str
    request_id: str | None
    has_request_text: bool = False

    @property
    def error_code(self) -> int | None:
        code = (self.document or {}).get("errorCode")
        return code if isinstance(code, int) and not isinstance(code, bool) else None

    @property
    def is_passing(self) -> bool:
        """True for a trouble of Apple's own, which may be over soon."""
        return self.status >= 500 or self.error_code in _RETRYABLE

    @property
    def proves_acceptance(self) -> bool:
        """True for JSON 200, and for 404 with 4040010: only a token that was accepted gets these."""
        if self.status == 200:
            return self.document is not None and isinstance(self.document.get("signedTransactionInfo"), str)
        return self.status == 404 and self.error_code == TRANSACTION_ID_NOT_FOUND


@dataclass(frozen=True)
class AppStoreServer:
    """The API for one pair of hosts. ``now`` gives UNIX seconds."""

    transport: Transport
    hosts: Hosts
    now: t.Callable[[], float]

    def get_transaction_info(
        self,
        credentials: Credentials,
        bundle_id: str,
        environment: Environment,
        transaction_id: str = MADE_UP_TRANSACTION_ID,
        clock_offset: float = 0.0,
    ) -> Answer:
        """GET /inApps/v1/transactions/{transactionId}. ``clock_offset`` (s) is added to this machine's clock.

        Raises TransportError.
        """
        url = f"{self.hosts.url(environment)}/inApps/v1/transactions/{transaction_id}"
        return self.ask("GET", url, lambda: sign(credentials, bundle_id, self.now() + clock_offset))

    def ask(
        self,
        method: str,
        url: str,
        bearer: t.Callable[[], Secret],
        body: t.Mapping[str, t.Any] | None = None,
        is_repeatable: bool = True,
    ) -> Answer:
        """Send a call, ``body`` as JSON. ``bearer`` makes a fresh token for every attempt. Raises TransportError."""

        def headers() -> dict[str, str]:
            kind = {} if body is None else {"Content-Type": "application/json"}
            return {"Authorization": f"Bearer {bearer().reveal()}", **kind}

        def advice(reply: Reply) -> Advice:
            # After a 429, nothing was done.
            passes = reply.status in RETRIED_STATUSES or answer(reply).is_passing
            return Advice(passes if is_repeatable else reply.status == 429)

        data = None if body is None else json.dumps(body).encode()
        return answer(self.transport.send(Call(method, url, headers, data, is_repeatable, advice=advice)))


@dataclass(frozen=True)
class AppCalls:
    """What asks about one app in one environment."""

    server: AppStoreServer
    credentials: Credentials = field(repr=False)
    bundle_id: str
    environment: Environment

    def token(self) -> Secret:
        return sign(self.credentials, self.bundle_id, self.server.now())

    def ask(
        self, method: str, path: str, body: t.Mapping[str, t.Any] | None = None, is_repeatable: bool = True
    ) -> Answer:
        """Send a call, once more where the token is refused. Raises TransportError."""
        url = f"{self.server.hosts.url(self.environment)}{path}"
        self.wait(is_first=True)
        reply = self.server.ask(method, url, self.token, body, is_repeatable)
        if reply.status != 401:
            return reply
        # Sound tokens are refused now and then; a fresh one settles it.
        self.wait(is_first=False)
        if self.server.transport.remaining() <= 0:
            return reply
        return self.server.ask(method, url, self.token, body, is_repeatable)

    def wait(self, is_first: bool) -> None:
        """Return when a call may begin, the first try or the second, where Apple wants calls to be apart."""


def answer(reply: Reply) -> Answer:
    return Answer(
        status=reply.status,
        document=json_object(reply.body),
        content_type=reply.content_type,
        date=reply.headers.get("date", ""),
        request_id=_request_id(reply),
        has_request_text=_REQUEST_ID.search(reply.body[:512]) is not None,
    )


def page_of(reply: Answer, name: str) -> dict[str, t.Any] | None:
    """Return an answer that is a page of the list ``name``, None for any other.

    An error, or a proxy's JSON, must not count as an empty list. Only the last page may leave an empty list out.
    """
    held = reply.document or {}
    has_more, items = held.get("hasMore"), held.get(name, [])
    if "errorCode" in held or not isinstance(has_more, bool) or (has_more and name not in held):
        return None
    return dict(held) | {name: items} if isinstance(items, list) and len(items) <= _MOST_ITEMS else None


def _request_id(reply: Reply) -> str | None:
    """Return Apple's name for the request: in the text of a 401, else in a header (both observed)."""
    found = _REQUEST_ID.search(reply.body[:512])
    if found:
        return found.group(1).decode("ascii")
    named = reply.headers.get("x-apple-request-uuid") or reply.headers.get("x-apple-jingle-correlation-key")
    return re.sub(r"[^\w.:-]", "", named)[:64] if named else None
