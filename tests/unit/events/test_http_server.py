# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The receiver's server, byte by byte."""

from __future__ import annotations

import asyncio

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.http_server import Limits, Server

HEAD = b"POST /apple HTTP/1.1\r\nHost: a\r\n"


def asked(*requests: bytes, limits: Limits | None = None, wait: bool = False) -> tuple[bytes, list[bytes]]:
    """Send bytes over one connection; give all that came back, and the bodies that were handled."""
    bodies: list[bytes] = []

    async def handle(body: bytes) -> int:
        bodies.append(body)
        return 200

    async def work() -> bytes:
        server = Server(handle, "/apple", limits or Limits(request_s=300))
        port = await server.start("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in requests:
            writer.write(request)
            await writer.drain()
            await asyncio.sleep(0.01)
        if not wait:
            writer.write_eof()
        try:
            return await asyncio.wait_for(reader.read(), 300)
        finally:
            writer.close()
            await server.stop()

    return asyncio.run(work()), bodies


def status(answer: bytes) -> int:
    """Give the status of the first answer."""
    return int(answer.split(b" ")[1])


def test_a_post_and_another_one_over_the_same_connection() -> None:
    answer, bodies = asked(HEAD + b"Content-Length: 2\r\n\r\n{}", HEAD + b"content-length: 1\r\n\r\n1")
    assert answer.count(b"HTTP/1.1 200 OK") == 2 and bodies == [b"{}", b"1"]


def test_a_body_in_pieces_and_in_chunks() -> None:
    assert asked(HEAD + b"Content-Len", b"gth: 4\r\n\r\nab", b"cd")[1] == [b"abcd"]
    chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    assert asked(chunked)[1] == [b"abcde"]


def test_spaces_and_tabs_around_what_is_said_are_allowed() -> None:
    assert asked(HEAD + b"X:\r\nY: caf\xe9\tau lait\r\nContent-Length: \t2 \r\n\r\n{}")[1] == [b"{}"]
    chunked = HEAD + b"Transfer-Encoding:\tChunked \r\n\r\n2 \t;x\r\nab\r\n0\r\n\r\n"
    assert asked(chunked)[1] == [b"ab"]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b"GET /apple HTTP/1.1\r\n\r\n", 405),
        (b"POST /other HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 404),
        (b"POST /apple HTTP/2\r\n\r\n", 505),
        (b"nonsense\r\n\r\n", 400),
        (HEAD + b"\r\n", 411),
        (HEAD + b"Content-Length: -1\r\n\r\n", 411),
        (HEAD + b"Content-Length: 99999999999999999999\r\n\r\n", 413),
        (HEAD + b"Content-Length: 11\r\n\r\n", 413),
        (HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 411),
        (HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffff\r\n", 413),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n0\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0_2\r\nab\r\n0\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n-2\r\nab\r\n0\r\n\r\n", 400),
        (HEAD + b"Content-Length : 2\r\n\r\n{}", 400),
        (HEAD + b"X: a\r\n folded: b\r\nContent-Length: 2\r\n\r\n{}", 400),
        (HEAD + b"X: a\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}", 400),
        *(
            (HEAD + header + b"\r\nContent-Length: 3\r\n\r\n0\r\n", 400)
            for header in (
                b"X:\nTransfer-Encoding: chunked",
                b"X: a\n",
                b"X: a\r",
                b"X: \x0b",
                b"X: a\x00b",
                b"X: a\x7f",
                b"\x0bX: a",
                b"Transfer-Encoding: chunked",
            )
        ),
        *(
            (HEAD + b"Content-Length:" + length + b"\r\n\r\n{ }", expected)
            for length, expected in (
                (b" 3\n", 400),
                (b" 3\r", 400),
                (b"\n3", 400),
                (b"\x0b3", 400),
                (b"3\x1c", 400),
                (b"\xa03", 411),
                (b"3\x85", 411),
                (b" 3\r\nContent-Length: 03", 411),
            )
        ),
        *(
            (HEAD + b"Transfer-Encoding:" + encoding + b"\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400)
            for encoding in (
                b"\x0bchunked",
                b"\xa0chunked",
                b"\rchunked",
                b"\nchunked",
                b"chunked\x0c",
                b"chunked\x85",
                b" chunked\r\nTransfer-Encoding: chunked",
                b" identity\r\nTransfer-Encoding: chunked",
                b" chunked\r\ntransfer-encoding: identity",
                b" chunked, chunked",
                b"",
            )
        ),
        *(
            (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\n{ }\r\n0\r\n\r\n", 400)
            for size in (b"\x0b3", b"3\x0c", b"\xa03", b"\r3", b"3\n", b"3;a\nb", b"3;a\rb", b"3;\x00", b"")
        ),
        (b"POST /apple HTTP/1.1\nTransfer-Encoding:chunked\r\nContent-Length: 2\r\n\r\n{}", 400),
        (b"POST /apple?\nX:a HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 400),
        (b"POST /apple HTTP/1.1x\r\nContent-Length: 2\r\n\r\n{}", 505),
        (HEAD + b"nothing\r\nContent-Length: 2\r\n\r\n{}", 400),
        (HEAD + b"nothing\x00\r\nContent-Length: 2\r\n\r\n{}", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", 400),
        (HEAD + b"Content-Length: 5\r\n\r\n{}", 400),
        (HEAD + b"X: " + b"a" * 5000 + b"\r\nContent-Length: 2\r\n\r\n{}", 400),
    ],
)
def test_what_is_refused(request_: bytes, expected: int) -> None:
    answer, bodies = asked(request_, limits=Limits(request_s=300, largest_body=10, largest_head=4096))
    assert status(answer) == expected and bodies == [] and b"Connection: close" in answer


def test_a_post_to_another_path_is_told_once() -> None:
    """It may be Apple's: whoever reads the log has to learn which path to serve. Others only knock at doors."""
    told: list[str] = []

    async def handle(_body: bytes) -> int:
        return 200

    async def work() -> None:
        server = Server(handle, "/", warn=told.append)
        port = await server.start("127.0.0.1", 0)
        paths = ["/apple?a=b", "/apple", *(f"/{number}" for number in range(100))]
        for line in ("GET /other", "POST /", *(f"POST {path}" for path in paths)):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"{line} HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await asyncio.wait_for(reader.read(), 300)
            writer.close()
        await server.stop()

    asyncio.run(work())
    assert told[0].startswith("A POST to '/apple' got 404: only '/' is served.") and "refund_events_path" in told[0]
    assert "'/0'" in told[1] and len(told) == 20


def test_who_is_too_slow_is_told_so_and_who_says_nothing_is_let_go() -> None:
    assert status(asked(HEAD, limits=Limits(request_s=0.05, idle_s=300), wait=True)[0]) == 408
    assert asked(limits=Limits(request_s=300, idle_s=0.05), wait=True)[0] == b""


def test_more_connections_than_allowed_are_turned_away() -> None:
    assert status(asked(HEAD + b"Content-Length: 2\r\n\r\n{}", limits=Limits(request_s=300, connections=0))[0]) == 503


def test_who_does_not_read_the_answers_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(asyncio.StreamWriter, "drain", never)

    async def handle(_body: bytes) -> int:
        return 200

    async def work() -> None:
        server = Server(handle, "/apple", Limits(request_s=0.05))
        port = await server.start("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"Content-Length: 2\r\n\r\n{}")
        await asyncio.wait_for(reader.read(), 300)
        assert not server._open
        writer.close()
        await server.stop()

    asyncio.run(work())
