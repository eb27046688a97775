# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A page is left for the next app, also when the browser's own error page comes late."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from browser_support import PATIENCE
from playwright.sync_api import Browser, Error

from ansible_collections.storeops.refunds.plugins.module_utils._trackers.clicks import NOWHERE, leave

# Chromium's words, as the driver tells them.
LATE = f'Page.goto: Navigation to "{NOWHERE}" is interrupted by another navigation to "chrome-error://chromewebdata/"'
CLOSED = "Page.goto: Target page, context or browser has been closed"


class Page:
    """Answers each step with the next of ``answers``: an error, or nothing."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.listeners: list[str] = []

    def on(self, event: str, _function: t.Any) -> None:
        self.listeners.append(event)

    def remove_listener(self, event: str, _function: t.Any) -> None:
        self.listeners.remove(event)

    def wait_for_url(self, url: str) -> None:
        self.goto(url)

    def goto(self, _url: str) -> None:
        if problem := self.answers.pop(0):
            raise Error(problem)


@pytest.mark.parametrize("answers", [("",), (LATE, "")], ids=["at once", "the error page comes late"])
def test_a_page_is_left(answers: tuple[str, ...]) -> None:
    page = Page(*answers)
    leave(t.cast(t.Any, page))
    assert page.answers == [] and page.listeners == []


def test_chromium_goes_on_after_an_address_that_did_not_answer(_chromium: Browser) -> None:
    """Without the waiting, each further step of the page is said to be interrupted by the one before it."""
    with contextlib.closing(_chromium.new_page()) as page:
        page.set_default_timeout(PATIENCE * 1000)
        with pytest.raises(Error, match="ERR_"):
            page.goto("http://127.0.0.1:9/")
        for _turn in range(3):
            leave(page)
            assert page.url == NOWHERE


@pytest.mark.parametrize(
    ("answers", "told"), [((CLOSED, ""), CLOSED), ((LATE, CLOSED), CLOSED)], ids=["closed", "closed then"]
)
def test_what_else_happens_is_told(answers: tuple[str, ...], told: str) -> None:
    page = Page(*answers)
    with pytest.raises(Error, match=CLOSED):
        leave(t.cast(t.Any, page))
    assert page.listeners == []
