# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small real servers on 127.0.0.1, and the real simulator."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import subprocess
import sys
import threading
import typing as t
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, OTHER_ISSUER, ROOT, public_pem

UNRELEASED = "com.example.unreleased"
FOREIGN = "com.example.foreign"
REVOKED_KEY_ID = "REVOKED001"
FOREIGN_KEY_ID = "FOREIGN001"


@dataclass
class Canned:
    """One answer of a scripted server."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"


class Scripted(ThreadingHTTPServer):
    """Gives the scripted answers in order, the last one for ever; notes requests and connections."""

    daemon_threads = True

    def __init__(self, answers: list[Canned], port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answers = answers
        self.requests: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.connections: list[t.Any] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: t.Any, client_address: t.Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Else the body waits for the acknowledgement of the headers: 40 ms for each answer.
    disable_nagle_algorithm = True
    server: Scripted

    def do_GET(self) -> None:
        """Answer."""
        server = self.server
        number = len(server.requests)
        server.requests.append({name.lower(): value for name, value in self.headers.items()})
        server.paths.append(self.path)
        server.connections.append(self.client_address)
        answer = server.answers[min(number, len(server.answers) - 1)]
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def do_POST(self) -> None:
        """Answer as to GET, whatever the body is."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def log_message(self, *_args: t.Any) -> None:
        """Stay silent."""


@contextlib.contextmanager
def scripted(*answers: Canned, port: int = 0) -> t.Iterator[Scripted]:
    """Serve scripted answers; port 0 is any free one."""
    server = Scripted(list(answers) or [Canned()], port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Raw:
    """A socket server whose behaviour is one function per connection, called after the request's head came."""

    listener: socket.socket
    accepted: int = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"


@contextlib.contextmanager
def raw_server(
    behave: t.Callable[[socket.socket, int], None], port: int = 0, tls: ssl.SSLContext | None = None
) -> t.Iterator[Raw]:
    """Serve ``behave(connection, number)``, over TLS where given; the number starts at 0. Port 0 is any free one."""
    server = Raw(socket.create_server(("127.0.0.1", port)))
    stopped = threading.Event()

    def serve() -> None:
        while not stopped.is_set():
            try:
                connection, _address = server.listener.accept()
            except OSError:
                return
            number = server.accepted
            server.accepted += 1
            threading.Thread(target=_handle, args=(behave, connection, number, tls), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        stopped.set()
        with contextlib.suppress(OSError):
            server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()


def _handle(
    behave: t.Callable[[socket.socket, int], None], accepted: socket.socket, number: int, tls: ssl.SSLContext | None
) -> None:
    accepted.settimeout(10)
    with (
        accepted,
        contextlib.suppress(OSError),
        tls.wrap_socket(accepted, server_side=True) if tls else accepted as connection,
    ):
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = connection.recv(65536)
            if not chunk:
                return
            head += chunk
        behave(connection, number)


def reset(connection: socket.socket) -> None:
    """End a connection with a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@dataclass
class Simulator:
    """The running simulator."""

    announced: dict[str, t.Any]
    pem: str
    other_pem: str
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def url(self) -> str:
        """Its App Store Server API, for both environments."""
        production: str = self.announced["app_store_server"]["production"]
        assert production.endswith("/production")
        return production[: -len("production")] + "{environment}"

    def control(self, method: str, path: str, body: object = None) -> t.Any:
        """Call the control API."""
        answer = self.session.request(method, f"{self.announced['control']}{path}", json=body, timeout=120)
        assert answer.ok, answer.text
        return answer.json()

    def fault(self, **fault: object) -> None:
        """Arm one fault."""
        self.control("POST", "/faults", fault)

    def calls(self, query: str = "") -> dict[str, t.Any]:
        """Read the call log."""
        return dict(self.control("GET", f"/calls{query}"))

    def start_over(self) -> None:
        """Bring back the world: two teams, the same key pair under every Key ID of the first."""
        mine, other = public_pem(self.pem), public_pem(self.other_pem)
        keys = [{"key_id": KEY_ID, "public_key": mine}]
        keys.append({"key_id": REVOKED_KEY_ID, "public_key": mine, "active": False})
        keys.append({"key_id": "ROTATED001", "public_key": other})
        apps = [{"bundle_id": BUNDLE_ID, "apple_id": 1}, {"bundle_id": "com.example.two", "apple_id": 2}]
        apps.append({"bundle_id": UNRELEASED, "apple_id": 3, "released": False})
        foreign = {"issuer_id": OTHER_ISSUER, "iap_keys": [{"key_id": FOREIGN_KEY_ID, "public_key": other}]}
        foreign["apps"] = [{"bundle_id": FOREIGN, "apple_id": 4}]
        teams = [{"issuer_id": ISSUER, "iap_keys": keys, "apps": apps}, foreign]
        self.control("PUT", "/world", {"teams": teams, "rate_limits": {"get_transaction_info": 0}})


@contextlib.contextmanager
def simulator(pem: str, other_pem: str) -> t.Iterator[Simulator]:
    """Start the real simulator on a free port; stop it at the end."""
    command = [sys.executable, str(ROOT / "extensions" / "simulator"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the simulator did not start"
        running = Simulator(json.loads(line), pem, other_pem)
        running.session.trust_env = False
        try:
            yield running
        finally:
            running.session.close()
            process.terminate()
            process.wait(timeout=120)
