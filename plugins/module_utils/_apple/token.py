# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tokens that sign calls of Apple's APIs.

Sources: developer.apple.com/documentation/appstoreserverapi/generating-json-web-tokens-for-api-requests,
developer.apple.com/documentation/appstoreconnectapi/generating-tokens-for-api-requests
"""

from __future__ import annotations

import traceback
import typing as t
from dataclasses import dataclass

from .._model.integration import Credentials
from .._model.private_key import PrivateKey
from .._model.secret import Secret

try:
    import jwt
except ImportError:
    JWT_ERROR: str | None = traceback.format_exc()
else:
    JWT_ERROR = None

# Apple refuses a token whose iat lies in its future even by a second (observed: github.com/awa/go-iap/issues/277).
BACKDATED_S = 60
# Apple allows 3600 s from iat to exp; short tokens keep clear of that edge.
LIFETIME_S = 300
# The App Store Connect API allows 20 minutes and counts by its own clock (observed: 1199 s refused, 900 s accepted,
# github.com/Cap-go/capgo.app, pull request 2840). With the backdating this spans 11 minutes.
API_LIFETIME_S = 600
_AUDIENCE = "appstoreconnect-v1"


@dataclass(frozen=True)
class ConnectApiCredentials:
    """An App Store Connect API key. ``issuer_id`` is None for an individual key, which belongs to no team's issuer."""

    key_id: str
    issuer_id: str | None
    private_key: PrivateKey


def sign(credentials: Credentials, bundle_id: str, now: float) -> Secret:
    """Return an ES256 token for one app (``bid``), valid from ``now`` - 60 s to ``now`` + 300 s (UNIX seconds)."""
    claims = {"iss": credentials.issuer_id, "bid": bundle_id}
    return _signed(claims, credentials.key_id, credentials.private_key, now, LIFETIME_S)


def sign_for_connect_api(credentials: ConnectApiCredentials, now: float) -> Secret:
    """Return an ES256 token of the App Store Connect API, valid from ``now`` - 60 s to ``now`` + 600 s (UNIX seconds).

    A team key names its issuer; an individual key says ``sub: user`` instead (not verified in Apple's documentation).
    """
    claims = {"iss": credentials.issuer_id} if credentials.issuer_id else {"sub": "user"}
    return _signed(claims, credentials.key_id, credentials.private_key, now, API_LIFETIME_S)


def _signed(claims: t.Mapping[str, str], key_id: str, private_key: PrivateKey, now: float, lifetime: int) -> Secret:
    times = {"iat": int(now) - BACKDATED_S, "exp": int(now) + lifetime}
    headers = {"kid": key_id, "typ": "JWT"}
    claimed = {**claims, **times, "aud": _AUDIENCE}
    return Secret(jwt.encode(claimed, private_key.handle, algorithm="ES256", headers=headers))
