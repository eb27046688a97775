# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program in a fork is what it would be in a new Python: own settings, an end of its own, and nothing of Ansible."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from warm import warm

pytestmark = pytest.mark.services

TELLS = """
import atexit, json, os, sys, tempfile
foreign = [name for name in sys.modules if name.split(".")[0] in ("ansible", "ansible_collections", "unit_compiled")]
atexit.register(print, "the end")
print(json.dumps([sys.argv[1:], os.getcwd(), tempfile.gettempdir(), dict(os.environ), sys.path, foreign, __name__]))
print("aside", file=sys.stderr)
sys.exit(int(sys.stdin.read() or 3))
"""


@pytest.mark.parametrize("is_warm", [True, False])
def test_a_program_has_what_it_was_given(tmp_path: Path, is_warm: bool) -> None:
    script = tmp_path / "script.py"
    script.write_text(TELLS)
    environ = {"PYTHONPATH": "/given", "TMPDIR": str(tmp_path), "A_SECRET": "x\udcff", "LANG": "C.UTF-8"}
    python = warm().python if is_warm else Path(sys.executable)
    command = [str(python), str(script), "one", "two"]
    ran = subprocess.run(command, input="7", env=environ, cwd=tmp_path, capture_output=True, text=True, check=False)
    told, end = ran.stdout.splitlines()
    arguments, folder, temporary, given, path, foreign, name = json.loads(told)
    assert (ran.returncode, ran.stderr, end) == (7, "aside\n", "the end")
    assert (arguments, folder, temporary, name) == (["one", "two"], str(tmp_path), str(tmp_path), "__main__")
    assert path[:2] == [str(tmp_path), "/given"] and not [one for one in path if "/tests/" in one]
    # The system's Python may set this one by itself.
    assert {**given, "LC_CTYPE": ""} == {**environ, "LC_CTYPE": ""}
    assert not is_warm or foreign == ["unit_compiled"]


@pytest.mark.parametrize(
    ("text", "code", "said"), [("1 / 0", 1, "ZeroDivisionError"), ("exit('no')", 1, "no"), ("", 0, "")]
)
def test_a_program_from_the_standard_input(text: str, code: int, said: str) -> None:
    ran = subprocess.run([str(warm().python)], input=text, capture_output=True, text=True, check=False)
    assert ran.returncode == code and said in ran.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_program_is_ended(number: signal.Signals) -> None:
    text = "import time\nprint('begun', flush=True)\ntime.sleep(600)"
    with subprocess.Popen([str(warm().python)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        process.stdin.write(text)
        process.stdin.close()
        assert process.stdout.readline() == "begun\n"
        os.kill(process.pid, number)
        # Nobody holds its output any more.
        assert process.stdout.read() == ""
    assert process.returncode != 0
