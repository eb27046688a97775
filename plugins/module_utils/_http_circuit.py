# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A circuit breaker: a dead host is found out once for a task, and not anew by each of its apps."""

from __future__ import annotations

import contextlib
import functools
import threading
import typing as t
from urllib.parse import urlsplit

from ._http_errors import Interrupted, NotSent
from ._model.errors import TransportError

# As many as a task asks at a time (`_tasks.shared.concurrent.WORKERS`): with fewer, one short outage that meets the
# requests on their way would do. Not more: against silence, the tries of one round take half of the usual deadline,
# those of two take all of it. By then that many apps have failed, and the task has to be run again anyway.
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
    """One host: closed (requests go out), or open (they fail at once) but for a probe now and then."""

    def __init__(self, monotonic: t.Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._unanswered = 0
        self._last: TransportError | None = None
        self._next_probe = 0.0
        self._is_probing = False

    @property
    def is_open(self) -> bool:
        return self._unanswered >= UNANSWERED

    @contextlib.contextmanager
    def request(self, place: str) -> t.Iterator[Request]:
        """Surround a request with all its tries. ``place``: host and port for the message.

        Raises NotSent, of the kind of the host's last failure, where the circuit is open.
        """
        is_probe = self._admitted(place)
        request = Request(self)
        try:
            yield request
        except NotSent:
            raise
        except TransportError as error:
            if not request.is_answered:
                self._went_unanswered(error)
            raise
        finally:
            if is_probe:
                with self._lock:
                    self._is_probing = False

    def answered(self) -> None:
        with self._lock:
            self._unanswered = 0

    def _admitted(self, place: str) -> bool:
        """Return whether the request is a probe. Raises NotSent when it must not go out."""
        with self._lock:
            if not self.is_open or self._last is None:
                return False
            if self._is_probing or self._monotonic() < self._next_probe:
                reason = f"{place} gave no answer to {UNANSWERED} requests in a row; not asked again for this app."
                raise NotSent(self._last.kind, reason, self._last.next_step)
            self._is_probing = True
            return True

    def _went_unanswered(self, error: TransportError) -> None:
        with self._lock:
            self._unanswered += 1
            self._last = error
            self._next_probe = self._monotonic() + PROBE_EVERY_S


class Request:
    """A request on its way, perhaps tried several times."""

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self.is_answered = False

    @property
    def is_hopeless(self) -> bool:
        """True when the host has been found dead, meanwhile or before: one try is then enough."""
        return self._circuit.is_open

    def answered(self) -> None:
        self.is_answered = True
        self._circuit.answered()

    def failed(self, error: TransportError) -> None:
        """Note how a try failed; an answer that broke off shows a host that is alive."""
        if isinstance(error, Interrupted):
            self.answered()


@functools.lru_cache(maxsize=64)
def _host(url: str) -> Host:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # No URL: it is never asked, so all that matters is that it is no other host.
        return ("", url, 0)
    return (parts.scheme, parts.hostname or "", port or _DEFAULT_PORTS.get(parts.scheme, 0))
