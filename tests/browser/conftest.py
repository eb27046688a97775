# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Chromium against the real simulator. Without Chromium: skipped loudly, but failed in CI."""

from __future__ import annotations

import os
import sys
import typing as t
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))

from browser_support import (
    PATIENCE,
    PROJECT,
    SESSION,
    Opened,
    SharedBrowser,
    browser_path,
    left_over,
    share_drivers,
    unhurried,
)
from playwright.sync_api import Browser, expect, sync_playwright
from unit_servers import Simulator, simulator
from unit_support import PACKAGE, new_pem, public_pem, write_key

if t.TYPE_CHECKING:
    from browser_support import World

expect.set_options(timeout=PATIENCE * 1000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip everything where there is no browser."""
    if browser_path() is None and not os.environ.get("CI"):
        for item in items:
            item.add_marker(pytest.mark.skip(reason="NO CHROMIUM HERE: apt-get install chromium"))


@pytest.fixture(scope="session", autouse=True)
def _browser_is_there() -> t.Iterator[None]:
    assert browser_path() is not None, "In CI a missing browser is a failure: apt-get install chromium"
    with unhurried():
        yield


@pytest.fixture(scope="session")
def pem() -> str:
    """A private key, as Apple gives it out."""
    return new_pem()


@pytest.fixture(scope="session")
def other_pem() -> str:
    """Another one."""
    return new_pem()


@pytest.fixture(scope="session")
def _simulator(pem: str, other_pem: str) -> t.Iterator[Simulator]:
    with simulator(pem, other_pem) as running:
        yield running


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> t.Iterator[None]:
    """Keep the caller's proxies and ledgers out, pictures in the test's folder, and look for leftovers."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("STOREOPS_"):
            monkeypatch.delenv(name)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(pictures))
    yield
    assert left_over(tmp_path) == [], "a browser or a driver is left"


@pytest.fixture(scope="session")
def _shared(_browser_is_there: None, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[SharedBrowser]:
    browser = SharedBrowser(tmp_path_factory.mktemp("shared-browser"))
    yield browser
    browser.end()


@pytest.fixture
def share_browser(_shared: SharedBrowser, monkeypatch: pytest.MonkeyPatch) -> t.Callable[[], None]:
    """Let the tasks that follow use one browser, for they are not about its life."""
    return lambda: monkeypatch.setattr(f"{PACKAGE}._tasks.shared.devtodev.Browser", _shared.serve)


@pytest.fixture
def shared_browser(share_browser: t.Callable[[], None]) -> None:
    """Let all tasks of a test do so."""
    share_browser()


@pytest.fixture
def world(_simulator: Simulator, tmp_path: Path, pem: str, other_pem: str) -> World:
    """The simulator in a fresh world with one devtodev project, and two keys as files."""
    from browser_support import World

    _simulator.start_over()
    document = _simulator.control("GET", "/world")
    document["devtodev"] = {
        "sessions": [{"cookie": SESSION}],
        "projects": [{"id": PROJECT, "name": "Example"}, {"id": "second", "name": "Second"}],
    }
    _simulator.control("PUT", "/world", document)
    keys = {name: write_key(tmp_path / f"{name}.p8", text) for name, text in (("first", pem), ("other", other_pem))}
    assert public_pem(pem) != public_pem(other_pem)
    return World(_simulator, tmp_path, keys)


@pytest.fixture(scope="session")
def _chromium(_browser_is_there: None) -> t.Iterator[Browser]:
    with sync_playwright() as playwright:
        share_drivers()
        program = browser_path()
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"], timeout=PATIENCE * 1000)
        yield browser
        browser.close()


@pytest.fixture
def opened(tmp_path: Path, _chromium: Browser) -> t.Iterator[t.Callable[..., Opened]]:
    """Open a report."""

    def give(javascript: bool = True) -> Opened:
        viewport: t.Any = {"width": 1280, "height": 800}
        context = _chromium.new_context(viewport=viewport, color_scheme="light", java_script_enabled=javascript)
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        complaints: list[str] = []
        requests: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(f"file://{tmp_path}/refund-audit.html")
        return Opened(page, complaints, requests)

    yield give
    for context in _chromium.contexts:
        context.close()
