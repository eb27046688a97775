# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends what waits for a server that says nothing any more.

libpq waits for an answer for ever: TCP's own time-outs don't help while the server's machine still acknowledges what it
gets (a stopped process, a pooler without servers, a proxy). So the socket is shut at the end of the deadline, which
libpq takes for a broken connection.
"""

from __future__ import annotations

import contextlib
import math
import os
import socket
import threading
import typing as t
from contextvars import ContextVar

_seconds: ContextVar[float] = ContextVar("seconds", default=math.inf)
# A call that is begun is given this much even when the deadline is over, or it would be cut before it can say so.
_LEAST_S = 0.5
_NAME = "storeops_watch"


@contextlib.contextmanager
def within(seconds: float) -> t.Iterator[None]:
    """Connections that are opened while this is entered are cut after so many seconds."""
    token = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(token)


def allowed() -> float:
    """Return the seconds that a new connection has; infinite without a limit."""
    return max(_LEAST_S, _seconds.get())


class Watch:
    """Shuts a connection's socket when its time is over, unless it was ended before."""

    def __init__(self, fileno: int, seconds: float) -> None:
        # A number of our own: that of the connection may be another file's once it is closed.
        self._socket = socket.socket(fileno=os.dup(fileno))
        self._timer = threading.Timer(seconds, self._shut)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        self._timer.cancel()
        self._socket.close()

    def _shut(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


def watch(connection: t.Any, record: t.Any) -> None:
    """Begin to watch a new connection of psycopg's. ``record``: where SQLAlchemy keeps what belongs to it."""
    seconds = allowed()
    if math.isfinite(seconds):
        record.info[_NAME] = Watch(connection.fileno(), min(seconds, threading.TIMEOUT_MAX))


def unwatch(record: t.Any) -> None:
    """End the watch of a connection that is about to be closed."""
    found = record.info.pop(_NAME, None)
    if found is not None:
        found.end()
