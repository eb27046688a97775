# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that misbehave: every fault ends in time, in words, without the token."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import typing as t

import pytest
from transport_support import Clock, failed, get
from unit_servers import Canned, raw_server, reset, scripted
from urllib3.util import connection

from ansible_collections.storeops.refunds.plugins.module_utils._http import (
    LARGEST_BODY,
    HttpSettings,
    Transport,
    urllib3_fault,
)

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
SOUND = HEAD + b"Content-Length: 2\r\n\r\n{}"
# More than the buffers of a connection hold.
FLOOD = 64 * 1024 * 1024
Behaviour = t.Callable[[socket.socket], object]

BREAKING: dict[str, Behaviour] = {
    "reset at once": reset,
    "closed at once": lambda connection: None,
    "closed in the status line": lambda connection: connection.sendall(b"HTT"),
    "closed in a header": lambda connection: connection.sendall(HEAD + b"Content-Le"),
    "closed between headers": lambda connection: connection.sendall(HEAD),
    "reset in the body": lambda connection: (
        connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{"),
        reset(connection),
    ),
    "truncated body": lambda connection: connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{}"),
    "truncated chunks": lambda connection: connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"),
    "chunks without end": lambda connection: connection.sendall(
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
    ),
    "bad chunk size": lambda connection: connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"),
    "garbage": lambda connection: connection.sendall(b"\x16\x03\x01\x02\x00 garbage\r\n\r\n"),
    "no status": lambda connection: connection.sendall(b"HTTP/1.1\r\n\r\n"),
    "status of letters": lambda connection: connection.sendall(b"HTTP/1.1 abc OK\r\n\r\n"),
    "endless line": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nA: " + b"a" * 200_000),
    "many headers": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 2000),
}
BROKEN_GZIP = HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"


@pytest.mark.parametrize("fault", BREAKING)
def test_a_broken_answer_is_repeated_once_and_then_had(fault: str) -> None:
    def behave(connection: socket.socket, number: int) -> None:
        BREAKING[fault](connection) if number == 0 else connection.sendall(SOUND)

    transport = Clock().transport()
    with raw_server(behave) as server:
        assert get(transport, server.url).body == b"{}"
    assert transport.counters.retries == 1


@pytest.mark.parametrize("fault", BREAKING)
def test_a_broken_answer_for_ever_is_told(fault: str) -> None:
    with raw_server(lambda connection, _number: t.cast(None, BREAKING[fault](connection))) as server:
        failed(Clock().transport(), server.url, "broken")
        assert server.accepted == 4


def test_a_body_that_is_no_gzip_is_repeated_and_told() -> None:
    # It arrives whole, so the connection may be used again just when the server closes it: that costs one more try.
    def behave(connection: socket.socket, number: int) -> None:
        connection.sendall(BROKEN_GZIP if number == 0 else SOUND)

    with raw_server(behave) as server:
        assert get(Clock().transport(), server.url).body == b"{}"
    with raw_server(lambda connection, _number: connection.sendall(BROKEN_GZIP)) as server:
        failed(Clock().transport(), server.url, "broken")


def _drip(connection: socket.socket, first: bytes, each: bytes, stopped: threading.Event) -> None:
    connection.sendall(first)
    while not stopped.wait(0.02):
        connection.sendall(each)


DRIPS = {
    "body with a length": HEAD + b"Content-Length: 100000\r\n\r\n",
    "body until the end": HEAD + b"Connection: close\r\n\r\n",
}


@pytest.mark.parametrize("kind", DRIPS)
def test_a_dripping_body_ends_in_time(kind: str) -> None:
    stopped = threading.Event()
    transport = Transport(HttpSettings(request_timeout=0.1, attempts=3), jitter=lambda: 0.0)
    with raw_server(lambda connection, _number: _drip(connection, DRIPS[kind], b" ", stopped)) as server:
        failed(transport, server.url, "timeout")
        stopped.set()
        assert server.accepted <= 4


@pytest.mark.parametrize("piece", [b"X-Header: a\r\n", b"a"])
def test_dripping_headers_end_in_time(piece: bytes) -> None:
    stopped = threading.Event()
    end = threading.Timer(60, stopped.set)
    end.start()
    transport = Transport(HttpSettings(request_timeout=0.1, attempts=3), jitter=lambda: 0.0)
    with raw_server(lambda connection, _number: _drip(connection, b"HTTP/1.1 200 OK\r\nX-", piece, stopped)) as server:
        failed(transport, server.url, "timeout")
        assert not stopped.is_set(), "the server gave up before the transport did"
        stopped.set()
    end.cancel()


def test_dripping_chunks_end_in_time() -> None:
    stopped = threading.Event()
    first = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    transport = Transport(HttpSettings(request_timeout=0.1, attempts=3), jitter=lambda: 0.0)
    with raw_server(lambda connection, _number: _drip(connection, first, b"1\r\na\r\n", stopped)) as server:
        failed(transport, server.url, "timeout")
        stopped.set()


def test_a_silent_server_ends_in_time() -> None:
    stopped = threading.Event()
    transport = Transport(HttpSettings(request_timeout=0.1, attempts=3), jitter=lambda: 0.0)
    with raw_server(lambda connection, _number: t.cast(None, stopped.wait(60))) as server:
        failed(transport, server.url, "timeout")
        stopped.set()


def _flood(connection: socket.socket, first: bytes) -> None:
    connection.sendall(first)
    for _chunk in range(LARGEST_BODY // 65536 + 40):
        connection.sendall(b"a" * 65536)


@pytest.mark.parametrize("kind", DRIPS)
def test_an_endless_body_is_cut(kind: str) -> None:
    head = DRIPS[kind].replace(b"100000", b"999999999999")
    with raw_server(lambda connection, _number: _flood(connection, head)) as server:
        error = failed(Clock().transport(attempts=1), server.url, "broken")
    assert str(LARGEST_BODY) in str(error)


@pytest.mark.parametrize(
    ("version", "is_good"), [("1.26.20", False), ("2.5.0", False), ("2.6", True), ("2.10.1", True), ("3.0rc1", True)]
)
def test_a_urllib3_that_unpacks_without_a_bound_is_named(version: str, is_good: bool) -> None:
    assert (urllib3_fault(version) is None) is is_good


def test_a_bomb_is_cut() -> None:
    bomb = gzip.compress(b"a" * (LARGEST_BODY * 4))
    assert len(bomb) < 50_000
    with scripted(Canned(200, {"Content-Encoding": "gzip"}, bomb)) as server:
        error = failed(Clock().transport(attempts=1), server.url, "broken")
    assert str(LARGEST_BODY) in str(error)


def test_a_host_with_many_silent_addresses_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each address alone would be given the whole time."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, contextlib.ExitStack() as waiting:
        port = server.getsockname()[1]
        for _number in range(4):
            # Nobody accepts them: once the queue is full, nobody answers the next one.
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: [address] * 5)
        given: list[float] = []
        connects = connection.create_connection

        def noted(place: tuple[str, int], timeout: float, **options: t.Any) -> socket.socket:
            given.append(timeout)
            return connects(place, timeout, **options)

        monkeypatch.setattr(connection, "create_connection", noted)
        failed(Transport(HttpSettings(request_timeout=0.5, attempts=1)), f"http://silent.invalid:{port}/", "timeout")
        assert len(given) == 1 and 0 < given[0] <= 0.5 / 5, "each of them has its share of the time"


def test_a_compressed_answer_is_read() -> None:
    with scripted(Canned(200, {"Content-Encoding": "gzip"}, gzip.compress(b'{"a": 1}'))) as server:
        assert get(Clock().transport(), server.url).body == b'{"a": 1}'


def test_after_a_fault_the_connection_is_not_used_again() -> None:
    def behave(connection: socket.socket, number: int) -> None:
        connection.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n" + b"a" * 10 if number == 0 else SOUND)

    transport = Transport(HttpSettings(request_timeout=120), jitter=lambda: 0.0)
    with raw_server(behave) as server:
        assert get(transport, server.url).body == b"{}"
        assert server.accepted == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_takes_no_token_along(status: int) -> None:
    with scripted() as other, scripted(Canned(status, {"Location": f"{other.url}/thief"})) as server:
        assert get(Clock().transport(), server.url).status == status
        assert other.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("end", ["Connection: close", "Content-Length: 9999999999"])
def test_the_body_of_a_redirect_is_never_read(status: int, end: str) -> None:
    sent = [0]

    def behave(connection: socket.socket, _number: int) -> None:
        connection.sendall(f"HTTP/1.1 {status} Found\r\nLocation: /login\r\n{end}\r\n\r\n".encode())
        while sent[0] < FLOOD:
            connection.sendall(b"a" * 65536)
            sent[0] += 65536

    with raw_server(behave) as server:
        reply = get(Transport(HttpSettings(request_timeout=120)), server.url)
        assert (reply.status, reply.body, server.accepted) == (status, b"", 1)
    assert sent[0] < FLOOD


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_dripping_redirect_returns_at_once(status: int) -> None:
    stopped = threading.Event()
    head = f"HTTP/1.1 {status} Found\r\nLocation: /login\r\nConnection: close\r\n\r\n".encode()
    transport = Transport(HttpSettings(request_timeout=60, deadline=120))
    end = threading.Timer(60, stopped.set)
    end.start()
    with raw_server(lambda connection, _number: _drip(connection, head, b"a", stopped)) as server:
        assert get(transport, server.url).status == status
        assert not stopped.is_set(), "the body was waited for"
    end.cancel()
    stopped.set()


@pytest.mark.parametrize("host", ["nosuch.invalid", "nosuch.invalid:8443"])
def test_an_unknown_name(host: str) -> None:
    clock = Clock()
    error = failed(clock.transport(attempts=2), f"https://{host}/a", "dns", host)
    assert "DNS" in error.next_step
    assert len(clock.slept) == 1


@pytest.mark.parametrize(
    "url",
    ["ftp://127.0.0.1/a", "gopher://127.0.0.1/", "https://127.0.0.1:port/", "https://exa mple/", "http://[::1/"],
)
def test_what_is_no_http_url_is_not_asked(url: str) -> None:
    clock = Clock()
    failed(clock.transport(), url, "refused_url")
    assert clock.slept == []
