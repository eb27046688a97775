# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clicks that send something: done once, agreed to, and waited for until what they sent has been answered."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from playwright.sync_api import Dialog, Locator, Page, Request

READING = ("GET", "HEAD", "OPTIONS")
NOWHERE = "about:blank"
_INTERRUPTED = "interrupted by another navigation"
_POLL = 0.1
_QUIET = 0.5


class _Traffic:
    """The requests of a page while this is entered. ``has_written``: one that may change something was seen."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.has_written = False
        self.open: set[Request] = set()

    def __enter__(self) -> _Traffic:
        self._page.on("request", self._begun)
        self._page.on("requestfinished", self._ended)
        self._page.on("requestfailed", self._ended)
        self._page.on("dialog", agree)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._page.remove_listener("request", self._begun)
        self._page.remove_listener("requestfinished", self._ended)
        self._page.remove_listener("requestfailed", self._ended)
        self._page.remove_listener("dialog", agree)

    def _begun(self, request: Request) -> None:
        self.open.add(request)
        self.has_written = self.has_written or request.method not in READING

    def _ended(self, request: Request) -> None:
        self.open.discard(request)


def press(page: Page, button: Locator, timeout: float, monotonic: t.Callable[[], float]) -> bool:
    """Click once and wait up to ``timeout`` seconds for the answers; tell whether the page sent anything.

    To load a page anew before that would cancel what its scripts are about to send.
    """
    with _Traffic(page) as traffic:
        button.click()
        starts = quiet_since = monotonic()
        while monotonic() - starts < timeout:
            page.wait_for_timeout(_POLL * 1000)
            if traffic.open:
                quiet_since = monotonic()
            elif traffic.has_written and monotonic() - quiet_since >= _QUIET:
                break
        return traffic.has_written


def agree(dialog: Dialog) -> None:
    dialog.accept()


def leave(page: Page) -> None:
    """Leave a page, also one that would rather keep what was typed.

    To go to the address where one already is does not load the page anew when it has a fragment.
    """
    from playwright.sync_api import Error

    page.on("dialog", agree)
    try:
        page.goto(NOWHERE)
    except Error as error:
        if _INTERRUPTED not in str(error):
            raise
        # Chromium's own page about an address that didn't answer comes late, and ours follows it. Else each further
        # step is said to be interrupted by the one before.
        page.wait_for_url(NOWHERE)
    finally:
        page.remove_listener("dialog", agree)
