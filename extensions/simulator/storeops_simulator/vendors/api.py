# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the vendors with a JSON API and with web pages share: paths, bearer keys, refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path

from ..simulator import Simulator
from .base import Exchange

Handle = TypeVar("Handle")
_LONGEST_CLAIM: Final = 200
# NOT_AUTHORIZED, FORBIDDEN_ERROR and RATE_LIMIT_EXCEEDED are documented; the others are assumed.
_CODES: Final = {
    400: "PARAMETER_ERROR.INVALID",
    401: "NOT_AUTHORIZED",
    403: "FORBIDDEN_ERROR",
    404: "NOT_FOUND",
    409: "ENTITY_ERROR",
    422: "ENTITY_UNPROCESSABLE",
    429: "RATE_LIMIT_EXCEEDED",
}


class Refused(Exception):
    """A request that is not granted: `reason` goes to the call log, `response` to the client."""

    def __init__(self, reason: str, response: Response) -> None:
        super().__init__(reason)
        self.reason = reason
        self.response = response


@dataclass(frozen=True)
class Endpoint(Generic[Handle]):
    """One endpoint; `name` is its name in the call log."""

    name: str
    method: str
    path: str
    handle: Handle


@dataclass(frozen=True)
class Target(Generic[Handle]):
    """Where a request goes; `endpoint` is None when the method is not the path's."""

    endpoint: Endpoint[Handle] | None
    allowed: str
    path_values: Mapping[str, str]


class PathTable(Generic[Handle]):
    """Finds endpoints by path and method."""

    def __init__(self, endpoints: Sequence[Endpoint[Handle]]) -> None:
        self._rows = [(compile_path(endpoint.path)[0], endpoint) for endpoint in endpoints]

    def find(self, path: str, method: str) -> Target[Handle] | None:
        """Find the target; None when no endpoint has that path."""
        matches = [(endpoint, match.groupdict()) for pattern, endpoint in self._rows if (match := pattern.match(path))]
        if not matches:
            return None
        for endpoint, values in matches:
            if endpoint.method == method:
                return Target(endpoint, method, values)
        # The values too: the call log names what the path names, whatever the method.
        return Target(None, ", ".join(each.method for each, _values in matches), matches[0][1])


class PathExchange(Exchange, Generic[Handle]):
    """One request, and where it goes."""

    def __init__(self, simulator: Simulator, request: Request, target: Target[Handle] | None) -> None:
        self._simulator = simulator
        self._request = request
        self._target = target


class PathVendor(Generic[Handle]):
    """A vendor whose endpoints are found by path; see ``vendors/base.py`` for what each member is for."""

    name: str
    prefix: str
    table: PathTable[Handle]
    exchange: type[PathExchange[Handle]]

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def base_urls(self, origin: str) -> object:
        """Give the base URL."""
        return f"{origin}{self.prefix}"

    def begin(self, request: Request) -> Exchange:
        """Take a request apart."""
        path: str = request.scope["path"]
        return self.exchange(self._simulator, request, self.find(path.removeprefix(self.prefix), request.method))

    def find(self, path: str, method: str) -> Target[Handle] | None:
        """Find the target; None when no endpoint has that path."""
        return self.table.find(path, method)


def usual_code(status: int) -> str:
    """Give the code that App Store Connect's errors have for a status, where a fault does not say."""
    return _CODES.get(status, "UNEXPECTED_ERROR" if status >= 500 else "INVALID_REQUEST")


def bearer_key(request: Request) -> tuple[str, str | None]:
    """Give the bearer token, and the reason why there is none."""
    scheme, _space, token = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        return "", "authorization_missing"
    if scheme.lower() != "bearer" or not token.strip():
        return "", "not_bearer"
    return token.strip(), None


def claim(value: object) -> str | None:
    """Give what a request claims as the call log shows it."""
    return value[:_LONGEST_CLAIM] if isinstance(value, str) else None


def is_json(request: Request) -> bool:
    """Tell whether the body says that it is JSON."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
