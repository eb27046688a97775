# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""RevenueCat's REST API v2: projects and apps, which is where a key for refunds goes.

A further group of endpoints is a new file beside this one and one more name in `_ENDPOINTS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from ...calls import Call
from ...faults import VendorError
from ...revenuecat_world import DOCUMENTED_REQUESTS_PER_MINUTE, ApiKey
from ..api import PathExchange, PathTable, PathVendor, Refused, bearer_key
from . import answers, projects
from .endpoints import Admitted, Handler

_ENDPOINTS: Final = (*projects.ENDPOINTS,)


class RevenueCatExchange(PathExchange[Handler]):
    """One request."""

    def describe(self, call: Call) -> None:
        """Fill in the endpoint, and the bundle ID of the app in the path."""
        if self._target is None:
            return
        call.endpoint = self._target.endpoint.name if self._target.endpoint else None
        values = self._target.path_values
        project = self._simulator.world.revenuecat.project(values.get("project_id", ""))
        app = project.app(values.get("app_id", "")) if project else None
        if app is not None and app.type in ("app_store", "mac_app_store"):
            call.bundle_id = app.identifier

    async def answer(self, call: Call) -> Response:
        """Check the path, then the key, then the rate limit; then leave it to the endpoint."""
        # From here on nothing waits, so no other request comes between a check and the work.
        body = await self._request.body()
        try:
            return self._work(body, call)
        except Refused as refused:
            call.refusal = refused.reason
            return refused.response

    def _work(self, body: bytes, call: Call) -> Response:
        target = self._target
        if target is None:
            return answers.not_found("unknown_path").response
        if target.endpoint is None:
            return answers.wrong_method(target.allowed)
        api_key = self._check_key()
        limit = self._simulator.world.revenuecat.requests_per_minute
        usage, wait_s = self._simulator.minutes.admit((api_key.secret,), limit, self._simulator.now())
        counted = _usage_headers(usage, limit)
        if wait_s:
            refused = answers.refused("rate_limited", 429, "rate_limit_error", "Rate limit exceeded", None, wait_s)
            refused.response.headers.update(counted)
            raise refused
        admitted = Admitted(self._simulator, self._request, body, api_key, target.path_values, call)
        response = target.endpoint.handle(admitted)
        response.headers.update(counted)
        return response

    def _check_key(self) -> ApiKey:
        token, reason = bearer_key(self._request)
        known = self._simulator.world.revenuecat.api_keys
        found = next((key for key in known if key.secret == token), None)
        if found is None:
            reason = reason or "unknown_api_key"
        elif found.api_version != 2:
            reason = "v1_api_key"
        if found is None or reason is not None:
            raise answers.refused(str(reason), 401, "authentication_error", "Invalid API key")
        return found


def _usage_headers(usage: int, limit: int) -> dict[str, str]:
    if limit == 0:
        # The specification has these headers on every answer: one that never asks a client to slow down.
        usage, limit = 1, DOCUMENTED_REQUESTS_PER_MINUTE
    return {
        "revenuecat-rate-limit-current-usage": str(usage),
        "revenuecat-rate-limit-current-limit": str(limit),
    }


class RevenueCat(PathVendor[Handler]):
    """The vendor; see ``vendors/base.py`` for what each member is for."""

    name = "revenuecat"
    prefix = "/revenuecat"
    table = PathTable(_ENDPOINTS)
    exchange = RevenueCatExchange

    def base_urls(self, origin: str) -> str:
        """Give the base URL."""
        return f"{origin}{self.prefix}/v2"

    def error(self, status: int, error: VendorError, headers: Mapping[str, str]) -> Response:
        """Make an error in the vendor's own shape."""
        return answers.made_error(status, error, headers)
