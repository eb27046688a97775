# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""App Store Connect's web endpoints: the session, the team, and the In-App Purchase keys.

Apple documents none of them, and its public API has no such keys. A further group of endpoints is
a new file beside this one and one more name in `_ENDPOINTS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from ...calls import Call
from ...faults import VendorError
from ...simulator import Simulator
from ..api import Endpoint, PathExchange, PathTable, PathVendor, Refused, Target, claim
from . import answers, subscription_keys, web_session
from .endpoints import Handler, SignedIn
from .session_checks import (
    check_session,
    claimed_session,
    read_cookies,
    refreshed,
    set_cookie_headers,
)

_ENDPOINTS: Final = (*web_session.ENDPOINTS, *subscription_keys.ENDPOINTS)


class AppStoreConnectExchange(PathExchange[Handler]):
    """One request."""

    def __init__(self, simulator: Simulator, request: Request, target: Target[Handler] | None) -> None:
        super().__init__(simulator, request, target)
        self._cookies = read_cookies(request.headers.getlist("cookie"))

    def describe(self, call: Call) -> None:
        """Fill in the endpoint, the key in the path, and the session's current team."""
        if self._target is not None:
            call.endpoint = self._target.endpoint.name if self._target.endpoint else None
            call.key_id = claim(self._target.path_values.get("key_id"))
        session = claimed_session(self._cookies, self._simulator.world)
        call.issuer_id = session.team if session else None

    async def answer(self, call: Call) -> Response:
        """Check the path, then the session; then leave it to the endpoint."""
        target = self._target
        if target is None:
            return answers.no_such_path()
        if target.endpoint is None:
            return answers.wrong_method(target.allowed)
        # From here on nothing waits, so no other request comes between a check and the work.
        body = await self._request.body()
        try:
            number = check_session(self._cookies, self._simulator.world, self._simulator.now())
        except Refused as refused:
            call.refusal = refused.reason
            return refused.response
        new_cookies = self._refresh(number)
        signed = SignedIn(self._simulator, self._request, body, number, target.path_values, call)
        response = _work(target.endpoint, signed)
        for cookie in new_cookies:
            response.headers.append("set-cookie", cookie)
        return response

    def _refresh(self, number: int) -> tuple[str, ...]:
        session = self._simulator.world.sessions[number]
        if not session.refreshes_cookie:
            return ()
        session = refreshed(session)
        self._simulator.world = self._simulator.world.with_session(number, session)
        return set_cookie_headers(session)


def _work(endpoint: Endpoint[Handler], signed: SignedIn) -> Response:
    try:
        return endpoint.handle(signed)
    except Refused as refused:
        signed.call.refusal = refused.reason
        return refused.response


class AppStoreConnect(PathVendor[Handler]):
    """The vendor; see ``vendors/base.py`` for what each member is for."""

    name = "app_store_connect"
    prefix = "/app-store-connect"
    table = PathTable(_ENDPOINTS)
    exchange = AppStoreConnectExchange

    def error(self, status: int, error: VendorError, headers: Mapping[str, str]) -> Response:
        """Make an error in the vendor's own shape."""
        return answers.made_error(status, error)
