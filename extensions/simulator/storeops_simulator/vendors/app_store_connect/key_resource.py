# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One In-App Purchase key as App Store Connect shows it."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final, TypedDict

from ...simulator import Simulator
from ...world import Key

TYPE: Final = "subscriptionKeys"
_REVOKED_STAY_LISTED_SECONDS: Final = 30 * 24 * 3600


class Resource(TypedDict):
    """A JSON:API resource."""

    type: str
    id: str
    attributes: dict[str, object]


class KeyView:
    """How keys look at this moment."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._shown = ("nickname", *simulator.world.connect.key_attributes)
        self._now = simulator.now()

    def is_listed(self, key: Key) -> bool:
        """Tell whether a key is shown: revoked ones are for 30 days."""
        return key.revoked_at is None or self._now < key.revoked_at + _REVOKED_STAY_LISTED_SECONDS

    def can_download(self, key: Key) -> bool:
        """Tell whether the private key can still be had."""
        return key.active and key.downloadable and key.key_id in self._simulator.private_keys

    def resource(self, key: Key, wanted: Collection[str] | None = None, always: Collection[str] = ()) -> Resource:
        """Show a key.

        :param wanted: only these attributes, of those that the world shows at all.
        :param always: these too, even where the world does not show them.
        """
        values: dict[str, object] = {
            "nickname": key.name or "",
            "isActive": key.active,
            "canDownload": self.can_download(key),
            "lastUsed": _date(key.last_used_at),
            "revokingDate": _date(key.revoked_at),
        }
        shown = {name for name in self._shown if wanted is None or name in wanted} | set(always)
        attributes = {name: value for name, value in values.items() if name in shown}
        return {"type": TYPE, "id": key.key_id, "attributes": attributes}


def encoded(private_pem: str, encoding: str) -> str:
    """Write a private key in one of the forms that were seen in the download."""
    if encoding == "pem":
        return private_pem
    content = private_pem if encoding == "base64_pem" else json.dumps(private_pem)
    return base64.b64encode(content.encode("ascii")).decode("ascii")


def _date(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
