# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apple's App Store Server API, both environments.

Paths: ``/app-store-server/{production|sandbox}/inApps/...``. A further group of endpoints is a new
file beside this one and one more name in `_ENDPOINTS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from ...calls import Call
from ...faults import VendorError
from ...jws import Jws
from ...simulator import Simulator
from ..api import PathExchange, PathTable, PathVendor, Target, claim
from . import answers, notification_history, refund_history, test_notification, transactions
from .endpoints import WIRE_ENVIRONMENTS, Accepted, Handler
from .token_checks import Caller, Refused, check_token, read_token

_ENDPOINTS: Final = (
    *transactions.ENDPOINTS,
    *notification_history.ENDPOINTS,
    *refund_history.ENDPOINTS,
    *test_notification.ENDPOINTS,
)


class AppStoreServerExchange(PathExchange[Handler]):
    """One request; its token is parsed once, for the call log and for the checks."""

    def __init__(self, simulator: Simulator, request: Request, target: Target[Handler] | None) -> None:
        super().__init__(simulator, request, target)
        self._token: Jws | Refused
        try:
            self._token = read_token(request.headers.get("authorization"))
        except Refused as refused:
            self._token = refused

    def describe(self, call: Call) -> None:
        """Fill in the environment, the endpoint, and what the token claims unverified."""
        if self._target is not None:
            call.environment = self._target.path_values["environment"]
            call.endpoint = self._target.endpoint.name if self._target.endpoint else None
        if isinstance(self._token, Jws):
            call.key_id = claim(self._token.header.get("kid"))
            call.issuer_id = claim(self._token.payload.get("iss"))
            call.bundle_id = claim(self._token.payload.get("bid"))

    async def answer(self, call: Call) -> Response:
        """Check the path, then the token, then the rate limit; then do the work."""
        target = self._target
        if target is None:
            return answers.no_such_path()
        if target.endpoint is None:
            return answers.wrong_method(target.allowed)
        environment = target.path_values["environment"]
        try:
            caller = self._check_token(environment)
        except Refused as refused:
            call.refusal = str(refused)
            return answers.unauthenticated()
        wait_until = self._count(environment, target.endpoint.name, caller)
        if wait_until is not None:
            call.refusal = "rate_limited"
            return answers.rate_limited(wait_until)
        return await target.endpoint.handle(
            Accepted(self._simulator, self._request, environment, caller, target.path_values)
        )

    def _check_token(self, environment: str) -> Caller:
        if isinstance(self._token, Refused):
            raise self._token
        simulator = self._simulator
        return check_token(self._token, simulator.world, environment, simulator.now())

    def _count(self, environment: str, endpoint: str, caller: Caller) -> int | None:
        simulator = self._simulator
        return simulator.limiter.admit(
            environment,
            endpoint,
            caller.app.bundle_id,
            simulator.limit(endpoint),
            simulator.now(),
        )


class AppStoreServer(PathVendor[Handler]):
    """The vendor; see ``vendors/base.py`` for what each member is for."""

    name = "app_store_server"
    prefix = "/app-store-server"
    table = PathTable([replace(one, path="/{environment}" + one.path) for one in _ENDPOINTS])
    exchange = AppStoreServerExchange

    def base_urls(self, origin: str) -> dict[str, str]:
        """Give the base URL of each environment."""
        return {name: f"{origin}{self.prefix}/{name}" for name in WIRE_ENVIRONMENTS}

    def find(self, path: str, method: str) -> Target[Handler] | None:
        """Find the target of ``/{environment}/...``; None when no endpoint has that path."""
        target = super().find(path, method)
        return target if target and target.path_values["environment"] in WIRE_ENVIRONMENTS else None

    def error(self, status: int, error: VendorError, headers: Mapping[str, str]) -> Response:
        """Make an error in the vendor's own shape."""
        return answers.made_error(status, error)
