# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Python before 3.11 gets a sentence from every module, not an import's error."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from unit_support import PACKAGE, ROOT

# Imports everything in a Python that says to be an old one, as a module or as Ansible does, and begins anew each time.
PROGRAM = f"""
import importlib, sys
if sys.argv[1] == "in Ansible":
    importlib.import_module("ansible.plugins.loader")
sys.version_info = (3, 9, 18, "final", 0)
for name in sys.argv[2:]:
    for known in [module for module in sys.modules if module.startswith("{PACKAGE}")]:
        del sys.modules[known]
    try:
        importlib.import_module(name)
    except (ImportError, SystemExit) as ended:
        print("", ended)
"""


def told(way: str, kind: str) -> list[str]:
    names = [path.stem for path in sorted((ROOT / "plugins" / kind).glob("[!_]*.py"))]
    every = [f"{PACKAGE.removesuffix('.module_utils')}.{kind}.{name}" for name in names]
    ran = subprocess.run([sys.executable, "-c", PROGRAM, way, *every], stdout=subprocess.PIPE, text=True, check=True)
    lines = ran.stdout.splitlines()
    assert len(lines) == len(every) > 10
    return lines


@pytest.mark.services
def test_that_every_module_refuses_an_old_python_in_a_sentence() -> None:
    for line in told("as a module", "modules"):
        result, code = line.rsplit(" ", 1)
        said = json.loads(result)
        assert said["failed"] and said["msg"].startswith("storeops.refunds needs Python 3.11 or newer, and ")
        assert "is Python 3.9.18. Set ansible_python_interpreter" in said["msg"] and code == "1"


@pytest.mark.services
@pytest.mark.ansible
def test_that_every_action_plugin_refuses_an_old_python_in_a_sentence() -> None:
    for line in told("in Ansible", "action"):
        assert line.startswith(" storeops.refunds needs Python 3.11 or newer, and "), line
