# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One part of the tests: runs commands into its own log and counts what was tested."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import paths

LOGS = paths.CACHE / "logs"
TIMEOUT = 5400  # seconds for one command: as long as a whole run may take on a machine that others load
GRACE = 60  # seconds for what is stopped to stop what it had started

_running: set[int] = set()
_stopping = threading.Event()
# While this is held nothing is half-way started, so that a stop finds all that runs.
_starting = threading.Lock()


class Stopped(BaseException):
    """This run was told to stop: no part goes on, and none has failed by it."""


def stop_all() -> None:
    """Interrupt each command as Ctrl-C would, wait until it has cleaned up, and kill what does not end."""
    _stopping.set()
    ends = time.monotonic() + GRACE
    started = set[tuple[int, str]]()
    try:
        with _starting:
            started = _started()
        for process in list(_running):
            # It may have ended just now.
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGINT)
        while _running and time.monotonic() < ends:
            time.sleep(0.1)
            started |= _started(started)
    finally:
        for process in list(_running):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)
        there = _processes()
        for process, began in started:
            if process in there and there[process][1] == began:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)


def _processes() -> dict[int, tuple[int, str]]:
    """Return the parent of each process, and when it began: another one may get its number."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            found[int(stat.parent.name)] = (int(fields[1]), fields[19])
    return found


def _started(before: Collection[tuple[int, str]] = ()) -> set[tuple[int, str]]:
    """Return what runs, and all below it and below what was there ``before``.

    ansible-playbook has a session of its own, which no signal to a group reaches, and nobody above it once
    ansible-test was interrupted.
    """
    there = _processes()
    found = {one for one in _running if one in there}
    found |= {one for one, began in before if one in there and there[one][1] == began}
    while more := {one for one, (parent, _began) in there.items() if parent in found} - found:
        found |= more
    return {(one, there[one][1]) for one in found}


class Part:
    """What the function of a part writes to. A part that counts nothing has failed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.passed = self.failed = self.skipped = 0
        self.seconds = self.worked = 0.0  # of the clock, and of processors
        self.log = LOGS / f"{name}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("")

    @property
    def result(self) -> str:
        return "FAILED" if self.failed else "ok" if self.passed else "SKIPPED"

    def say(self, text: str) -> None:
        with self.log.open("a") as log:
            log.write(text + "\n")

    def fail(self, why: str) -> None:
        self.failed += 1
        self.say(f"FAILED: {why}")

    def skip(self, why: str) -> None:
        self.skipped += 1
        self.say(f"*** SKIPPED: {why} ***")

    def check(self, good: bool, what: str) -> None:
        if good:
            self.passed += 1
        else:
            self.fail(what)

    def run(self, argv: Sequence[str | Path], env: Mapping[str, str], cwd: Path = paths.ROOT) -> tuple[int, str]:
        """Run to the log, kill what outlives its time, and return exit code and output. Raises Stopped."""
        self.say("$ " + " ".join(map(str, argv)))
        start = self.log.stat().st_size
        with self.log.open("ab") as log:
            with _starting:
                if _stopping.is_set():
                    raise Stopped
                process = subprocess.Popen(
                    list(map(str, argv)),
                    cwd=cwd,
                    env=dict(env),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                _running.add(process.pid)
            watch = threading.Timer(TIMEOUT, self._kill, [process.pid])
            watch.start()
            # Not reaped before nobody can signal it any more: its number may be another's then.
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            watch.cancel()
            _running.discard(process.pid)
            # Not Popen.wait: it does not tell what the process and its children have cost.
            status, usage = os.wait4(process.pid, 0)[1:]
        if _stopping.is_set():
            raise Stopped
        process.returncode = code = os.waitstatus_to_exitcode(status)
        self.worked += usage.ru_utime + usage.ru_stime
        with self.log.open("rb") as log:
            log.seek(start)
            return code, log.read().decode(errors="replace")

    def _kill(self, group: int) -> None:
        self.say(f"Killed after {TIMEOUT} s")
        os.killpg(group, signal.SIGKILL)

    def step(self, argv: Sequence[str | Path], env: Mapping[str, str], cwd: Path = paths.ROOT) -> str | None:
        """Run something that counts as one test; its output, or None when it failed."""
        code, output = self.run(argv, env, cwd)
        self.check(code == 0, f"exit code {code}: {' '.join(map(str, argv))}")
        return output if code == 0 else None


@dataclass(frozen=True)
class Definition:
    name: str
    test: Callable[[Part], None]


def perform(definition: Definition) -> Part:
    part = Part(definition.name)
    start = time.monotonic()
    try:
        definition.test(part)
    except Exception as error:
        part.fail(f"{type(error).__name__}: {error}")
    if not (part.passed or part.failed or part.skipped):
        part.fail("nothing was tested")
    part.seconds = time.monotonic() - start
    return part
