# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clicks that send something: done once, agreed to, and waited for until what they sent has been answered."""

from __future__ import annotations

import json
import typing as t
from collections import Counter
from dataclasses import dataclass

from .._model.identifiers import shown as quoted

if t.TYPE_CHECKING:
    from playwright.sync_api import Dialog, Locator, Page, Request, Response

READING = ("GET", "HEAD", "OPTIONS")
NOWHERE = "about:blank"
_INTERRUPTED = "interrupted by another navigation"
_POLL = 0.1
_QUIET = 0.5


@dataclass(frozen=True)
class Reaction:
    """How a page reacted to its form. ``said``: what it complains of, or what became of what it sent.

    ``is_taken``: the form's own texts were sent and answered without an error, and the page complains of nothing. What
    isn't seen (a WebSocket, a text that the page encodes, broken JSON) isn't known to be taken.
    """

    said: str = ""
    is_taken: bool = False


class _Traffic:
    """The requests of a page while this is entered. ``has_written``: one that may change something was seen.

    ``answers``: the HTTP status of each of those that had all ``texts`` in it, so that a page's statistics don't count;
    0 without an answer. ``has_refusal``: one of these answers says no in JSON, whatever its status, or is no JSON.
    """

    def __init__(self, page: Page, texts: t.Sequence[str]) -> None:
        self._page, self._texts = page, [text.encode() for text in texts]
        self.has_written = False
        self.open: set[Request] = set()
        self.answers: dict[Request, int] = {}
        self.has_refusal = False
        self._unread: list[Response] = []

    def __enter__(self) -> _Traffic:
        self._page.on("request", self._begun)
        self._page.on("response", self._answered)
        self._page.on("requestfinished", self._ended)
        self._page.on("requestfailed", self._ended)
        self._page.on("dialog", agree)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._page.remove_listener("request", self._begun)
        self._page.remove_listener("response", self._answered)
        self._page.remove_listener("requestfinished", self._ended)
        self._page.remove_listener("requestfailed", self._ended)
        self._page.remove_listener("dialog", agree)

    def _begun(self, request: Request) -> None:
        self.open.add(request)
        if request.method not in READING:
            self.has_written = True
            body = request.post_data_buffer or b""
            if all(text in body for text in self._texts):
                self.answers[request] = 0

    def _answered(self, response: Response) -> None:
        if response.request in self.answers:
            self.answers[response.request] = response.status
            if "json" in response.headers.get("content-type", ""):
                self._unread.append(response)

    def read(self) -> None:
        """Read what has come. Not while the page tells of it: to ask the browser then would wait without end."""
        for response in [one for one in self._unread if one.request not in self.open]:
            self._unread.remove(response)
            self.has_refusal = _refuses(response) or self.has_refusal

    def _ended(self, request: Request) -> None:
        self.open.discard(request)


def _refuses(response: Response) -> bool:
    """Tell whether an answer in JSON says no, as those of GraphQL and JSON-RPC do with status 200.

    A page that loads itself anew takes the answer along, and wouldn't for one that it has to show.
    """
    from playwright.sync_api import Error

    try:
        document = json.loads(response.body() or b"null")
    except Error:
        return False
    except ValueError:
        return True
    parts = [one for one in (document if isinstance(document, list) else [document]) if isinstance(one, dict)]
    says_no = (part.get(name) for part in parts for name in ("error", "errors"))
    return any(says_no) or any(part.get(name) is False for part in parts for name in ("success", "ok"))


def press(
    page: Page, button: Locator, timeout: float, monotonic: t.Callable[[], float], texts: t.Sequence[str] = ()
) -> _Traffic:
    """Click once and wait up to ``timeout`` seconds for the answers; return what was sent.

    To load a page anew before that would cancel what its scripts are about to send.
    """
    with _Traffic(page, texts) as traffic:
        button.click()
        starts = quiet_since = monotonic()
        while monotonic() - starts < timeout:
            page.wait_for_timeout(_POLL * 1000)
            traffic.read()
            if traffic.open:
                quiet_since = monotonic()
            elif traffic.has_written and monotonic() - quiet_since >= _QUIET:
                break
        return traffic


def submit(
    page: Page, button: Locator, timeout: float, monotonic: t.Callable[[], float], texts: t.Sequence[str]
) -> Reaction:
    """Click the button of a form that has ``texts`` in it, once; return how the page reacted."""
    before = Counter(_alerts(page))
    traffic = press(page, button, timeout, monotonic, texts)
    answers = traffic.answers.values()
    refused = next((status for status in answers if status >= 400), None)
    became = ""
    if not traffic.has_written:
        became = "It sent nothing when the button was clicked."
    elif refused is not None:
        became = f"What it sent was answered with HTTP status {refused}."
    elif 0 in answers:
        became = "What it sent was not answered."
    elif traffic.has_refusal:
        became = "What it sent was answered with an error in JSON, or with broken JSON."
    shown = _alerts(page)
    new = [*(Counter(shown) - before)]
    alert = next(iter((*new, *shown)), "")
    said = " ".join(filter(None, (became, alert and f"It says: {quoted(alert)}")))
    # A server may answer a refusal with 200, and the page tells.
    is_sound = bool(answers) and all(0 < status < 400 for status in answers) and not traffic.has_refusal
    return Reaction(said, is_sound and not new)


def _alerts(page: Page) -> list[str]:
    found = page.get_by_role("alert").filter(visible=True).all_inner_texts()
    return [text for text in (" ".join(one.split()) for one in found) if text]


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
