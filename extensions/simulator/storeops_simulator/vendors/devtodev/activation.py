# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From Pending to Active: the signed call that tells whether an uploaded key works."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from ... import jws
from ...devtodev_world import TrackedIntegration
from ...simulator import Simulator
from ..app_store_server.token_checks import Refused, check_token, read_token

_LIFE: Final = 300


def settle(simulator: Simulator) -> None:
    """Check every pending integration whose time has come; each is checked once."""
    for project in simulator.world.devtodev.projects:
        stored = project.integration
        if stored is None or stored.status != "pending":
            continue
        due = simulator.world.devtodev.active_at(project)
        if due is None or simulator.now() < due:
            continue
        private_key = simulator.uploaded_keys.pop(project.project_id, None)
        # A world that was written and put back has no private key: its integration stays pending.
        if private_key is None:
            continue
        status = "active" if _is_accepted(simulator, stored, private_key) else "error"
        changed = replace(project, integration=replace(stored, status=status))
        account = simulator.world.devtodev.with_project(changed)
        simulator.world = replace(simulator.world, devtodev=account)


def _is_accepted(simulator: Simulator, stored: TrackedIntegration, private_key: ec.EllipticCurvePrivateKey) -> bool:
    """Tell whether the App Store Server API of production accepts a token made with that key."""
    now = simulator.now()
    header = {"alg": "ES256", "kid": stored.key_id, "typ": "JWT"}
    claims = {
        "iss": stored.issuer_id,
        "iat": int(now),
        "exp": int(now) + _LIFE,
        "aud": "appstoreconnect-v1",
        "bid": stored.bundle_id,
    }
    token = jws.sign(header, claims, private_key)
    try:
        check_token(read_token(f"Bearer {token}"), simulator.world, "production", now)
    except Refused:
        return False
    return True
