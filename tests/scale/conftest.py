# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys and the simulator of tests/unit serve here too; PostgreSQL is the one of the integration target."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
POSTGRESQL = ROOT / "tests/integration/targets/ledger_postgresql/files/postgresql.py"
sys.path[:0] = [str(ROOT / "tests" / "unit"), str(ROOT / "tests" / "unit" / "ledger")]


@pytest.fixture(scope="module")
def ledger_url(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[str]:
    """Start an empty PostgreSQL on 127.0.0.1; give its URL; stop it at the end."""
    if not shutil.which("initdb") and not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        message = "NO POSTGRESQL HERE: install it (Debian: postgresql), else nothing runs at scale"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    notes = tmp_path_factory.mktemp("postgresql")
    try:
        command = [sys.executable, str(POSTGRESQL), "start", str(notes)]
        yield subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    finally:
        noted = json.loads((notes / "extra.json").read_text())
        if "pid" in noted:
            _stop(noted["pid"])
        shutil.rmtree(noted["folder"], ignore_errors=True)


def _stop(pid: int) -> None:
    """End the server that another process started, and wait until it is gone."""
    os.kill(pid, signal.SIGINT)
    for _attempt in range(6000):
        state = Path(f"/proc/{pid}/stat")
        # A process whose parent is gone may stay as a zombie until somebody takes it.
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
