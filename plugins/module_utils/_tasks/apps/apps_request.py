# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the inventory is asked: which apps of a team."""

from __future__ import annotations

from dataclasses import dataclass

from ..._context import Params
from ..._model.errors import InputError
from ..._model.identifiers import parse_bundle_id
from ..shared.connect_api import ConnectApiOptions, connect_api_options


@dataclass(frozen=True)
class AppsRequest:
    """``wanted``: bundle IDs; none for all of the team. ``with_released``: ask of each app whether it was released."""

    wanted: tuple[str, ...]
    connect_api: ConnectApiOptions
    with_released: bool


def apps_request(params: Params) -> AppsRequest:
    """Return what is asked. Raises InputError."""
    given = params["bundle_ids"]
    if given is not None and not given:
        raise InputError("bundle_ids", "is empty.", "Name the apps, or leave it out for all of the team.")
    wanted = tuple(parse_bundle_id(text, f"bundle_ids[{index}]") for index, text in enumerate(given or ()))
    return AppsRequest(wanted, connect_api_options(params), params["query_released"])
