# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the parts of the tests, some at a time: all, those that are named, or with "check" what is for every save.

One line for each part as it ends, then a table. Of a part that failed,
the log's end is shown before the table, and after it what failed by name.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from types import FrameType
from typing import Any

import faults
import part as parts_runner
import parts
import paths

WIDTH = 78
# Lines of the log of a part that failed.
TAIL = 60
SAME_S = 5  # seconds in which a second signal is taken for the same one
_stopped: list[float] = []
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _line(part: parts_runner.Part) -> str:
    skipped = f", {part.skipped} skipped" if part.skipped else ""
    return f"{part.result:8} {part.name:24} {part.seconds:6.0f} s  {part.passed} passed, {part.failed} failed{skipped}"


def _failure(part: parts_runner.Part) -> None:
    """The end of the log."""
    print(f"\n{f'== {part.name} ':=<{WIDTH}}")
    for line in part.log.read_text(errors="replace").rstrip().splitlines()[-TAIL:]:
        print(line[: 4 * WIDTH])


def _named(part: parts_runner.Part) -> None:
    """What failed, in few lines."""
    print(f"-- {part.name} failed; the whole log is {part.log.relative_to(paths.ROOT)}:")
    for line in faults.found(part.log.read_text(errors="replace")):
        print(f"  {line}")


def _table(done: list[parts_runner.Part], seconds: float) -> None:
    print("=" * WIDTH)
    print(f"{'part':28} {'result':8}  seconds  of CPU  passed  failed  skipped")
    for part in done:
        counts = f"{part.passed:7} {part.failed:7} {part.skipped:8}"
        print(f"{part.name:28} {part.result:8} {part.seconds:8.1f} {part.worked:7.0f} {counts}")
    print(f"{len(done)} parts in {seconds:.0f} s; the tests were in the order of SEED={parts.SEED}")


def _chosen(names: list[str]) -> list[parts_runner.Definition]:
    known = parts.all_parts()
    for name in names:
        if not any(d.name == name or d.name.startswith(f"{name}-") for d in known):
            sys.exit(f"No part {name}; there are: {' '.join(d.name for d in known)}")
    wanted = tuple(f"{name}-" for name in names)
    return [d for d in known if not names or f"{d.name}-".startswith(wanted)]


def _stop(number: int, _frame: FrameType | None) -> None:
    _stopped.append(time.monotonic())
    # Who stops the group of "make test" stops this twice: make hands on what it was told.
    if 0 < _stopped[-1] - _stopped[0] < SAME_S:
        return
    raise parts_runner.Stopped(signal.Signals(number).name)


def _performed(chosen: list[parts_runner.Definition], workers: int) -> Iterator[parts_runner.Part]:
    """Perform all and give each as it ends; told to stop, end what runs and begin nothing more."""
    # Also where this was started by nohup or in the background, which ignore Ctrl-C and hand that on.
    before: dict[signal.Signals, Any] = {number: signal.signal(number, _stop) for number in STOPS}
    pool = ThreadPoolExecutor(workers)
    try:
        going = {pool.submit(parts_runner.perform, definition) for definition in chosen}
        while going:
            # In slices: a signal that the system gives to a thread is seen by Python's main thread once it wakes.
            ended, going = wait(going, timeout=0.5, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in ended)
    except parts_runner.Stopped:
        print("Stopping what runs; once more ends it at once", flush=True)
        pool.shutdown(wait=False, cancel_futures=True)
        parts_runner.stop_all()
        # All has ended but this: the same stop, handed on late, must not take its last line.
        before = dict.fromkeys(STOPS, signal.SIG_IGN)
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        pool.shutdown()


def main() -> int:
    start = time.monotonic()
    names = [name for given in sys.argv[1:] for name in (parts.CHECK if given == "check" else (given,))]
    chosen = _chosen(names)
    # More than there are cores: parts wait a quarter of their time, for a browser, a disk or a rulebook.
    workers = int(os.environ.get("JOBS", len(os.sched_getaffinity(0)) + 3))
    done: dict[str, parts_runner.Part] = {}
    print(
        f"{len(chosen)} parts, {workers} at a time; logs are in {parts_runner.LOGS.relative_to(paths.ROOT)}", flush=True
    )
    try:
        for part in _performed(chosen, workers):
            done[part.name] = part
            print(_line(part), flush=True)
    except parts_runner.Stopped as stopped:
        print(f"Stopped by {stopped}; {len(done)} of {len(chosen)} parts had ended", flush=True)
        return 1
    ordered = [done[d.name] for d in chosen]
    failures = [part for part in ordered if part.failed]
    for part in failures:
        _failure(part)
    _table(ordered, time.monotonic() - start)
    # After the table: where only the last lines of a run are kept, they tell what failed.
    for part in failures:
        _named(part)
    passed, failed, skipped = (sum(getattr(part, what) for part in ordered) for what in ("passed", "failed", "skipped"))
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
