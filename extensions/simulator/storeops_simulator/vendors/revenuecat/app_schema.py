# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bodies that create and update apps: read as strictly as RevenueCat's OpenAPI document says.

The update has two forms: the public document of January 2026 takes a bundle ID and a shared
secret only; a newer copy takes the keys too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from ...revenuecat_world import APP_IDENTIFIERS, TrackedApp
from ...stored_key import StoredKey
from .answers import bad_parameter, refused


@dataclass(frozen=True)
class _Text:
    longest: int
    shortest: int = 1
    nullable: bool = False


_NAME: Final = _Text(255)
_KEYS: Final = {
    "subscription_private_key": _Text(4500),
    "subscription_key_id": _Text(32),
    "subscription_key_issuer": _Text(36),
    "app_store_connect_api_key": _Text(4500),
    "app_store_connect_api_key_id": _Text(36),
    "app_store_connect_api_key_issuer": _Text(36),
    "app_store_connect_vendor_number": _Text(20),
}
_STORE: Final = _Text(256)
_UPDATABLE: Final = {"bundle_id": _STORE, "shared_secret": _Text(32, 32, nullable=True)}
_DETAILS: Final[Mapping[str, Mapping[str, _Text]]] = {
    "app_store": {"bundle_id": _STORE, "shared_secret": _Text(32, 32), **_KEYS},
    "mac_app_store": {"bundle_id": _STORE, "shared_secret": _Text(32, 32)},
    "play_store": {"package_name": _STORE},
    "amazon": {"package_name": _STORE, "shared_secret": _Text(4500)},
}
_CREATABLE: Final = tuple(kind for kind in APP_IDENTIFIERS if kind != "test_store")

Values = dict[str, str | None]


@dataclass(frozen=True)
class AppBody:
    """A body whose every member is known and sound."""

    name: str | None
    type: str
    details: Values


def read_creation(body: Mapping[str, object]) -> AppBody:
    """Read the body of a creation."""
    _refuse_unknown(body, ("name", "type", *_CREATABLE), "")
    name = _text(body, "name", _NAME, "")
    kind = body.get("type")
    if kind not in _CREATABLE:
        raise bad_parameter("bad_value", "type", f"must be one of {', '.join(_CREATABLE)}")
    kind = str(kind)
    if kind not in _DETAILS:
        message = "The simulator does not create apps of this type"
        raise refused("type_not_simulated", 422, "unprocessable_entity_error", message)
    details = _details(body, kind, _DETAILS[kind])
    identifier = str(APP_IDENTIFIERS[kind])
    if identifier not in details:
        raise bad_parameter("bad_value", f"{kind}.{identifier}", "is required")
    return AppBody(name, kind, details)


def read_update(body: Mapping[str, object], kind: str, takes_keys: bool) -> AppBody:
    """Read the body of an update of an app of some type."""
    _refuse_unknown(body, ("name", *_CREATABLE), "")
    name = _text(body, "name", _NAME, "") if "name" in body else None
    known = dict(_DETAILS.get(kind, {}))
    if "shared_secret" in known:
        known["shared_secret"] = replace(known["shared_secret"], nullable=True)
    if kind == "app_store" and not takes_keys:
        known = dict(_UPDATABLE)
    return AppBody(name, kind, _details(body, kind, known))


def _details(body: Mapping[str, object], kind: str, known: Mapping[str, _Text]) -> Values:
    """Read the member that is named like the type; no other type's may be there."""
    for other in APP_IDENTIFIERS:
        if other != kind and other in body:
            raise bad_parameter("details_of_another_type", other, f"should only be used when type is {other}")
    if kind not in body:
        return {}
    details = body[kind]
    if not isinstance(details, dict):
        raise bad_parameter("bad_value", kind, "must be an object")
    _refuse_unknown(details, known, f"{kind}.")
    return {name: _text(details, name, known[name], f"{kind}.") for name in details}


def _refuse_unknown(members: Mapping[str, object], known: Mapping[str, _Text] | tuple[str, ...], at: str) -> None:
    for name in members:
        if name in known:
            continue
        reason = "key_on_update" if at == "app_store." and name in _KEYS else "unknown_field"
        shown = f"{at}{name}"[:200]
        raise bad_parameter(reason, shown, "is not allowed: additional properties are not accepted")


def _text(members: Mapping[str, object], name: str, rule: _Text, at: str) -> str | None:
    if name not in members:
        raise bad_parameter("bad_value", f"{at}{name}", "is required")
    value = members[name]
    if value is None and rule.nullable:
        return None
    if not isinstance(value, str):
        raise bad_parameter("bad_value", f"{at}{name}", "must be a string")
    if not rule.shortest <= len(value) <= rule.longest:
        problem = f"must be {rule.shortest} to {rule.longest} characters long"
        raise bad_parameter("bad_value", f"{at}{name}", problem)
    return value


def applied(app: TrackedApp, body: AppBody) -> TrackedApp:
    """Give the app with the body's values; what is left out stays."""
    details = body.details
    identifier = APP_IDENTIFIERS[app.type]
    shared_secret = details.get("shared_secret", "kept")
    return replace(
        app,
        name=body.name or app.name,
        identifier=details.get(identifier or "") or app.identifier,
        has_shared_secret=app.has_shared_secret if shared_secret == "kept" else shared_secret is not None,
        subscription_key=_stored(app.subscription_key, details, "subscription_private_key", "subscription_key"),
        connect_key=_stored(app.connect_key, details, "app_store_connect_api_key", "app_store_connect_api_key"),
        vendor_number=details.get("app_store_connect_vendor_number") or app.vendor_number,
    )


def _stored(key: StoredKey, details: Values, private_key: str, prefix: str) -> StoredKey:
    uploaded = details.get(private_key)
    if uploaded is not None:
        key = key.with_private_key(uploaded)
    return replace(
        key,
        key_id=details.get(f"{prefix}_id") or key.key_id,
        issuer_id=details.get(f"{prefix}_issuer") or key.issuer_id,
    )
