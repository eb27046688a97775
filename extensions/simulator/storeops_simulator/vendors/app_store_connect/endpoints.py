# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an endpoint of App Store Connect's web pages gets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

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


Handler = Callable[[SignedIn], Response]
