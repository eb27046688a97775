# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checking the cookies of a browser session.

Observed: fastlane's jars hold ``myacinfo``, ``DES<hex>`` (whose value goes out in double quotes) and
``dqsid``; a session ends after hours, and may end on another machine at once. Everything about
how a refreshed cookie replaces the old one is assumed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from ...web_sessions import WebSession
from ...world import World
from .answers import unauthenticated

_LIFE_OF_DQSID: Final = 1800


def read_cookies(headers: Iterable[str]) -> dict[str, str]:
    """Read Cookie headers without touching the values: the quotes matter. The first one counts."""
    cookies: dict[str, str] = {}
    for header in headers:
        for part in header.split(";"):
            name, equals, value = part.strip().partition("=")
            if equals:
                cookies.setdefault(name, value)
    return cookies


def claimed_session(cookies: Mapping[str, str], world: World) -> WebSession | None:
    """Find whose session it claims to be, valid or not."""
    value = cookies.get("myacinfo")
    if value is None:
        return None
    return next((each for each in world.sessions if value in (each.myacinfo, each.superseded)), None)


def check_session(cookies: Mapping[str, str], world: World, now: float) -> int:
    """Give the session's place in the world's list; `Refused` for every kind of failure."""
    session = claimed_session(cookies, world)
    if session is None:
        raise unauthenticated("unknown_session" if "myacinfo" in cookies else "cookie_missing")
    if cookies["myacinfo"] != session.myacinfo:
        raise unauthenticated("cookie_superseded")
    if session.dqsid is not None and cookies.get("dqsid") != session.dqsid:
        raise unauthenticated("dqsid_missing_or_wrong")
    _check_des(cookies, session)
    if session.foreign:
        raise unauthenticated("foreign_session")
    if session.is_over(now):
        raise unauthenticated("session_expired")
    return world.sessions.index(session)


def _check_des(cookies: Mapping[str, str], session: WebSession) -> None:
    for name, value in session.des.items():
        if name not in cookies:
            raise unauthenticated("des_cookie_missing")
        if cookies[name] == value:
            raise unauthenticated("des_cookie_not_quoted")
        if cookies[name] != f'"{value}"':
            raise unauthenticated("des_cookie_wrong")


def refreshed(session: WebSession) -> WebSession:
    """Give the session with new cookies; the old ones are worth nothing from then on."""
    return replace(
        session,
        myacinfo=secrets.token_hex(48),
        dqsid=secrets.token_hex(48),
        superseded=session.myacinfo,
    )


def set_cookie_headers(session: WebSession) -> tuple[str, str]:
    """Give the Set-Cookie values; without Domain and Secure, or no client here would keep them."""
    return (
        f"myacinfo={session.myacinfo}; Path=/; HttpOnly",
        f"dqsid={session.dqsid}; Max-Age={_LIFE_OF_DQSID}; Path=/; HttpOnly",
    )
