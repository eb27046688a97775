# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Qonversion's REST API v4: a project's App Store configuration.

A further group of endpoints is a new file beside this one and one more name in `_ENDPOINTS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from ...calls import Call
from ...faults import VendorError
from ...qonversion_world import QonversionProject
from ..api import PathExchange, PathTable, PathVendor, Refused, bearer_key
from . import answers, store_config
from .store_config import Admitted, Handler

_ENDPOINTS: Final = (*store_config.ENDPOINTS,)
_SECRET_PREFIXES: Final = ("sk_", "test_sk_")


class QonversionExchange(PathExchange[Handler]):
    """One request; its secret key says which project it is for."""

    def describe(self, call: Call) -> None:
        """Fill in the endpoint, and the bundle ID of the key's project."""
        if self._target is not None:
            call.endpoint = self._target.endpoint.name if self._target.endpoint else None
        project = self._simulator.world.qonversion.project(bearer_key(self._request)[0])
        call.bundle_id = project.apple.bundle_id if project else None

    async def answer(self, call: Call) -> Response:
        """Check the path, then the key; then leave it to the endpoint."""
        # From here on nothing waits, so no other request comes between a check and the work.
        body = await self._request.body()
        target = self._target
        if target is None:
            return answers.not_found()
        if target.endpoint is None:
            return answers.wrong_method(target.allowed)
        try:
            admitted = Admitted(self._simulator, self._request, body, self._project(), call)
            return target.endpoint.handle(admitted)
        except Refused as refused:
            call.refusal = refused.reason
            return refused.response

    def _project(self) -> QonversionProject:
        token, reason = bearer_key(self._request)
        if reason is None and not token.startswith(_SECRET_PREFIXES):
            message = "Authorization by a Secret Key required"
            raise answers.refused("not_a_secret_key", 403, "forbidden", message)
        project = self._simulator.world.qonversion.project(token)
        if project is None:
            reason = reason or "unknown_api_key"
            raise answers.refused(reason, 401, "unauthorized", "Invalid API key provided")
        return project


class Qonversion(PathVendor[Handler]):
    """The vendor; see ``vendors/base.py`` for what each member is for."""

    name = "qonversion"
    prefix = "/qonversion"
    table = PathTable(_ENDPOINTS)
    exchange = QonversionExchange

    def error(self, status: int, error: VendorError, headers: Mapping[str, str]) -> Response:
        """Make an error in the vendor's own shape."""
        return answers.made_error(status, error)
