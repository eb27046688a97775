# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The token that signs a call of the App Store Server API.

Source: developer.apple.com/documentation/appstoreserverapi/generating-json-web-tokens-for-api-requests
"""

from __future__ import annotations

import traceback

from .._model.integration import Credentials
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


def sign(credentials: Credentials, bundle_id: str, now: float) -> Secret:
    """Return an ES256 token for one app (``bid``), valid from ``now`` - 60 s to ``now`` + 300 s (UNIX seconds)."""
    claims = {
        "iss": credentials.issuer_id,
        "iat": int(now) - BACKDATED_S,
        "exp": int(now) + LIFETIME_S,
        "aud": "appstoreconnect-v1",
        "bid": bundle_id,
    }
    headers = {"kid": credentials.key_id, "typ": "JWT"}
    return Secret(jwt.encode(claims, credentials.private_key.handle, algorithm="ES256", headers=headers))
