# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the time of our own works goes: cProfile in the parent and in each worker process."""

from __future__ import annotations

import io
import pstats
import sys

import processes
from works import BULK, HERE, ONE_BY_ONE, Bench

PROFILED = ((ONE_BY_ONE, 100), (BULK, 1000))
SHOWN = 25


def show(bench: Bench) -> None:
    """Print, for each process, the functions with most time of their own and with most time below them."""
    for work, size in PROFILED:
        folder = bench.folder / f"profiles_{work.name}"
        folder.mkdir()
        count = min(size, len(bench.publisher.apps))
        file = work.written(bench.publisher, count, bench.simulator.app_store_server)
        command = [sys.executable, str(HERE / "profiled_playbook.py"), *work.command(file)[1:]]
        processes.run(command, {**bench.environment, "BENCH_PROFILES": str(folder)}, bench.folder / "profile.log")
        for file in sorted(folder.glob("*.prof")):
            text = io.StringIO()
            statistics = pstats.Stats(str(file), stream=text).strip_dirs()
            statistics.sort_stats("tottime").print_stats(SHOWN)
            statistics.sort_stats("cumtime").print_stats(2 * SHOWN)
            bench.say(f"\n=== {work.title}, {count} apps, {file.stem}\n{text.getvalue()}")
