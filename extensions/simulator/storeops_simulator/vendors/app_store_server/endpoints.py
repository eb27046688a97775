# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an endpoint of the App Store Server API is, and how it is found by its path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path

from ...simulator import Simulator
from .token_checks import Caller

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


@dataclass(frozen=True)
class Endpoint:
    """One endpoint; `name` is its name in rate limits and in the call log."""

    name: str
    method: str
    path: str
    handle: Callable[[Accepted], Awaitable[Response]]


@dataclass(frozen=True)
class Target:
    """Where a request goes; `endpoint` is None when the method is not the path's."""

    environment: str
    endpoint: Endpoint | None
    allowed: str
    path_values: Mapping[str, str]


class PathTable:
    """Finds endpoints by environment, path and method."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._rows = [(compile_path(endpoint.path)[0], endpoint) for endpoint in endpoints]

    def find(self, path: str, method: str) -> Target | None:
        """Find the target of ``/{environment}/...``; None when no endpoint has that path."""
        environment, _slash, rest = path.lstrip("/").partition("/")
        if environment not in WIRE_ENVIRONMENTS:
            return None
        matches = [
            (endpoint, match.groupdict()) for pattern, endpoint in self._rows if (match := pattern.match(f"/{rest}"))
        ]
        if not matches:
            return None
        for endpoint, values in matches:
            if endpoint.method == method:
                return Target(environment, endpoint, endpoint.method, values)
        allowed = ", ".join(endpoint.method for endpoint, _values in matches)
        return Target(environment, None, allowed, {})
