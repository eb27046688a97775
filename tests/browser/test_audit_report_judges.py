# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Other people's judge of the report: axe finds no barrier, on screens wide and narrow, light and dark."""

from __future__ import annotations

import os
import sys
import typing as t
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "report"))

from browser_support import Opened
from playwright.sync_api import Page
from report_support import Json, a_bit_of_all, audit, bulk, item, refunds

AXE = Path(__file__).resolve().parents[2] / ".cache/node/node_modules/axe-core/axe.min.js"
# 140 characters and no place to break it: an ID may be that long.
LONG = "com.example." + "x" * 128
FOUND = """async () => (await axe.run(document, {resultTypes: ['violations', 'incomplete']})).violations.map(
  found => [found.id, found.help, ...found.nodes.slice(0, 3).map(node => node.html.slice(0, 200))])"""
# What a reader can't see: wider than its box, which does not scroll.
CUT = """() => [...document.querySelectorAll('main *')].filter(element => {
  const style = getComputedStyle(element);
  return element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 1 && style.display !== 'inline'
    && !['visible', 'auto', 'scroll'].includes(style.overflowX) && style.clipPath === 'none';
}).map(element => element.outerHTML.slice(0, 200))"""
SCROLLED = """() => [...document.querySelectorAll('.scroll')].filter(box => box.scrollWidth > box.clientWidth)
  .map(box => [box.getAttribute('aria-label'), box.scrollWidth, box.clientWidth])"""


def barriers(page: Page) -> list[list[str]]:
    """What axe complains of, with the first elements."""
    if not AXE.exists():
        assert not os.environ.get("CI"), "In CI a missing axe is a failure: npm is needed"
        pytest.skip("NO AXE HERE: npm is needed for it, then make matrix")
    page.evaluate(AXE.read_text())
    found: list[list[str]] = page.evaluate(FOUND)
    return found


def long(end: str) -> Json:
    """An app all of whose texts are long."""
    return item(LONG + end, "unauthenticated", "update", hint=LONG, key=LONG, status=LONG, tracker=LONG)


def everything(folder: Path) -> None:
    """A report with every section, long and short texts."""
    waivers = [{"bundle_id": "com.*", "cause": "drift", "reason": "Known.", "until": "2999-12-31"}]
    entries = [*a_bit_of_all()["integrations"], *map(long, ("a", "b"))]
    audit(folder, bulk(*entries), refunds=[refunds()], waivers=waivers)


def test_axe_finds_no_barrier(tmp_path: Path, opened: t.Callable[..., Opened]) -> None:
    everything(tmp_path)
    shown = opened()
    page = shown.page
    for screen in shown.on_screens(360, 800, 1280, schemes=("light", "dark")):
        assert barriers(page) == [], screen
        page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
        page.locator("#rows dl").first.wait_for()
        assert barriers(page) == [], screen


def test_axe_finds_no_barrier_in_an_empty_report(tmp_path: Path, opened: t.Callable[..., Opened]) -> None:
    audit(tmp_path, bulk())
    assert barriers(opened().page) == []


def test_axe_sees_a_barrier(tmp_path: Path, opened: t.Callable[..., Opened]) -> None:
    everything(tmp_path)
    page = opened().page
    page.evaluate("document.querySelectorAll('.scroll').forEach(box => box.removeAttribute('tabindex'))")
    page.evaluate("document.querySelector('#apps').closest('section').append(document.createElement('input'))")
    assert "label" in {found[0] for found in barriers(page)}


def test_scrolling_tables_are_reached_by_keyboard(tmp_path: Path, opened: t.Callable[..., Opened]) -> None:
    everything(tmp_path)
    page = opened().page
    names = [table.locator("..").get_attribute("aria-label") for table in page.locator("table.list").all()]
    assert len(names) == len(set(names)) == 4
    for name in names:
        assert page.get_by_role("region", name=name).get_attribute("tabindex") == "0"
    box = page.get_by_role("region", name="All apps, table")
    box.focus()
    assert box.evaluate("box => box === document.activeElement")


def test_a_long_id_cuts_nothing(tmp_path: Path, opened: t.Callable[..., Opened]) -> None:
    everything(tmp_path)
    shown = opened()
    page = shown.page
    for width, _scheme in shown.on_screens(360, 800, 1280):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(CUT) == [], width
        page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
        page.locator("#rows dl").first.wait_for()
        assert page.evaluate(CUT) == [], width
        assert page.evaluate(SCROLLED) == [] or width < 1280
