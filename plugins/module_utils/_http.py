# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one HTTP transport: keep-alive, bounded retries, one total deadline, a circuit breaker per host, counters."""

from __future__ import annotations

import contextlib
import functools
import random
import time
import traceback
import typing as t
from dataclasses import dataclass, field, replace

from ._http_adapter import adapter, has_sent
from ._http_circuit import Circuits, Request
from ._http_counters import Counters
from ._http_errors import LOOK_BETWEEN, MORE_TIME, Interrupted, NotAsked, explained, place_of
from ._http_flow import MOST, Flow
from ._http_proxies import proxies_for
from ._http_retry_after import retry_after
from ._model.errors import TransportError
from ._model.secret import Secret

try:
    import requests
    import requests.adapters
    import urllib3
    import urllib3.exceptions
except ImportError:
    REQUESTS_ERROR: str | None = traceback.format_exc()
else:
    REQUESTS_ERROR = None


def urllib3_fault(version: str) -> str | None:
    """Return what is wrong with that version of urllib3: before 2.6, an answer of 1.8 KB filled 2.1 GB."""
    parts = tuple(int(part) if part.isdigit() else 0 for part in version.split(".")[:2])
    return None if parts >= (2, 6) else f"urllib3 {version} unpacks compressed answers without a bound"


URLLIB3_ERROR = None if REQUESTS_ERROR else urllib3_fault(vars(urllib3)["__version__"])

USER_AGENT = "ansible-collection-storeops.refunds"
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate", "Connection": "keep-alive"}
# Answers of these services are small; a server that sends more is not one of them.
LARGEST_BODY = 4 * 1024 * 1024
RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})
_RETRIED_KINDS = frozenset({"dns", "tcp", "timeout", "broken"})


@dataclass(frozen=True)
class HttpSettings:
    """``proxies``: as urllib.request.getproxies_environment gives them. Times in seconds.

    ``concurrency``: how many calls may be on their way at a time, at most.
    """

    ca_path: str | None = None
    proxies: t.Mapping[str, str] = field(default_factory=dict)
    request_timeout: float = 15.0
    deadline: float = 120.0
    attempts: int = 4
    concurrency: int = MOST


@dataclass(frozen=True)
class Reply:
    """An HTTP answer. Header names are in lower case; ``set_cookies`` are the Set-Cookie headers as they came.

    ``is_repeated``: an earlier try of the same call may have been carried out.
    """

    status: int
    headers: t.Mapping[str, str]
    body: bytes = field(repr=False)
    set_cookies: tuple[str, ...] = field(default=(), repr=False)
    is_repeated: bool = False

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


@dataclass(frozen=True)
class Advice:
    """What an answer says about sending the same call again; ``pause`` in seconds, None where it leaves that open."""

    may_repeat: bool
    pause: float | None = None


@dataclass(frozen=True)
class Call:
    """An HTTP request. ``headers`` is asked anew for every attempt and may hold secrets.

    ``least_seconds`` is granted even beyond the deadline: for an answer that can be had only once.
    Only an ``is_repeatable`` call is sent again when no answer came. After an answer, ``advice`` decides where given.
    """

    method: str
    url: str
    headers: t.Callable[[], t.Mapping[str, str]] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    is_repeatable: bool = True
    least_seconds: float = 0.0
    advice: t.Callable[[Reply], Advice] | None = field(default=None, repr=False)

    def advised(self, reply: Reply) -> Advice:
        if self.advice is not None:
            return self.advice(reply)
        return Advice(self.is_repeatable and reply.status in RETRIED_STATUSES)


@functools.lru_cache(maxsize=64)
def _normalised(url: str) -> str:
    """Return ``url`` as it goes over the wire. Raises ValueError for what isn't a URL."""
    prepared = requests.PreparedRequest()
    prepared.prepare_url(url, None)
    return str(prepared.url)


def _prepared(call: Call, headers: t.Mapping[str, str]) -> requests.PreparedRequest:
    """Return the request of one attempt. Raises ValueError for a URL or a header that can't be sent."""
    prepared = requests.PreparedRequest()
    prepared.prepare_method(call.method)
    prepared.url = _normalised(call.url)
    prepared.prepare_headers(headers)
    prepared.prepare_body(call.body, None)
    return prepared


class Transport:
    """Sends requests within one total deadline that starts when the object is made."""

    def __init__(
        self,
        settings: HttpSettings,
        monotonic: t.Callable[[], float] = time.monotonic,
        now: t.Callable[[], float] = time.time,
        sleep: t.Callable[[float], None] = time.sleep,
        jitter: t.Callable[[], float] = random.random,
    ) -> None:
        self.settings = settings
        self.counters = Counters(monotonic)
        self.flow = Flow(settings.concurrency)
        self._circuits = Circuits(monotonic)
        self._monotonic = monotonic
        self._now = now
        self._sleep = sleep
        self._jitter = jitter
        self._began = monotonic()
        self._ends = self._began + settings.deadline
        # As messages name what ends at `_ends`.
        self.limit = f"the deadline of {settings.deadline:g} s"

    def remaining(self) -> float:
        """Return the seconds left until the deadline."""
        return max(0.0, self._ends - self._monotonic())

    @contextlib.contextmanager
    def sharing(self, part: float, whose: str) -> t.Iterator[None]:
        """Give what is done meanwhile a part of what is left. For a time when no other thread uses the object."""
        before = self._ends, self.limit
        self._ends -= (1 - part) * self.remaining()
        if part < 1:
            self.limit = f"{whose} share of {self.limit}"
        try:
            yield
        finally:
            self._ends, self.limit = before

    def elapsed(self) -> float:
        """Return the seconds since the object was made."""
        return self._monotonic() - self._began

    def get(self, url: str, bearer: t.Callable[[], Secret]) -> Reply:
        """GET ``url``, repeating what may pass by itself. ``bearer`` makes a fresh token for every attempt.

        Raises TransportError when no answer came; an answer of any status is returned.
        """
        return self.send(Call("GET", url, lambda: {"Authorization": f"Bearer {bearer().reveal()}"}))

    def send(self, call: Call) -> Reply:
        """Send ``call``, repeating it when it may be and the failure may pass by itself.

        Raises TransportError when no answer came, NotAsked at once where the host has been silent for long; an answer
        of any status is returned.
        """
        with self._circuits.of(call.url).request(place_of(call.url)) as request:
            return self._tried(call, request)

    def _tried(self, call: Call, request: Request) -> Reply:
        attempt, is_repeated = 0, False
        while True:
            is_last = attempt + 1 >= self.settings.attempts
            request.begins()
            begun = self.flow.begins()
            try:
                reply = self._once(call)
            except TransportError as error:
                self.flow.failed(begun, error)
                request.failed(error)
                is_repeated = error.may_have_arrived = is_repeated or error.may_have_arrived
                is_final = is_last or not call.is_repeatable or error.kind not in _RETRIED_KINDS or request.is_hopeless
                if is_final or not self._wait(self._backoff(attempt)):
                    raise
            else:
                self.flow.answered(begun, reply.status)
                request.answered()
                advice = call.advised(reply)
                asked = self._asked(reply, advice)
                # A wait that the service asks for ends by the deadline, not by a number of tries.
                is_final = not advice.may_repeat or (is_last and asked is None)
                if is_final or not self._wait(max(asked or 0.0, self._backoff(attempt))):
                    return replace(reply, is_repeated=is_repeated)
                is_repeated = is_repeated or reply.status >= 500
            attempt += 1

    def pause(self, seconds: float) -> None:
        """Wait before the next call, but not beyond the deadline; this is no retry."""
        self._sleep(min(seconds, self.remaining()))

    def _backoff(self, attempt: int) -> float:
        # A service that asks for no wait is asked again until the deadline: thousands of times, beyond any float.
        return self._jitter() * min(8.0, 0.5 * 2.0 ** min(attempt, 4))

    def _asked(self, reply: Reply, advice: Advice) -> float | None:
        """Return the seconds that the service asks to wait, with jitter so that many runs don't come back at once."""
        asked = retry_after(reply.headers.get("retry-after", ""), self._now())
        asked = advice.pause if asked is None else asked
        return None if asked is None else asked + 0.1 * self._jitter()

    def _wait(self, seconds: float) -> bool:
        if seconds >= self.remaining():
            return False
        with self.counters.waiting():
            self._sleep(seconds)
        return True

    def _once(self, call: Call) -> Reply:
        url = call.url
        seconds = max(call.least_seconds, min(self.settings.request_timeout, self.remaining()))
        place = place_of(url)
        if seconds <= 0:
            reason = f"{place}: not asked, {self.limit} was over."
            raise NotAsked("deadline", reason, "Raise deadline.")
        ends = self._monotonic() + seconds
        # What was left of it differs from app to app, and is no cause of its own.
        is_cut = seconds < self.settings.request_timeout
        given = f"before {self.limit} was over" if is_cut else f"within {seconds:g} s"
        self.counters.called()
        has_begun, proxies = False, dict[str, str]()
        headers = {**_HEADERS, "User-Agent": USER_AGENT, **call.headers()}
        # At first: what fails before the request goes out must not be told by what the last one did.
        sender = adapter(lambda: ends - self._monotonic())
        try:
            proxies = proxies_for(url, self.settings.proxies)
            with sender.send(
                _prepared(call, headers),
                stream=True,
                timeout=seconds,
                verify=self.settings.ca_path or True,
                proxies=proxies,
            ) as response:
                has_begun = True
                names = {name.lower(): value for name, value in response.headers.items()}
                cookies = tuple(response.raw.headers.getlist("set-cookie"))
                # What a redirect says beside its headers is of no use, and may be of any length.
                body = b"" if 300 <= response.status_code < 400 else self._body(response, ends)
                return Reply(response.status_code, names, body, cookies)
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
            ValueError,
            TransportError,
        ) as error:
            found = explained(error, place, given, bool(proxies), has_sent())
            raise (Interrupted(found.kind, found.message, found.next_step) if has_begun else found) from None

    def _body(self, response: requests.Response, ends: float) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while chunk := response.raw.read1(65536, decode_content=True):
            chunks.append(chunk)
            size += len(chunk)
            if size > LARGEST_BODY:
                raise TransportError("broken", f"the answer has more than {LARGEST_BODY} bytes.", LOOK_BETWEEN)
            if self._monotonic() > ends:
                raise TransportError("timeout", "the answer did not arrive whole in time.", MORE_TIME)
        return b"".join(chunks)
