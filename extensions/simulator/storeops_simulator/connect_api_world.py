# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the App Store Connect API, as the world has them: what is not documented, and limits for tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .fields import Fields

FILTER_KINDS: Final = ("exact", "prefix")
NULL_URLS: Final = ("clear", "refuse")
DOCUMENTED_REQUESTS_PER_HOUR: Final = 3500
_SETTINGS: Final = ("requests_per_hour", "largest_page", "page", "bundle_id_filter", "null_url", "individual_keys")


@dataclass(frozen=True)
class ConnectApiSettings:
    """How the App Store Connect API answers where nobody knows for sure."""

    requests_per_hour: int = DOCUMENTED_REQUESTS_PER_HOUR
    """Per API key in a rolling hour; 0 is no limit."""
    largest_page: int = 200
    """A smaller bound than the 200 that may be asked for is applied in silence, for tests of paging."""
    page: int = 50
    """Entries of a page when `limit` is left out."""
    bundle_id_filter: str = "exact"
    null_url: str = "clear"
    """What a null in place of a notification URL does."""
    individual_keys: tuple[str, ...] = ()
    """Key IDs that belong to a person: their tokens say ``sub: user`` and have no issuer."""


def read_connect_api(world: Fields) -> ConnectApiSettings:
    """Read ``app_store_connect_api``."""
    if not world.has("app_store_connect_api"):
        return ConnectApiSettings()
    fields = Fields(world.raw("app_store_connect_api"), world.at("app_store_connect_api"), _SETTINGS)
    normal = ConnectApiSettings()

    def integer(name: str, low: int, high: int) -> int:
        return fields.integer(name, low, high) if fields.has(name) else int(getattr(normal, name))

    entries = fields.entries("individual_keys")
    return ConnectApiSettings(
        requests_per_hour=integer("requests_per_hour", 0, 1_000_000),
        largest_page=integer("largest_page", 1, normal.largest_page),
        page=integer("page", 1, normal.largest_page),
        bundle_id_filter=fields.choice("bundle_id_filter", FILTER_KINDS, normal.bundle_id_filter),
        null_url=fields.choice("null_url", NULL_URLS, normal.null_url),
        individual_keys=tuple(Fields({"id": entry}, at, ("id",)).text("id") for at, entry in entries),
    )


def write_connect_api(settings: ConnectApiSettings) -> dict[str, object]:
    """Write the settings as `read_connect_api` takes them."""
    values = {name: getattr(settings, name) for name in _SETTINGS}
    return {**values, "individual_keys": list(settings.individual_keys)}
