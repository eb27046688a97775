# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A circuit breaker: a dead host is found out once for a task, and not anew by each of its apps."""

from __future__ import annotations

import contextlib
import functools
import math
import threading
import typing as t
from urllib.parse import urlsplit

from ._http_errors import Interrupted, NotAsked, NotSent
from ._model.errors import TransportError

# Refusing is much faster than asking: once open, the rest of a list is refused before the next probe is due. So an
# outage must be longer than a restart or a changed route takes, and is then a good part of the usual deadline (120 s).
SILENCE_S = 30.0
# As many as a task asks at a time at first (`_http_flow.FIRST`): a few large or unlucky requests are no outage.
UNANSWERED = 8
# Seconds after which an open circuit lets one request see whether the host is back.
PROBE_EVERY_S = 5.0
_DEFAULT_PORTS = {"http": 80, "https": 443}

Host = tuple[str, str, int]


class Circuits:
    """The hosts that a task asks. ``monotonic`` gives seconds."""

    def __init__(self, monotonic: t.Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: dict[Host, Circuit] = {}

    def of(self, url: str) -> Circuit:
        host = _host(url)
        with self._lock:
            if host not in self._known:
                self._known[host] = Circuit(self._monotonic)
            return self._known[host]


class Circuit:
    """One host: closed (requests go out), or open (they fail at once) but for a probe now and then.

    It opens with a try that fails when the host has answered nothing for SILENCE_S and UNANSWERED requests have failed
    tries since its last answer. The silence is measured from the start of the first of these tries, or from an answer
    to another request during it. Any answer closes it, and all counting begins anew.
    """

    def __init__(self, monotonic: t.Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._unanswered: set[Request] = set()
        self._answered_at = -math.inf
        self._silent_since = math.inf
        # Set while the circuit is open.
        self._last: TransportError | None = None
        self._next_probe = 0.0
        self._probe: Request | None = None

    @property
    def is_open(self) -> bool:
        return self._last is not None

    @contextlib.contextmanager
    def request(self, place: str) -> t.Iterator[Request]:
        """Surround a request with all its tries. ``place``: host and port for the message.

        Raises NotAsked, of the kind of the host's last failure, where the circuit is open.
        """
        request = Request(self, self._monotonic)
        self._admit(request, place)
        try:
            yield request
        finally:
            with self._lock:
                if self._probe is request:
                    self._probe = None

    def answered(self) -> None:
        with self._lock:
            self._answered_at, self._silent_since = self._monotonic(), math.inf
            self._unanswered.clear()
            # A probe that now waits to be repeated is none any more, and must not keep the next one waiting.
            self._last = self._probe = None

    def unanswered(self, request: Request, started: float, error: TransportError) -> None:
        """Note a try that got no answer. ``started``: when it did."""
        with self._lock:
            now = self._monotonic()
            self._silent_since = min(self._silent_since, max(started, self._answered_at))
            if len(self._unanswered) < UNANSWERED:
                self._unanswered.add(request)
            if len(self._unanswered) >= UNANSWERED and now - self._silent_since >= SILENCE_S:
                self._last, self._next_probe = error, now + PROBE_EVERY_S

    def _admit(self, request: Request, place: str) -> None:
        """Let a request go out, as the probe where the circuit is open. Raises NotAsked when it must not."""
        with self._lock:
            if self._last is None:
                return
            if self._probe is not None or self._monotonic() < self._next_probe:
                # The same words for all that are refused: summaries group by them.
                reason = f"not asked: no answer came from {place} for at least {SILENCE_S:g} s."
                raise NotAsked(self._last.kind, reason, self._last.next_step)
            self._probe = request


class Request:
    """A request on its way, perhaps tried several times."""

    def __init__(self, circuit: Circuit, monotonic: t.Callable[[], float]) -> None:
        self._circuit = circuit
        self._monotonic = monotonic
        self._started = monotonic()

    @property
    def is_hopeless(self) -> bool:
        """True when the host has been found dead, meanwhile or before: one try is then enough."""
        return self._circuit.is_open

    def begins(self) -> None:
        """Note that a try begins."""
        self._started = self._monotonic()

    def answered(self) -> None:
        self._circuit.answered()

    def failed(self, error: TransportError) -> None:
        """Note how a try failed; an answer that broke off shows a host that is alive."""
        if isinstance(error, Interrupted):
            self.answered()
        elif not isinstance(error, NotSent):
            self._circuit.unanswered(self, self._started, error)


@functools.lru_cache(maxsize=64)
def _host(url: str) -> Host:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # No URL: it is never asked, so all that matters is that it is no other host.
        return ("", url, 0)
    return (parts.scheme, parts.hostname or "", port or _DEFAULT_PORTS.get(parts.scheme, 0))
