# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A source without one of its libraries ends at once and names it: it must not listen and take nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from unit_support import ROOT

SOURCE = ROOT / "extensions/eda/plugins/event_source/refund_events.py"
PROGRAM = "import runpy, sys; sys.modules[sys.argv[1]] = None; runpy.run_path(sys.argv[2], run_name='__main__')"
# What meta/ee-requirements.txt names and the source needs whatever its settings are, by what is imported.
NAMES = {
    "ansible": "ansible-core",
    "appstoreserverlibrary": "app-store-server-library",
    "cryptography": "cryptography",
    "jwt": "PyJWT",
    "requests": "requests",
    "sqlalchemy": "SQLAlchemy",
}


@pytest.mark.services
@pytest.mark.parametrize("module", sorted(NAMES))
def test_a_library_that_is_missing_is_named(module: str, tmp_path: Path) -> None:
    env = {**os.environ, "STOREOPS_LEDGER_URL": f"sqlite:///{tmp_path}/ledger.db"}
    command = [sys.executable, "-c", PROGRAM, module, SOURCE]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    said = ran.stderr.strip().splitlines()[-1]
    assert ran.returncode == 1 and f"refund_events needs {NAMES[module]}, which {sys.executable} doesn't have." in said
    assert "meta/ee-requirements.txt" in said and not list(tmp_path.iterdir())
