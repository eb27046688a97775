# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ansible-doc shows of a module is read in a terminal: it is to stay short."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from unit_support import ROOT

pytestmark = pytest.mark.once
MOST_LINES = 400
# Lists of keys and apps on top of all trackers' options.
LONGER: dict[str, int] = {}


@pytest.mark.services
def test_that_every_module_is_read_in_a_terminal() -> None:
    modules = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
    names = [f"storeops.refunds.{module}" for module in modules]
    environ = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache/root"), "ANSIBLE_NOCOLOR": "1"}
    command = [sys.executable, "-m", "ansible.cli.doc", "-t", "module", *names]
    text = subprocess.run(command, env=environ, stdout=subprocess.PIPE, text=True, check=True).stdout
    pages = re.split(r"^> MODULE storeops\.refunds\.", text, flags=re.MULTILINE)[1:]
    lines = {page.split(maxsplit=1)[0]: page.count("\n") for page in pages}
    assert sorted(lines) == modules
    too_long = {module: count for module, count in lines.items() if count > LONGER.get(module, MOST_LINES)}
    assert not too_long
