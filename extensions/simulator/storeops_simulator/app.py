# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Putting the vendors and the control API together."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route

from . import ANNOUNCEMENT_VERSION
from .control import CONTROL_PREFIX, control_app
from .simulator import Simulator
from .vendors import VENDORS
from .vendors.base import Vendor
from .vendors.observed import Observed


def make_vendors(simulator: Simulator) -> list[Vendor]:
    """Make every registered vendor."""
    return [make(simulator) for make in VENDORS]


def make_app(simulator: Simulator, vendors: list[Vendor]) -> Starlette:
    """Build the application that answers everything."""
    routes: list[BaseRoute] = []
    for vendor in vendors:
        observed = Observed(vendor, simulator)
        # A Mount has only what comes after the slash; a person types the address without it.
        routes += [Route(vendor.prefix, endpoint=observed), Mount(vendor.prefix, app=observed)]
    app = Starlette(routes=[*routes, Mount(CONTROL_PREFIX, app=control_app(simulator))])
    app.router.redirect_slashes = False
    return app


def announcement(vendors: list[Vendor], origin: str, pid: int) -> dict[str, object]:
    """Give what the simulator prints when it is ready."""
    control = f"{origin}{CONTROL_PREFIX}"
    return {
        **{vendor.name: vendor.base_urls(origin) for vendor in vendors},
        "control": control,
        "root_certificate": f"{control}/root_certificate",
        "pid": pid,
        "version": ANNOUNCEMENT_VERSION,
    }
