# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Browser sessions and settings of App Store Connect, as the world has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .fields import Fields, InputError

KEY_ATTRIBUTES: Final = ("isActive", "canDownload", "lastUsed", "revokingDate")
"""The optional attributes of a key; which of them Apple's list really has is not known."""
ENCODINGS: Final = ("pem", "base64_pem", "base64_json_pem")
"""The forms in which the one-time download was seen to give a private key."""
LATEST_SECOND: Final = 100_000_000_000.0
"""UNIX seconds stay below this until the year 5138, so anything above is milliseconds."""
STATE: Final = (
    "expires_at",
    "expired",
    "foreign",
    "agreement_pending",
    "refreshes_cookie",
    "role",
)
"""What the control API may change of a session."""

_SESSION: Final = ("myacinfo", "dqsid", "des", "email", "teams", "team", *STATE)
_SETTINGS: Final = (
    "private_key_encoding",
    "key_attributes",
    "active_key_limit",
    "limit_status",
    "created_status",
    "largest_page",
)
_COOKIE_VALUE: Final = (
    r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+",
    "be a cookie value: no spaces, quotes, commas, semicolons or backslashes",
)
_ROLE: Final = (r"[A-Z_]+", "be a role like ADMIN, ACCOUNT_HOLDER or APP_MANAGER")
_DES_NAME: Final = (r"DES[0-9a-f]+", "be a cookie name like DES5c148586daa45")


@dataclass(frozen=True)
class WebSession:
    """One signed-in browser; the cookie values are those that are valid now."""

    myacinfo: str = field(repr=False)
    email: str
    teams: tuple[str, ...]
    """Issuer IDs of the teams that the user may switch to."""
    team: str
    """Issuer ID of the current team."""
    role: str = "ADMIN"
    dqsid: str | None = field(default=None, repr=False)
    des: Mapping[str, str] = field(default_factory=dict, repr=False)
    expires_at: float | None = None
    expired: bool = False
    foreign: bool = False
    agreement_pending: bool = False
    refreshes_cookie: bool = False
    superseded: str | None = field(default=None, repr=False)
    """The `myacinfo` before the last refresh, to name that mistake in the call log."""

    def is_over(self, now: float) -> bool:
        """Tell whether the session has expired."""
        return self.expired or (self.expires_at is not None and now >= self.expires_at)


@dataclass(frozen=True)
class ConnectSettings:
    """How App Store Connect answers where nobody knows for sure."""

    private_key_encoding: str = "pem"
    key_attributes: tuple[str, ...] = KEY_ATTRIBUTES
    active_key_limit: int = 10
    limit_status: int = 409
    created_status: int = 201
    largest_page: int = 2000


def read_sessions(world: Fields, issuer_ids: Iterable[str]) -> tuple[WebSession, ...]:
    """Read ``app_store_connect_sessions``; their teams have to be the world's."""
    known = tuple(issuer_ids)
    entries = world.entries("app_store_connect_sessions")
    sessions: dict[str, WebSession] = {}
    for path, value in entries:
        session = _read_session(value, path, known)
        if session.myacinfo in sessions:
            # Not quoted: it is a cookie, even if only a made-up one.
            raise InputError(f"{path}.myacinfo", "is already another session's")
        sessions[session.myacinfo] = session
    return tuple(sessions.values())


def _read_session(value: object, path: str, known: tuple[str, ...]) -> WebSession:
    fields = Fields(value, path, _SESSION)
    teams = tuple(_read_team(at, entry, known) for at, entry in fields.entries("teams"))
    if not teams:
        raise InputError(fields.at("teams"), "must name at least one team by its issuer ID")
    return WebSession(
        myacinfo=_cookie(fields, "myacinfo"),
        email=fields.text("email"),
        teams=teams,
        team=fields.choice("team", teams, teams[0]),
        dqsid=_cookie(fields, "dqsid") if fields.has("dqsid") else None,
        des=_read_des(fields),
        **read_state(fields),
    )


def read_state(fields: Fields) -> dict[str, Any]:
    """Read those members of `STATE` that are given, as arguments of `WebSession`."""
    state: dict[str, Any] = {}
    if fields.has("role"):
        state["role"] = fields.text("role", *_ROLE)
    if fields.has("expires_at"):
        state["expires_at"] = read_seconds(fields, "expires_at")
    for name in ("expired", "foreign", "agreement_pending", "refreshes_cookie"):
        if fields.has(name):
            state[name] = fields.boolean(name)
    return state


def read_seconds(fields: Fields, name: str) -> float | None:
    """Read an optional time in UNIX seconds."""
    if not fields.has(name):
        return None
    seconds = fields.number(name, 0, float("inf"))
    if seconds >= LATEST_SECOND:
        raise InputError(fields.at(name), "must be UNIX seconds, not milliseconds")
    return seconds


def _read_team(path: str, entry: object, known: tuple[str, ...]) -> str:
    if not isinstance(entry, str) or entry not in known:
        raise InputError(path, "must be the issuer ID of a team of this world")
    return entry


def _read_des(fields: Fields) -> dict[str, str]:
    if not fields.has("des"):
        return {}
    raw = fields.raw("des")
    at = fields.at("des")
    des = Fields(raw, at, tuple(raw) if isinstance(raw, dict) else ())
    return {_des_name(name, at): _cookie(des, name) for name in des.names()}


def _des_name(name: str, at: str) -> str:
    return Fields({"name": name}, at, ("name",)).text("name", *_DES_NAME)


def _cookie(fields: Fields, name: str) -> str:
    try:
        return fields.text(name, *_COOKIE_VALUE)
    except InputError as error:
        # The message about a wrong text quotes it; a cookie is never quoted.
        if isinstance(fields.raw(name), str):
            raise InputError(fields.at(name), f"must {_COOKIE_VALUE[1]}") from None
        raise error


def read_settings(world: Fields) -> ConnectSettings:
    """Read ``app_store_connect``."""
    if not world.has("app_store_connect"):
        return ConnectSettings()
    fields = Fields(world.raw("app_store_connect"), world.at("app_store_connect"), _SETTINGS)
    normal = ConnectSettings()
    return ConnectSettings(
        private_key_encoding=fields.choice("private_key_encoding", ENCODINGS, "pem"),
        key_attributes=_read_attributes(fields),
        active_key_limit=_integer(fields, "active_key_limit", 0, 1000, normal.active_key_limit),
        limit_status=_integer(fields, "limit_status", 400, 599, normal.limit_status),
        created_status=_integer(fields, "created_status", 200, 299, normal.created_status),
        largest_page=_integer(fields, "largest_page", 1, 2000, normal.largest_page),
    )


def _read_attributes(fields: Fields) -> tuple[str, ...]:
    if not fields.has("key_attributes"):
        return KEY_ATTRIBUTES
    for path, entry in fields.entries("key_attributes"):
        if entry not in KEY_ATTRIBUTES:
            raise InputError(path, f"must be one of {', '.join(KEY_ATTRIBUTES)}, not {entry!r}")
    return tuple(str(entry) for _path, entry in fields.entries("key_attributes"))


def _integer(fields: Fields, name: str, low: int, high: int, default: int) -> int:
    return fields.integer(name, low, high) if fields.has(name) else default


def write_session(session: WebSession) -> dict[str, object]:
    """Write one session as `read_sessions` takes it, with the cookies that are valid now."""
    return {
        "myacinfo": session.myacinfo,
        "dqsid": session.dqsid,
        "des": dict(session.des),
        "email": session.email,
        "role": session.role,
        "teams": list(session.teams),
        "team": session.team,
        "expires_at": session.expires_at,
        "expired": session.expired,
        "foreign": session.foreign,
        "agreement_pending": session.agreement_pending,
        "refreshes_cookie": session.refreshes_cookie,
    }


def write_settings(settings: ConnectSettings) -> dict[str, object]:
    """Write the settings as `read_settings` takes them."""
    values = {name: getattr(settings, name) for name in _SETTINGS}
    return {**values, "key_attributes": list(settings.key_attributes)}
