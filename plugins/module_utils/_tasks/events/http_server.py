# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small HTTP/1.1 server for one thing: a POST with a body of bounded size, read within a bounded time.

It stands behind the user's TLS proxy. Whatever is not that POST is refused without being read.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import typing as t
from dataclasses import dataclass, field
from http import HTTPStatus

from ..._model.identifiers import shown

Handle = t.Callable[[bytes], t.Awaitable[int]]
_LINGER_S = 1.0
_LINGER_READS = 64
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
# Neither a line's end, nor what only some take for a space: a proxy in front may read another request there.
_LINE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_SIZE = re.compile(r"[0-9A-Fa-f]{1,8}")
_VERSION = re.compile(r"HTTP/1\.[0-9]")
# Anybody can post anywhere: the log names so many other paths, each once.
_MOST_TOLD = 20
_BAD = (ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes, times in seconds. ``idle_s``: how long a connection is kept without a request."""

    largest_body: int = 256 * 1024
    largest_head: int = 16 * 1024
    request_s: float = 10.0
    idle_s: float = 75.0
    connections: int = 256


class _Refused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass
class Server:
    """``handle`` gets a body and returns the status to answer. ``path``: the only one that is served.

    ``warn`` tells the operator of a POST to another path: it may be Apple's, whose URL was given otherwise.
    """

    handle: Handle
    path: str
    limits: Limits = field(default_factory=Limits)
    warn: t.Callable[[str], None] = lambda text: None
    _told_of: set[str] = field(default_factory=set, init=False)
    _server: asyncio.Server | None = field(default=None, init=False)
    _open: set[asyncio.StreamWriter] = field(default_factory=set, init=False)

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port. Raises OSError."""
        limit = self.limits.largest_head
        self._server = await asyncio.start_server(self._serve, host, port, limit=limit, backlog=1024)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening, and close what is open."""
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._open):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            with contextlib.suppress(ConnectionError):
                if len(self._open) > self.limits.connections:
                    await _answer(writer, 503, is_last=True)
                else:
                    while await self._one(reader, writer):
                        pass
                await _linger(reader, writer)
        except TimeoutError:
            # Closing would wait until the other side has read what is still unsent.
            writer.transport.abort()
        finally:
            self._open.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; tell whether another one may follow on the connection."""
        async with asyncio.timeout(self.limits.idle_s):
            first = await reader.read(1)
        if not first:
            return False
        try:
            async with asyncio.timeout(self.limits.request_s):
                body, is_last = await self._request(first, reader)
        except TimeoutError:
            return await _answer(writer, 408, is_last=True)
        except _Refused as refused:
            return await _answer(writer, refused.status, is_last=True)
        except _BAD:
            return await _answer(writer, 400, is_last=True)
        status = await self.handle(body)
        # Whoever doesn't read its answers doesn't hold the connection for ever.
        async with asyncio.timeout(self.limits.request_s):
            return await _answer(writer, status, is_last)

    async def _request(self, first: bytes, reader: asyncio.StreamReader) -> tuple[bytes, bool]:
        head = first + await reader.readuntil(b"\r\n\r\n")
        line, *names = _lines(head[:-4])
        method, target, version = line.split(" ")
        if not _VERSION.fullmatch(version):
            raise _Refused(505)
        fields = _fields(names)
        headers = dict(fields)
        if target.partition("?")[0] != self.path:
            if method == "POST":
                self._tell_of(target.partition("?")[0])
            raise _Refused(404)
        if method != "POST":
            raise _Refused(405)
        is_last = version == "HTTP/1.0" or headers.get("connection", "").lower() == "close"
        lengths = {value for name, value in fields if name == "content-length"}
        encodings = [value.lower() for name, value in fields if name == "transfer-encoding"]
        if encodings:
            if lengths or encodings != ["chunked"]:
                # Two framings of one body: somebody may mean to smuggle a second request.
                raise _Refused(400)
            return await self._chunks(reader), is_last
        if len(lengths) != 1 or not (text := lengths.pop()).isdecimal() or not text.isascii():
            raise _Refused(411)
        if len(text) > 12 or int(text) > self.limits.largest_body:
            raise _Refused(413)
        return await reader.readexactly(int(text)), is_last

    def _tell_of(self, path: str) -> None:
        if path not in self._told_of and len(self._told_of) < _MOST_TOLD:
            self._told_of.add(path)
            self.warn(
                f"A POST to {shown(path)} got 404: only {shown(self.path)} is served. If Apple's notifications arrive "
                f"there, set path to {shown(path)} (in the collection's rulebooks refund_events_path)."
            )

    async def _chunks(self, reader: asyncio.StreamReader) -> bytes:
        body = b""
        while True:
            (line,) = _lines((await reader.readuntil(b"\r\n"))[:-2])
            text = line.partition(";")[0].strip(" \t")
            # Not all that int() takes is a size: 0x5 and 1_0 are none.
            if not _SIZE.fullmatch(text):
                raise _Refused(400)
            size = int(text, 16)
            if len(body) + size > self.limits.largest_body:
                raise _Refused(413)
            chunk = await reader.readexactly(size + 2)
            if chunk[-2:] != b"\r\n":
                raise _Refused(400)
            if size == 0:
                return body
            body += chunk[:-2]


def _lines(raw: bytes) -> list[str]:
    """Return the lines of what has no end of a line at its end. Raises _Refused."""
    lines = raw.decode("latin-1").split("\r\n")
    if not all(map(_LINE.fullmatch, lines)):
        raise _Refused(400)
    return lines


def _fields(lines: t.Iterable[str]) -> list[tuple[str, str]]:
    """Return the header fields, with names in lower case. Raises _Refused."""
    parts = [line.partition(":") for line in lines]
    if not all(colon and _NAME.fullmatch(name.lower()) for name, colon, _value in parts):
        raise _Refused(400)
    return [(name.lower(), value.strip(" \t")) for name, _colon, value in parts]


async def _linger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Let the other side read its answer: a connection closed with bytes unread is reset, and the answer is lost."""
    if writer.can_write_eof():
        writer.write_eof()
    async with asyncio.timeout(_LINGER_S):
        for _number in range(_LINGER_READS):
            if not await reader.read(65_536):
                return


async def _answer(writer: asyncio.StreamWriter, status: int, is_last: bool) -> bool:
    reason = HTTPStatus(status).phrase
    more = "Retry-After: 60\r\n" if status == 503 else "Allow: POST\r\n" if status == 405 else ""
    last = "Connection: close\r\n" if is_last else ""
    writer.write(f"HTTP/1.1 {status} {reason}\r\nContent-Length: 0\r\n{more}{last}\r\n".encode("ascii"))
    await writer.drain()
    return not is_last
