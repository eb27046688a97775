# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A signed-in browser session in the shape that Playwright writes and reads (storage state, JSON)."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .errors import InputError
from .foreign_json import parse_json
from .masking import Masker
from .secret import worth_masking
from .session_text import listed, unescaped, unwrapped

LARGEST = 1024 * 1024
_COOKIE_FIELDS = ("name", "value", "domain", "path", "expires", "httpOnly", "secure", "sameSite")
# Year 9999, in UNIX seconds: what lies beyond it are milliseconds.
_LATEST = 253402300799
_NEVER = re.compile(r"[\x00-\x1f\x7f;]")
_NEXT_STEP = (
    'Give what Playwright\'s storage_state() writes: {"cookies": [...], "origins": [...]}. A JSON list of cookies, '
    "each with name, value and domain, as browser extensions export it, will do as well."
)


# Known by its identity: a task's visits with one session share what the browser keeps for it.
@dataclass(frozen=True, eq=False)
class BrowserSession:
    """``state`` is the storage state, checked; nothing of it is ever shown."""

    state: dict[str, t.Any] = field(repr=False)

    def values(self) -> set[str]:
        """Return the values of all cookies and of all entries of the local storage."""
        stored = [entry for origin in self.state["origins"] for entry in origin["localStorage"]]
        return {entry["value"] for entry in [*self.state["cookies"], *stored] if entry["value"]}

    def mask(self, text: str) -> str:
        """Return ``text`` without anything that this session holds."""
        return str(Masker(self.values()).mask(text))

    def fits(self, url: str) -> bool:
        """Tell whether a browser would have anything of this session to send to, or to read at, ``url``."""
        parts = urlsplit(url)
        host, origin = parts.hostname or "", f"{parts.scheme}://{parts.netloc}"
        domains = [cookie["domain"].lower() for cookie in self.state["cookies"]]
        by_cookie = any(host == d.lstrip(".") or (d.startswith(".") and host.endswith(d)) for d in domains)
        return by_cookie or any(entry["origin"] == origin for entry in self.state["origins"])


def parse_browser_session(text: str, option: str) -> BrowserSession:
    """Return the session. Raises InputError that names ``option`` and shows nothing of the text."""
    if len(text) > LARGEST:
        raise InputError(option, f"has more than {LARGEST} characters.", _NEXT_STEP)
    text = unwrapped(unwrapped(text, "cookies"), "domain")
    try:
        document = _read(text)
        # What browsers' extensions export.
        document = {"cookies": document} if isinstance(document, list) else document
        entries = document.get("cookies") or []
        cookies = [cookie for entry in entries if (cookie := _cookie(entry))]
        origins = [origin for entry in document.get("origins") or [] if (origin := _origin(entry))]
    except (ValueError, TypeError, AttributeError):
        # The parser's own words may show a piece of the session.
        raise InputError(option, _kind(text), _NEXT_STEP) from None
    if not cookies and not origins:
        lack = "no cookie with a name, a value and a domain, and no" if entries else "neither cookies nor"
        raise InputError(option, f"holds {lack} local storage, so nobody is signed in.", _NEXT_STEP)
    return BrowserSession({"cookies": cookies, "origins": origins})


def _read(text: str) -> t.Any:
    """Return the JSON document, whose quotes and line breaks may be escaped. Raises ValueError."""
    try:
        return parse_json(text)
    except ValueError:
        return parse_json(unescaped(text).replace('\\"', '"'))


def _kind(text: str) -> str:
    cookies = listed(unescaped(text))
    if not cookies:
        return "isn't a browser session."
    return f"is {'cookies.txt' if 'for_domain' in cookies[0] else 'a Cookie header'}, and no browser session."


def _cookie(entry: t.Any) -> dict[str, t.Any] | None:
    """Return a cookie as a browser takes it, None for one that it would refuse.

    A browser's export has many a cookie of other sites; some of them are odd, and none of them counts.
    """
    cookie = {name: entry[name] for name in _COOKIE_FIELDS if entry.get(name) is not None}
    cookie.setdefault("path", "/")
    texts = [cookie.get(name) for name in ("name", "value", "domain", "path")]
    if not all(isinstance(text, str) and not _NEVER.search(text) for text in texts):
        return None
    if not cookie["name"] or not cookie["domain"] or "=" in cookie["name"] or not cookie["path"].startswith("/"):
        return None
    # Without them, a browser takes its own defaults; extensions write them in ways of their own.
    sound: dict[str, bool] = {
        "expires": _is_time(cookie.get("expires")),
        "sameSite": cookie.get("sameSite") in ("Strict", "Lax", "None"),
        **{name: isinstance(cookie.get(name), bool) for name in ("httpOnly", "secure")},
    }
    return {name: value for name, value in cookie.items() if sound.get(name, True)}


def _is_time(value: t.Any) -> bool:
    """Tell whether a browser takes it for the end of a cookie's time: in seconds, or -1 for the session's end."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and (value == -1 or 0 < value <= _LATEST)


def _origin(entry: t.Any) -> dict[str, t.Any] | None:
    """Return what is stored for a site, without what isn't text."""
    items = [item for item in entry.get("localStorage") or [] if isinstance(item, dict)]
    if not isinstance(entry.get("origin"), str):
        return None
    stored = [{part: item.get(part) for part in ("name", "value")} for item in items]
    sound = [item for item in stored if all(isinstance(text, str) for text in item.values())]
    return {"origin": entry["origin"], "localStorage": sound}


def browser_session_values(text: str) -> set[str]:
    """Return the values in a session's text that are worth masking. An unreadable session has none."""
    try:
        return {value for value in parse_browser_session(text, "session").values() if worth_masking(value)}
    except InputError:
        return set()
