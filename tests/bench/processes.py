# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole processes, started fresh: how long they take, how much CPU time and how much memory."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

SAMPLED_EVERY_S = 0.1
LONGEST_S = 1800.0
_TICKS = os.sysconf("SC_CLK_TCK")


class BenchFailed(Exception):
    """Something did not do its work, so its time says nothing."""


@dataclass(frozen=True)
class Ran:
    """One process with its children: wall and CPU time (s); memory (MB) at its highest.

    ``tree_mb``: the sum of the proportional set sizes (shared pages counted once) of the process and its descendants,
    sampled. ``largest_mb``: the highest resident size that the kernel noted for one of them (VmHWM).
    """

    seconds: float
    cpu: float
    tree_mb: float
    largest_mb: float
    output: str


def run(command: t.Sequence[str], environment: t.Mapping[str, str], log: Path) -> Ran:
    """Run a command to its end. Raises BenchFailed when it fails."""
    before = os.times()
    with log.open("wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        sampler = _Sampler(process.pid)
        # wait() with a limit looks every 50 ms only, which is as much as some works differ by.
        limit = threading.Timer(LONGEST_S, process.kill)
        limit.start()
        try:
            code = process.wait()
            seconds = time.perf_counter() - start
        finally:
            limit.cancel()
            if process.poll() is None:
                process.kill()
                process.wait()
            sampler.stop()
    after = os.times()
    text = log.read_text(errors="replace")
    if code:
        raise BenchFailed(f"exit code {code} of {' '.join(command)}:\n{text[-3000:]}")
    used = after.children_user - before.children_user + after.children_system - before.children_system
    return Ran(seconds, used, sampler.tree_kb / 1024, sampler.largest_kb / 1024, text)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time (user and system) of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


class _Sampler(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.tree_kb = 0
        self.largest_kb = 0
        self._pid = pid
        self._ended = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._ended.wait(SAMPLED_EVERY_S):
            total = 0
            for pid in _family(self._pid):
                # Processes come and go while they are looked at.
                with contextlib.suppress(OSError, KeyError):
                    total += _kilobytes(pid, "smaps_rollup", "Pss")
                    self.largest_kb = max(self.largest_kb, _kilobytes(pid, "status", "VmHWM"))
            self.tree_kb = max(self.tree_kb, total)

    def stop(self) -> None:
        self._ended.set()
        self.join()


def _family(pid: int) -> t.Iterator[int]:
    yield pid
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{thread}/children").read_text().split():
                yield from _family(int(child))


def _kilobytes(pid: int, file: str, name: str) -> int:
    for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise KeyError(name)
