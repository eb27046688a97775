# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The App Store Connect API: a team's apps, for an App Store Connect API key (never an In-App Purchase key)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from ...calls import Call
from ...connect_api_world import DOCUMENTED_REQUESTS_PER_HOUR
from ...faults import VendorError
from ...simulator import Simulator
from ...world import HeldKey
from ..api import Endpoint, PathExchange, PathTable, PathVendor, Refused, Target, claim
from . import answers
from .app_update import update_app
from .apps import Accepted, list_apps, read_app
from .token_checks import check_token, token_of

Handler = Callable[[Accepted], Awaitable[Response]]

_ENDPOINTS: Final = (
    Endpoint[Handler]("list_apps", "GET", "/v1/apps", list_apps),
    Endpoint[Handler]("read_app", "GET", "/v1/apps/{apple_id}", read_app),
    Endpoint[Handler]("update_app", "PATCH", "/v1/apps/{apple_id}", update_app),
)


class AppStoreConnectApiExchange(PathExchange[Handler]):
    """One request."""

    def __init__(self, simulator: Simulator, request: Request, target: Target[Handler] | None) -> None:
        super().__init__(simulator, request, target)
        self._authorization = request.headers.get("authorization")

    def describe(self, call: Call) -> None:
        """Fill in the endpoint, and what the token claims unverified."""
        if self._target is not None:
            call.endpoint = self._target.endpoint.name if self._target.endpoint else None
        token = token_of(self._authorization)
        if token is not None:
            call.key_id = claim(token.header.get("kid"))
            call.issuer_id = claim(token.payload.get("iss"))

    async def answer(self, call: Call) -> Response:
        """Check the token, then the quota, then the path; then do the work."""
        simulator, headers = self._simulator, {}
        try:
            held = check_token(self._authorization, simulator.world, simulator.now(), self._request.method)
            headers = self._count(held).headers()
            response = await self._work(held)
        except Refused as refused:
            call.refusal = refused.reason
            response = refused.response
            if refused.reason == "rate_limited":
                headers = answers.Usage(simulator.world.connect_api.requests_per_hour, 0).headers()
        response.headers.update(headers)
        return response

    def _count(self, held: HeldKey) -> answers.Usage:
        limit = self._simulator.world.connect_api.requests_per_hour
        if not limit:
            # Every answer has the header: one that never asks a client to slow down.
            return answers.Usage(DOCUMENTED_REQUESTS_PER_HOUR, DOCUMENTED_REQUESTS_PER_HOUR - 1)
        used = self._simulator.hours.admit(held.key.key_id, limit, self._simulator.now())
        if used is None:
            detail = "The request rate limit has been reached."
            raise answers.refused("rate_limited", 429, "RATE_LIMIT_EXCEEDED", detail)
        return answers.Usage(limit, limit - used)

    async def _work(self, held: HeldKey) -> Response:
        if self._target is None:
            raise answers.refused("unknown_path", 404, "PATH_ERROR", "The URL path is not valid.")
        if self._target.endpoint is None:
            raise answers.refused("wrong_method", 405, "METHOD_NOT_ALLOWED", "The method is not allowed.")
        # The announced address may lie behind another host name: links lead where the client asked.
        url = str(self._request.url.replace(query=None, fragment=None))
        accepted = Accepted(self._simulator, self._request, held.team, url, self._target.path_values)
        return await self._target.endpoint.handle(accepted)


class AppStoreConnectApi(PathVendor[Handler]):
    """The vendor; see ``vendors/base.py`` for what each member is for."""

    name = "app_store_connect_api"
    prefix = "/app-store-connect-api"
    table = PathTable(_ENDPOINTS)
    exchange = AppStoreConnectApiExchange

    def error(self, status: int, error: VendorError, headers: Mapping[str, str]) -> Response:
        """Make an error in the vendor's own shape."""
        return answers.made_error(status, error)
