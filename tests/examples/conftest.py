# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures: the simulator with the README's world, and somebody who has installed and declared everything."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import pytest
from newcomer import Newcomer
from playground import ROOT
from story import DECLARED, Sim


@pytest.fixture
def sim() -> t.Iterator[Sim]:
    made = Sim()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def newcomer(sim: Sim, tmp_path: Path) -> Newcomer:
    """One who has installed everything, has the simulated keys in ~/keys and declared the README's apps."""
    made = Newcomer(tmp_path / "new", sim.control)
    made.env["PATH"] = f"{Path(sys.executable).parent}:{made.env['PATH']}"
    made.env["ANSIBLE_COLLECTIONS_PATH"] = str(ROOT / ".cache/root")
    settings = (ROOT / "examples/simulator/simulator.yml").read_text().replace(":8765/", f":{sim.port}/")
    made.write("simulator.yml", settings.replace("/tmp/refunds-simulator.db", f"{tmp_path}/ledger.db"))
    made.write("refunds.yml", DECLARED)
    ran = made.types(f"python3 {ROOT}/examples/simulator/keys.py {sim.control}")
    assert ran.returncode == 0 and ran.stdout.count("is written") == 2, ran.stderr
    return made
