# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated vendors: one file or folder each, registered by one line here."""

from __future__ import annotations

from collections.abc import Callable

from ..simulator import Simulator
from .app_store_connect import AppStoreConnect
from .app_store_connect_api import AppStoreConnectApi
from .app_store_server import AppStoreServer
from .base import Vendor
from .devtodev import Devtodev
from .qonversion import Qonversion
from .revenuecat import RevenueCat

VENDORS: tuple[Callable[[Simulator], Vendor], ...] = (
    AppStoreServer,
    AppStoreConnect,
    AppStoreConnectApi,
    RevenueCat,
    Qonversion,
    Devtodev,
)
