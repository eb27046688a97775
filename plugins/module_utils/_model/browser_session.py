# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A signed-in browser session in the shape that Playwright writes and reads (storage state, JSON)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .errors import InputError
from .foreign_json import parse_json
from .masking import Masker
from .secret import worth_masking
from .session_text import unwrapped

LARGEST = 1024 * 1024
_COOKIE_FIELDS = ("name", "value", "domain", "path", "expires", "httpOnly", "secure", "sameSite")
_NEXT_STEP = 'Give what Playwright\'s storage_state() writes: {"cookies": [...], "origins": [...]}.'


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
    try:
        document = parse_json(unwrapped(text, "cookies"))
        # What browsers' extensions export.
        document = {"cookies": document} if isinstance(document, list) else document
        cookies = [_cookie(entry) for entry in document.get("cookies") or []]
        origins = [_origin(entry) for entry in document.get("origins") or []]
    except (ValueError, TypeError, KeyError, AttributeError):
        # The parser's own words may show a piece of the session.
        raise InputError(option, "isn't a browser session.", _NEXT_STEP) from None
    if not cookies and not origins:
        raise InputError(option, "holds neither cookies nor local storage, so nobody is signed in.", _NEXT_STEP)
    return BrowserSession({"cookies": cookies, "origins": origins})


def _cookie(entry: t.Any) -> dict[str, t.Any]:
    cookie = {name: entry[name] for name in _COOKIE_FIELDS if entry.get(name) is not None}
    texts = (cookie["name"], cookie["value"], cookie["domain"], cookie.setdefault("path", "/"))
    if not all(isinstance(text, str) for text in texts) or not cookie["name"] or not cookie["domain"]:
        raise ValueError
    if not isinstance(cookie.get("expires", -1), (int, float)):
        raise ValueError
    if cookie.get("sameSite") in ("no_restriction", "unspecified", "lax", "strict"):
        # Extensions write it so, and a browser takes its own default for it.
        del cookie["sameSite"]
    if cookie.get("sameSite") not in (None, "Strict", "Lax", "None"):
        raise ValueError
    return cookie


def _origin(entry: t.Any) -> dict[str, t.Any]:
    stored = [{"name": item["name"], "value": item["value"]} for item in entry.get("localStorage") or []]
    if not isinstance(entry["origin"], str):
        raise ValueError
    if not all(isinstance(item[part], str) for item in stored for part in ("name", "value")):
        raise ValueError
    return {"origin": entry["origin"], "localStorage": stored}


def browser_session_values(text: str) -> set[str]:
    """Return the values in a session's text that are worth masking. An unreadable session has none."""
    try:
        return {value for value in parse_browser_session(text, "session").values() if worth_masking(value)}
    except InputError:
        return set()
