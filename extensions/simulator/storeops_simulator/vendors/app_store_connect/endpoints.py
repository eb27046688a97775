# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an endpoint of App Store Connect's web pages is, and how it is found by its path."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path

from ...calls import Call
from ...simulator import Simulator
from ...web_sessions import WebSession
from ...world import Team
from .answers import malformed


@dataclass(frozen=True)
class SignedIn:
    """A request whose session was accepted. Its body has been read, so no handler has to wait."""

    simulator: Simulator
    request: Request
    body: bytes
    number: int
    """The session's place in the world's list."""
    path_values: Mapping[str, str]
    call: Call

    @property
    def session(self) -> WebSession:
        """Give the session as it is now."""
        return self.simulator.world.sessions[self.number]

    @property
    def team(self) -> Team:
        """Give the current team; the world's reader made sure that it exists."""
        return next(team for team in self.simulator.world.teams if team.issuer_id == self.session.team)

    def member(self, *names: str) -> object:
        """Give a member of the JSON body, or None where there is none."""
        try:
            value: object = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise malformed("it is not JSON") from error
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return value


@dataclass(frozen=True)
class Endpoint:
    """One endpoint; `name` is its name in the call log."""

    name: str
    method: str
    path: str
    handle: Callable[[SignedIn], Response]


@dataclass(frozen=True)
class Target:
    """Where a request goes; `endpoint` is None when the method is not the path's."""

    endpoint: Endpoint | None
    allowed: str
    path_values: Mapping[str, str]


class PathTable:
    """Finds endpoints by path and method."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._rows = [(compile_path(endpoint.path)[0], endpoint) for endpoint in endpoints]

    def find(self, path: str, method: str) -> Target | None:
        """Find the target; None when no endpoint has that path."""
        matches = [(endpoint, match.groupdict()) for pattern, endpoint in self._rows if (match := pattern.match(path))]
        if not matches:
            return None
        for endpoint, values in matches:
            if endpoint.method == method:
                return Target(endpoint, endpoint.method, values)
        return Target(None, ", ".join(each.method for each, _values in matches), {})
