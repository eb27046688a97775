# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the control API that reads and changes the world."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import keys
from .app_fields import URL_FIELDS, read_urls, write_app
from .control_json import JsonAnswer, read_json, read_optional_json
from .fields import Fields, InputError
from .simulator import Simulator
from .vendors.devtodev.activation import settle
from .web_sessions import STATE, read_state, write_session
from .world import KEY_KINDS, HeldKey, Key, KeyKind
from .world_input import KEY_ID_PATTERN, read_public_key, read_world, write_key, write_world

_Handler = Callable[[Request], Awaitable[Response]]


class WorldControl:
    """Handlers for the world, its keys and its apps."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[Route]:
        """Give the routes, relative to the control API's prefix."""
        routes = [
            Route("/world", self.get_world, methods=["GET"]),
            Route("/world", self.put_world, methods=["PUT"]),
            Route("/apps/{bundle_id}", self.patch_app, methods=["PATCH"]),
            Route(
                "/app_store_connect_sessions/{number:int}",
                self.patch_session,
                methods=["PATCH"],
            ),
        ]
        for kind in KEY_KINDS:
            routes += self._key_routes(kind)
        return routes

    async def get_world(self, _request: Request) -> Response:
        """Give the world as `put_world` takes it, without any private key."""
        settle(self._simulator)
        return JsonAnswer(write_world(self._simulator.world))

    async def put_world(self, request: Request) -> Response:
        """Start over in another world."""
        self._simulator.reset(read_world(await read_json(request)))
        return JsonAnswer(write_world(self._simulator.world))

    async def patch_app(self, request: Request) -> Response:
        """Change ``released`` of an app, or where its server notifications go; null takes an address away."""
        fields = Fields(await read_json(request), "", ("released", *URL_FIELDS))
        bundle_id: str = request.path_params["bundle_id"]
        world = self._simulator.world
        held = world.apps.get(bundle_id)
        if held is None:
            raise HTTPException(404, f"there is no app {bundle_id!r}")
        if not fields.names():
            raise InputError("", f"nothing to change; known here: released, {', '.join(URL_FIELDS)}")
        changes: dict[str, Any] = dict.fromkeys(set(fields.names()) & set(URL_FIELDS))
        changes.update(read_urls(fields))
        if "released" in fields.names():
            changes["released"] = fields.boolean("released")
        changed = replace(held.app, **changes)
        self._simulator.world = world.with_app(held, changed)
        return JsonAnswer(write_app(changed))

    async def patch_session(self, request: Request) -> Response:
        """Change the state of a session, for example ``{"expired": true}``."""
        fields = Fields(await read_json(request), "", STATE)
        number: int = request.path_params["number"]
        world = self._simulator.world
        if number >= len(world.sessions):
            raise HTTPException(404, f"there is no session {number}; the first one is 0")
        state = read_state(fields)
        if not state:
            raise InputError("", f"nothing to change; known here: {', '.join(STATE)}")
        changed = replace(world.sessions[number], **state)
        self._simulator.world = world.with_session(number, changed)
        return JsonAnswer(write_session(changed))

    def _key_routes(self, kind: KeyKind) -> list[Route]:
        one = f"/{kind}/{{key_id}}"
        return [
            Route(f"/teams/{{issuer_id}}/{kind}", self._post_key(kind), methods=["POST"]),
            Route(one, self._patch_key(kind), methods=["PATCH"]),
            Route(f"{one}/private_key", self._take_private_key(kind), methods=["GET"]),
        ]

    def _post_key(self, kind: KeyKind) -> _Handler:
        async def post_key(request: Request) -> Response:
            """Create a key; its private key is in this answer and nowhere else."""
            fields = Fields(await read_optional_json(request), "", ("key_id", "name"))
            world = self._simulator.world
            issuer_id: str = request.path_params["issuer_id"]
            team = world.team(issuer_id)
            if team is None:
                raise HTTPException(404, f"there is no team {issuer_id!r}")
            key_id = fields.text("key_id", *KEY_ID_PATTERN) if fields.has("key_id") else keys.new_key_id()
            if key_id in world.keys:
                raise HTTPException(409, f"there already is a key {key_id!r}")
            public_key, private_pem = keys.generate()
            key = Key(key_id, fields.optional_text("name"), True, public_key)
            self._simulator.world = world.with_team(team.with_keys(kind, (*team.keys(kind), key)))
            body = {**write_key(key), "issuer_id": issuer_id, "private_key": private_pem}
            return JsonAnswer(body, status_code=201)

        return post_key

    def _patch_key(self, kind: KeyKind) -> _Handler:
        async def patch_key(request: Request) -> Response:
            """Change ``active`` of a key, or give it the ``public_key`` of a file from before a restart."""
            fields = Fields(await read_json(request), "", ("active", "public_key"))
            held = self._find_key(kind, request)
            if fields.has("public_key"):
                changed = replace(held.key, public_key=read_public_key(fields))
                self._simulator.private_keys.pop(held.key.key_id, None)
            else:
                changed = held.key.with_active(fields.boolean("active"), self._simulator.now())
            self._simulator.world = self._simulator.world.with_key(held, changed)
            return JsonAnswer(write_key(changed))

        return patch_key

    def _take_private_key(self, kind: KeyKind) -> _Handler:
        async def take_private_key(request: Request) -> Response:
            """Hand out a generated private key, once."""
            key_id = self._find_key(kind, request).key.key_id
            private_pem = self._simulator.private_keys.pop(key_id, None)
            if private_pem is None:
                raise HTTPException(410, f"the private key of {key_id!r} is not here (any more); it is given once")
            return JsonAnswer({"key_id": key_id, "private_key": private_pem})

        return take_private_key

    def _find_key(self, kind: KeyKind, request: Request) -> HeldKey:
        key_id: str = request.path_params["key_id"]
        held = self._simulator.world.keys.get(key_id)
        if held is None or held.kind != kind:
            raise HTTPException(404, f"there is no key {key_id!r} among {kind}")
        return held
