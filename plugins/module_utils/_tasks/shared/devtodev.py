# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From devtodev's settings to its tracker. One browser serves all projects of a task."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from ..._context import Context
from ..._http_proxies import bypasses_proxy
from ..._model.browser_session import LARGEST, BrowserSession, parse_browser_session
from ..._model.errors import InputError
from ..._model.identifiers import is_loopback
from ..._trackers.browser import (
    Browser,
    BrowserSettings,
    Tab,
    Visitor,
    find_browser,
    origin_of,
    require_playwright,
)
from ..._trackers.devtodev import DevtodevByBrowser
from ..._trackers.devtodev_handoff import DevtodevByHand
from ..._trackers.devtodev_settings import WAYS, DevtodevSettings
from ..._trackers.last_applied import LastApplied
from ..._trackers.protocol import Times, Tracker
from ..._trackers.settings import Settings
from .session import read_session_file


@dataclass
class Browsers:
    """A task's browsers: one, where all settings name the same program and reach their pages in the same way."""

    context: Context
    times: Times
    _sessions: dict[t.Hashable, BrowserSession] = field(default_factory=dict, init=False)
    _browsers: dict[t.Hashable, Browser] = field(default_factory=dict, init=False)

    def tab(self, settings: DevtodevSettings) -> Tab:
        """Return the browser as the settings' session has it. Raises InputError, BrowserFailed; starts nothing yet."""
        session = self._session(settings)
        if not session.fits(settings.url):
            place = urlsplit(settings.url).netloc
            raise InputError("devtodev.session", f"holds nothing for {place}, so nobody is signed in.", WAYS)
        environ = self.context.environ
        if any(map(_may_name_playwright, re.split(r"[\s,]+", environ.get("DEBUG", "")))):
            raise InputError("DEBUG", "makes Playwright print the session and the private key.", "Unset it.")
        require_playwright()
        find_browser(settings.browser_path, "")
        proxy = proxy_for(settings.url, self.context.transport.settings.proxies)
        kind = (settings.browser_path, tuple((proxy or {}).items()))
        if kind not in self._browsers:
            own = BrowserSettings(settings.browser_path, environ, proxy, self.times.request)
            self._browsers[kind] = Browser(own)
        return Tab(self._browsers[kind], Visitor(origin_of(settings.url), session))

    def close(self) -> None:
        while self._browsers:
            self._browsers.popitem()[1].close()

    def _session(self, settings: DevtodevSettings) -> BrowserSession:
        given = settings.session or settings.session_path
        if given not in self._sessions:
            self._sessions[given] = _read(settings)
        return self._sessions[given]


def _may_name_playwright(word: str) -> bool:
    """Tell whether a word of DEBUG may let Playwright, whose names begin with ``pw:``, print what it sends."""
    start, *rest = word.split("*")
    return start.startswith("pw") or (bool(rest) and "pw:".startswith(start))


def open_devtodev(given: Settings, last_applied: LastApplied, browsers: Browsers) -> Tracker:
    context, settings = browsers.context, t.cast(DevtodevSettings, given)
    if settings.mode == "handoff":
        return DevtodevByHand(last_applied, settings, context.warn)
    return DevtodevByBrowser(
        last_applied=last_applied,
        tab=browsers.tab(settings),
        settings=settings,
        times=browsers.times,
        warn=context.warn,
        remaining=context.transport.remaining,
    )


def _read(settings: DevtodevSettings) -> BrowserSession:
    if settings.session is not None:
        return parse_browser_session(settings.session.reveal(), "devtodev.session")
    text = read_session_file(settings.session_path, "devtodev.session_path", WAYS, LARGEST)
    return parse_browser_session(text.reveal(), "devtodev.session_path")


def proxy_for(url: str, proxies: t.Mapping[str, str]) -> dict[str, str] | None:
    """Return Playwright's proxy mapping for ``url``, or None for a direct connection."""
    parts = urlsplit(url)
    known = dict(proxies)
    server = known.get(parts.scheme)
    if not server or is_loopback(parts.hostname) or bypasses_proxy(parts.netloc, known):
        return None
    try:
        proxy = urlsplit(server if "://" in server else f"http://{server}")
        port = f":{proxy.port}" if proxy.port else ""
    except ValueError:
        # What it says may be a piece of the password.
        raise InputError(f"{parts.scheme}_proxy", "isn't a URL.", "Write %2F for a / in the password.") from None
    host = f"[{proxy.hostname}]" if ":" in (proxy.hostname or "") else proxy.hostname
    found = {"server": f"{proxy.scheme}://{host}{port}", "bypass": known.get("no", "")}
    if proxy.username:
        found |= {"username": unquote(proxy.username), "password": unquote(proxy.password or "")}
    return found
