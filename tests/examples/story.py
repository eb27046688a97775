# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the README declares, and the simulator with its world."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pages
from newcomer import Newcomer
from playground import ROOT
from unit_ports import free_port
from warm import warm

COOKIE = '[{"name": "myacinfo", "value": "simulated", "domain": "apple.com"}]'
WORLD = ROOT / "examples/simulator/world.yml"
DECLARED = next(block.text for block in pages.blocks("README.md") if block.text.startswith("refund_tracking_keys"))


class Sim:
    """The simulator with the example's world, which can be started anew, on the same port."""

    def __init__(self, world: Path = WORLD) -> None:
        self._world = world
        self.port = str(free_port())
        self.control = ""
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        simulator = ROOT / "extensions/simulator/__main__.py"
        command = [str(warm().python), str(simulator), "--port", self.port, "--world", str(self._world)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.control = json.loads(self._process.stdout.readline())["control"]

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(timeout=120)


def settled(sim: Sim, tmp_path: Path, keys: int = 2) -> Newcomer:
    """One who has installed everything, has the simulated keys in ~/keys and declared the README's apps."""
    made = Newcomer(tmp_path / "new", sim.control)
    made.env["PATH"] = f"{warm().programs}:{Path(sys.executable).parent}:{made.env['PATH']}"
    made.env["ANSIBLE_COLLECTIONS_PATH"] = str(ROOT / ".cache/root")
    made.write("refunds.yml", DECLARED)
    ran = made.knows_simulator()
    assert ran.returncode == 0 and ran.stdout.count("is written") == keys, ran.stderr
    return made
