# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports and exports are written whole or not at all, and nothing else is left in their folder."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._files.text import write_text_file
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import FileError

STEPS = ("open", "fdopen", "lstat", "fchmod", "fsync", "replace")


def failing_at(name: str, at: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the call ``at`` of one of the system's fail; give a list of the calls."""
    function: t.Callable[..., t.Any] = getattr(os, name)
    calls: list[str] = []

    def step(*given: t.Any, **options: t.Any) -> t.Any:
        calls.append(name)
        if len(calls) == at:
            raise OSError(5, "broken off")
        return function(*given, **options)

    monkeypatch.setattr(os, name, step)
    return calls


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("name", STEPS)
def test_a_step_that_fails_leaves_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, is_there: bool
) -> None:
    path = tmp_path / "refunds.csv"
    failed = 0
    for at in range(1, 9):
        path.unlink(missing_ok=True)
        if is_there:
            path.write_text("old")
        with monkeypatch.context() as patch:
            calls = failing_at(name, at, patch)
            told = "new"
            try:
                write_text_file(str(path), "new", "path")
            except FileError:
                told = "old" if is_there else ""
        # Where only the last step fails, which brings the new name to the disk, the file is written all the same.
        assert (path.read_text() if path.exists() else "") == told
        assert [one.name for one in tmp_path.iterdir()] in ([["refunds.csv"]] if is_there else [["refunds.csv"], []])
        failed += len(calls) >= at
    assert 0 < failed < 8 or (name == "fchmod" and not is_there)
