# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How fast it is, as ratios in one run, against what people write today and against the floor.

python tests/bench/run.py                  everything, into docs/BENCHMARKS.md
python tests/bench/run.py --sizes 1,100    quick; printed only
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "dev"), str(ROOT / "tests" / "unit"), str(ROOT / ".cache" / "root")]

import paths  # noqa: E402 - lies in dev
import processes  # noqa: E402
import profiles  # noqa: E402
import publisher  # noqa: E402
import reading_works  # noqa: E402
import refund_works  # noqa: E402
import report  # noqa: E402
import works  # noqa: E402
from simulator_process import Simulator  # noqa: E402

SIZES = (1, 100, 1000, 10000)
# A loop of modules takes half a second for each app, and more where the module is large.
LARGEST_LOOP = 100
LARGEST_MODULE_LOOP = 20
LARGEST_SINGLE_THREAD = 1000
# Where answers take a while: the apps of the playbook, and of the bulk task.
LATE_SITE, LATE_BULK, LATE_LARGE = 300, 1000, 10_000


def main() -> int:
    options = _options()
    sizes = sorted({int(size) for size in options.sizes.split(",")}) if options.sizes else list(SIZES)
    output = options.output or (None if options.sizes else ROOT / "docs" / "BENCHMARKS.md")
    if options.refunds is None:
        options.refunds = 0 if options.sizes else refund_works.COUNT
    # Before it makes its own load.
    machine = report.machine()
    with tempfile.TemporaryDirectory(prefix="refunds-bench-") as name:
        folder = Path(name)
        made = publisher.make(folder, max(sizes))
        with Simulator(folder / "world.json") as simulator:
            bench = works.Bench(folder, made, simulator, _environment(), options.runs)
            try:
                if options.profile:
                    bench.warm_up()
                    profiles.show(bench)
                    return 0
                figures = _measure(bench, sizes)
                more = refund_works.measure(bench, options.refunds) if options.refunds else []
                more += reading_works.measure(bench, reading_works.SMALL if options.sizes else reading_works.READINGS)
            except processes.BenchFailed as failure:
                print(f"bench: FAILED: {failure}", file=sys.stderr)
                return 1
    text = report.document(figures, more, machine)
    print("\n" + text[text.index("## Bars") :])
    if output:
        output.write_text(text)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", help="numbers of apps, such as 1,100; left out: all")
    parser.add_argument("--runs", type=int, default=works.RUNS, help="runs of each work")
    parser.add_argument("--refunds", type=int, help="how many refunds a ledger has; 0: leave that out")
    parser.add_argument("--profile", action="store_true", help="only show where our own time goes")
    parser.add_argument("--output", type=Path, help="where to write the page")
    return parser.parse_args()


def _environment() -> dict[str, str]:
    """Ansible's defaults, but for what the bench itself needs."""
    return {
        **paths.linked_environment("bench"),
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback_plugins"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    }


def _measure(bench: works.Bench, sizes: list[int]) -> report.Figures:
    if bench.runs > 1:
        bench.warm_up()
    figures = report.Figures({})
    loops = [size for size in sizes if size <= LARGEST_LOOP]
    plan = [(works.EMPTY, 0)]
    for size in loops[-1:]:
        plan += [(works.PING, size), (works.URI, size), (works.MODULE, min(size, LARGEST_MODULE_LOOP))]
    plan += [(works.BARE_1, size) for size in sizes if size <= LARGEST_SINGLE_THREAD]
    plan += [(works.BARE_8, size) for size in sizes]
    plan += [(works.ONE_BY_ONE, size) for size in loops]
    plan += [(works.BULK, size) for size in sizes]
    late = [(works.LATE_BULK, LATE_SITE), (works.LATE_SITE, LATE_SITE), (works.LATE_BARE, LATE_BULK)]
    late += [(works.LATE_BULK, LATE_BULK), (works.LATE_BULK, LATE_LARGE)]
    # A small run has the same size for both.
    once = {(work.name, min(most, sizes[-1])): (work, min(most, sizes[-1])) for work, most in late}
    for measured in [*bench.measure(plan), *bench.measure_late(list(once.values()))]:
        figures.measured[measured.work.name, measured.size] = measured
    figures.measured["faulty", sizes[-1]] = bench.measure_faulty(sizes[-1])
    return figures


if __name__ == "__main__":
    sys.exit(main())
