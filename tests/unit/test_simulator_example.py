# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example's keys.py waits for a simulator, and says each thing once."""

from __future__ import annotations

import runpy
import types

import pytest
from unit_support import ROOT


def test_a_simulator_that_never_comes_is_told_of_once(capsys: pytest.CaptureFixture[str]) -> None:
    example = runpy.run_path(str(ROOT / "examples/simulator/keys.py"))
    fetch = example["Simulator"].fetch
    now, printed = 0.0, {}

    def sleep(_seconds: float) -> None:
        nonlocal now
        now += 1
        if told := capsys.readouterr().out:
            printed[now - 1] = told

    def refuse(*_arguments: object, **_options: object) -> None:
        raise ConnectionRefusedError

    fetch.__globals__["time"] = types.SimpleNamespace(monotonic=lambda: now, sleep=sleep)
    fetch.__globals__["OPENER"] = types.SimpleNamespace(open=refuse)
    with pytest.raises(SystemExit, match="No simulator answers"):
        fetch(example["Simulator"]("http://127.0.0.1:1/_sim"), "GET", "world")
    assert list(printed) == [0, 60] and now > 900
    assert printed[0].startswith("Waiting for the simulator at http://127.0.0.1:1/_sim.")
    assert "Look at what `make sim` printed: it may have stopped." in printed[60]
