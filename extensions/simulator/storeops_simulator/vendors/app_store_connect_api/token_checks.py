# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checking the bearer token of the App Store Connect API.

Rules: developer.apple.com/documentation/appstoreconnectapi/generating-tokens-for-api-requests. Observed beyond it: a
life is counted from the server's own clock, so that 1199 s from a host 34 s fast are too long
(github.com/Cap-go/capgo.app, pull request 2840). The claims of individual keys are not verified.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ... import jws
from ...world import HeldKey, World
from ..app_store_server.token_checks import Refused as NoToken
from ..app_store_server.token_checks import read_token
from .answers import forbidden, not_authorized

_AUDIENCE: Final = "appstoreconnect-v1"
_LONGEST_LIFE_SECONDS: Final = 1200
_SCOPE: Final = "GET /v1/apps"


def token_of(authorization: str | None) -> jws.Jws | None:
    """Read the Authorization header; None when there is no token in it."""
    try:
        return read_token(authorization)
    except NoToken:
        return None


def check_token(authorization: str | None, world: World, now: float, method: str = "GET") -> HeldKey:
    """Give the key that a token was signed with; `Refused` for every kind of failure.

    :param now: UNIX seconds, with their fraction.
    :param method: a scope names GET requests only.
    """
    if not authorization:
        raise not_authorized("authorization_missing")
    token = token_of(authorization)
    if token is None:
        raise forbidden("malformed_token")
    held = _check_key(token, world)
    _check_times(token.payload, now)
    _check_claims(token.payload, held, world)
    if method != "GET" and "scope" in token.payload:
        raise not_authorized("out_of_scope")
    return held


def _check_key(token: jws.Jws, world: World) -> HeldKey:
    if token.header.get("alg") != "ES256" or token.header.get("typ") != "JWT":
        raise not_authorized("wrong_header")
    held = world.keys.get(str(token.header.get("kid")))
    if held is None:
        raise not_authorized("unknown_key_id")
    if held.kind != "app_store_connect_keys":
        raise not_authorized("in_app_purchase_key")
    if not token.verifies(held.key.public_key):
        raise not_authorized("bad_signature")
    if not held.key.active:
        raise forbidden("revoked_key")
    return held


def _check_times(claims: Mapping[str, object], now: float) -> None:
    times = [claims.get(name) for name in ("iat", "exp")]
    issued, expires = (value if type(value) in (int, float) else None for value in times)
    if not isinstance(issued, (int, float)) or not isinstance(expires, (int, float)):
        raise not_authorized("times_missing")
    if issued > now:
        raise not_authorized("issued_in_future")
    if not expires > now:
        raise not_authorized("expired")
    if expires - now > _LONGEST_LIFE_SECONDS:
        raise not_authorized("life_too_long")


def _check_claims(claims: Mapping[str, object], held: HeldKey, world: World) -> None:
    if claims.get("aud") != _AUDIENCE:
        raise not_authorized("wrong_audience")
    if "bid" in claims:
        raise not_authorized("bundle_id_in_token")
    if held.key.key_id in world.connect_api.individual_keys:
        if "iss" in claims or claims.get("sub") != "user":
            raise not_authorized("individual_key_needs_subject")
    elif claims.get("iss") != held.team.issuer_id:
        raise not_authorized("issuer_mismatch")
    scope = claims.get("scope")
    if scope is not None and (not isinstance(scope, list) or _SCOPE not in scope):
        raise not_authorized("out_of_scope")
