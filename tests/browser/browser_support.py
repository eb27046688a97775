# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks against devtodev's pages: the simulator's, and small ones that behave otherwise."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import signal
import threading
import time
import typing as t
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest import mock
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page
from unit_servers import Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, PACKAGE, Outcome, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration, integration_info
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.browser import (
    MARK,
    Browser,
    BrowserSettings,
    Visitor,
    find_browser,
)
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.clicks import leave
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev_page import Form

PROJECT = "p1"
SESSION = "made-up-session"
COMPARED = ("failed", "changed", "diff", "integration")
FORM = f"projects/{PROJECT}/settings/payments-integration/ia-refunds-tracking"
Options = dict[str, t.Any]
T = t.TypeVar("T")
# Seconds for whatever has to happen: the processors may be anybody's.
PATIENCE = 300.0
# What a run leaves in the ledger and on an own page, once it was made.
_ENTERED: list[tuple[bytes, list[str]]] = []
# The drivers of the browsers that all tests share; they are nobody's leftovers.
_SHARED_DRIVERS: set[int] = set()


class Unhurried:
    """A clock that counts no more between two looks than they take on an idle machine.

    How long a page is looked at is then a number of looks: where Chromium gets no processor, they take longer.
    """

    _MOST_S = 0.3

    def __init__(self) -> None:
        self._last = self._counted = 0.0

    def __call__(self) -> float:
        now = time.monotonic()
        self._counted += min(now - self._last, self._MOST_S)
        self._last = now
        return self._counted


@contextlib.contextmanager
def unhurried() -> t.Iterator[None]:
    """Let pages be looked at often enough, and browsers start, however long that takes."""
    form = partial(Form, monotonic=Unhurried())
    with contextlib.ExitStack() as patches:
        for module in ("_trackers.devtodev", "_tasks.field.page_questions"):
            patches.enter_context(mock.patch(f"{PACKAGE}.{module}.Form", form))
        patches.enter_context(mock.patch(f"{PACKAGE}._trackers.browser._LAUNCH_SECONDS", PATIENCE))
        yield


def not_waited_for(monkeypatch: pytest.MonkeyPatch, comes_not: t.Callable[[Page], bool]) -> None:
    """Look once where no form comes by itself, as the test knows: each look of half a minute's takes a processor."""
    appears = Form._appears

    def look(form: Form, seconds: float) -> bool:
        return appears(form, 0.0 if comes_not(form.page) else seconds)

    monkeypatch.setattr(Form, "_appears", look)


class SharedBrowser(Browser):
    """A browser that outlives its tasks: to start one takes longer than most tasks.

    Whoever comes again finds the page of last time, empty and with the cookies of their session alone, for each page of
    a newcomer is one or two more processes. Everybody else's is closed.

    ``patience``: seconds for one action; less where one is meant to take too long.
    """

    patience = PATIENCE

    def __init__(self, home: Path) -> None:
        environ = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home)}
        super().__init__(BrowserSettings("", environ, None, 10.0))
        self._kept: dict[str, Page] = {}
        self._worker.submit(self._running).result()
        share_drivers()

    def serve(self, settings: BrowserSettings) -> SharedBrowser:
        """Stand in for a task's own browser."""
        assert settings.proxy is None and not settings.path, "what needs another browser starts its own"
        self._settings = BrowserSettings("", self._settings.environ, None, settings.timeout)
        return self

    def call(self, visitor: Visitor, function: t.Callable[[Page], T], seconds: float) -> T:
        """Give it time for two actions that take all of theirs."""
        return super().call(visitor, function, seconds + 2 * PATIENCE)

    def close(self) -> None:
        """Leave what a task has opened, in the thread that did."""
        self._worker.submit(self._leave_pages).result()

    def end(self) -> None:
        """End the browser, too."""
        super().close()

    def _open(self, visitor: Visitor) -> Page:
        page = self._kept.pop(_name_of(visitor), None)
        self._close_pages()
        if page is None:
            page = super()._open(visitor)
        else:
            page.context.clear_cookies()
            page.context.add_cookies(visitor.session.state["cookies"])
        # What Chromium does itself, it does in its own time, where it gets no processor: to load a page, to click. How
        # long an element that isn't there is looked for is counted in looks.
        page.context.set_default_timeout(self.patience * 1000)
        return page

    def _leave_pages(self) -> None:
        while self._pages:
            visitor, page = self._pages.popitem()
            leave(page)
            self._kept[_name_of(visitor)] = page

    def _close_pages(self) -> None:
        while self._kept:
            self._kept.popitem()[1].context.close()


def _name_of(visitor: Visitor) -> str:
    return json.dumps([visitor.origin, visitor.session.state])


def share_drivers() -> None:
    """Take the drivers that run now for shared ones."""
    _SHARED_DRIVERS.update(own_drivers())


def browser_path() -> str | None:
    """Give the browser that the tasks will find."""
    return find_browser("", os.environ.get("PATH", os.defpath))


def processes() -> dict[int, bytes]:
    """Give the environment of every process that there is."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                found[int(entry.name)] = (entry / "environ").read_bytes()
    return found


def own_drivers() -> list[int]:
    """Give the Playwright drivers that this process started for one test."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = re.search(r"^PPid:\s+(\d+)$", (entry / "status").read_text(), re.MULTILINE)
                mine = parent is not None and int(parent.group(1)) == os.getpid()
                if mine and b"run-driver" in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return [number for number in found if number not in _SHARED_DRIVERS]


def browsers(folder: Path) -> list[int]:
    """Give the processes of the browsers of one test: its folder is their home."""
    home = f"HOME={folder}".encode()
    own = {number: environ.split(b"\0") for number, environ in processes().items() if f"{MARK}=".encode() in environ}
    return sorted(number for number, environ in own.items() if home in environ)


def left_over(folder: Path) -> list[int]:
    """Give what is left of browsers and drivers: what was killed may need a processor to go."""
    ends = time.monotonic() + PATIENCE
    while (left := browsers(folder) + own_drivers()) and time.monotonic() < ends:
        time.sleep(0.1)
    return left


def state(url: str, value: str = SESSION) -> str:
    """Write a storage state with one cookie for a place."""
    host = urlsplit(url).hostname
    cookie = {"name": "devtodev_session", "value": value, "domain": host, "path": "/", "expires": -1}
    return json.dumps({"cookies": [cookie], "origins": []})


class Opened(t.NamedTuple):
    """A page, and what it complained of and asked for."""

    page: Page
    complaints: list[str]
    requests: list[str]

    def on_screens(self, *widths: int, schemes: t.Sequence[t.Any] = ("light",)) -> t.Iterator[tuple[int, str]]:
        """Load the page anew on each screen: to open another page takes longer."""
        for width, scheme in itertools.product(widths, schemes):
            self.page.set_viewport_size({"width": width, "height": 800})
            self.page.emulate_media(color_scheme=scheme)
            self.page.goto(self.page.url)
            yield width, scheme


@dataclass
class World:
    """The simulator, a folder with keys and the ledger, and what a task is given."""

    sim: Simulator
    folder: Path
    keys: dict[str, Path]

    @property
    def devtodev(self) -> str:
        """Where the simulator's devtodev starts."""
        return str(self.sim.announced["devtodev"])

    def look(self, **page: t.Any) -> None:
        """Change how devtodev's pages look, and what else its account has."""
        document = self.sim.control("GET", "/world")
        account = {name: page.pop(name) for name in ("activation_s", "activates") if name in page}
        document["devtodev"].update(account)
        document["devtodev"]["page"].update(page)
        self.sim.control("PUT", "/world", document)

    def held(self, project: str = PROJECT) -> t.Any:
        """Give what devtodev holds."""
        return self.sim.control("GET", f"/devtodev/projects/{project}")["integration"]

    def submissions(self) -> int:
        """Count the forms that were sent."""
        calls = self.sim.calls("?vendor=devtodev")["calls"]
        return sum(call["endpoint"] == "save_refunds_tracking" for call in calls)

    def options(self, key: str = "first", devtodev: Options | None = None, **options: t.Any) -> Options:
        """Give a task's options."""
        url = f"{self.devtodev}/{FORM}"
        tracker = {"url": url, "project": PROJECT, "session": state(url), **(devtodev or {})}
        return {
            "bundle_id": BUNDLE_ID,
            "issuer_id": ISSUER,
            "key_id": KEY_ID if key == "first" else "ROTATED001",
            "private_key_path": str(self.keys[key]),
            "tracker": "devtodev",
            "devtodev": {name: value for name, value in tracker.items() if value is not None},
            "ledger": {"url": f"sqlite:///{self.folder}/ledger.db"},
            "app_store_server_url": self.sim.url,
            "wait_timeout": PATIENCE,
            "request_timeout": 60.0,
            "deadline": 3600.0,
            **options,
        }

    def run(self, check_mode: bool = False, **options: t.Any) -> Outcome:
        """Run the task."""
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        return run_task(integration.TASK, self.options(**options), check_mode, environ)

    def on(self, page: OwnPage, check_mode: bool = False, devtodev: Options | None = None, **options: t.Any) -> Outcome:
        """Run the task on a page that is not the simulator's."""
        given = {"url": page.url, "session": state(page.url), **(devtodev or {})}
        return self.run(check_mode, devtodev=given, **options)

    def entered_on(self, page: OwnPage) -> None:
        """Begin with what a run has entered: the same for each page that shows Active then, so one run does for all."""
        ledger = self.folder / "ledger.db"
        if not _ENTERED:
            with own_page() as sound:
                assert self.on(sound).results["integration"]["status"] == "Active"
            _ENTERED.append((ledger.read_bytes(), *sound.saved))
        ledger.write_bytes(_ENTERED[0][0])
        page.saved[:] = [_ENTERED[0][1]]

    def checked_and_on(self, page: OwnPage, **options: t.Any) -> Outcome:
        """Run on a page in check mode, which must send nothing, and then for real, which must give the same."""
        before = list(page.saved)
        predicted = self.on(page, True, **options)
        assert page.saved == before
        done = self.on(page, False, **options)
        for name in COMPARED:
            assert predicted.results.get(name) == done.results.get(name), (name, predicted.message, done.message)
        return done

    def info(self, **options: t.Any) -> Outcome:
        """Run the info task."""
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        return run_task(integration_info.TASK, self.options(**options), False, environ)

    def checked_and_run(self, **options: t.Any) -> Outcome:
        """Run in check mode, which must change nothing, and then for real, which must give the same."""
        before = (self.held(), self.submissions(), self.ledger())
        predicted = self.run(True, **options)
        assert (self.held(), self.submissions(), self.ledger()) == before
        done = self.run(False, **options)
        for name in COMPARED:
            assert predicted.results.get(name) == done.results.get(name), (name, predicted.message, done.message)
        messages = (without_pictures(predicted.message), without_pictures(done.message))
        assert messages[0] == messages[1], messages
        new = [text for text in done.warnings if not text.startswith("A new ledger")]
        assert predicted.warnings == new
        return Outcome(done.results, new)

    def ledger(self) -> bytes | None:
        """Give the bytes of the ledger."""
        path = self.folder / "ledger.db"
        return path.read_bytes() if path.exists() else None


def without_pictures(message: str) -> str:
    """Leave out the screenshot's path, which is another one each time."""
    return re.sub(r"Screenshot: \S+", "Screenshot", message)


PAGE = """<!doctype html><title>Own page</title><body>
<div id=banner>STATUS</div>
BODY
<script>
const inputs = () => [...document.querySelectorAll('input')];
async function send() {
  const values = inputs().filter(e => e.type != 'file').map(e => e.value);
  const file = inputs().find(e => e.type == 'file').files[0];
  await fetch('/save', {method: 'POST', body: JSON.stringify([...values, file.name, await file.text()])});
  location.reload();
}
SCRIPT
</script>"""
# No form, no labels, a hidden upload behind a button: as many pages are built today.
BARE = """<section><div>App Bundle ID *</div><div><input></div><div>Issuer ID</div><div><input></div>
<div>Key ID:</div><div><input></div><input type=file style="display:none"><button type=button>Choose</button></section>
<button type=button onclick="send()">Save</button>
<section>Google Play<input type=file><button>Submit</button></section>"""


@dataclass
class OwnPage(ThreadingHTTPServer):
    """One page. ``status`` is what it shows before, ``after`` what it shows once something was saved.

    ``answer``: the status of the answer to what is saved; 0 for none at all. ``reply``: that answer's body, as JSON.
    """

    body: str = BARE
    script: str = ""
    status: str = ""
    after: str = "<b>Status:</b> <i>Active</i>"
    redirect: str = ""
    answer: int = 204
    reply: str = ""
    saved: list[list[str]] = field(default_factory=list)
    delays: dict[str, float] = field(default_factory=dict)
    visits: list[str] = field(default_factory=list)
    hooks: dict[str, t.Callable[[], None]] = field(default_factory=dict)
    daemon_threads = True

    def __post_init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}/refunds?app=1#ios"

    def document(self) -> str:
        """Give the page as it is now."""
        shown = self.after if self.saved else self.status
        return PAGE.replace("STATUS", shown).replace("BODY", self.body).replace("SCRIPT", self.script)


class _Handler(BaseHTTPRequestHandler):
    server: OwnPage

    def do_GET(self) -> None:
        """Give the page, or send the browser elsewhere."""
        path = urlsplit(self.path).path
        self.server.visits.append(path)
        self.server.hooks.get(path, lambda: None)()
        if path in self.server.delays:
            threading.Event().wait(self.server.delays[path])
        is_page = path == "/refunds"
        self.send_response(302 if is_page and self.server.redirect else 200 if is_page or path == "/values" else 404)
        if is_page and self.server.redirect:
            self.send_header("Location", self.server.redirect)
        data = self.server.document().encode() if is_page else json.dumps(self.server.saved[-1:]).encode()
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self) -> None:
        """Take what was sent."""
        length = int(self.headers["Content-Length"])
        sent = json.loads(self.rfile.read(length))
        if self.path == "/removed":
            self.server.saved.clear()
        else:
            self.server.saved.append(sent)
        self.server.hooks.get(self.path, lambda: None)()
        status = self.server.answer if self.path == "/save" else 204
        if not status:
            self.close_connection = True
            return
        body = self.server.reply.encode() if self.path == "/save" else b""
        self.send_response(status)
        if body:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: t.Any) -> None:
        """Stay silent."""

    def handle_one_request(self) -> None:
        """A browser that was killed is no news."""
        with contextlib.suppress(ConnectionError):
            super().handle_one_request()


def end_browsers(folder: Path, how: int = signal.SIGKILL) -> None:
    """Send a signal to every process of a test's browsers."""
    for number in browsers(folder):
        with contextlib.suppress(OSError):
            os.kill(number, how)


@contextlib.contextmanager
def own_page(**settings: t.Any) -> t.Iterator[OwnPage]:
    """Serve a page."""
    server = OwnPage(**settings)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
