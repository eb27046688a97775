# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Doing to an answer what a fault asks for, down to the socket."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .faults import Answer, Fault, VendorError

# Time for the first half of an answer to reach the client before the reset overtakes it.
_BEFORE_RESET_SECONDS = 0.05
_LINGER_ZERO = struct.pack("ii", 1, 0)
_BODYLESS = (204, 205, 304)

MakeAnswer = Callable[[], Awaitable[Response]]
MakeError = Callable[[int, VendorError, Mapping[str, str]], Response]


def replaced(answer: Answer, make_error: MakeError) -> Response:
    """Build the answer that stands in for the vendor's."""
    if answer.error is not None:
        response = make_error(answer.status, answer.error, answer.headers)
        response.headers.update(answer.headers)
        return response
    headers = dict(answer.headers)
    if answer.status in _BODYLESS:
        headers.pop("content-type", None)
        return Response(status_code=answer.status, headers=headers)
    return Response(answer.body, answer.status, headers)


class Connection:
    """One client's socket during one request, for answers that a server would never give."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._transport: asyncio.Transport = scope["state"]["transport"]

    async def answer(self, response: Response) -> None:
        """Send a whole answer."""
        await response(self._scope, self._receive, self._send)

    async def refuse(self) -> None:
        """Close before a single byte of an answer."""
        self._transport.abort()
        await self._until_closed()

    async def reset(self, response: Response) -> None:
        """Send the headers and half of the body, then a TCP reset."""
        await self._send_half(response)
        await asyncio.sleep(_BEFORE_RESET_SECONDS)
        # Closing with a linger time of zero makes the kernel send RST instead of FIN.
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self._transport.abort()
        await self._until_closed()

    async def truncate(self, response: Response) -> None:
        """Announce the whole body, send half of it, close in the orderly way."""
        await self._send_half(response)
        self._transport.close()
        await self._until_closed()

    async def drip(self, response: Response, seconds: float) -> None:
        """Send the body byte by byte, with a wait before each: the socket is never silent for long."""
        body = bytes(response.body)
        await self._begin(response)
        for place in range(len(body)):
            await asyncio.sleep(seconds)
            if self._transport.is_closing():
                return
            await self._send({"type": "http.response.body", "body": body[place : place + 1], "more_body": True})
        await self._send({"type": "http.response.body", "body": b""})

    async def _send_half(self, response: Response) -> None:
        body = bytes(response.body)
        await self._begin(response, max(len(body), 1))
        half = body[: len(body) // 2]
        await self._send({"type": "http.response.body", "body": half, "more_body": True})

    async def _begin(self, response: Response, length: int | None = None) -> None:
        length = len(bytes(response.body)) if length is None else length
        headers = [item for item in response.raw_headers if item[0] != b"content-length"]
        headers.append((b"content-length", str(length).encode("ascii")))
        await self._send({"type": "http.response.start", "status": response.status_code, "headers": headers})

    async def _until_closed(self) -> None:
        # Returning earlier makes uvicorn answer 500 on the closed socket.
        while (await self._receive())["type"] != "http.disconnect":
            pass


async def prepare(fault: Fault | None, make_answer: MakeAnswer, make_error: MakeError) -> Response | None:
    """Get the answer to send under a fault; None when nothing is to be sent.

    The vendor does its work under `delay`, `drip`, `reset` and `truncate` (only the answer is hurt);
    under the others the request never reaches it.
    """
    if fault is None:
        return await make_answer()
    if fault.kind == "refuse":
        return None
    if fault.answer is not None:
        return replaced(fault.answer, make_error)
    return await make_answer()


async def deliver(fault: Fault | None, response: Response | None, connection: Connection) -> None:
    """Send what `prepare` gave, in the way the fault asks for."""
    if response is None:
        await connection.refuse()
    elif fault is not None and fault.kind == "reset":
        await connection.reset(response)
    elif fault is not None and fault.kind == "truncate":
        await connection.truncate(response)
    elif fault is not None and fault.kind == "drip":
        await connection.drip(response, fault.seconds)
    else:
        # Not before the work: a client that gives up has still made its change.
        if fault is not None:
            await asyncio.sleep(fault.seconds)
        await connection.answer(response)
