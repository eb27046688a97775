# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fixed part of what fails while a browser asks devtodev, against docs/MATRICES.md; "make deep" tries all of it."""

from __future__ import annotations

import ast
import typing as t
from pathlib import Path
from unittest import mock

import browser_matrix
import matrix_document
import matrix_sites
import pytest
from matrix_faults import Cell, Judge, name_of
from playwright.sync_api import Page
from unit_servers import Simulator

pytestmark = pytest.mark.usefixtures("shared_browser")
HEADING = "A call of devtodev's page fails, in Chromium"


@pytest.fixture(scope="module")
def judge(_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """The one of all cells, as in make deep: each scene runs once without a fault, and begins in a world made anew."""
    return Judge(browser_matrix.BrowserPlace(_simulator, tmp_path_factory.mktemp("place")))


@pytest.fixture
def new_judge(_simulator: Simulator, tmp_path: Path) -> Judge:
    """Nothing was tried yet."""
    folder = tmp_path / "place"
    folder.mkdir()
    return Judge(browser_matrix.BrowserPlace(_simulator, folder))


@pytest.mark.parametrize("cell", browser_matrix.browser_sample(), ids=lambda cell: "-".join(name_of(cell)))
def test_a_call_of_the_page_that_fails(judge: Judge, cell: Cell) -> None:
    stale = "docs/MATRICES.md says otherwise. If that is meant, run make deep."
    assert judge.lasting(cell) == matrix_document.written(HEADING)[name_of(cell)], stale


def test_the_page_has_every_row_and_column() -> None:
    assert sorted(matrix_document.written(HEADING)) == sorted(map(name_of, browser_matrix.browser_cells()))


def test_nothing_is_asked_for_that_no_row_tries(new_judge: Judge) -> None:
    """All that a browser asks devtodev for when nothing fails, and every place that sends it there."""
    asked: set[tuple[str, str]] = set()
    for scene in browser_matrix.SCENES:
        new_judge.end_of(scene)
        log = new_judge.place.sim.control("GET", "/calls?vendor=devtodev&limit=1000")["calls"]
        asked |= {(one["vendor"], one["endpoint"]) for one in log}
    assert asked == {call for scene in browser_matrix.SCENES for call in scene.calls}


def test_one_place_opens_pages(new_judge: Judge) -> None:
    """Form.open and what leaves a page: whoever else goes somewhere needs rows of its own."""
    going = {
        (file, ast.unparse(node.func))
        for file, tree in matrix_sites.sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("goto", "reload")
    }
    folder = "plugins/module_utils/_trackers"
    assert going == {(f"{folder}/devtodev_page.py", "self.page.goto"), (f"{folder}/clicks.py", "page.goto")}
    seen: list[str] = []
    with mock.patch.object(Page, "goto", _noting(seen, Page.goto)):
        new_judge.end_of(browser_matrix.SCENES[0])
    assert {url.partition("?")[0].rpartition("/")[2] for url in seen} == {"about:blank", "ia-refunds-tracking"}


def _noting(seen: list[str], goto: t.Any) -> t.Any:
    def noting(page: Page, url: str, **options: t.Any) -> t.Any:
        seen.append(url)
        return goto(page, url, **options)

    return noting
