# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checking the bearer token of the App Store Server API.

Rules: developer.apple.com/documentation/appstoreserverapi, page
"Generating JSON Web Tokens for API requests".
Observed beyond that page: ``iat`` may be left out (Apple's own library does), one second in the
future is refused, capitals in ``bid`` count, production refuses apps that were never released
(developer.apple.com/forums/thread/806452).
Every refusal looks the same to the client; its reason goes to the call log only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ... import jws
from ...world import App, HeldKey, Team, World

_AUDIENCE: Final = "appstoreconnect-v1"
_LONGEST_LIFE_SECONDS: Final = 3600
# Any time that is still in seconds is below this until the year 5138.
_LEAST_MILLISECONDS: Final = 100_000_000_000


class Refused(Exception):
    """The token is not accepted; ``str()`` is the reason as the call log shows it."""


@dataclass(frozen=True)
class Caller:
    """Whom an accepted token speaks for."""

    team: Team
    app: App


def read_token(authorization: str | None) -> jws.Jws:
    """Read the Authorization header; nothing in the result is verified yet."""
    if not authorization:
        raise Refused("authorization_missing")
    scheme, _space, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise Refused("not_bearer")
    parsed = jws.parse(token.strip())
    if parsed is None:
        raise Refused("malformed_token")
    return parsed


def check_token(token: jws.Jws, world: World, environment: str, now: float) -> Caller:
    """Check a token the way the App Store does; `Refused` for every kind of failure.

    :param environment: ``production`` or ``sandbox``.
    :param now: UNIX seconds, with their fraction.
    """
    held = _check_key(token, world, now)
    _check_times(token.payload, now)
    if token.payload.get("iss") != held.team.issuer_id:
        raise Refused("issuer_mismatch")
    if token.payload.get("aud") != _AUDIENCE:
        raise Refused("wrong_audience")
    app = _check_bundle_id(token.payload, held.team, world)
    if environment == "production" and not app.released:
        raise Refused("app_not_released")
    return Caller(held.team, app)


def _check_key(token: jws.Jws, world: World, now: float) -> HeldKey:
    if token.header.get("alg") != "ES256":
        raise Refused("wrong_algorithm")
    key_id = token.header.get("kid")
    if not isinstance(key_id, str):
        raise Refused("key_id_missing")
    held = world.keys.get(key_id)
    if held is None:
        raise Refused("unknown_key_id")
    if held.kind != "iap_keys":
        raise Refused("app_store_connect_key")
    if not held.key.active:
        raise Refused("revoked_key")
    created_at = held.key.created_at
    if created_at is not None and now < created_at + world.key_propagation_s:
        raise Refused("key_not_yet_propagated")
    if not token.verifies(held.key.public_key):
        raise Refused("bad_signature")
    return held


def _check_times(claims: Mapping[str, object], now: float) -> None:
    expires = _seconds(claims, "exp")
    issued = _seconds(claims, "iat") if "iat" in claims else None
    if expires <= now:
        raise Refused("expired")
    if issued is not None and issued > now:
        raise Refused("issued_in_future")
    # Without iat the life is counted from now, as if the token had just been issued.
    if expires - (now if issued is None else issued) > _LONGEST_LIFE_SECONDS:
        raise Refused("life_too_long")


def _seconds(claims: Mapping[str, object], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refused(f"{name}_missing_or_not_a_number")
    if value >= _LEAST_MILLISECONDS:
        raise Refused("time_in_milliseconds")
    # JSON as Python reads it may hold NaN, which is neither above nor below anything.
    if not value > -_LEAST_MILLISECONDS:
        raise Refused(f"{name}_missing_or_not_a_number")
    return float(value)


def _check_bundle_id(claims: Mapping[str, object], team: Team, world: World) -> App:
    bundle_id = claims.get("bid")
    if not isinstance(bundle_id, str):
        raise Refused("bundle_id_missing")
    held = world.apps.get(bundle_id)
    if held is None:
        known = bundle_id.casefold() in world.folded_bundle_ids
        raise Refused("bundle_id_wrong_case" if known else "unknown_bundle_id")
    if held.team.issuer_id != team.issuer_id:
        raise Refused("bundle_id_of_another_team")
    return held.app
