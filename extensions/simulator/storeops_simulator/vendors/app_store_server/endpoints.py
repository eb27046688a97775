# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an endpoint of the App Store Server API gets."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from ...simulator import Simulator
from .token_checks import Caller

# Apple does not say which IDs are malformed. All that were seen are digits, and a made-up "1" was
# answered with 4040010 (developer.apple.com/forums/thread/844896), so length is not looked at.
TRANSACTION_ID: Final = re.compile(r"[0-9]+")
WIRE_ENVIRONMENTS: Final = {"production": "Production", "sandbox": "Sandbox"}
"""The environments as the URL has them, and as signed data has them."""


@dataclass(frozen=True)
class Accepted:
    """A request whose token was accepted and whose app is within its rate limit."""

    simulator: Simulator
    request: Request
    environment: str
    caller: Caller
    path_values: Mapping[str, str]


Handler = Callable[[Accepted], Awaitable[Response]]
