# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""devtodev's form "IA refunds tracking", as a person uses it.

What it is called follows docs.devtodev.com, automatic-refund-tracking/app-store, read 2026-11-23. Nothing here was run
against the live site: what the page shows after saving is unknown, so everything is read tolerantly.
"""

from __future__ import annotations

import contextlib
import re
import time
import typing as t
from dataclasses import dataclass, field

from .._model.errors import RefundsError
from .._model.identifiers import shown as quoted
from .._model.text import printable
from .browser import is_end, origin_of, step_for
from .clicks import Reaction, leave, press, submit
from .page_elements import Element
from .page_words import Words
from .pictures import picture_of

if t.TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Request, Response

FIELDS = ("bundle_id", "issuer_id", "key_id")
_POLL = 0.25
_SETTLES_S = 10.0
# A value that is only hinted at, such as 2X******34 or ••••, says that there is one, and not which.
_VEILED = re.compile(r"[*•●…]")
_SIGN_IN = re.compile(r"/(log-?in|sign-?in|auth|sso)\b", re.IGNORECASE)


class PageProblem(RefundsError):
    """The page is not what it should be."""


@dataclass(frozen=True)
class Shown:
    """What the page shows; None for a field that is empty, veiled or not there. ``status`` is the page's own word.

    ``is_veiled``: there is a Key ID or an Issuer ID, and the page hides which.
    """

    bundle_id: str | None
    issuer_id: str | None
    key_id: str | None
    status: str
    is_veiled: bool = False

    @property
    def has_ids(self) -> bool:
        """Tell whether there is a key, whichever."""
        return bool(self.issuer_id or self.key_id or self.is_veiled)


@dataclass
class Form:
    """``timeout``: seconds for the page to appear, and for one action. ``monotonic``: a clock.

    ``veil``: the key that was put in, which no screenshot may show from then on.
    """

    page: Page
    url: str
    elements: t.Mapping[str, Element]
    menu: tuple[str, ...]
    words: Words
    timeout: float
    monotonic: t.Callable[[], float] = time.monotonic
    veil: bytes = field(default=b"", init=False, repr=False)

    def open(self) -> Shown:
        """Load the page anew, find the form, and return what it shows. Raises PageProblem."""
        response = self._gone_to()
        self._check_place()
        if response is not None and response.status >= 400:
            raise self._problem(f"it answered with HTTP status {response.status}.", _CHECK_URL)
        self._settle()
        if not self._appears(self.timeout / 2):
            self._walk_menu()
            if not self._appears(self.timeout / 2):
                raise self._not_the_form()
        self._settle()
        return self._read_when_still()

    def _gone_to(self) -> Response | None:
        from playwright.sync_api import Error

        failed: list[str] = []

        def fails(request: Request) -> None:
            # Not what the page of before, or a part of this one, had asked for.
            if request.is_navigation_request():
                failed.append(request.url)

        self.page.on("requestfailed", fails)
        try:
            leave(self.page)
            return self.page.goto(self.url, wait_until="domcontentloaded")
        except Error as error:
            if is_end(str(error)):
                raise
            raise self._unreached(str(error), failed) from None
        finally:
            self.page.remove_listener("requestfailed", fails)

    def read(self) -> Shown:
        texts = {name: self._written(name) for name in FIELDS}
        values = {name: _unveiled(text) for name, text in texts.items()}
        is_veiled = any(_VEILED.search(texts[name]) for name in ("issuer_id", "key_id"))
        status = self._text("status")
        status = re.sub(r"^\s*status\s*:?\s*", "", status, flags=re.IGNORECASE)
        issuer_id = values["issuer_id"].lower() if values["issuer_id"] else None
        return Shown(values["bundle_id"], issuer_id, values["key_id"], " ".join(status.split())[:60], is_veiled)

    def require(self) -> None:
        """Raise PageProblem that names every element that filling in the form needs and that is not there."""
        self._located()

    def fill(self, values: t.Mapping[str, str], file_name: str, data: bytes) -> None:
        """Fill in all fields and the file, and make sure that the page took them. Submits nothing."""
        self.veil = data
        fields = self._located()
        for name in FIELDS:
            fields[name].fill(values[name])
        upload = fields["private_key"]
        upload.set_input_files({"name": file_name, "mimeType": "application/octet-stream", "buffer": data})
        self._settle()
        fields = self._located()
        differing = [self.elements[name] for name in FIELDS if self._written(name) != values[name]]
        taken = fields["private_key"].evaluate(_FILE)
        if taken != [file_name, len(data)]:
            differing.append(self.elements["private_key"])
        if differing:
            names = ", ".join(map(str, differing))
            raise self._problem(f"what was filled in does not read back: {names}.", _NAME_IT)

    def ready_to_submit(self, *texts: str) -> t.Callable[[], Reaction]:
        """Return the one click that submits, of a button that can be clicked; it returns how the page reacted."""
        button = self._clickable("submit", self._located()["submit"], " after filling in the form")
        return lambda: submit(self.page, button, self.timeout, self.monotonic, texts)

    def ready_to_remove(self) -> t.Callable[[], None]:
        """Return what removes, one click or two. Raises PageProblem without a button that can be clicked."""
        found = self.elements["remove"].find_around(self.page, self.elements["key_id"].find(self.page))
        if found is None:
            raise self._problem(f"not found: {self.elements['remove']}.", _NAME_IT)
        button = self._clickable("remove", found)
        return lambda: self._remove(button)

    def _remove(self, button: Locator) -> None:
        question = self.elements["remove_confirm"]
        if question.ways:
            button.click()
            self._wait(lambda: question.find(self.page) is not None, self.timeout)
            found = question.find(self.page)
            if found is None:
                raise self._problem(f"not found: {question}.", _NAME_IT)
            button = found
        press(self.page, button, self.timeout, self.monotonic)

    def _clickable(self, name: str, button: Locator, when: str = "") -> Locator:
        from playwright.sync_api import TimeoutError as TookTooLong

        try:
            button.click(trial=True)
        except TookTooLong:
            raise self._problem(f"{self.elements[name]} can't be clicked{when}.", _NAME_IT) from None
        return button

    def _located(self) -> dict[str, Locator]:
        found = {name: self.elements[name].find(self.page) for name in FIELDS}
        if None in found.values() and self._opens_for_editing():
            found = {name: self.elements[name].find(self.page) for name in FIELDS}
        near = found["key_id"]
        for name in ("private_key", "submit"):
            found[name] = self.elements[name].find_around(self.page, near)
        missing = [str(self.elements[name]) for name, locator in found.items() if locator is None]
        if missing:
            raise self._problem(f"not found, or not exactly once: {', '.join(missing)}.", _NAME_IT)
        return {name: locator for name, locator in found.items() if locator is not None}

    def _written(self, name: str) -> str:
        """Return what stands in a field, veiled or not; empty where there is none."""
        locator = self.elements[name].find(self.page)
        value = locator.evaluate("e => 'value' in e ? e.value : e.textContent") if locator is not None else ""
        return printable(str(value or "").strip())

    def _text(self, name: str) -> str:
        locator = self.elements[name].find(self.page)
        return printable(str(locator.inner_text())) if locator is not None else ""

    def _appears(self, seconds: float) -> bool:
        def is_here() -> bool:
            if any(self.elements[name].find(self.page) is not None for name in FIELDS):
                return True
            return self.words.status(self.read().status) == "Active"

        return self._wait(lambda: is_here() or self._asks_to_sign_in(), seconds) and not self._asks_to_sign_in()

    def _asks_to_sign_in(self) -> bool:
        if _SIGN_IN.search(self.page.url) and not _SIGN_IN.search(self.url):
            return True
        return self.page.locator("input[type=password]").filter(visible=True).count() > 0

    def _walk_menu(self) -> None:
        """Follow the menu as devtodev documents it, as far as it is there; then open the form."""
        for name in () if self._asks_to_sign_in() else self.menu:
            words = re.compile(rf"^\s*{re.escape(name)}\s*$", re.IGNORECASE)
            for role in ("link", "tab", "menuitem", "button"):
                entry = self.page.get_by_role(t.cast(t.Any, role), name=words).filter(visible=True)
                if entry.count():
                    entry.first.click()
                    self._settle()
                    self._check_place()
                    break
        self._opens_for_editing()

    def _opens_for_editing(self) -> bool:
        edit = self.elements["edit"].find(self.page)
        if edit is not None:
            edit.click()
            self._settle()
        return edit is not None

    def _read_when_still(self) -> Shown:
        """Read until two looks agree: pages often fill in saved values after they appeared."""
        looks = [self.read()]

        def is_still() -> bool:
            looks.append(self.read())
            return looks[-1] == looks[-2]

        self.page.wait_for_timeout(_POLL * 1000)
        self._wait(is_still, self.timeout)
        return looks[-1]

    def _wait(self, happened: t.Callable[[], bool], seconds: float) -> bool:
        ends = self.monotonic() + seconds
        while not happened():
            if self.monotonic() >= ends:
                return False
            self.page.wait_for_timeout(_POLL * 1000)
        return True

    def _settle(self) -> None:
        """Wait until the page has loaded what it wants; pages that never stop asking are not waited for."""
        from playwright.sync_api import TimeoutError as TookTooLong

        with contextlib.suppress(TookTooLong):
            self.page.wait_for_load_state("networkidle", timeout=min(self.timeout, _SETTLES_S) * 1000)

    def _check_place(self) -> None:
        place = origin_of(self.page.url)
        if place != origin_of(self.url):
            where = "another site" if place.startswith("chrome-error:") else quoted(place)
            raise self._problem(_ELSEWHERE.format(where), _SIGN_IN_AGAIN)

    def _not_the_form(self) -> PageProblem:
        if self._asks_to_sign_in():
            return self._problem("the page asks to sign in: the session has expired.", _SIGN_IN_AGAIN)
        wanted = "; ".join(str(self.elements[name]) for name in FIELDS)
        title = quoted(self.page.title())
        return self._problem(f"the page {title} is not the form; it has none of {wanted}.", f"{_CHECK_URL} {_NAME_IT}")

    def _unreached(self, reason: str, failed: t.Iterable[str]) -> PageProblem:
        if "ERR_BLOCKED_BY_CLIENT" in reason:
            away = [quoted(place) for place in map(origin_of, failed) if place != origin_of(self.url)]
            return PageProblem(f"devtodev's page: {_ELSEWHERE.format(*away, 'another site')}", _SIGN_IN_AGAIN)
        if "ERR_HTTP_RESPONSE_CODE_FAILURE" in reason:
            return PageProblem("devtodev's page: it answered with an HTTP error status and nothing else.", _CHECK_URL)
        found = re.search(r"net::([A-Z_]+)", reason)
        why = found.group(1) if found else "it did not load in time" if "Timeout" in reason else "no answer"
        return PageProblem(f"devtodev's page can't be reached: {why}.", step_for(why) or _CHECK_URL)

    def _problem(self, what: str, next_step: str) -> PageProblem:
        if self.page.url.startswith("chrome-error:"):
            return PageProblem(f"devtodev's page: {what}", next_step)
        return PageProblem(f"devtodev's page: {what}", f"{next_step} {picture_of(self.page, self.veil)}".strip())


def _unveiled(text: str) -> str | None:
    return None if not text or _VEILED.search(text) else text


_FILE = "e => e.files && e.files.length == 1 ? [e.files[0].name, e.files[0].size] : []"
_ELSEWHERE = "it leads to {}: most likely the session has expired."
_CHECK_URL = (
    "Check devtodev.url and devtodev.project: they give the address of the page Settings → Payments integration → "
    "IA refunds tracking."
)
_NAME_IT = "If the page has another name for an element, give that name in devtodev.page."
_SIGN_IN_AGAIN = "Sign in again and save the browser's storage state as devtodev.session or session_path."
