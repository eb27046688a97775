# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What went wrong when no HTTP answer came, in words: which host, what failed, what to do."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import typing as t

from ._model.errors import TransportError

# `_http.REQUESTS_ERROR` says so to the user before any of this is called.
with contextlib.suppress(ImportError):
    import requests
    import urllib3.exceptions

MORE_TIME = "Run again, or raise request_timeout and deadline."
# http.client's words for a CONNECT that another status than 200 answered.
_TUNNEL_STATUS = re.compile(r"Tunnel connection failed: (\d{3})\b")
_PROXY_REFUSALS = {
    "403": ("it doesn't let this host through", "Ask whoever runs the proxy, or name the host in no_proxy."),
    "407": ("it wants a user and a password", "Give both in https_proxy."),
}
LOOK_BETWEEN = "Run again; if it stays so, look at the URL and at proxies and firewalls in between."


class NotSent(TransportError):
    """Nothing went out, which says nothing about the host."""

    def __init__(self, kind: str, message: str, next_step: str = "") -> None:
        super().__init__(kind, message, next_step)
        self.may_have_arrived = False


class NotAsked(NotSent):
    """A request that did not get its turn: its host had been silent for too long, or the deadline was over."""


class Interrupted(TransportError):
    """An answer began and broke off."""

    def __init__(self, kind: str, message: str, next_step: str = "") -> None:
        super().__init__(kind, message, next_step)
        self.may_have_arrived = True


def place_of(url: str) -> str:
    """Return host and port as messages name them: user, path and query may hold secrets."""
    return re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0].rpartition("@")[2]


def explained(error: Exception, place: str, time_given: str, is_proxied: bool, is_sent: bool) -> TransportError:
    """Return the error for a request to ``place`` (host and port).

    ``time_given``: such as ``within 15 s``. ``is_sent``: something of the request went out.
    """
    if isinstance(error, TransportError):
        return type(error)(error.kind, f"{place}: {error.message}", error.next_step)
    chain = list(_chain(error))
    way, look = (" through the proxy", "Check https_proxy and no_proxy. ") if is_proxied else ("", "")
    is_tls = any(isinstance(link, (requests.exceptions.SSLError, urllib3.exceptions.SSLError)) for link in chain)
    # A connection that was closed while it was written to, such as a kept one, is no fault of TLS.
    if is_tls and not any(isinstance(link, ssl.SSLEOFError) for link in chain):
        reason = str(chain[-1])[:200]
        return TransportError("tls", f"{place}: TLS failed: {reason}.", _tls_step(reason))
    # What can't be encoded goes out as little.
    if (not is_sent or isinstance(error, UnicodeError)) and (found := _unsent(error, chain, place)):
        return found
    if any(isinstance(link, (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)) for link in chain):
        return TransportError("timeout", f"{place}: no whole answer{way} {time_given}.", look + MORE_TIME)
    reason = f"{place}: the connection{way} broke off or the answer wasn't sound HTTP."
    return TransportError("broken", reason, LOOK_BETWEEN)


def _tls_step(reason: str) -> str:
    """Return what to do, by OpenSSL's words for what is wrong."""
    if "not yet valid" in reason or "has expired" in reason:
        return "Check this machine's clock (NTP), then the server's certificate."
    if "mismatch" in reason or "doesn't match" in reason:
        return LOOK_BETWEEN
    return "Set ca_path for a private CA or a proxy's CA."


def _unsent(error: Exception, chain: list[BaseException], place: str) -> TransportError | None:
    """Return the error where the host or the proxy was never reached, or not even tried."""
    if any(isinstance(link, (urllib3.exceptions.NameResolutionError, socket.gaierror)) for link in chain):
        return TransportError("dns", f"{place}: the host name was not found.", "Check the network or DNS.")
    if any(isinstance(link, (requests.exceptions.ProxyError, requests.exceptions.InvalidProxyURL)) for link in chain):
        return _refused_by_proxy(chain, place)
    # Before the time-outs: to urllib3 a refused connection is a kind of them.
    if any(isinstance(link, (urllib3.exceptions.NewConnectionError, ConnectionRefusedError)) for link in chain):
        return TransportError("tcp", f"{place}: no connection.", "Check the network, a firewall, or the URL.")
    if isinstance(error, ValueError):
        return NotSent("refused_url", f"{place}: this URL can't be asked.", "Correct it, or the URL in https_proxy.")
    if isinstance(error, FileNotFoundError) or "CA certificate" in str(error):
        reason = f"{place}: not asked, the CA bundle can't be read."
        return NotSent("tls", reason, "Check ca_path or REQUESTS_CA_BUNDLE.")
    return None


def _refused_by_proxy(chain: list[BaseException], place: str) -> TransportError:
    found = (_TUNNEL_STATUS.search(str(link)) for link in chain)
    status = next((match.group(1) for match in found if match), "")
    if status in _PROXY_REFUSALS:
        why, next_step = _PROXY_REFUSALS[status]
        return NotSent("refused_url", f"{place}: the proxy answered HTTP {status}: {why}.", next_step)
    why = f"the proxy answered HTTP {status}" if status else "the proxy could not be used"
    return TransportError("tcp", f"{place}: {why}.", "Check https_proxy and no_proxy.")


def _chain(error: BaseException) -> t.Iterator[BaseException]:
    """Yield an error and what caused it; urllib3 and requests keep causes in args, reason and __context__."""
    seen: set[int] = set()
    queue: list[t.Any] = [error]
    while queue:
        link = queue.pop(0)
        # A call that is made while another one's error is dealt with has that one as its context.
        if not isinstance(link, BaseException) or isinstance(link, TransportError) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        queue += [*link.args, getattr(link, "reason", None), link.__cause__, link.__context__]
