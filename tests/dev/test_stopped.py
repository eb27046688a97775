# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of the tests that is stopped, by Ctrl-C or by CI, leaves nothing running and begins nothing more."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "dev"))

import part

DEV = Path(part.__file__).parent
RUNNER = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import check, part, parts
from pathlib import Path
folder = Path(sys.argv[2])
part.LOGS, part.GRACE = folder / "logs", float(sys.argv[3])
check.SAME_S = 600
part.paths.ROOT = folder
program = [sys.executable, "-c", (folder / "program.py").read_text(), folder]
def work(the_part):
    the_part.run(program, {})
    (folder / "went on").touch()
def later(the_part):
    (folder / "began").touch()
parts.all_parts = lambda: [part.Definition("first", work), part.Definition("second", later)]
sys.argv = ["check.py"]
code = check.main()
# What make hands on late finds nobody to end.
os.kill(os.getpid(), signal.SIGTERM)
sys.exit(code)
"""
CLEANS_UP = """
import sys, time
from pathlib import Path
folder = Path(sys.argv[1])
try:
    (folder / "ready").touch()
    time.sleep(600)
finally:
    (folder / "cleaned up").touch()
"""
STAYS = """
import os, signal, sys, time
from pathlib import Path
signal.signal(signal.SIGINT, signal.SIG_IGN)
folder = Path(sys.argv[1])
(folder / "pid").write_text(str(os.getpid()))
(folder / "ready").touch()
time.sleep(600)
"""
LEAVES = """
import subprocess, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
(folder / "pid").write_text(str(child.pid))
(folder / "ready").touch()
time.sleep(600)
"""


def _started(folder: Path, program: str, grace: float, ignores: bool = False) -> subprocess.Popen[str]:
    (folder / "program.py").write_text(program)
    argv = [sys.executable, "-c", RUNNER, str(DEV), str(folder), str(grace)]
    # As nohup and "&" do, and a program that was started hands it on.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if ignores else None
    try:
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={"JOBS": "1"})
    finally:
        if ignores:
            signal.signal(signal.SIGINT, before)
    ends = time.monotonic() + 120
    while not (folder / "ready").exists() and process.poll() is None and time.monotonic() < ends:
        time.sleep(0.02)
    return process


@pytest.mark.parametrize("ignores", [False, True], ids=["as usual", "Ctrl-C ignored before"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_runs_cleans_up_and_nothing_more_begins(number: signal.Signals, ignores: bool, tmp_path: Path) -> None:
    process = _started(tmp_path, CLEANS_UP, 120, ignores)
    process.send_signal(number)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 1 and output.endswith(f"Stopped by {number.name}; 0 of 2 parts had ended\n")
    found = {file.name for file in tmp_path.iterdir()}
    assert found == {"program.py", "ready", "cleaned up", "logs"}


def test_a_stop_that_make_hands_on_is_the_same_one(tmp_path: Path) -> None:
    process = _started(tmp_path, CLEANS_UP, 120)
    process.terminate()
    assert process.stdout is not None
    while "Stopping" not in process.stdout.readline():
        assert process.poll() is None
    process.terminate()
    # Not communicate, which passes by what readline has read already.
    assert "Stopped by SIGTERM" in process.stdout.read() and process.wait(120) == 1
    assert (tmp_path / "cleaned up").exists()


def _runs(pid: str) -> bool:
    """Whose parent is gone is buried by the system, some time."""
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(("program", "grace"), [(STAYS, 0), (LEAVES, 120)], ids=["too slow", "a session of its own"])
def test_what_is_left_is_killed(program: str, grace: float, tmp_path: Path) -> None:
    process = _started(tmp_path, program, grace)
    process.terminate()
    assert "Stopped by SIGTERM" in process.communicate(timeout=120)[0]
    ends = time.monotonic() + 120
    while _runs((tmp_path / "pid").read_text()) and time.monotonic() < ends:
        time.sleep(0.02)
    assert not _runs((tmp_path / "pid").read_text())


def test_what_is_just_being_started_is_stopped_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, begun = subprocess.Popen, list[subprocess.Popen[bytes]]()
    stop = threading.Thread(target=part.stop_all)

    def started(*arguments: t.Any, **options: t.Any) -> subprocess.Popen[bytes]:
        begun.append(real(*arguments, **options))
        stop.start()
        # A stop that waits for nothing would be over by then.
        stop.join(1)
        return begun[0]

    def work() -> None:
        with pytest.raises(part.Stopped):
            part.Part("just-started").run([sys.executable, "-c", "import time; time.sleep(600)"], {})
        (tmp_path / "stopped").touch()

    monkeypatch.setattr(part, "LOGS", tmp_path)
    monkeypatch.setattr(part, "GRACE", 0)
    monkeypatch.setattr(part, "_running", set())
    monkeypatch.setattr(part, "_stopping", threading.Event())
    monkeypatch.setattr(subprocess, "Popen", started)
    worker = threading.Thread(target=work)
    worker.start()
    worker.join(120)
    is_stuck = worker.is_alive()
    begun[0].kill()
    worker.join()
    assert not is_stuck and (tmp_path / "stopped").exists()
    assert not _runs(str(begun[0].pid))
