# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fixed part of each matrix, against docs/MATRICES.md; "make deep" runs them whole."""

from __future__ import annotations

from pathlib import Path

import matrix_document
import matrix_elsewhere
import matrix_faults
import matrix_kills
import matrix_sites
import pytest
from matrix_faults import Cell, Judge, name_of
from matrix_more_scenes import SCENES
from matrix_scenes import Place, Scene
from matrix_sink import FURTHER
from unit_servers import Simulator

STALE = "docs/MATRICES.md says otherwise. If that is meant, run make deep."
LASTING, PASSING = "A call fails, and goes on failing", "A call fails once"


@pytest.fixture(scope="module")
def judge(_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """The one of all cells, as in make deep: each scene runs once without a fault, and begins in a world made anew."""
    return Judge(Place(_simulator, tmp_path_factory.mktemp("place")))


def _called(value: object) -> str:
    return "-".join(name_of(value)) if isinstance(value, tuple) else getattr(value, "name", str(value))


@pytest.mark.parametrize("cell", matrix_faults.sample(), ids=_called)
def test_a_call_that_fails(judge: Judge, cell: Cell) -> None:
    assert judge.lasting(cell) == matrix_document.written(LASTING)[name_of(cell)], STALE
    if cell[2].name in matrix_faults.PASSING:
        assert judge.passing(cell) == matrix_document.written(PASSING)[name_of(cell)], STALE


@pytest.mark.parametrize(("scene", "at"), matrix_kills.sample(), ids=_called)
def test_a_kill_is_followed_by_the_same_end(judge: Judge, scene: Scene, at: int) -> None:
    points, _word = matrix_kills.killed_at(judge, scene, at)
    assert len(points) == min(at + 1, matrix_document.written_kills()[scene.name]), STALE


def test_the_page_has_every_row_and_column() -> None:
    cells = [name_of(cell) for cell in matrix_faults.cells()]
    assert list(matrix_document.written(LASTING)) == cells
    passing = [name for name in cells if name[2] in matrix_faults.PASSING]
    assert sorted(matrix_document.written(PASSING)) == sorted(passing)
    assert list(matrix_document.written_kills()) == [scene.name for scene in SCENES if scene.changes]
    page = matrix_document.DOCUMENT.read_text()
    rows = [*matrix_elsewhere.DATABASES, *matrix_elsewhere.HOSTILE, *matrix_elsewhere.KILLED_ELSEWHERE]
    assert [row for row in rows if f"\n| {row} | " not in page] == []


def test_nothing_goes_out_that_no_row_tries(sim: Simulator, tmp_path: Path) -> None:
    """The places are found in the code, and the calls in the simulator's log: a new one of either needs a row."""
    judge = Judge(Place(sim, tmp_path))
    called: set[tuple[str, str]] = set()
    with matrix_sites.recorded() as seen:
        for scene in SCENES:
            judge.end_of(scene)
            log = judge.place.sim.control("GET", "/calls?limit=1000")["calls"]
            called |= {(one["vendor"], one["endpoint"] or one["path"].partition(one["vendor"])[2]) for one in log}
    places = matrix_sites.places()
    assert len(places) > 20, "they are found no longer"
    assert places - seen == set(), "no row of matrix_scenes.py or matrix_more_scenes.py comes by there"
    rows = {call for scene in SCENES for call in scene.calls if call[0] != FURTHER}
    assert called - rows == set(), "these calls are made, and no row lets them fail"


@pytest.mark.sweep
def test_nothing_else_opens_connections() -> None:
    """The transport alone, the browser, and the ledger's database: all have tables."""
    found = {file: names for file, tree in matrix_sites.sources().items() if (names := matrix_sites.imports(tree))}
    assert {file: names for file, names in found.items() if file not in matrix_sites.BROWSER} == matrix_sites.ALLOWED


def test_the_sample_has_every_call_and_every_fault() -> None:
    sample = [name_of(cell) for cell in matrix_faults.sample()]
    assert {name[:2] for name in sample} == {name_of(cell)[:2] for cell in matrix_faults.cells()}
    assert {name[2] for name in sample} >= {fault.name for fault in matrix_faults.FAULTS} - matrix_faults.SLOW


@pytest.mark.parametrize("test", matrix_elsewhere.tests_named())
def test_what_a_table_names_is_a_test(test: str) -> None:
    assert matrix_elsewhere.is_there(test)
