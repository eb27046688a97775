# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API, ``/_sim/...``: JSON in and out, for clients on this machine only."""

from __future__ import annotations

import ipaddress
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from .calls import FILTERS
from .control_json import JsonAnswer, read_json
from .control_store import StoreControl
from .control_trackers import TrackerControl
from .control_world import WorldControl
from .faults import read_faults
from .fields import InputError
from .simulator import Simulator

CONTROL_PREFIX: Final = "/_sim"


class Control:
    """Faults, calls and the root certificate; `WorldControl`, `StoreControl`, `TrackerControl` have the rest."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[Route]:
        """Give the routes, relative to `CONTROL_PREFIX`."""
        return [
            Route("/root_certificate", self.root_certificate, methods=["GET"]),
            Route("/calls", self.get_calls, methods=["GET"]),
            Route("/calls", self.delete_calls, methods=["DELETE"]),
            Route("/faults", self.get_faults, methods=["GET"]),
            Route("/faults", self.post_faults, methods=["POST"]),
            Route("/faults", self.delete_faults, methods=["DELETE"]),
            Route("/faults/{fault_id:int}", self.delete_fault, methods=["DELETE"]),
        ]

    async def root_certificate(self, request: Request) -> Response:
        """Give the root as DER, or as PEM with ``?format=pem``."""
        wanted = request.query_params.get("format", "der")
        if wanted == "pem":
            pem = self._simulator.chain.root_pem()
            return Response(pem, headers={"content-type": "application/x-pem-file"})
        if wanted == "der":
            return Response(self._simulator.chain.root_der(), media_type="application/pkix-cert")
        raise InputError("format", f"must be der or pem, not {wanted!r}")

    async def get_calls(self, request: Request) -> Response:
        """Give the call log, filtered by any of its fields; see `CallLog.report`."""
        wanted = dict(request.query_params)
        limit = wanted.pop("limit", None)
        unknown = sorted(set(wanted) - set(FILTERS))
        if unknown:
            raise InputError(unknown[0], f"unknown filter; known: limit, {', '.join(FILTERS)}")
        if limit is not None and not (limit.isascii() and limit.isdecimal()):
            raise InputError("limit", f"must be a whole number, not {limit!r}")
        report = self._simulator.calls.report(wanted, None if limit is None else int(limit))
        return JsonAnswer(report)

    async def delete_calls(self, _request: Request) -> Response:
        """Forget all calls."""
        self._simulator.calls.reset()
        return JsonAnswer({})

    async def get_faults(self, _request: Request) -> Response:
        """Give all faults with their ``id`` and how often each was ``applied``."""
        return JsonAnswer({"faults": self._simulator.faults.report()})

    async def post_faults(self, request: Request) -> Response:
        """Arm one fault or a list of them: all, or none when one is not usable."""
        added = self._simulator.faults.add(read_faults(await read_json(request)))
        return JsonAnswer({"faults": added}, status_code=201)

    async def delete_faults(self, _request: Request) -> Response:
        """Disarm all faults."""
        self._simulator.faults.reset()
        return JsonAnswer({})

    async def delete_fault(self, request: Request) -> Response:
        """Disarm one fault."""
        fault_id: int = request.path_params["fault_id"]
        if not self._simulator.faults.remove(fault_id):
            raise HTTPException(404, f"there is no fault {fault_id}")
        return JsonAnswer({})


def control_app(simulator: Simulator) -> ASGIApp:
    """Build the application; every error is ``{"error": "..."}`` with a 4xx status."""
    app = Starlette(
        routes=[
            *Control(simulator).routes(),
            *WorldControl(simulator).routes(),
            *StoreControl(simulator).routes(),
            *TrackerControl(simulator).routes(),
        ],
        exception_handlers={InputError: _bad_input, HTTPException: _http_error},
    )
    app.router.redirect_slashes = False

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if _is_from_here(scope):
            await app(scope, receive, send)
        else:
            answer = _error(403, "the control API answers clients on this machine only")
            await answer(scope, receive, send)

    return guarded


async def _bad_input(_request: Request, error: Exception) -> Response:
    return _error(400, str(error))


async def _http_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return _error(error.status_code, error.detail)


def _error(status: int, message: str) -> Response:
    return JsonAnswer({"error": message}, status_code=status)


def _is_from_here(scope: Scope) -> bool:
    client = scope.get("client")
    return client is not None and ipaddress.ip_address(client[0].partition("%")[0]).is_loopback
