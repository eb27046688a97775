# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""requests' adapter with one addition: all reads of an answer together end in time, its headers included.

http.client and urllib3 bound each read. A server that sends a byte now and then would be read for hours.
"""

from __future__ import annotations

import functools
import http.client
import io
import os
import socket
import threading
import typing as t

if t.TYPE_CHECKING:
    import requests.adapters

Remaining = t.Callable[[], float]
# Zero would mean a socket that never waits.
_LEAST_S = 0.05


class _BoundedReader(io.RawIOBase):
    """Reads from a socket's raw file, each time no longer than what is left."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, remaining: Remaining) -> None:
        self._raw = raw
        self._sock = sock
        self._remaining = remaining
        self.has_ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int | None:
        left = self._remaining()
        if left <= 0:
            raise TimeoutError("the answer did not arrive whole in time")
        self._sock.settimeout(left)
        count = self._raw.readinto(buffer)
        self.has_ended = count == 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _BoundedSocket:
    """What http.client needs of a socket to read an answer."""

    def __init__(self, sock: socket.socket, remaining: Remaining) -> None:
        self._sock = sock
        self._remaining = remaining

    def makefile(self, _mode: str) -> io.BufferedReader:
        raw = t.cast(io.RawIOBase, self._sock.makefile("rb", buffering=0))
        return io.BufferedReader(_BoundedReader(raw, self._sock, self._remaining))


class _Response(http.client.HTTPResponse):
    """http.client's, to which alone headers that break off are whole: a success with nothing in it."""

    def begin(self) -> None:
        reader: t.Any = self.fp.raw
        super().begin()
        if reader.has_ended:
            raise http.client.IncompleteRead(b"")


class _Adapters(threading.local):
    """One adapter per thread, dropped after a fork: two processes on one connection read each other's answers."""

    pid = 0
    adapter: requests.adapters.HTTPAdapter | None = None
    remaining: Remaining | None = None
    has_sent = False


_adapters = _Adapters()


def adapter(remaining: Remaining) -> requests.adapters.HTTPAdapter:
    """Return what sends this thread's requests and keeps its connections, without a ``requests.Session`` around it.

    ``remaining`` gives the seconds that are left for the call that follows. A session would send a matching ~/.netrc
    entry in place of the Bearer token, carry a service's cookies into the next task's calls, read a redirect's body at
    any length even when it does not follow, and double the CPU time of a call.
    """
    _adapters.remaining, _adapters.has_sent = remaining, False
    if _adapters.adapter is None or _adapters.pid != os.getpid():
        _adapters.adapter, _adapters.pid = _adapter_class()(_remaining), os.getpid()
    return _adapters.adapter


def has_sent() -> bool:
    """Tell whether the request itself, not only CONNECT and TLS, began to go out since ``adapter`` was called."""
    return _adapters.has_sent


def _remaining() -> float:
    return _adapters.remaining() if _adapters.remaining else 0.0


def _bounded(base: type[t.Any], remaining: Remaining) -> type[t.Any]:
    """Return a kind of urllib3's connection that connects and reads within what is left."""
    from urllib3.exceptions import NameResolutionError

    def response(sock: socket.socket, *arguments: t.Any, **options: t.Any) -> http.client.HTTPResponse:
        return _Response(t.cast(t.Any, _BoundedSocket(sock, remaining)), *arguments, **options)

    def connect(self: t.Any) -> socket.socket:
        # urllib3 tries one address after another, each as long as it is told.
        try:
            addresses = socket.getaddrinfo(self.host.strip("[]"), self.port, 0, socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        self.timeout = max(remaining() / max(len(addresses), 1), _LEAST_S)
        sock: socket.socket = base._new_conn(self)
        sock.settimeout(max(remaining(), _LEAST_S))
        return sock

    def request(self: t.Any, *arguments: t.Any, **options: t.Any) -> None:
        # An error doesn't tell it: of a connection that breaks off before the answer, urllib3 says that the proxy could
        # not be connected to. And http.client would connect only with the first byte.
        if self.sock is None:
            self.connect()
        self.timeout = max(remaining(), _LEAST_S)
        _adapters.has_sent = True
        base.request(self, *arguments, **options)

    own = {"response_class": staticmethod(response), "_new_conn": connect, "request": request}
    return type("Bounded", (base,), own)


@functools.cache
def _adapter_class() -> type[t.Any]:
    # In a function: this file must be importable where requests is not installed.
    import requests.adapters
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    class Adapter(requests.adapters.HTTPAdapter):
        def __init__(self, remaining: Remaining) -> None:
            plain, secure = _bounded(HTTPConnection, remaining), _bounded(HTTPSConnection, remaining)
            self._pools = {
                "http": type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
                "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
            }
            super().__init__()

        def init_poolmanager(self, *arguments: t.Any, **options: t.Any) -> None:
            super().init_poolmanager(*arguments, **options)
            self.poolmanager.pool_classes_by_scheme = self._pools

        def proxy_manager_for(self, *arguments: t.Any, **options: t.Any) -> t.Any:
            manager = super().proxy_manager_for(*arguments, **options)
            manager.pool_classes_by_scheme = self._pools
            return manager

    return Adapter
