# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP server: uvicorn, with numbered connections and an announcement when it is ready."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import socket
from collections.abc import Callable, Generator
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Longer than a client pauses inside one job; how long Apple keeps a connection is not known.
_KEEP_ALIVE_SECONDS: Final = 75
_SHUTDOWN_SECONDS: Final = 1
_BACKLOG: Final = 2048


class NumberedProtocol(HttpToolsProtocol):
    """HTTP/1.1 that tells the application which connection a request came over.

    The request's ``scope["state"]`` has ``connection`` (a number from 1) and ``transport`` (for
    faults that have to hurt the socket itself).
    """

    _numbers = itertools.count(1)

    # uvicorn narrows the type that asyncio gives here, as this does.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Number the connection."""
        super().connection_made(transport)
        number = next(self._numbers)
        self.app_state: dict[str, Any] = {"connection": number, "transport": transport}


class AnnouncingServer(uvicorn.Server):
    """Calls back once it accepts connections; SIGTERM and SIGINT end it in the orderly way."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then announce."""
        await super().startup(sockets)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take the signals without raising them again at the end, as uvicorn would."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.handle_exit)
        yield


def serve(app: ASGIApp, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT."""
    config = uvicorn.Config(
        app,
        http=NumberedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    AnnouncingServer(config, ready).run(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """Bind a socket; OSError when that is not possible."""
    family, kind, protocol, _name, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError:
        listening.close()
        raise
    return listening
