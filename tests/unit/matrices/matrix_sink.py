# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A further URL: a server that takes what is posted to it, and fails in every way of the matrix."""

from __future__ import annotations

import contextlib
import functools
import socket
import struct
import threading
import time
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

FURTHER = "further URL"
_TAKEN = b'{"taken": true}'


class Sink(ThreadingHTTPServer):
    """``bodies``: what came, by path. ``taken``: paths that had an answer with success."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.fault: dict[str, t.Any] = {}
        self.start_over()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def start_over(self) -> None:
        """Forget everything."""
        self.fault, self.struck = {}, 0
        self.bodies: list[tuple[str, bytes]] = []

    def handle_error(self, request: t.Any, client_address: t.Any) -> None:
        """A client that hangs up is no news."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def taken(self) -> set[str]:
        """Ask the server, which may have been told by another process."""
        with requests.Session() as session:
            session.trust_env = False
            return set(session.get(self.url, timeout=120).json())


@functools.cache
def sink() -> Sink:
    """Give the one of this process."""
    return Sink()


class _Handler(BaseHTTPRequestHandler):
    server: Sink

    def do_GET(self) -> None:
        """Tell where something was taken."""
        paths = sorted({path for path, _body in self.server.bodies})
        self._answer(200, str(paths).replace("'", '"').encode())

    def do_POST(self) -> None:
        """Take a body, or fail as it was asked for."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        armed = self.server.fault
        fault = armed if armed.get("path") == self.path and self.server.struck < armed.get("times", 1000) else {}
        self.server.struck += bool(fault)
        kind = fault.get("kind", "")
        if kind not in ("refuse", "status", "content_type"):
            self.server.bodies.append((self.path, body))
        with contextlib.suppress(OSError):
            getattr(self, f"_{kind}", self._take)(fault)
        self.close_connection = True

    def _take(self, _fault: dict[str, t.Any]) -> None:
        self._answer(200, _TAKEN)

    def _answer(self, status: int, body: bytes, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, _fault: dict[str, t.Any]) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)

    def _reset(self, _fault: dict[str, t.Any]) -> None:
        self._truncate({})
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _truncate(self, _fault: dict[str, t.Any]) -> None:
        self._answer(200, _TAKEN[:5], len(_TAKEN))

    def _delay(self, fault: dict[str, t.Any]) -> None:
        time.sleep(fault["seconds"])
        self._take(fault)

    def _drip(self, fault: dict[str, t.Any]) -> None:
        self._answer(200, b"", len(_TAKEN))
        for number in range(len(_TAKEN)):
            time.sleep(fault["seconds"])
            self.wfile.write(_TAKEN[number : number + 1])

    def _content_type(self, _fault: dict[str, t.Any]) -> None:
        self.server.bodies.append((self.path, b""))
        self._answer(200, b"<html></html>", Content_Type="text/html")

    def _status(self, fault: dict[str, t.Any]) -> None:
        if fault["status"] < 300:
            self.server.bodies.append((self.path, b""))
        self._answer(fault["status"], str(fault.get("body", "")).encode(), **fault.get("headers", {}))

    def log_message(self, *_args: t.Any) -> None:
        """Stay silent."""
