# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the control API about purchases, notifications, the clock they follow, and the truth about refunds."""

from __future__ import annotations

from dataclasses import asdict, replace

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .control_json import JsonAnswer, read_json
from .fields import InputError
from .notification_fields import read_notification, write_notification
from .notification_settings import Clock, read_clock, read_routes, write_clock
from .simulator import Simulator
from .transaction_fields import read_transaction, write_transaction
from .vendors.app_store_server.delivery import is_sent, send, send_due
from .world import HeldApp


class StoreControl:
    """Handlers for what happens in the store."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[Route]:
        """Give the routes, relative to the control API's prefix."""
        return [
            Route("/apps/{bundle_id}/transactions", self.post_transactions, methods=["POST"]),
            Route("/apps/{bundle_id}/notifications", self.post_notifications, methods=["POST"]),
            Route("/apps/{bundle_id}/notifications", self.delete_notifications, methods=["DELETE"]),
            Route("/clock", self.get_clock, methods=["GET"]),
            Route("/clock", self.put_clock, methods=["PUT"]),
            Route("/clock", self.delete_clock, methods=["DELETE"]),
            Route("/deliveries", self.get_deliveries, methods=["GET"]),
            Route("/notification_routes", self.put_routes, methods=["PUT"]),
            Route("/truth/refunds", self.get_truth, methods=["GET"]),
        ]

    async def post_transactions(self, request: Request) -> Response:
        """Add one transaction or a list; one that the app has already is replaced."""
        held = self._app(request)
        read = [read_transaction(value, path) for path, value in await _entries(request)]
        ids = [(each.environment, each.transaction_id) for each in read]
        for path, place in enumerate(ids):
            elsewhere = self._simulator.world.bundle_id_of(*place)
            if elsewhere not in (None, held.app.bundle_id) or ids.index(place) != path:
                where = "in this request" if elsewhere in (None, held.app.bundle_id) else f"in {elsewhere}"
                raise InputError(f"[{path}].transaction_id", f"{place[1]!r} is already {where}")
        kept = [each for each in held.app.transactions if (each.environment, each.transaction_id) not in ids]
        changed = replace(held.app, transactions=(*kept, *read))
        self._simulator.world = self._simulator.world.with_app(held, changed)
        return JsonAnswer({"transactions": [write_transaction(each) for each in read]}, status_code=201)

    async def post_notifications(self, request: Request) -> Response:
        """Add one notification or a list. Those without `send_attempts` are sent, where a route leads."""
        simulator, held = self._simulator, self._app(request)
        entries = await _entries(request)
        read = [read_notification(value, path, held.app.transactions) for path, value in entries]
        sent = []
        for number, (each, (_path, value)) in enumerate(zip(read, entries, strict=True)):
            is_told = isinstance(value, dict) and value.get("send_attempts") is not None
            if not is_told and is_sent(simulator, held.app.bundle_id, each.environment):
                read[number] = replace(each, send_attempts=())
                sent.append(read[number])
        changed = replace(held.app, notifications=(*held.app.notifications, *read))
        simulator.world = simulator.world.with_app(held, changed)
        await send(simulator, held.app.bundle_id, sent, simulator.store_ms())
        added = {each.uuid for each in read}
        now = [each for each in self._app(request).app.notifications if each.uuid in added]
        return JsonAnswer({"notifications": [write_notification(each) for each in now]}, status_code=201)

    async def get_deliveries(self, _request: Request) -> Response:
        """Give every notification that was sent to a URL, its attempts, and when it is tried again."""
        return JsonAnswer({"deliveries": [each.to_json() for each in self._simulator.deliveries.all]})

    async def put_routes(self, request: Request) -> Response:
        """Say where notifications really go: a list of ``{url, to}``."""
        routes = read_routes(await _entries(request))
        world = self._simulator.world
        settings = replace(world.server_notifications, routes=routes)
        self._simulator.world = replace(world, server_notifications=settings)
        return JsonAnswer({"routes": [asdict(each) for each in routes]})

    async def delete_notifications(self, request: Request) -> Response:
        """Forget the app's notifications; generated ones stay."""
        held = self._app(request)
        self._simulator.world = self._simulator.world.with_app(held, replace(held.app, notifications=()))
        return JsonAnswer({})

    async def get_clock(self, _request: Request) -> Response:
        """Give the clock, and what time it shows."""
        return self._clock()

    async def put_clock(self, request: Request) -> Response:
        """Set the clock, see `read_clock`; and try again to deliver what is due by then."""
        clock = read_clock(await read_json(request), "", self._simulator.now_ms())
        self._simulator.world = replace(self._simulator.world, clock=clock)
        await send_due(self._simulator)
        return self._clock()

    async def delete_clock(self, _request: Request) -> Response:
        """Go back to the real time."""
        self._simulator.world = replace(self._simulator.world, clock=Clock())
        return self._clock()

    async def get_truth(self, request: Request) -> Response:
        """Give the sums that a ledger has to come to, at the clock's time or at ``?at=`` (UNIX ms)."""
        year = self._simulator.world.refund_year
        if year is None:
            raise HTTPException(404, "the world has no generated_refunds")
        at = request.query_params.get("at", str(self._simulator.store_ms()))
        if not (at.isascii() and at.isdecimal()):
            raise InputError("at", f"must be UNIX milliseconds, not {at!r}")
        return JsonAnswer({"at": int(at), "start": year.spec.start, "end": year.spec.end, "sums": year.truth(int(at))})

    def _app(self, request: Request) -> HeldApp:
        bundle_id: str = request.path_params["bundle_id"]
        held = self._simulator.world.apps.get(bundle_id)
        if held is None:
            raise HTTPException(404, f"there is no app {bundle_id!r}")
        return held

    def _clock(self) -> Response:
        return JsonAnswer({"now_ms": self._simulator.store_ms(), **write_clock(self._simulator.world.clock)})


async def _entries(request: Request) -> list[tuple[str, object]]:
    body = await read_json(request)
    return [(f"[{number}]", each) for number, each in enumerate(body if isinstance(body, list) else [body])]
