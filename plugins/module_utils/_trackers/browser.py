# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A headless Chromium for one task: found on the machine, driven through Playwright, ended in every case."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import threading
import typing as t
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .._model.browser_session import BrowserSession
from .._model.errors import InputError, RefundsError
from .._model.identifiers import is_loopback
from .._model.text import printable
from .clicks import READING
from .processes import end_marked

if t.TYPE_CHECKING:
    from playwright.sync_api import Browser as Chromium
    from playwright.sync_api import CDPSession, Page, Playwright, Route

T = t.TypeVar("T")
MARK = "STOREOPS_BROWSER"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
_PLACES = (
    "/usr/bin/chromium",
    "/snap/bin/chromium",
    "/opt/google/chrome/chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
# All that a browser needs of the environment; the rest may hold secrets and proxies.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_RUNTIME_DIR", "FONTCONFIG_FILE", "FONTCONFIG_PATH")
_STEPS = {
    "ERR_CERT_AUTHORITY_": "Let the browser trust the certificate's CA: ca_path has no effect on it.",
    "ERR_CERT_DATE_": "Check this machine's clock (NTP), then the site's certificate.",
    "ERR_PROXY_": "Check https_proxy and no_proxy.",
    "ERR_TUNNEL_": "Check https_proxy and no_proxy.",
}
_BY_HAND = "Run it by hand, or name another one by devtodev.browser_path."
_LAUNCH_SECONDS = 60.0
_CLOSE_SECONDS = 15.0


class BrowserFailed(RefundsError):
    """The browser can't be started, ended by itself or did not answer. Says nothing about the page."""


@dataclass(frozen=True)
class BrowserSettings:
    """``path``: the program, searched for when empty. ``timeout``: seconds for one action.

    ``proxy`` is Playwright's mapping, or None for a direct connection whatever the environment says.
    """

    path: str
    environ: t.Mapping[str, str] = field(repr=False)
    proxy: t.Mapping[str, str] | None = field(repr=False)
    timeout: float


@dataclass(frozen=True)
class Visitor:
    """Someone signed in at one origin, which is the only one that is navigated to."""

    origin: str
    session: BrowserSession


def require_playwright() -> None:
    """Raise BrowserFailed with the way to install it when Playwright is not there."""
    try:
        # Imported only to see whether it is there.
        import playwright.sync_api  # noqa: F401
    except ImportError:
        raise BrowserFailed(
            "devtodev.mode: browser needs Playwright for Python, which this Python does not have.",
            "Run: pip install 'playwright>=1.51,<2' (and have Chromium or Chrome installed), or use mode: handoff.",
        ) from None


def find_browser(path: str, search_path: str) -> str | None:
    """Return the Chromium to use: the given one, else one on ``search_path`` or at a usual place."""
    if path:
        if not os.path.isfile(path) or not os.access(path, os.X_OK):
            raise InputError("devtodev.browser_path", f"{path} isn't a program that can be run.")
        return path
    on_path = (shutil.which(name, path=search_path) for name in _NAMES)
    usual = (place for place in _PLACES if os.access(place, os.X_OK))
    return next((found for found in (*on_path, *usual) if found), None)


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def step_for(net_error: str) -> str:
    """Return what to do about Chromium's network error; empty where the address is most likely wrong."""
    return next((step for start, step in _STEPS.items() if net_error.startswith(start)), "")


def is_end(reason: str) -> bool:
    """Tell whether an error of Playwright's means that page or browser are gone."""
    return "been closed" in reason or "crashed" in reason or "Connection closed" in reason


class Browser:
    """One browser with a page for each visitor. Whoever calls, everything runs in one thread, one after another."""

    def __init__(self, settings: BrowserSettings) -> None:
        self._settings = settings
        self._worker = ThreadPoolExecutor(1, "storeops-browser")
        self._turn = threading.Lock()
        self._mark = uuid.uuid4().hex
        self._playwright: Playwright | None = None
        self._chromium: Chromium | None = None
        self._pages: dict[Visitor, Page] = {}

    def call(self, visitor: Visitor, function: t.Callable[[Page], T], seconds: float) -> T:
        """Call ``function`` with the visitor's page. A browser that takes longer than ``seconds`` is ended."""
        with self._turn:
            future = self._worker.submit(self._on_page, visitor, function)
            try:
                return future.result(seconds + _LAUNCH_SECONDS)
            except TimeoutError:
                raise BrowserFailed(f"The browser did not answer for {seconds:g} s and was ended.") from None
            finally:
                if not future.done():
                    # Interrupted: the page must not be driven any further behind our back.
                    end_marked(f"{MARK}={self._mark}")

    def close(self) -> None:
        """End the browser and all that belongs to it."""
        with self._turn:
            closing = self._worker.submit(self._stop)
            with contextlib.suppress(Exception):
                closing.result(_CLOSE_SECONDS)
            end_marked(f"{MARK}={self._mark}")
            self._worker.shutdown(wait=False)

    def _on_page(self, visitor: Visitor, function: t.Callable[[Page], T]) -> T:
        from playwright.sync_api import Error

        try:
            if visitor not in self._pages:
                self._pages[visitor] = self._open(visitor)
            return function(self._pages[visitor])
        except Error as error:
            raise self._failed(error, visitor.session) from None

    def _failed(self, error: Exception, session: BrowserSession) -> BrowserFailed:
        reason = session.mask(str(error).splitlines()[0][:200])
        is_gone = self._chromium is None or not self._chromium.is_connected()
        if is_gone or is_end(reason):
            # The driver may be gone with it, and would start no other browser.
            self._stop()
            return BrowserFailed("The browser ended before it was done.", "Look whether something kills it (memory).")
        return BrowserFailed(f"The browser failed: {reason}")

    def _running(self) -> Chromium:
        from playwright.sync_api import Error, sync_playwright

        if self._chromium is None:
            if self._playwright is None:
                self._playwright = sync_playwright().start()
            try:
                self._chromium = self._launch(self._playwright)
                _watch_redirects(self._chromium.new_browser_cdp_session())
            except Error as error:
                # Without the watch nothing is opened: a redirect could take the key elsewhere.
                self._stop()
                raise BrowserFailed(f"The browser can't be started: {_reason_of(str(error))}.", _BY_HAND) from None
        return self._chromium

    def _open(self, visitor: Visitor) -> Page:
        from playwright.sync_api import Error

        chromium = self._running()
        try:
            context = chromium.new_context(
                storage_state=t.cast(t.Any, visitor.session.state),
                accept_downloads=False,
                service_workers="block",
                locale="en-US",
                viewport={"width": 1280, "height": 1400},
            )
        except Error:
            if not chromium.is_connected():
                raise
            raise InputError("devtodev.session", "is not taken by the browser.", "Save it anew.") from None
        context.set_default_timeout(self._settings.timeout * 1000)
        context.route("**/*", lambda route: _guard(route, visitor.origin))
        return context.new_page()

    def _launch(self, playwright: Playwright) -> Chromium:
        environ = self._settings.environ
        own = playwright.chromium.executable_path
        program = find_browser(self._settings.path, environ.get("PATH", os.defpath))
        if program is None and not os.path.exists(own):
            raise BrowserFailed("No Chromium or Chrome was found.", "Install one, or name it by devtodev.browser_path.")
        return playwright.chromium.launch(
            executable_path=program or own,
            # A browser of root's has no sandbox at all; everybody else's keeps it.
            chromium_sandbox=os.geteuid() != 0,
            args=[] if self._settings.proxy else ["--no-proxy-server"],
            proxy=t.cast(t.Any, self._settings.proxy),
            env={**{name: environ[name] for name in _PASSED_ON if name in environ}, MARK: self._mark},
            timeout=_LAUNCH_SECONDS * 1000,
        )

    def _end_chromium(self) -> None:
        chromium, self._chromium = self._chromium, None
        self._pages.clear()
        if chromium is not None:
            with contextlib.suppress(Exception):
                chromium.close()

    def _stop(self) -> None:
        self._end_chromium()
        if self._playwright is not None:
            playwright, self._playwright = self._playwright, None
            with contextlib.suppress(Exception):
                playwright.stop()


@dataclass(frozen=True)
class Tab:
    """A browser as one visitor has it."""

    browser: Browser
    visitor: Visitor

    def call(self, function: t.Callable[[Page], T], seconds: float) -> T:
        return self.browser.call(self.visitor, function, seconds)


def _reason_of(error: str) -> str:
    """Return what the browser itself wrote, which Playwright puts below its own words; else the first of those."""
    own = [line.strip() for line in error.splitlines() if line.strip()]
    # In a container, it writes at each start that there is no D-Bus.
    lines = [line for line in re.findall(r"\[err\] (.+)", error) if "/bus.cc" not in line]
    found = own if own and "Timeout" in own[0] else [*lines, *own]
    return printable(next(iter(found), "it didn't say why"))[:200].rstrip(".")


def _guard(route: Route, origin: str) -> None:
    """Let through pages of the one origin, and what such a page loads over https (or from this machine)."""
    request = route.request
    parts = urlsplit(request.url)
    is_plain = parts.scheme == "http" and is_loopback(parts.hostname) and origin.startswith("http://")
    is_known = parts.scheme == "https" or is_plain
    with contextlib.suppress(Exception):
        if is_known and (not request.is_navigation_request() or origin_of(request.url) == origin):
            route.continue_()
        else:
            route.abort("blockedbyclient")


def _watch_redirects(session: CDPSession) -> None:
    """Let no redirect take a page, or what a request brought along, to another origin than it was meant for.

    Playwright asks a route about the first address alone. ``session``: the browser's own, which sees every window.
    """
    meant: dict[str, str] = {}

    def paused(event: dict[str, t.Any]) -> None:
        request, number = event["request"], event["requestId"]
        # A request keeps its network ID on its way through redirects.
        way, origin = event.get("networkId", number), origin_of(request["url"])
        if event["resourceType"] == "Document" or request["method"] not in READING:
            meant.setdefault(way, origin)
        with contextlib.suppress(Exception):
            if meant.get(way, origin) == origin:
                session.send("Fetch.continueRequest", {"requestId": number})
            else:
                session.send("Fetch.failRequest", {"requestId": number, "errorReason": "BlockedByClient"})

    session.on("Fetch.requestPaused", paused)
    session.send("Fetch.enable", {"patterns": [{"urlPattern": "*"}]})
