# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends processes that carry a mark in their environment: what is left of a browser that no longer answers."""

from __future__ import annotations

import contextlib
import os
import signal
import typing as t

_PROC = "/proc"


def end_marked(mark: str) -> None:
    """Kill every process whose environment has ``mark``, and the Playwright driver that started it.

    Linux only; elsewhere this finds nothing, and Playwright's own means have to do.
    """
    found = {number for number in _numbers() if mark.encode() in _read(number, "environ").split(b"\0")}
    parents = {parent for number in found if (parent := _parent(number)) not in found}
    drivers = {parent for parent in parents if b"run-driver" in _read(parent, "cmdline").split(b"\0")}
    for number in found | drivers:
        with contextlib.suppress(OSError):
            os.kill(number, signal.SIGKILL)


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
