# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fixed part of each matrix, against docs/MATRICES.md; "make deep" runs them whole."""

from __future__ import annotations

from pathlib import Path

import matrix_document
import matrix_elsewhere
import matrix_faults
import matrix_kills
import pytest
from matrix_faults import Cell, Judge, name_of
from matrix_scenes import SCENES, Place, Scene
from unit_servers import Simulator

STALE = "docs/MATRICES.md says otherwise. If that is meant, run make deep."
LASTING, PASSING = "A call fails, and goes on failing", "A call fails once"


@pytest.fixture
def judge(sim: Simulator, tmp_path: Path) -> Judge:
    """Nothing was tried yet."""
    folder = tmp_path / "place"
    folder.mkdir()
    return Judge(Place(sim, folder))


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
    assert list(matrix_document.written_kills()) == [scene.name for scene in SCENES]
    page = matrix_document.DOCUMENT.read_text()
    rows = [*matrix_elsewhere.DATABASES, *matrix_elsewhere.HOSTILE, *matrix_elsewhere.KILLED_ELSEWHERE]
    assert [row for row in rows if f"\n| {row} | " not in page] == []


def test_the_sample_has_every_call_and_every_fault() -> None:
    sample = [name_of(cell) for cell in matrix_faults.sample()]
    assert {name[:2] for name in sample} == {name_of(cell)[:2] for cell in matrix_faults.cells()}
    assert {name[2] for name in sample} >= {fault.name for fault in matrix_faults.FAULTS} - matrix_faults.SLOW


@pytest.mark.parametrize("test", matrix_elsewhere.tests_named())
def test_what_a_table_names_is_a_test(test: str) -> None:
    assert matrix_elsewhere.is_there(test)
