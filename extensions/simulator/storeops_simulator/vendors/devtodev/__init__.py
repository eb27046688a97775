# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""devtodev's web pages for refund tracking, as far as its own guide describes them.

The guide has the menu, the names of the fields and the word Active; everything else is assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.responses import RedirectResponse, Response

from ...calls import Call
from ...devtodev_world import SignedInUser
from ...faults import VendorError
from ..api import Endpoint, PathExchange, PathTable, PathVendor, Refused, Target
from . import pages
from .activation import settle
from .pages import Handler, Visit

_SIGN_IN: Final = f"{pages.PREFIX}/sign-in"


class DevtodevExchange(PathExchange[Handler]):
    """One request."""

    def describe(self, call: Call) -> None:
        """Fill in the page, and the bundle ID that the project in the path holds."""
        if self._request.scope["path"] == _SIGN_IN:
            call.endpoint = "sign_in"
        if self._target is None:
            return
        call.endpoint = self._target.endpoint.name if self._target.endpoint else None
        project = self._simulator.world.devtodev.project(self._target.path_values.get("project_id", ""))
        if project is not None and project.integration is not None:
            call.bundle_id = project.integration.bundle_id

    async def answer(self, call: Call) -> Response:
        """Check the path, then the session; then leave it to the page."""
        # From here on nothing waits, so no other request comes between a check and the work.
        body = await self._request.body()
        if self._request.scope["path"] == _SIGN_IN:
            return pages.sign_in_page()
        target = self._target
        if target is None:
            return pages.not_found()
        if target.endpoint is None:
            return Response(status_code=405, headers={"allow": target.allowed})
        settle(self._simulator)
        try:
            user = self._user(target.endpoint)
            visit = Visit(self._simulator, self._request, body, user, target.path_values, call)
            return target.endpoint.handle(visit)
        except Refused as refused:
            call.refusal = refused.reason
            return refused.response

    def _user(self, endpoint: Endpoint[Handler]) -> SignedInUser:
        account = self._simulator.world.devtodev
        cookie = self._request.cookies.get(account.cookie_name)
        found = next((each for each in account.sessions if each.cookie == cookie), None)
        if found is not None and not found.is_over(self._simulator.now()):
            return found
        reason = "session_expired" if found else "unknown_session" if cookie else "cookie_missing"
        if endpoint.name == "refunds_tracking_status":
            raise Refused(reason, pages.json_answer({"state": "signed_out"}, 401))
        raise Refused(reason, RedirectResponse(_SIGN_IN, 302))


class Devtodev(PathVendor[Handler]):
    """The vendor; see ``vendors/base.py`` for what each member is for."""

    name = "devtodev"
    prefix = pages.PREFIX
    table = PathTable(pages.ENDPOINTS)
    exchange = DevtodevExchange

    def find(self, path: str, method: str) -> Target[Handler] | None:
        """Find the target; None when no page has that path."""
        # A browser may ask for the headers of a page only; the server leaves out the body.
        return super().find(path or "/", "GET" if method == "HEAD" else method)

    def error(self, status: int, error: VendorError, headers: Mapping[str, str]) -> Response:
        """Make a page that says so: devtodev's errors are not known."""
        return pages.error_page(status, error.message)
