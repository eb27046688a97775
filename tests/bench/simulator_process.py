# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator as a process of its own, asked what it saw and what it cost."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
import urllib.request
from pathlib import Path

import processes

SIMULATOR = Path(__file__).resolve().parents[2] / "extensions" / "simulator"


class Simulator:
    """Serves the world in a file until stopped."""

    def __init__(self, world: Path) -> None:
        command = [sys.executable, str(SIMULATOR), "--port", "0", "--world", str(world)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise processes.BenchFailed("the simulator did not start")
        announced = json.loads(line)
        self._control = announced["control"]
        self.app_store_server = announced["app_store_server"]["production"]
        self.root_certificate = announced["root_certificate"]

    def __enter__(self) -> Simulator:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=120)

    def cpu_seconds(self) -> float:
        """Return the CPU time that it has used so far."""
        return processes.cpu_seconds(self._process.pid)

    def forget_calls(self) -> None:
        """Empty the call log."""
        self._ask("DELETE", "/calls")

    def calls(self) -> tuple[int, int]:
        """Return how many calls came since the log was emptied, and over how many connections; true for any number."""
        report = self._ask("GET", "/calls?limit=0")
        return report["count"], report["connections"]

    def arm(self, faults: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        """Make calls fail as asked."""
        self._ask("POST", "/faults", json.dumps(faults).encode())

    def disarm(self) -> int:
        """Take all faults back; return how many calls they struck."""
        struck = sum(fault["applied"] for fault in self._ask("GET", "/faults")["faults"])
        self._ask("DELETE", "/faults")
        return int(struck)

    def _ask(self, method: str, path: str, body: bytes | None = None) -> t.Any:
        headers = {"Content-Type": "application/json"} if body else {}
        request = urllib.request.Request(self._control + path, data=body, method=method, headers=headers)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=120) as answer:
            return json.loads(answer.read() or b"null")
