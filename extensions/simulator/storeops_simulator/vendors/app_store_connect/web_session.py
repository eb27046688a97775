# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The web session: who is signed in, and for which team."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from starlette.responses import Response

from ...world import Team
from ..api import Endpoint
from . import header_checks
from .answers import malformed, refused, success
from .endpoints import Handler, SignedIn

_PATH: Final = "/olympus/v1/session"


def get_session(signed: SignedIn) -> Response:
    """Answer 200 with the current team (``provider``), the others and the user."""
    teams = {team.issuer_id: team for team in signed.simulator.world.teams}
    body = {
        "provider": _provider(signed.team),
        "availableProviders": [_provider(teams[each]) for each in signed.session.teams],
        "user": {"emailAddress": signed.session.email},
    }
    return success(body, media_type="application/json")


def switch_team(signed: SignedIn) -> Response:
    """Make another team the session's current one."""
    header_checks.check_olympus(signed.request)
    number = signed.member("provider", "providerId")
    if isinstance(number, bool) or not isinstance(number, int):
        raise malformed("provider.providerId has to be a whole number")
    world = signed.simulator.world
    team = next((each for each in world.teams if each.provider_id == number), None)
    if team is None or team.issuer_id not in signed.session.teams:
        detail = "Your account does not allow access to this provider."
        raise refused("team_not_available", 403, "FORBIDDEN_ERROR", detail)
    changed = replace(signed.session, team=team.issuer_id)
    signed.simulator.world = world.with_session(signed.number, changed)
    return get_session(signed)


def _provider(team: Team) -> dict[str, object]:
    return {
        "providerId": team.provider_id,
        "publicProviderId": team.issuer_id,
        "name": team.name or f"Team {team.provider_id}",
    }


ENDPOINTS: Final[tuple[Endpoint[Handler], ...]] = (
    Endpoint("get_session", "GET", _PATH, get_session),
    Endpoint("switch_team", "POST", _PATH, switch_team),
)
