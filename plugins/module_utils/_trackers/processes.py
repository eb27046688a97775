# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends processes that carry a mark in their environment: what is left of a browser that no longer answers."""

from __future__ import annotations

import contextlib
import os
import signal
import time
import typing as t

_PROC = "/proc"
# A process that was killed takes a moment to go, and one more may just have been started.
_LOOKS = 40
_PAUSE = 0.05


def end_marked(mark: str) -> None:
    """Kill every process whose environment has ``mark``, and the Playwright driver that started it, until none is left.

    Linux only; elsewhere this finds nothing, and Playwright's own means have to do.
    """
    for _attempt in range(_LOOKS):
        if not _kill_marked(mark):
            return
        time.sleep(_PAUSE)


def _kill_marked(mark: str) -> bool:
    found = {number for number in _numbers() if mark.encode() in _read(number, "environ").split(b"\0")}
    parents = {parent for number in found if (parent := _parent(number)) not in found}
    drivers = {parent for parent in parents if b"run-driver" in _read(parent, "cmdline").split(b"\0")}
    for number in found | drivers:
        with contextlib.suppress(OSError):
            os.kill(number, signal.SIGKILL)
    return bool(found)


def _numbers() -> t.Iterator[int]:
    with contextlib.suppress(OSError):
        yield from (int(name) for name in os.listdir(_PROC) if name.isdigit())


def _read(number: int, name: str) -> bytes:
    try:
        with open(f"{_PROC}/{number}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def _parent(number: int) -> int:
    for line in _read(number, "status").splitlines():
        if line.startswith(b"PPid:"):
            return int(line.split()[1])
    return 0
