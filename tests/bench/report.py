# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The figures as text: every work, the bars of the design, and the machine they were taken on."""

from __future__ import annotations

import datetime
import os
import platform
import typing as t
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import processes
import works
from works import Measured

LIBRARIES = ("ansible-core", "requests", "urllib3", "PyJWT", "cryptography", "SQLAlchemy")
LARGEST_MB = 250
# The default of `deadline`, which every work of ours has.
DEADLINE_S = 120
MB_PER_1000 = 20
CONNECTIONS = 64


@dataclass(frozen=True)
class Bar:
    """One line of the design's table: what was asked for, what came out, and whether that is enough."""

    work: str
    wanted: str
    found: str
    is_met: bool


@dataclass
class Figures:
    """All that was measured, by name of work and size."""

    measured: dict[tuple[str, int], Measured]

    def at(self, name: str, size: int) -> Measured | None:
        return self.measured.get((name, size))

    def sizes(self, name: str) -> list[int]:
        return sorted(size for work, size in self.measured if work == name)

    @property
    def start(self) -> float:
        """Seconds of an empty play."""
        return self.measured["empty", 0].seconds

    def bare(self, size: int) -> float:
        """Seconds of the better bare script."""
        return min(m.seconds for (name, n), m in self.measured.items() if name.startswith("bare") and n == size)

    def uri(self, size: int) -> float:
        """Seconds of the uri loop, scaled from the largest size that was measured: it grows by the app."""
        base = self.measured["uri", max(self.sizes("uri"))]
        return self.start + (base.seconds - self.start) / base.size * size


def bars(figures: Figures) -> list[Bar]:
    """Judge what was measured; a size that was left out has no line."""
    return [*_speed(figures), *_growth(figures), *_steadiness(figures), *_faults(figures)]


def _speed(figures: Figures) -> t.Iterator[Bar]:
    if one := figures.at("one_by_one", 100):
        ratio = figures.uri(100) / one.seconds
        yield Bar("100 apps, one task each", "≥ 20 x faster than the uri loop", f"{ratio:.1f} x", ratio >= 20)
    if bulk := figures.at("bulk", 1000):
        floor = figures.bare(1000) + figures.start
        found = f"{bulk.seconds / floor:.2f} x ({bulk.seconds:.2f} s to {floor:.2f} s)"
        yield Bar("1,000 apps, bulk", "≤ 1.5 x (bare script + empty play)", found, bulk.seconds <= 1.5 * floor)
        ratio = figures.uri(1000) / bulk.seconds
        yield Bar("1,000 apps, bulk", "≥ 150 x faster than the uri loop (scaled)", f"{ratio:.0f} x", ratio >= 150)
    yield from _late(figures)


def _late(figures: Figures) -> t.Iterator[Bar]:
    """Judge what was measured with answers that take a while."""
    for size in figures.sizes("late_site"):
        site, bulk = figures.measured["late_site", size], figures.at("late_bulk", size)
        if bulk:
            found = f"{site.seconds / bulk.seconds:.2f} x ({site.seconds:.2f} s to {bulk.seconds:.2f} s)"
            yield Bar(f"{size:,} apps, `site`, {works.LATE}", "≤ 1.3 x bulk", found, site.seconds <= 1.3 * bulk.seconds)
    for size in figures.sizes("late_bare"):
        bare, bulk = figures.measured["late_bare", size], figures.at("late_bulk", size)
        if bulk:
            floor = bare.seconds + figures.start
            found = f"{bulk.seconds / floor:.2f} x ({bulk.seconds:.2f} s to {floor:.2f} s)"
            wanted = "≤ 1.3 x (bare script with 64 threads + empty play)"
            yield Bar(f"{size:,} apps, bulk, {works.LATE}", wanted, found, bulk.seconds <= 1.3 * floor)


def _growth(figures: Figures) -> t.Iterator[Bar]:
    small, large = figures.at("bulk", 1000), figures.at("bulk", 10000)
    if small and large:
        factor = (large.seconds - figures.start) / (small.seconds - figures.start)
        found = f"{factor:.1f} x the time of 1,000, Ansible's start left out"
        yield Bar("10,000 apps, bulk", "time grows linearly (≤ 12 x)", found, factor <= 12)
        first = figures.at("bulk", 1)
        if first:
            # Below 1,000 apps the process itself is nearly all of it, so that a ratio would be of noise.
            each = (large.tree_mb - small.tree_mb) / 9
            found = (
                f"{each:.1f} MB ({first.tree_mb:.0f}, {small.tree_mb:.0f}, {large.tree_mb:.0f} MB at 1, 1,000, 10,000)"
            )
            wanted = f"each further 1,000 take ≤ {MB_PER_1000} MB"
            yield Bar("10,000 apps, bulk", wanted, found, each <= MB_PER_1000)
    if late := figures.at("late_bulk", 10000):
        found = f"{late.seconds:.1f} s, {late.tree_mb:.0f} MB"
        wanted = f"within the default deadline of {DEADLINE_S} s, ≤ {LARGEST_MB} MB"
        is_met = late.seconds <= DEADLINE_S and late.tree_mb <= LARGEST_MB
        yield Bar(f"10,000 apps, bulk, {works.LATE}", wanted, found, is_met)
    if large:
        found = f"{large.tree_mb:.0f} MB (largest process {large.largest_mb:.0f} MB)"
        yield Bar("10,000 apps, bulk", f"≤ {LARGEST_MB} MB", found, large.tree_mb <= LARGEST_MB)


def _steadiness(figures: Figures) -> t.Iterator[Bar]:
    for name, most, where in (("one_by_one", 1, "one worker"), ("bulk", CONNECTIONS, f"up to {CONNECTIONS} threads")):
        found = [m for (work, _size), m in figures.measured.items() if work == name]
        if found:
            calls = all(m.calls == m.size for m in found)
            text = ", ".join(f"{m.calls:,} calls / {m.connections} connections" for m in found)
            wanted = f"one call per app, one connection per worker ({where})"
            yield Bar(found[0].work.title, wanted, text, calls and all(m.connections <= most for m in found))


def _faults(figures: Figures) -> t.Iterator[Bar]:
    for size in figures.sizes("faulty"):
        faulty = figures.measured["faulty", size]
        http = faulty.results["http"]
        found = f"{faulty.struck:,} faults, {http['retries']:,} retries, all {size:,} right, {faulty.seconds:.1f} s"
        right = http["retries"] == faulty.struck and faulty.results["statuses"] == {"Active": size}
        yield Bar(f"{size:,} apps, bulk, 429 and 500", "every app ends right, retries are told", found, right)


def table(figures: Figures) -> list[str]:
    """Give all works as lines of Markdown."""
    lines = [
        "| work | apps | seconds (median) | runs: least to most | ms per app | CPU s | simulator's CPU s "
        "| x uri loop | MB tree | MB largest |",
        "|---|--:|--:|---|--:|--:|--:|--:|--:|--:|",
    ]
    for (name, size), measured in figures.measured.items():
        spread = [run.seconds for run in measured.runs]
        # The bare script does not start Ansible.
        start = 0.0 if name.startswith(("bare", "late_bare")) else figures.start
        each = f"{(measured.seconds - start) / size * 1000:.2f}" if size else ""
        ratio = f"{figures.uri(size) / measured.seconds:.1f}" if size and figures.sizes("uri") else ""
        lines.append(
            f"| {measured.work.title} | {size:,} | {measured.seconds:.2f} | {len(spread)}: {min(spread):.2f} to "
            f"{max(spread):.2f} | {each} | {measured.cpu:.2f} | {measured.simulator:.2f} | {ratio} "
            f"| {measured.tree_mb:.0f} | {measured.largest_mb:.0f} |"
        )
    return lines


def bar_table(found: t.Sequence[Bar]) -> list[str]:
    lines = ["| work | bar | measured | |", "|---|---|---|---|"]
    return lines + [f"| {b.work} | {b.wanted} | {b.found} | {'met' if b.is_met else '**missed**'} |" for b in found]


def machine() -> list[str]:
    """Say what the figures were taken on, without names."""
    cpus = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = next(int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return [
        f"- Date: {datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
        f"- Machine: {os.cpu_count()} x {cpus[0] if cpus else platform.machine()}, {memory / 1024 / 1024:.0f} GiB",
        f"- Python {platform.python_version()}, {versions}",
        f"- Load when it began: {os.getloadavg()[0]:.1f}",
    ]


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


HEAD = f"""<!--
SPDX-FileCopyrightText: storeops.refunds contributors
SPDX-License-Identifier: GPL-3.0-or-later
Written by "make bench".
-->

# Benchmarks

Measured by `make bench` in one run: ratios mean something, seconds only on this machine. Every figure is a whole
process started fresh (Ansible's start included), against one simulator on 127.0.0.1 that shares the machine's CPUs.
All apps are Active in the ledger, which holds no others, and ours run with `--check`: an audit that finds every app as
it should be.

- The uri loop is flattered: its tokens are signed beforehand and it only makes the call. It compares nothing and judges
  nothing. Above its measured size its time is scaled by the app.
- Both loops are of one team's apps: what is the same for all stands in `module_defaults`, and only what differs from
  app to app is a template. Each process is given what it needs and no more.
- The bare script signs (PyJWT) and calls (requests, kept connections) and does nothing else; the better of 1 and 8
  threads counts.
- Up to {works.RUNS} runs each (fewer where one takes long); the median counts, least and most are shown.
- What ours come to is counted in one more run, which isn't measured.
- ms per app: an empty play's time is left out. x uri loop: how many times faster than the uri loop of that size.
- MB tree: the highest sum of the proportional set sizes (PSS, shared pages counted once) of the process and all its
  children, looked at every {processes.SAMPLED_EVERY_S:g} s. MB largest: the highest resident size (VmHWM) of one.
- The simulator's CPU time (signature checks, HTTP) is part of every wall time, the baselines' as well as ours.
"""


def document(figures: Figures, more: t.Sequence[str], machine_lines: t.Sequence[str]) -> str:
    """Give the whole page."""
    parts = [
        HEAD.rstrip(),
        "\n".join(machine_lines),
        "## Bars",
        "\n".join(bar_table(bars(figures))),
        "## All figures",
        "\n".join(table(figures)),
        *more,
    ]
    return "\n\n".join(parts) + "\n"
