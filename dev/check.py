# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the parts of the tests, two at a time: all of them, or those whose names are given."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

import faults
import part as parts_runner
import parts
import paths

WIDTH = 78


def _echo(part: parts_runner.Part) -> None:
    print(f"{f'== {part.name}: {part.result} ':=<{WIDTH}}")
    print(part.log.read_text(errors="replace").rstrip(), flush=True)


def _table(done: list[parts_runner.Part], seconds: float) -> None:
    print("=" * WIDTH)
    print(f"{'part':28} {'result':8}  seconds  passed  failed  skipped")
    for part in done:
        counts = f"{part.passed:7} {part.failed:7} {part.skipped:8}"
        print(f"{part.name:28} {part.result:8} {part.seconds:8.1f} {counts}")
    print(f"{len(done)} parts in {seconds:.0f} s")


def _failures(done: list[parts_runner.Part]) -> None:
    for part in done:
        if part.failed:
            lines = faults.found(part.log.read_text(errors="replace")) or [f"see {part.log.relative_to(paths.ROOT)}"]
            print("\n  ".join([f"-- {part.name}:", *lines]))


def _chosen(names: list[str]) -> list[parts_runner.Definition]:
    known = parts.all_parts()
    for name in names:
        if not any(d.name == name or d.name.startswith(f"{name}-") for d in known):
            sys.exit(f"No part {name}; there are: {' '.join(d.name for d in known)}")
    wanted = tuple(f"{name}-" for name in names)
    return [d for d in known if not names or f"{d.name}-".startswith(wanted)]


def main() -> int:
    start = time.monotonic()
    chosen = _chosen(sys.argv[1:])
    workers = int(os.environ.get("JOBS", "2"))
    done: dict[str, parts_runner.Part] = {}
    with ThreadPoolExecutor(workers) as pool:
        for future in as_completed([pool.submit(parts_runner.perform, d) for d in chosen]):
            part = future.result()
            done[part.name] = part
            _echo(part)
    ordered = [done[d.name] for d in chosen]
    _failures(ordered)
    _table(ordered, time.monotonic() - start)
    passed, failed, skipped = (sum(getattr(part, what) for part in ordered) for what in ("passed", "failed", "skipped"))
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
