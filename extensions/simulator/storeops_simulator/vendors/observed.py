# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame around a vendor: it notes the call, applies faults and sends the answer."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from ..calls import Call
from ..fault_effects import Connection, deliver, prepare
from ..simulator import Simulator
from .base import Vendor

_LONGEST_TEXT = 200


class Observed:
    """An ASGI application for one vendor."""

    def __init__(self, vendor: Vendor, simulator: Simulator) -> None:
        self._vendor = vendor
        self._simulator = simulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        call = self._new_call(request)
        exchange = self._vendor.begin(request)
        exchange.describe(call)
        fault = self._simulator.faults.pick(call)
        call.fault = fault.kind if fault else None
        try:
            response = await prepare(fault, lambda: exchange.answer(call), self._vendor.error)
        except ClientDisconnect:
            # Whoever asked is gone, as a task that was killed: nobody is there to answer.
            self._simulator.calls.add(call)
            return
        call.status = response.status_code if response else None
        # Before the answer goes out, so that whoever has it finds the call in the log.
        self._simulator.calls.add(call)
        await deliver(fault, response, Connection(scope, receive, send))

    def _new_call(self, request: Request) -> Call:
        agent = request.headers.get("user-agent")
        return Call(
            at=self._simulator.now_ms(),
            vendor=self._vendor.name,
            method=request.method,
            path=request.scope["path"][:_LONGEST_TEXT],
            connection=request.scope["state"]["connection"],
            user_agent=agent[:_LONGEST_TEXT] if agent else None,
        )
