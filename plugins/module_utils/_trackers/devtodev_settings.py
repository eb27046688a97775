# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of ``devtodev``: by browser when a session is given, else by hand."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit, urlunsplit

from .._model.browser_session import parse_browser_session
from .._model.errors import InputError
from .._model.identifiers import parse_service_url
from .._model.integration import Identity
from .._model.secret import Secret
from .._tracker_spec import TRACKERS
from .options import Options, Reader
from .page_elements import DEFAULTS, MENU, Element, parse_elements
from .page_words import ACTIVE, FAILED, WAITING, Words
from .protocol import OnUnknown

Mode = t.Literal["browser", "handoff"]
VARIABLE = "STOREOPS_DEVTODEV_SESSION"
# docs.devtodev.com/integration/autocapture/automatic-refund-tracking/app-store, read 2026-11-23
MENU_PATH = "Settings → Payments integration → IA refunds tracking"
WAYS = (
    "Give devtodev.session or session_path (what Playwright's storage_state() wrote after you signed in), set "
    f"{VARIABLE}, or use mode: handoff."
)
_PROJECT, _BUNDLE_ID = "{project}", "{bundle_id}"


@dataclass(frozen=True)
class DevtodevSettings:
    """``url`` may contain {project} and {bundle_id}; it may be empty by hand. One of the sessions is set by browser.

    ``elements``: how the page's elements are recognised, by their names in DEFAULTS.
    """

    mode: Mode = "handoff"
    url: str = ""
    project: str = ""
    session: Secret | None = field(default=None, repr=False)
    session_path: str = ""
    browser_path: str = ""
    is_confirmed: bool = False
    on_unknown: OnUnknown = "keep"
    words: Words = field(default_factory=Words)
    elements: t.Mapping[str, Element] = field(default_factory=lambda: dict(DEFAULTS), hash=False)
    menu: tuple[str, ...] = MENU
    tracker: str = "devtodev"

    def address(self, identity: Identity) -> str:
        """Return the address of one app's page."""
        return filled(self.url, identity)


def parse(options: Options, where: str = "devtodev") -> DevtodevSettings:
    """Return the settings. Raises SettingsError."""
    reader = Reader(options, where)
    reader.check_names(TRACKERS["devtodev"]["options"])
    url, session, path = reader.text("url"), reader.text("session"), reader.text("session_path")
    for name in ("session_path", "browser_path"):
        reader.refuse_empty(name)
    if reader.text("mode") != "handoff" and not path:
        # Nobody would look at the page: a run by hand takes a person's word for it.
        reader.refuse_empty("session", VARIABLE)
    page = Reader(reader.mapping("page"), reader.path("page"))
    page.check_names((*DEFAULTS, "menu", "active_texts", "waiting_texts", "failed_texts"))
    settings = DevtodevSettings(
        mode=_mode(reader, bool(session or path)),
        url=reader.attempt(lambda: page_address(url, reader.path("url")), "") if url else "",
        project=reader.text("project"),
        # The environment variable may be set for other tasks; a path is always meant for this one.
        session=Secret(session) if session and not path else None,
        session_path=path,
        browser_path=reader.text("browser_path"),
        is_confirmed=reader.flag("confirmed"),
        on_unknown=reader.on_unknown(),
        words=Words(
            active=page.texts("active_texts", ACTIVE),
            waiting=page.texts("waiting_texts", WAITING),
            failed=page.texts("failed_texts", FAILED),
        ),
        elements=parse_elements(page),
        menu=page.texts("menu", MENU),
    )
    reader.faults += page.faults
    if _PROJECT in url and not settings.project:
        reader.fault("project", f"is required: devtodev.url contains {_PROJECT}.")
    if settings.mode == "browser":
        _check_browser_mode(reader, settings, url)
    reader.finish()
    return settings


def _mode(reader: Reader, has_session: bool) -> Mode:
    text = reader.text("mode")
    if text not in ("", "browser", "handoff"):
        reader.fault("mode", "is none of browser, handoff.")
    if text == "browser" or (has_session and text != "handoff"):
        return "browser"
    return "handoff"


def _check_browser_mode(reader: Reader, settings: DevtodevSettings, url: str) -> None:
    if not url:
        reader.fault(
            "url",
            "is required with mode: browser.",
            f"Give the address of the project's page {MENU_PATH}; devtodev does not document it.",
        )
    if reader.is_left_out("session") and reader.is_left_out("session_path"):
        reader.fault("session", "is required with mode: browser.", WAYS)
    if settings.session is not None and settings.url:
        text = settings.session.reveal()
        session = reader.attempt(lambda: parse_browser_session(text, reader.path("session")), None)
        if session is not None and not session.fits(settings.url):
            place = urlsplit(settings.url).netloc
            reader.fault("session", f"holds nothing for {place}, so nobody is signed in.", WAYS)


def page_address(text: str, option: str) -> str:
    """Return a page's address: https, or http to this machine. Pages may have a query and a fragment."""
    clean = text.strip()
    try:
        parts = urlsplit(clean)
    except ValueError:
        raise InputError(option, "isn't a URL.") from None
    parse_service_url(urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")), option)
    if any(char.isspace() or ord(char) < 32 for char in clean):
        raise InputError(option, "has white space in it.")
    return clean


def filled(url: str, identity: Identity) -> str:
    """Return an address with its {project} and {bundle_id} filled in."""
    for place, value in ((_PROJECT, identity.project), (_BUNDLE_ID, identity.bundle_id)):
        url = url.replace(place, quote(value, safe=""))
    return url
