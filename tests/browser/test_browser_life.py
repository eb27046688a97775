# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The browser ends in every case: killed, stopped, hanging, and when Ansible itself is killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import typing as t
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from browser_support import PATIENCE, SESSION, World, browsers, end_browsers, left_over, own_drivers, own_page, state
from playwright.sync_api import Error
from test_devtodev_own_pages import LABELLED
from unit_support import KEY_ID, PACKAGE

from ansible_collections.storeops.refunds.plugins.module_utils._model.browser_session import parse_browser_session
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.browser import (
    Browser,
    BrowserFailed,
    BrowserSettings,
    Visitor,
    origin_of,
)

BROWSER = f"{PACKAGE}._trackers.browser"
# The page stands still until it has its answer, so that the form isn't submitted before the browser is gone.
TOLD = """document.querySelector('input[type=file]').addEventListener('change', () => {
    const asked = new XMLHttpRequest();
    asked.open('GET', '/uploaded', false);
    asked.send();
});"""


@pytest.mark.parametrize("moment", ["/refunds", "/uploaded"])
def test_killed_before_anything_was_submitted(world: World, share_browser: t.Callable[[], None], moment: str) -> None:
    with own_page(body=LABELLED, script=TOLD, hooks={moment: lambda: end_browsers(world.folder)}) as page:
        failed = world.on(page)
        assert failed.results["failed"] and "The browser ended" in failed.message
        assert "Nothing was submitted" in failed.message and page.saved == []
        assert left_over(world.folder) == []
        page.hooks.clear()
        share_browser()
        assert world.on(page).results["changed"] and len(page.saved) == 1


def test_killed_while_submitting(world: World, share_browser: t.Callable[[], None]) -> None:
    with own_page(body=LABELLED, hooks={"/save": lambda: end_browsers(world.folder)}) as page:
        failed = world.on(page)
        assert failed.results["failed"] and "The form had been submitted" in failed.message
        assert "run again" in failed.message and len(page.saved) == 1 and left_over(world.folder) == []
        page.hooks.clear()
        share_browser()
        again = world.checked_and_on(page)
        assert again.results["changed"], "what became of the first try is not known, so it is applied again"
        assert not world.checked_and_on(page).results["changed"] and len(page.saved) == 2


def test_what_a_killed_browser_leaves_has_no_secret(world: World, pem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """SECURITY.md says that these folders have none."""
    temporary = world.folder / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))

    def end() -> None:
        _kill(own_drivers())
        end_browsers(world.folder)

    with own_page(body=LABELLED, hooks={"/save": end}) as page:
        assert world.on(page).results["failed"] and len(page.saved) == 1
    left = [path for path in temporary.rglob("*") if path.is_file() and not path.is_symlink()]
    assert any("playwright" in str(path) for path in left), "nothing is left, so SECURITY.md needs no word about it"
    secrets = [SESSION.encode(), pem.splitlines()[1].encode(), KEY_ID.encode()]
    assert [path for path in left if any(secret in path.read_bytes() for secret in secrets)] == []


def _kill(processes: t.Iterable[int]) -> None:
    for number in processes:
        with contextlib.suppress(OSError):
            os.kill(number, signal.SIGKILL)


class Stopping:
    """Lets a browser's time be over once it was stopped, however long it took until then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._stopped = threading.Event()
        monkeypatch.setattr(f"{BROWSER}._CLOSE_SECONDS", 1.0)
        monkeypatch.setattr(f"{BROWSER}.ThreadPoolExecutor", self._worker)

    def stop(self, processes: t.Iterable[int]) -> None:
        """Let them stand still, as a machine without memory does."""
        for number in processes:
            with contextlib.suppress(OSError):
                os.kill(number, signal.SIGSTOP)
        self._stopped.set()

    def _worker(self, *arguments: t.Any) -> ThreadPoolExecutor:
        worker = ThreadPoolExecutor(*arguments)
        submit = worker.submit

        def submit_and_watch(*call: t.Any) -> Future[t.Any]:
            future = submit(*call)
            future.result = lambda timeout: self._result(future)  # type: ignore[method-assign, assignment, misc]
            return future

        worker.submit = submit_and_watch  # type: ignore[method-assign, assignment]
        return worker

    def _result(self, future: Future[t.Any]) -> t.Any:
        while not (future.done() or self._stopped.is_set()):
            wait([future], 0.1)
        return Future.result(future, 1.0)


def test_a_browser_that_stands_still(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = Stopping(monkeypatch)
    hooks = {"/uploaded": lambda: stopping.stop(browsers(world.folder))}
    with own_page(body=LABELLED, script=TOLD, hooks=hooks) as page:
        failed = world.on(page)
        assert failed.results["failed"] and "browser" in failed.message.lower()
        assert "Nothing was submitted" in failed.message and page.saved == []


def test_a_driver_that_stands_still(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = Stopping(monkeypatch)
    with own_page(body=LABELLED, hooks={"/refunds": lambda: stopping.stop(own_drivers())}) as page:
        failed = world.on(page)
        assert "did not answer" in failed.message and "Nothing was submitted" in failed.message


ALONE = """
import json, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, sys.argv[1])
from unit_support import run_task
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration
print(run_task(integration.TASK, json.loads(sys.stdin.read()), environ=json.loads(sys.argv[2])))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_task_itself_is_killed(world: World, how: signal.Signals) -> None:
    arrived, ended = threading.Event(), threading.Event()

    def arrive() -> None:
        arrived.set()
        # A page that came would be filled in.
        ended.wait(2 * PATIENCE)

    with own_page(body=LABELLED, hooks={"/refunds": arrive}) as page:
        options = world.options(devtodev={"url": page.url, "session": state(page.url)})
        environ = {"PATH": os.environ["PATH"], "HOME": str(world.folder)}
        unit = str(Path(__file__).resolve().parents[1] / "unit")
        with subprocess.Popen(
            [sys.executable, "-c", ALONE, unit, json.dumps(environ)], stdin=subprocess.PIPE, text=True
        ) as task:
            assert task.stdin is not None
            task.stdin.write(json.dumps(options))
            task.stdin.close()
            assert arrived.wait(PATIENCE) and browsers(world.folder) != []
            task.send_signal(how)
            task.wait(PATIENCE)
        ended.set()
        assert page.saved == []
    assert left_over(world.folder) == []


def test_one_browser_serves_threads_one_after_another(world: World) -> None:
    """What a bulk task does: many apps, each asked for in some thread."""
    with own_page(body=LABELLED) as page:
        session = parse_browser_session(state(page.url), "session")
        environ = {"PATH": os.environ["PATH"], "HOME": str(world.folder), "SECRET": "not-for-browsers"}
        browser = Browser(BrowserSettings("", environ, None, PATIENCE))
        visitors = [Visitor(origin_of(page.url), session), Visitor(origin_of(page.url), session)]
        running: list[int] = []

        def visit(tab: t.Any) -> str:
            running.append(1)
            assert len(running) == 1
            tab.goto(page.url)
            running.pop()
            return str(tab.title())

        with contextlib.closing(browser), ThreadPoolExecutor(4) as pool:
            assert (
                list(pool.map(lambda number: browser.call(visitors[number % 2], visit, PATIENCE), range(6)))
                == ["Own page"] * 6
            )
            assert len(own_drivers()) == 1
            for number in browsers(world.folder):
                assert b"not-for-browsers" not in Path(f"/proc/{number}/environ").read_bytes()


def test_after_a_driver_that_ended_the_next_app_gets_its_browser(world: World) -> None:
    def visit(tab: t.Any) -> str:
        tab.goto(page.url)
        return str(tab.title())

    with own_page(hooks={"/refunds": lambda: _kill(own_drivers())}) as page:
        environ = {"PATH": os.environ["PATH"], "HOME": str(world.folder)}
        session = parse_browser_session(state(page.url), "session")
        visitor = Visitor(origin_of(page.url), session)
        with contextlib.closing(Browser(BrowserSettings("", environ, None, PATIENCE))) as browser:
            for _app in range(2):
                with pytest.raises(BrowserFailed, match="The browser ended before it was done"):
                    browser.call(visitor, visit, PATIENCE)
            page.hooks.clear()
            assert browser.call(visitor, visit, PATIENCE) == "Own page"


def test_a_browser_that_can_not_be_started_says_why_itself(world: World) -> None:
    program = world.folder / "chromium"
    program.write_text("#!/bin/sh\necho 'libnss3.so: cannot open shared object file\x1b[1m' >&2\nexit 127\n")
    program.chmod(0o755)
    for check_mode in (True, False):
        failed = world.run(check_mode, devtodev={"browser_path": str(program)})
        shown = "The browser can't be started: libnss3.so: cannot open shared object file\N{REPLACEMENT CHARACTER}[1m. "
        assert shown in failed.message and "Run it by hand, or name another one" in failed.message, failed.message
        assert "Nothing was submitted" in failed.message


def test_without_the_watch_over_redirects_no_app_gets_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the first app, nor the next one that finds a browser started."""

    closed: list[object] = []

    class Driver:
        def start(self) -> object:
            return self

        def stop(self) -> None:
            closed.append(self)

    class Chromium:
        def close(self) -> None:
            closed.append(self)

        def new_browser_cdp_session(self) -> None:
            raise Error("Protocol error (Fetch.enable)")

    browser = object.__new__(Browser)
    monkeypatch.setattr(browser, "_chromium", None, raising=False)
    monkeypatch.setattr("playwright.sync_api.sync_playwright", Driver)
    monkeypatch.setattr(browser, "_playwright", None, raising=False)
    monkeypatch.setattr(browser, "_pages", {}, raising=False)
    monkeypatch.setattr(browser, "_launch", lambda _playwright: Chromium())
    for _app in range(2):
        with pytest.raises(BrowserFailed, match="can't be started"):
            browser._running()
    assert [type(one) for one in closed] == [Chromium, Driver] * 2, "none is left behind"
