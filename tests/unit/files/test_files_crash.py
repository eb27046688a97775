# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process that dies at any step of writing a key leaves the old content or the new one, whole and private."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._files.writing import write_key_file
from ansible_collections.storeops.refunds.plugins.module_utils._model.permit import Permit, Proof

OLD, NEW = b"old" * 80, b"new!" * 80


def _permit(path: Path) -> Permit:
    return Permit("replace_key_file", str(path), Proof("a test made it", "none", "2026-11-23T08:45:00Z"))


class _Killer:
    """Counts the steps, and kills the process before or after the chosen one."""

    def __init__(self, at: int, after: bool) -> None:
        self.at = at
        self.after = after
        self.seen: list[str] = []

    def wrap(self, owner: object, name: str) -> None:
        original = getattr(owner, name)

        def step(*args: object, **kwargs: object) -> object:
            number = len(self.seen)
            self.seen.append(name)
            if number == self.at and not self.after:
                os.kill(os.getpid(), signal.SIGKILL)
            result = original(*args, **kwargs)
            if number == self.at and self.after:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        setattr(owner, name, step)


def _write_and_die(path: Path, at: int, after: bool) -> tuple[int, list[str]]:
    """Write in a child that is killed at a step; give how it ended, and the steps when it lived."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        killer = _Killer(at, after)
        killer.wrap(tempfile, "mkstemp")
        for name in ("fchmod", "fsync", "link", "replace"):
            killer.wrap(os, name)
        try:
            write_key_file(str(path), NEW, _permit(path), f"{path}.bak")
        finally:
            os.write(writer, " ".join(killer.seen).encode())
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        steps = pipe.read().decode().split()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), steps


def _steps(folder: Path) -> list[str]:
    path = folder / "count.p8"
    path.write_bytes(OLD)
    code, steps = _write_and_die(path, -1, False)
    assert code == 0
    return steps


@pytest.mark.services
def test_the_steps_are_those_that_make_a_write_durable(tmp_path: Path) -> None:
    assert _steps(tmp_path) == ["mkstemp", "fchmod", "fsync", "link", "replace", "fsync"]


@pytest.mark.services
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(6), ids=["mkstemp", "fchmod", "fsync", "link", "replace", "fsync folder"])
def test_killed_at_any_step(tmp_path: Path, at: int, after: bool) -> None:
    path = tmp_path / "a.p8"
    path.write_bytes(OLD)
    path.chmod(0o600)
    code, _steps_seen = _write_and_die(path, at, after)
    assert code == -signal.SIGKILL
    is_new = at > 4 or (at == 4 and after)
    assert path.read_bytes() == (NEW if is_new else OLD)
    if is_new:
        assert Path(f"{path}.bak").read_bytes() == OLD
    for entry in os.scandir(tmp_path):
        assert entry.stat().st_mode & 0o077 == 0, f"{entry.name} is open to others"
    # A next run is not disturbed by what the dead one left.
    write_key_file(str(path), NEW, _permit(path))
    assert path.read_bytes() == NEW
