# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a task's devtodev options to its tracker: by browser when a session is given, else by hand."""

from __future__ import annotations

import typing as t
from urllib.parse import urlsplit, urlunsplit

from ..._context import Context, Params
from ..._http import bypasses_proxy
from ..._model.browser_session import LARGEST, BrowserSession, parse_browser_session
from ..._model.errors import InputError
from ..._model.identifiers import is_loopback, parse_service_url
from ..._trackers.browser import Browser, BrowserSettings, find_browser, require_playwright
from ..._trackers.devtodev import DevtodevByBrowser, PageSettings
from ..._trackers.devtodev_handoff import MENU_PATH, DevtodevByHand
from ..._trackers.last_applied import LastApplied
from ..._trackers.page_elements import DEFAULTS, MENU, configured
from ..._trackers.page_words import ACTIVE, FAILED, WAITING, Words
from ..._trackers.protocol import Tracker
from .options import tracker_project
from .session import read_session_file

VARIABLE = "STOREOPS_DEVTODEV_SESSION"
_WAYS = (
    "Give devtodev.session or session_path (what Playwright's storage_state() wrote after you signed in), set "
    f"{VARIABLE}, or use mode: handoff."
)


def open_devtodev(params: Params, context: Context, last_applied: LastApplied) -> Tracker:
    if params["environment"] != "production":
        raise InputError(
            "environment",
            "devtodev's form has one key for an app and no environments.",
            "Leave environment at production for this tracker.",
        )
    options = params.get("devtodev") or {}
    has_session = bool(options.get("session") or options.get("session_path"))
    mode = options.get("mode") or ("browser" if has_session else "handoff")
    url = page_address(options["url"]) if options.get("url") else ""
    if mode == "handoff":
        return DevtodevByHand(last_applied, tracker_project(params), url, bool(options.get("confirmed")), context.warn)
    if not url:
        raise InputError(
            "devtodev.url",
            "is required with mode: browser.",
            f"Give the address of the project's page {MENU_PATH}; devtodev does not document it.",
        )
    return _by_browser(params, context, last_applied, options, url)


def _by_browser(
    params: Params, context: Context, last_applied: LastApplied, options: Params, url: str
) -> DevtodevByBrowser:
    session = _session(options)
    if not session.fits(url):
        place = urlsplit(url).netloc
        raise InputError("devtodev.session", f"holds nothing for {place}, so nobody is signed in.", _WAYS)
    if any(word.startswith(("pw", "*")) for word in context.environ.get("DEBUG", "").split(",")):
        raise InputError("DEBUG", "makes Playwright print the session and the private key.", "Unset it.")
    require_playwright()
    find_browser(options.get("browser_path"), "")
    timeout = float(params["request_timeout"])
    elements = options.get("elements") or {}
    settings = PageSettings(
        url=url,
        elements={name: configured(name, elements.get(name)) for name in DEFAULTS},
        menu=tuple(elements.get("menu") or MENU),
        words=Words(
            active=tuple(options.get("active_texts") or ACTIVE),
            waiting=tuple(options.get("waiting_texts") or WAITING),
            failed=tuple(options.get("failed_texts") or FAILED),
        ),
        timeout=timeout,
        wait_timeout=float(params["wait_timeout"]),
    )
    proxy = proxy_for(url, context.transport.settings.proxies)
    browser = Browser(BrowserSettings(url, session, options.get("browser_path"), context.environ, proxy, timeout))
    return DevtodevByBrowser(
        last_applied=last_applied,
        browser=browser,
        settings=settings,
        project=tracker_project(params),
        on_unknown=options.get("on_unknown") or "keep",
        warn=context.warn,
        remaining=context.transport.remaining,
    )


def page_address(text: str) -> str:
    """Return a page's address: https, or http to this machine. Pages may have a query and a fragment."""
    clean = text.strip()
    parts = urlsplit(clean)
    parse_service_url(urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")), "devtodev.url")
    if any(char.isspace() or ord(char) < 32 for char in clean):
        raise InputError("devtodev.url", "has white space in it.")
    return clean


def _session(options: Params) -> BrowserSession:
    if options.get("session_path"):
        # The environment variable may be set for other tasks; a path is always meant for this one.
        text = read_session_file(options["session_path"], "devtodev.session_path", _WAYS, LARGEST)
        return parse_browser_session(text.reveal(), "devtodev.session_path")
    if options.get("session"):
        return parse_browser_session(str(options["session"]), "devtodev.session")
    raise InputError("devtodev.session", "is required with mode: browser.", _WAYS)


def proxy_for(url: str, proxies: t.Mapping[str, str]) -> dict[str, str] | None:
    """Return Playwright's proxy mapping for ``url``, or None for a direct connection."""
    parts = urlsplit(url)
    known = dict(proxies)
    server = known.get(parts.scheme)
    if not server or is_loopback(parts.hostname) or bypasses_proxy(parts.netloc, known):
        return None
    proxy = urlsplit(server if "://" in server else f"http://{server}")
    host = f"[{proxy.hostname}]" if ":" in (proxy.hostname or "") else proxy.hostname
    port = f":{proxy.port}" if proxy.port else ""
    found = {"server": f"{proxy.scheme}://{host}{port}", "bypass": known.get("no", "")}
    if proxy.username:
        found |= {"username": proxy.username, "password": proxy.password or ""}
    return found
