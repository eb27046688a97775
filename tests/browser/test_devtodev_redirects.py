# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""No redirect takes the browser, or what it sends, to another origin than devtodev's."""

from __future__ import annotations

import contextlib
import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from browser_support import PATIENCE, SharedBrowser, state
from playwright.sync_api import Error, Page

from ansible_collections.storeops.refunds.plugins.module_utils._model.browser_session import parse_browser_session
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.browser import Visitor
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.clicks import leave

CODES = (301, 302, 303, 307, 308)
KEY = "made-up-key"
_FORM = """([address, target]) => {
  document.body.innerHTML = `<form method=post action='${address}' target='${target}'><input name=key></form>`;
  document.querySelector('input').value = 'KEY';
  document.forms[0].submit();
}""".replace("KEY", KEY)
# Nobody waits for its end: Chromium may leave a request of a script that was failed on its way without one.
_FETCH = "address => { fetch(address, {method: 'POST', body: 'KEY'}); }".replace("KEY", KEY)
_AFTER = "() => fetch('/after', {method: 'POST'}).then(answer => answer.status)"


class Site(ThreadingHTTPServer):
    """Answers with a redirect where its path is a code. ``seen``: what came, without what a browser asks by itself."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, str, str]] = []
        self.to = ""

    def at(self, path: str, host: str = "127.0.0.1") -> str:
        """Give an address."""
        return f"http://{host}:{self.server_address[1]}{path}"


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        """Answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        code, _sign, rest = self.path[1:].partition("/")
        if "favicon" not in self.path:
            self.server.seen.append((self.command, self.path, body))
        self.send_response(int(code) if code.isdigit() else 200)
        if code.isdigit():
            self.send_header("Location", f"/{rest}" if rest else self.server.to)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

    def log_message(self, *_args: t.Any) -> None:
        """Stay silent."""


@pytest.fixture
def sites() -> t.Iterator[tuple[Site, Site]]:
    """Serve two sites on two origins."""
    own, other = Site(), Site()
    for site in (own, other):
        threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield own, other
    for site in (own, other):
        site.shutdown()
        site.server_close()


def go(page: Page, address: str) -> None:
    """Open it as the form is opened."""
    with contextlib.suppress(Error):
        page.goto(address)


def submit(page: Page, address: str) -> None:
    """Send the key by a form."""
    page.evaluate(_FORM, [address, "_self"])


def submit_in_a_window(page: Page, address: str) -> None:
    """Send it by a form that opens a window."""
    page.evaluate(_FORM, [address, "_blank"])


def fetch(page: Page, address: str) -> None:
    """Send it by a script, and something after it, which takes the same way."""
    page.evaluate(_FETCH, address)
    page.evaluate(_AFTER)


def each(
    browser: SharedBrowser, own: Site, path: str, ask: t.Callable[[Page, str], None], happened: t.Callable[[str], bool]
) -> None:
    """Ask for what each code answers, and wait until something has happened, given the addresses that failed."""

    def work(page: Page) -> None:
        failed: list[str] = []
        page.context.on("requestfailed", lambda request: failed.append(request.url))
        for code in CODES:
            leave(page)
            page.goto(own.at("/page"))
            own.seen.clear()
            failed.clear()
            ask(page, own.at(f"{path}/{code}"))
            for _look in range(int(PATIENCE) * 10):
                if happened(" ".join(failed)):
                    break
                page.wait_for_timeout(100)
            else:
                raise AssertionError(f"{code}: nothing happened")
        for window in page.context.pages:
            if window != page:
                window.close()

    browser.call(Visitor(own.at(""), parse_browser_session(state(own.at("")), "session")), work, PATIENCE)
    browser.close()


@pytest.mark.parametrize(
    ("ask", "path", "to"),
    [
        (go, "", "http://localhost:{}/taken"),
        (submit, "", "http://localhost:{}/taken"),
        (submit, "/307", "http://localhost:{}/taken"),
        (submit, "", "/\\localhost:{}/taken"),
        (submit_in_a_window, "", "http://localhost:{}/taken"),
        (fetch, "", "http://localhost:{}/taken"),
    ],
    ids=["page", "form", "form, in two steps", "form, with a backslash", "form, in a window", "fetch"],
)
def test_none_leads_elsewhere(_shared: SharedBrowser, sites: tuple[Site, Site], ask: t.Any, path: str, to: str) -> None:
    own, other = sites
    own.to = to.format(other.server_address[1])

    def is_over(failed: str) -> bool:
        return bool(other.seen) or "/taken" in failed or any(path == "/after" for _method, path, _body in own.seen)

    each(_shared, own, path, ask, is_over)
    assert other.seen == []


@pytest.mark.parametrize("ask", [go, submit, fetch])
def test_one_within_the_site_is_followed(_shared: SharedBrowser, sites: tuple[Site, Site], ask: t.Any) -> None:
    own, _other = sites
    own.to = own.at("/taken")
    taken: list[tuple[str, bool]] = []

    def is_taken(_failed: str) -> bool:
        found = [(method, KEY in body) for method, path, body in own.seen if path == "/taken"]
        taken.extend(found)
        return bool(found)

    each(_shared, own, "", ask, is_taken)
    kept = ("GET", False) if ask is go else ("POST", True)
    assert taken == [("GET", False)] * 3 + [kept] * 2
