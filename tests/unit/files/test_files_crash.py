# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process that is killed or interrupted at any step of writing a key leaves all keys whole, private and findable."""

from __future__ import annotations

import os
import signal
import time
import typing as t
from pathlib import Path

import pytest
from unit_support import KEY_ID, fingerprint_of, new_pem

from ansible_collections.storeops.refunds.plugins.module_utils._context import Context
from ansible_collections.storeops.refunds.plugins.module_utils._files.writing import write_key_file
from ansible_collections.storeops.refunds.plugins.module_utils._http import HttpSettings, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._model.permit import Permit, Proof
from ansible_collections.storeops.refunds.plugins.module_utils._model.secret import Secret
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.kept_key import copies, keep, kept
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.key_file import Place, backup_path

OLD, NEW = new_pem(), new_pem()
STEPS = ("open", "fchmod", "fsync", "link", "unlink", "replace")
# Ctrl-C ends a process by an exception, which runs what stands behind a "finally".
ENDS = {signal.SIGKILL: -signal.SIGKILL, signal.SIGINT: 128 + signal.SIGINT}


class _Killer:
    """Counts the steps, and ends the process before or after the chosen one."""

    def __init__(self, at: int, after: bool, how: signal.Signals) -> None:
        self.at = at
        self.after = after
        self.how = how
        self.seen: list[str] = []

    def wrap(self, owner: object, name: str) -> None:
        original = getattr(owner, name)

        def step(*args: object, **kwargs: object) -> object:
            number = len(self.seen)
            self.seen.append(name)
            if number == self.at and not self.after:
                os.kill(os.getpid(), self.how)
            result = original(*args, **kwargs)
            if number == self.at and self.after:
                os.kill(os.getpid(), self.how)
            return result

        setattr(owner, name, step)


def _die(function: t.Callable[[], object], killer: _Killer) -> tuple[int, list[str]]:
    """Call a function in a child that ends at a step; give how it ended, and the steps when it lived to tell them."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            for name in STEPS:
                killer.wrap(os, name)
            function()
            code = 0
        except KeyboardInterrupt:
            code = ENDS[signal.SIGINT]
        finally:
            os.write(writer, " ".join(killer.seen).encode())
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        steps = pipe.read().decode().split()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), steps


def _permit(path: Path) -> Permit:
    return Permit("replace_key_file", str(path), Proof("a test made it", "none", "2026-11-23T08:45:00Z"))


def _context(folder: Path) -> Context:
    # Nothing is looked for in the temporary folder of this machine.
    return Context(False, {"TMPDIR": str(folder)}, time.time, lambda text: None, Transport(HttpSettings()))


def _replace(path: Path) -> None:
    """Put a key in the place of another one, as private_key_content does."""
    write_key_file(str(path), NEW.encode(), _permit(path), backup_path(str(path), _context(path.parent)))


def _put(path: Path) -> None:
    """Put a key where none lies."""
    write_key_file(str(path), NEW.encode())


def _save(path: Path) -> None:
    """Put what was downloaded, and can't be had again, where none lies."""
    saved, _why = keep(Secret(NEW), KEY_ID, str(path), "rescued", _context(path.parent))
    Place(str(path), None).fill(str(saved))


# How each writes, and its steps: with the last "fsync" of a file, the new key is on the disk.
WRITERS: dict[str, tuple[t.Callable[[Path], None], list[str]]] = {
    "replace": (_replace, ["open", "fchmod", "fsync", "link", "replace", "open", "fsync"]),
    "put": (_put, ["open", "fchmod", "fsync", "link", "unlink", "open", "fsync"]),
    "save": (_save, ["open", "fchmod", "fsync", "open", "fsync", "link", "unlink", "open", "fsync"]),
}
POINTS = [
    (name, at, after) for name, (_writer, steps) in WRITERS.items() for at in range(len(steps)) for after in (0, 1)
]


def _begin(folder: Path, name: str) -> Path:
    path = folder / "a.p8"
    if name == "replace":
        path.write_text(OLD)
        path.chmod(0o600)
    return path


@pytest.mark.services
@pytest.mark.parametrize("name", WRITERS)
def test_the_steps_are_those_that_make_a_write_durable(tmp_path: Path, name: str) -> None:
    write, steps = WRITERS[name]
    path = _begin(tmp_path, name)
    assert _die(lambda: write(path), _Killer(-1, False, signal.SIGKILL)) == (0, steps)


@pytest.mark.services
@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize(("name", "at", "after"), POINTS)
def test_killed_at_any_step(tmp_path: Path, name: str, at: int, after: int, how: signal.Signals) -> None:
    write, steps = WRITERS[name]
    path = _begin(tmp_path, name)
    code, _steps_seen = _die(lambda: write(path), _Killer(at, bool(after), how))
    assert code == ENDS[how]
    left = {str(entry): entry.read_text() for entry in tmp_path.iterdir()}
    assert [entry for entry in tmp_path.iterdir() if entry.stat().st_mode & 0o077] == []
    # What is at its path is a whole key, and what was there before is still somewhere.
    assert left.get(str(path), NEW) in (OLD, NEW)
    assert name != "replace" or OLD in left.values()
    if at + after > steps.index("fsync"):
        assert NEW in left.values(), "it was on the disk"
    # Whoever removes a key finds where else it lies.
    for pem in (OLD, NEW):
        assert {one for one, text in left.items() if text == pem and one != str(path)} == set(
            copies(fingerprint_of(pem), str(path), {"TMPDIR": str(tmp_path)})
        )
    if name == "save" and NEW in left.values() and not path.exists():
        saved = kept(KEY_ID, str(path), {"TMPDIR": str(tmp_path)})
        assert saved and left[saved] == NEW, "the next run finds what can't be had again"
    # A next run is not disturbed by what the dead one left.
    write_key_file(str(path), NEW.encode(), _permit(path))
    assert path.read_text() == NEW
