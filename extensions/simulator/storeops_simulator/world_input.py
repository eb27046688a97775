# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a world: strict, every message names the entry; and writing it back without secrets."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from . import keys
from .app_fields import read_app, write_app
from .connect_api_world import read_connect_api, write_connect_api
from .devtodev_world import read_devtodev, write_devtodev
from .fields import Fields, InputError
from .notification_settings import (
    read_clock,
    read_notification_settings,
    write_clock,
    write_notification_settings,
)
from .qonversion_world import read_qonversion, write_qonversion
from .rate_limits import PER_SECOND
from .refund_year_input import with_refund_year, write_refund_year
from .revenuecat_world import read_revenuecat, write_revenuecat
from .web_sessions import (
    ENCODINGS,
    read_seconds,
    read_sessions,
    read_settings,
    write_session,
    write_settings,
)
from .world import KEY_KINDS, Key, KeyKind, Team, World

_WORLD: Final = (
    "teams",
    "rate_limits",
    "key_propagation_s",
    "app_store_connect",
    "app_store_connect_api",
    "app_store_connect_sessions",
    "revenuecat",
    "qonversion",
    "devtodev",
    "server_notifications",
    "clock",
    "generated_refunds",
)
_TEAM: Final = ("issuer_id", "name", "provider_id", *KEY_KINDS, "apps")
_KEY_TIMES: Final = ("created_at", "revoked_at", "last_used_at")
_KEY: Final = (
    "key_id",
    "name",
    "active",
    "public_key",
    "private_key_path",
    "downloadable",
    "private_key_encoding",
    *_KEY_TIMES,
)

KEY_ID_PATTERN: Final = (r"[A-Za-z0-9]{2,32}", "be letters and digits, like 2X9R4HXF34")
_UUID = (
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "be a UUID, like 57246542-96fe-1a63-e053-0824d011072a",
)
_FIRST_PROVIDER_ID: Final = 120_000_001
_LONGEST_PROPAGATION: Final = 86_400.0


@dataclass(frozen=True)
class ReadWorld:
    """A world, and the private keys that were generated for it, as .p8 text by Key ID."""

    world: World
    private_keys: dict[str, str] = field(repr=False)


def read_world(document: object, folder: Path | None = None) -> ReadWorld:
    """Read a world document; `InputError` names the first bad entry.

    :param folder: where relative `private_key_path` start; without it the option is refused.
    """
    return _Reader(folder).world(document)


class _Reader:
    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._private_keys: dict[str, str] = {}

    def world(self, document: object) -> ReadWorld:
        fields = Fields({} if document is None else document, "", _WORLD)
        teams = tuple(self._team(value, path) for path, value in fields.entries("teams"))
        world = World(
            teams=_with_provider_ids(teams),
            rate_limits=_rate_limits(fields),
            key_propagation_s=_propagation(fields),
            sessions=read_sessions(fields, (team.issuer_id for team in teams)),
            connect=read_settings(fields),
            connect_api=read_connect_api(fields),
            revenuecat=read_revenuecat(fields),
            qonversion=read_qonversion(fields),
            devtodev=read_devtodev(fields),
            server_notifications=read_notification_settings(fields),
            clock=read_clock(fields.raw("clock") or {}, "clock"),
        )
        _refuse_doubles(world)
        return ReadWorld(with_refund_year(world, fields), self._private_keys)

    def _team(self, value: object, path: str) -> Team:
        fields = Fields(value, path, _TEAM)
        iap_keys, other_keys = (self._keys(fields, kind) for kind in KEY_KINDS)
        return Team(
            issuer_id=fields.text("issuer_id", *_UUID),
            name=fields.optional_text("name"),
            iap_keys=iap_keys,
            app_store_connect_keys=other_keys,
            apps=tuple(read_app(entry, at) for at, entry in fields.entries("apps")),
            provider_id=fields.integer("provider_id", 1) if fields.has("provider_id") else 0,
        )

    def _keys(self, team: Fields, kind: KeyKind) -> tuple[Key, ...]:
        return tuple(self._key(value, path) for path, value in team.entries(kind))

    def _key(self, value: object, path: str) -> Key:
        fields = Fields(value, path, _KEY)
        key_id = fields.text("key_id", *KEY_ID_PATTERN)
        times = {name: read_seconds(fields, name) for name in _KEY_TIMES}
        if times["revoked_at"] is not None and fields.boolean("active", True):
            raise InputError(fields.at("revoked_at"), "needs active: false")
        return Key(
            key_id=key_id,
            name=fields.optional_text("name"),
            active=fields.boolean("active", True),
            public_key=self._public_key(fields, key_id),
            downloadable=_downloadable(fields),
            private_key_encoding=(
                fields.choice("private_key_encoding", ENCODINGS) if fields.has("private_key_encoding") else None
            ),
            **times,
        )

    def _public_key(self, fields: Fields, key_id: str) -> ec.EllipticCurvePublicKey:
        if fields.has("public_key") and fields.has("private_key_path"):
            raise InputError(fields.at("private_key_path"), "stands beside public_key; give one")
        if fields.has("public_key"):
            return read_public_key(fields)
        if fields.has("private_key_path"):
            return self._key_file(fields)
        public_key, private_pem = keys.generate()
        self._private_keys[key_id] = private_pem
        return public_key

    def _key_file(self, fields: Fields) -> ec.EllipticCurvePublicKey:
        at = fields.at("private_key_path")
        if self._folder is None:
            raise InputError(at, "works in a world file only; give public_key instead")
        path = self._folder / fields.text("private_key_path")
        try:
            return keys.read_private_pem(path.read_bytes())
        except OSError as error:
            raise InputError(at, f"cannot read {path}: {error.strerror}") from error
        except ValueError as error:
            raise InputError(at, f"{path} {error}") from error


def _downloadable(fields: Fields) -> bool:
    asked = fields.boolean("downloadable", True)
    given = next((name for name in ("public_key", "private_key_path") if fields.has(name)), None)
    if given and asked and fields.has("downloadable"):
        raise InputError(fields.at("downloadable"), f"is for generated keys, without {given}")
    return asked


def _with_provider_ids(teams: tuple[Team, ...]) -> tuple[Team, ...]:
    """Number the teams that bring no number."""
    taken = {team.provider_id for team in teams}
    free = (number for number in itertools.count(_FIRST_PROVIDER_ID) if number not in taken)
    return tuple(team if team.provider_id else replace(team, provider_id=next(free)) for team in teams)


def _propagation(world: Fields) -> float:
    if not world.has("key_propagation_s"):
        return 0.0
    return world.number("key_propagation_s", 0, _LONGEST_PROPAGATION)


def _rate_limits(world: Fields) -> dict[str, int]:
    if not world.has("rate_limits"):
        return {}
    fields = Fields(world.raw("rate_limits"), world.at("rate_limits"), tuple(PER_SECOND))
    return {name: fields.integer(name, 0) for name in PER_SECOND if fields.has(name)}


def _refuse_doubles(world: World) -> None:
    teams = list(enumerate(world.teams))
    _unique((f"teams[{i}].issuer_id", team.issuer_id.lower()) for i, team in teams)
    _unique((f"teams[{i}].provider_id", str(team.provider_id)) for i, team in teams)
    _unique(
        (f"teams[{i}].{kind}[{j}].key_id", key.key_id)
        for i, team in teams
        for kind in KEY_KINDS
        for j, key in enumerate(team.keys(kind))
    )
    apps = [(f"teams[{i}].apps[{j}]", app) for i, team in teams for j, app in enumerate(team.apps)]
    _unique((f"{path}.bundle_id", app.bundle_id) for path, app in apps)
    _unique((f"{path}.apple_id", str(app.apple_id)) for path, app in apps)
    _unique(
        (f"{path}.transactions[{k}].transaction_id", f"{entry.transaction_id} {entry.environment}")
        for path, app in apps
        for k, entry in enumerate(app.transactions)
    )


def _unique(values: Iterable[tuple[str, str]]) -> None:
    first: dict[str, str] = {}
    for path, value in values:
        if value in first:
            raise InputError(path, f"{value!r} is already at {first[value]}")
        first[value] = path


def write_world(world: World) -> dict[str, object]:
    """Write the world as a document that `read_world` takes; it holds no private key."""
    return {
        "teams": [_write_team(team) for team in world.teams],
        "rate_limits": {**PER_SECOND, **world.rate_limits},
        "key_propagation_s": world.key_propagation_s,
        "app_store_connect": write_settings(world.connect),
        "app_store_connect_api": write_connect_api(world.connect_api),
        "app_store_connect_sessions": [write_session(session) for session in world.sessions],
        "revenuecat": write_revenuecat(world.revenuecat),
        "qonversion": write_qonversion(world.qonversion),
        "devtodev": write_devtodev(world.devtodev),
        "server_notifications": write_notification_settings(world.server_notifications),
        "clock": write_clock(world.clock),
        **write_refund_year(world),
    }


def read_public_key(fields: Fields) -> ec.EllipticCurvePublicKey:
    try:
        return keys.read_public_pem(fields.text("public_key", r"[\s\S]+"))
    except ValueError as error:
        raise InputError(fields.at("public_key"), str(error)) from error


def write_key(key: Key) -> dict[str, object]:
    """Write one key: its ID, name, state and public part, and its times where they are known."""
    optional = {name: getattr(key, name) for name in (*_KEY_TIMES, "private_key_encoding")}
    return {
        "key_id": key.key_id,
        "name": key.name,
        "active": key.active,
        "public_key": keys.public_pem(key.public_key),
        **{name: value for name, value in optional.items() if value is not None},
    }


def _write_team(team: Team) -> dict[str, object]:
    return {
        "issuer_id": team.issuer_id,
        "name": team.name,
        "provider_id": team.provider_id,
        "iap_keys": [write_key(key) for key in team.iap_keys],
        "app_store_connect_keys": [write_key(key) for key in team.app_store_connect_keys],
        "apps": [write_app(app) for app in team.apps],
    }
