# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The App Store configuration of a project: read, and write in part.

documentation.qonversion.io/api-reference/project-settings/update-store-configuration
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from ...calls import Call
from ...qonversion_world import AppleConfig, QonversionProject
from ...simulator import Replay, Simulator
from ...stored_key import StoredKey
from ..api import Endpoint, is_json
from .answers import invalid, refused, success

_PATH: Final = "/v4/project-settings/stores/apple"
_TRIPLETS: Final = {
    "iap": ("iap_key_identifier", "iap_private_key", "iap_issuer_id"),
    "connect": ("connect_key_identifier", "connect_private_key", "connect_issuer_id"),
}
_KNOWN: Final = ("bundle_id", "app_id", "shared_secret", *_TRIPLETS["iap"], *_TRIPLETS["connect"])


@dataclass(frozen=True)
class Admitted:
    """A request whose secret key was accepted; its body has been read."""

    simulator: Simulator
    request: Request
    body: bytes
    project: QonversionProject
    call: Call


Handler = Callable[[Admitted], Response]


def _get(admitted: Admitted) -> Response:
    return success(_shown(admitted.project.apple))


def _update(admitted: Admitted) -> Response:
    name = admitted.request.headers.get("idempotency-key")
    if name is None:
        return _apply(admitted)
    known = (admitted.project.secret_key, name)
    digest = hashlib.sha256(admitted.body).digest()
    replay = admitted.simulator.replays.get(known)
    if replay is None:
        response = _apply(admitted)
        admitted.simulator.replays[known] = Replay(digest, bytes(response.body))
        return response
    if replay.request_digest != digest:
        status = admitted.simulator.world.qonversion.idempotency_conflict_status
        message = "The Idempotency-Key was used for another request"
        raise refused("idempotency_key_reused", status, "idempotency_conflict", message)
    return Response(replay.body, 200, {"content-type": "application/json"})


def _apply(admitted: Admitted) -> Response:
    values = _read(admitted)
    call = admitted.call
    call.bundle_id = values.get("bundle_id", call.bundle_id)
    call.key_id, call.issuer_id = values.get("iap_key_identifier"), values.get("iap_issuer_id")
    old = admitted.project.apple
    apple = replace(
        old,
        bundle_id=values.get("bundle_id", old.bundle_id),
        app_id=values.get("app_id", old.app_id),
        has_shared_secret=old.has_shared_secret or "shared_secret" in values,
        iap_key=_stored(old.iap_key, values, _TRIPLETS["iap"]),
        connect_key=_stored(old.connect_key, values, _TRIPLETS["connect"]),
    )
    world = admitted.simulator.world
    changed = world.qonversion.with_apple(admitted.project, apple)
    admitted.simulator.world = replace(world, qonversion=changed)
    return success(_shown(apple))


def _read(admitted: Admitted) -> dict[str, str]:
    if not is_json(admitted.request):
        message = "Content-Type has to be application/json"
        raise refused("content_type_missing_or_wrong", 400, "invalid_request", message)
    try:
        document: object = json.loads(admitted.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise refused("malformed_body", 400, "invalid_request", "The body is not a JSON object")
    unknown = [(str(name)[:200], "Unknown field") for name in document if name not in _KNOWN]
    if unknown:
        raise invalid("unknown_field", unknown)
    bad = [(name, "Must be a non-empty string") for name, value in document.items() if not _is_text(value)]
    if bad:
        raise invalid("bad_value", bad)
    missing = [
        (name, "Required together with the other two of its triplet")
        for triplet in _TRIPLETS.values()
        if any(name in document for name in triplet)
        for name in triplet
        if name not in document
    ]
    if missing:
        raise invalid("partial_triplet", missing)
    return document


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _stored(key: StoredKey, values: Mapping[str, str], triplet: tuple[str, str, str]) -> StoredKey:
    key_id, private_key, issuer_id = triplet
    if private_key not in values:
        return key
    fresh = StoredKey(values[key_id], values[issuer_id])
    return fresh.with_private_key(values[private_key])


def _shown(apple: AppleConfig) -> dict[str, object]:
    return {
        "object": "store_config",
        "url": _PATH,
        "platform": "apple",
        "has_shared_secret": apple.has_shared_secret,
        "has_connect_private_key": apple.connect_key.has_private_key,
        "has_iap_private_key": apple.iap_key.has_private_key,
        "app_id": apple.app_id,
        "bundle_id": apple.bundle_id,
        "connect_key_identifier": apple.connect_key.key_id,
        "connect_issuer_id": apple.connect_key.issuer_id,
        "iap_key_identifier": apple.iap_key.key_id,
        "iap_issuer_id": apple.iap_key.issuer_id,
    }


ENDPOINTS: Final[tuple[Endpoint[Handler], ...]] = (
    Endpoint("get_store_config", "GET", _PATH, _get),
    Endpoint("update_store_config", "POST", _PATH, _update),
)
