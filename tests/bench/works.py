# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is measured: each work is a whole process, started fresh, against the same simulator."""

from __future__ import annotations

import json
import statistics
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import loops
import processes
from processes import BenchFailed, Ran
from publisher import Publisher
from simulator_process import Simulator

HERE = Path(__file__).resolve().parent
RUNS = 3
# Enough for the median of what is short; what takes longer than this is measured once.
ENOUGH_S = 40.0
FAULT_RATE = 0.05
Faults = t.Callable[[], list[dict[str, t.Any]]]


# From a publisher, a number of apps and the App Store Server's URL to the file that a process is started with.
Written = t.Callable[[Publisher, int, str], Path]


@dataclass(frozen=True)
class Work:
    """One kind of process. ``asks``: calls that it has to make for each app. ``is_ours``: its results are counted.

    ``written``: writes what it needs and no more, since Ansible takes long over each variable.
    """

    name: str
    title: str
    command: t.Callable[[Path], list[str]]
    asks: int = 1
    is_ours: bool = False
    written: Written = Publisher.variables
    environment: t.Mapping[str, str] = field(default_factory=dict)


@dataclass
class Measured:
    """All runs of one work at one size."""

    work: Work
    size: int
    runs: list[Ran] = field(default_factory=list)
    simulator_cpu: list[float] = field(default_factory=list)
    calls: int = 0
    connections: int = 0
    results: dict[str, t.Any] = field(default_factory=dict)
    struck: int = 0

    @property
    def seconds(self) -> float:
        """The median."""
        return statistics.median(run.seconds for run in self.runs)

    @property
    def cpu(self) -> float:
        return statistics.median(run.cpu for run in self.runs)

    @property
    def simulator(self) -> float:
        return statistics.median(self.simulator_cpu)

    @property
    def tree_mb(self) -> float:
        return max(run.tree_mb for run in self.runs)

    @property
    def largest_mb(self) -> float:
        return max(run.largest_mb for run in self.runs)


def _playbook(name: str, *arguments: str) -> t.Callable[[Path], list[str]]:
    path = str(HERE / "playbooks" / f"{name}.yml")
    return lambda variables: ["ansible-playbook", path, "-e", f"@{variables}", *arguments]


def _script(threads: int) -> t.Callable[[Path], list[str]]:
    return lambda variables: ["python", str(HERE / "bare_script.py"), str(variables), str(threads)]


def _loop(*arguments: str) -> t.Callable[[Path], list[str]]:
    return lambda playbook: ["ansible-playbook", str(playbook), *arguments]


EMPTY = Work("empty", "empty play", _playbook("empty"), asks=0)
PING = Work("ping", "`ansible.builtin.ping` loop", _loop(), asks=0, written=loops.of_ping)
URI = Work("uri", "`ansible.builtin.uri` loop, tokens signed beforehand", _loop(), written=loops.with_uri)
BARE_1 = Work("bare_1", "bare script, 1 thread", _script(1))
BARE_8 = Work("bare_8", "bare script, 8 threads", _script(8))
# Each answer takes this long, as over a real network.
ANSWER_S = 0.15
LATE = f"answers after {ANSWER_S * 1000:.0f} ms"
LATE_BARE = Work("late_bare", f"bare script, 64 threads, {LATE}", _script(64))
ONE_BY_ONE = Work(
    "one_by_one", "`refund_tracking_integration` in a loop", _loop("--check"), is_ours=True, written=loops.ours
)
MODULE = Work(
    "module",
    "the same as ordinary modules",
    _loop("--check", "-e", "storeops_refunds_in_process=false"),
    is_ours=True,
    written=loops.ours,
)
BULK = Work("bulk", "`refund_tracking_integrations`", _playbook("bulk", "--check"), is_ours=True)
LATE_BULK = Work("late_bulk", f"`refund_tracking_integrations`, {LATE}", _playbook("bulk", "--check"), is_ours=True)
LATE_SITE = Work(
    "late_site",
    f"the playbook `site`, {LATE}",
    lambda variables: ["ansible-playbook", "storeops.refunds.site", "-e", f"@{variables}", "--check"],
    is_ours=True,
)
FAULTY = Work(
    "faulty", f"the same, {FAULT_RATE:.0%} of the answers are 429 or 500", _playbook("bulk", "--check"), is_ours=True
)


@dataclass
class Bench:
    """Where everything lies and runs."""

    folder: Path
    publisher: Publisher
    simulator: Simulator
    environment: dict[str, str]
    runs: int = RUNS
    say: t.Callable[[str], None] = print

    def warm_up(self) -> None:
        """Let Python compile and the machine read what every later run needs."""
        for work in (EMPTY, ONE_BY_ONE, BULK, BARE_8):
            self._once(Measured(work, 1))

    def measure(self, plan: t.Sequence[tuple[Work, int]]) -> list[Measured]:
        """Run each work until its median is worth something.

        They take turns: what else the machine does in the meantime then strikes both sides of a ratio.
        What ours come to is counted in a run of its own: the counting takes its time as well. Where one run is enough,
        nobody looks at its time, and that run is it.
        """
        found = [Measured(work, size) for work, size in plan]
        for measured in found:
            if measured.work.is_ours:
                self._counted(measured)
                if self.runs > 1:
                    measured.runs.clear()
                    measured.simulator_cpu.clear()
        for _turn in range(self.runs):
            for measured in found:
                if len(measured.runs) < self.runs and sum(run.seconds for run in measured.runs) < ENOUGH_S:
                    self._once(measured)
        for measured in found:
            if measured.work.asks:
                self._check_calls(measured)
            self._tell(measured)
        return found

    def measure_late(self, plan: t.Sequence[tuple[Work, int]]) -> list[Measured]:
        """Measure works where every answer takes a while."""
        self.simulator.arm([{"kind": "delay", "seconds": ANSWER_S}])
        try:
            return self.measure(plan)
        finally:
            self.simulator.disarm()

    def measure_faulty(self, size: int) -> Measured:
        """The bulk task where some answers are refusals that pass; the wait that they ask for is over at once."""
        measured = Measured(FAULTY, size)
        rate = FAULT_RATE / 2
        past = {"Retry-After": str(int(time.time() * 1000))}
        limited = {"kind": "status", "error_code": 4290000, "headers": past, "rate": rate, "seed": 1}
        broken = {"kind": "status", "error_code": 5000001, "rate": rate, "seed": 2}
        self.simulator.arm([limited, broken])
        try:
            self._counted(measured)
        finally:
            measured.struck = self.simulator.disarm()
        if measured.results["http"]["retries"] != measured.struck or measured.calls != size + measured.struck:
            raise BenchFailed(f"{measured.struck} faults, {measured.calls} calls, {measured.results}")
        self._tell(measured)
        return measured

    def _counted(self, measured: Measured) -> None:
        """Run it once with our callback, and check what it came to."""
        measured.results = json.loads(self._once(measured, {"ANSIBLE_CALLBACKS_ENABLED": "bench_results"}))
        _check_results(measured)

    def _once(self, measured: Measured, more: t.Mapping[str, str] | None = None) -> str:
        """Run it once. Returns what our callback wrote, which is nothing where time is measured."""
        work, size = measured.work, measured.size
        results = self.folder / "results.json"
        results.write_text("")
        file = work.written(self.publisher, size, self.simulator.app_store_server)
        self.simulator.forget_calls()
        before = self.simulator.cpu_seconds()
        command, log = work.command(file), self.folder / f"{work.name}.log"
        environment = {**self.environment, "BENCH_RESULTS": str(results), **(more or {})}
        measured.runs.append(processes.run(command, environment, log))
        measured.simulator_cpu.append(self.simulator.cpu_seconds() - before)
        measured.calls, measured.connections = self.simulator.calls()
        counted = results.read_text()
        if counted and not more:
            raise BenchFailed(f"{work.title}: results were counted while time was measured")
        return counted

    def _check_calls(self, measured: Measured) -> None:
        expected = measured.work.asks * measured.size
        if measured.calls != expected:
            raise BenchFailed(f"{measured.work.title}: {measured.calls} calls for {measured.size} apps")

    def _tell(self, measured: Measured) -> None:
        seconds = ", ".join(f"{run.seconds:.2f}" for run in measured.runs)
        self.say(f"{measured.work.name:<12} {measured.size:>6} apps: {seconds} s")


def _check_results(measured: Measured) -> None:
    results = measured.results
    if results["statuses"] != {"Active": measured.size} or results["changed"] or results["failed"]:
        raise BenchFailed(f"{measured.work.title}: {results}")
