# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every user of a machine (command lines) and every process of one user (environments) sees of a run in /proc."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

INTERVAL = 0.1


class Watcher:
    """Collects, while it is open, what /proc shows of the processes that have ``marker`` in their environment."""

    def __init__(self, marker: str) -> None:
        self.command_lines: set[str] = set()
        self.environments: set[str] = set()
        self._marker = marker
        self._seen: set[tuple[str, str]] = set()
        # What ran before the run: it isn't looked at, until its number is free.
        self._others = _numbers()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(INTERVAL):
            numbers = _numbers()
            self._others &= numbers
            for number in numbers - self._others:
                with contextlib.suppress(OSError):
                    self._note(Path("/proc") / number)

    def _note(self, folder: Path) -> None:
        command_line = _text(folder / "cmdline")
        if (folder.name, command_line) in self._seen:
            return
        self._seen.add((folder.name, command_line))
        environment = _text(folder / "environ")
        if self._marker in environment:
            self.environments.add(environment)
            self.command_lines.add(command_line)


def _numbers() -> set[str]:
    return {name for name in os.listdir("/proc") if name.isdecimal()}


def _text(path: Path) -> str:
    return path.read_bytes().decode("latin-1").replace("\0", "\n")
