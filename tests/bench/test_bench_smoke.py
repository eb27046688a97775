# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bench still runs, and still counts what it measures. How long anything takes is not looked at."""

from __future__ import annotations

import re
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

RUN = Path(__file__).with_name("run.py")
APPS = 3


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of one small run."""
    output = tmp_path_factory.mktemp("bench") / "page.md"
    # So many that each of 100 apps has one in every month, whatever day it is.
    options = ["--sizes", str(APPS), "--runs", "1", "--refunds", "3000", "--output", str(output)]
    ran = subprocess.run([sys.executable, str(RUN), *options], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return output.read_text()


def rows(page: str) -> t.Iterator[list[str]]:
    """Yield the cells of every line of a table."""
    for line in page.splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def test_that_every_work_was_measured(page: str) -> None:
    sizes = {cells[0]: cells[1] for cells in rows(page) if len(cells) == 10}
    works = (
        "empty play",
        "ping",
        "uri",
        "1 thread",
        "8 threads",
        "in a loop",
        "ordinary modules",
        "integrations`",
        "site",
    )
    for work in works:
        assert any(work in title for title in sizes), work
    assert set(sizes.values()) == {"apps", "0", str(APPS)}


def test_that_calls_and_connections_were_counted(page: str) -> None:
    assert f"| {APPS} calls / 1 connections | met |" in page
    assert re.search(rf"\| {APPS} calls / [1-{APPS}] connections \| met \|", page)


def test_that_it_names_versions_but_no_places(page: str) -> None:
    assert re.search(r"Python 3\.\d+\.\d+, ansible-core 2\.\d+", page)
    assert str(Path.home()) not in page and "/tmp" not in page
