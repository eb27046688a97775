# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions to devtodev's page: which of its elements are found. Nothing is filled in; menus alone are clicked."""

from __future__ import annotations

import typing as t

from ..._model.assumption import Finding, Outcome, judged
from ..._model.text import printable
from ..._trackers.browser import Tab
from ..._trackers.devtodev_page import Form
from ..._trackers.devtodev_settings import DevtodevSettings

if t.TYPE_CHECKING:
    from playwright.sync_api import Page

PART = "devtodev"
_ELEMENTS = ("bundle_id", "issuer_id", "key_id", "private_key", "submit", "status")
_MOST_NAMES = 20
# What a person would call them; values are not among it.
_NAMES = """() => [...document.querySelectorAll('label, button, input, [role=button], [role=tab], h1, h2, h3')]
  .filter(e => e.checkVisibility())
  .map(e => e.matches('input') ? (e.getAttribute('aria-label') || e.placeholder || '') : e.innerText)"""


def page_questions(settings: DevtodevSettings, tab: Tab, address: str, timeout: float) -> t.Iterator[Finding]:
    """Yield what was found. Raises RefundsError when the page can't be opened or isn't the form."""

    def look(page: Page) -> list[Finding]:
        form = Form(page, address, settings.elements, settings.menu, settings.words, timeout)
        word = form.open().status
        names = [" ".join(printable(str(name)).split())[:40] for name in page.evaluate(_NAMES)]
        return [*_elements(page, settings, sorted({name for name in names if name})), _status(settings, word)]

    yield from tab.call(look, 12 * timeout)


def _elements(page: Page, settings: DevtodevSettings, names: t.Sequence[str]) -> t.Iterator[Finding]:
    there = "; ".join(names[:_MOST_NAMES]) or "nothing"
    for name in _ELEMENTS:
        element = settings.elements[name]
        text = f"devtodev.page.{name} is found exactly once: {' or '.join(map(str, element.ways[:3]))}."
        is_found = element.find(page) is not None
        yield Finding(PART, name, text, "found" if is_found else f"not found; there are: {there}", judged(is_found))


def _status(settings: DevtodevSettings, word: str) -> Finding:
    status = settings.words.status(word)
    text = "The status is a word that is known (devtodev.page.active_texts, waiting_texts, failed_texts)."
    outcome: Outcome = "not_seen" if not word else judged(status != "Unknown")
    seen = f"{word!r}, taken for {status or 'not set up'}" if word else "no status is shown"
    return Finding(PART, "status_word", text, seen, outcome)
