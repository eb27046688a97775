# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Python before 3.11 gets a sentence from every module, not an import's error."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from unit_support import PACKAGE, ROOT

# Runs every module in a Python that says to be an old one, and begins anew with each.
PROGRAM = f"""
import importlib, sys
sys.version_info = (3, 9, 18, "final", 0)
for name in sys.argv[1:]:
    for known in [module for module in sys.modules if module.startswith("{PACKAGE}")]:
        del sys.modules[known]
    try:
        importlib.import_module(name)
    except SystemExit as ended:
        print("", ended.code)
"""


@pytest.mark.services
def test_that_every_module_refuses_an_old_python_in_a_sentence() -> None:
    names = [path.stem for path in sorted((ROOT / "plugins/modules").glob("*.py"))]
    modules = [f"{PACKAGE.removesuffix('.module_utils')}.modules.{name}" for name in names]
    ran = subprocess.run([sys.executable, "-c", PROGRAM, *modules], stdout=subprocess.PIPE, text=True, check=True)
    lines = ran.stdout.splitlines()
    assert len(lines) == len(modules) > 10
    for line in lines:
        result, code = line.rsplit(" ", 1)
        said = json.loads(result)
        assert said["failed"] and said["msg"].startswith("storeops.refunds needs Python 3.11 or newer, and ")
        assert "is Python 3.9.18. Set ansible_python_interpreter" in said["msg"] and code == "1"


# The same for action plugins, which Ansible imports into its own process.
IN_ANSIBLE = f"""
import importlib, sys
importlib.import_module("ansible.plugins.loader")
sys.version_info = (3, 9, 18, "final", 0)
for name in sys.argv[1:]:
    for known in [module for module in sys.modules if module.startswith("{PACKAGE}")]:
        del sys.modules[known]
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(error)
"""


@pytest.mark.services
@pytest.mark.ansible
def test_that_every_action_plugin_refuses_an_old_python_in_a_sentence() -> None:
    names = [path.stem for path in sorted((ROOT / "plugins/action").glob("[!_]*.py"))]
    plugins = [f"{PACKAGE.removesuffix('.module_utils')}.action.{name}" for name in names]
    ran = subprocess.run([sys.executable, "-c", IN_ANSIBLE, *plugins], stdout=subprocess.PIPE, text=True, check=True)
    lines = ran.stdout.splitlines()
    assert len(lines) == len(plugins) > 10
    assert all(line.startswith("storeops.refunds needs Python 3.11 or newer, and ") for line in lines), lines
