# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the matrices whole and write docs/MATRICES.md: "make deep", some four minutes.

"make test" runs a fixed part of each, and compares it with what the document says.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import matrix_elsewhere
import matrix_kills
from matrix_faults import FAULTS, PASSING, Judge, cells, name_of
from matrix_scenes import SCENES, Place
from unit_servers import simulator
from unit_support import ROOT, Patience, new_pem

from ansible_collections.storeops.refunds.plugins.module_utils import _run

DOCUMENT = ROOT / "docs" / "MATRICES.md"
Words = dict[tuple[str, str, str], str]
_INTRODUCTION = """<!--
SPDX-FileCopyrightText: storeops.refunds contributors
SPDX-License-Identifier: GPL-3.0-or-later
Made by "make deep".
-->

# What was tried against this collection

`make deep` runs these tables whole and writes this page. `make test` runs a fixed part of each, and fails where it
finds something else than what stands here.

After every cell, whatever came of it, the same task runs again without the fault. It has to come to the same end as if
nothing had happened: nothing lost, nothing twice. No result, warning or message of any cell shows a secret or a
traceback, and each failure is a sentence with a next step.
"""
_FAULTS = """
## A call fails, and goes on failing

- *fails*: the task fails.
- *goes on*: the task found that the service had done it all the same, or the call is one that is given more time (a
  download that Apple offers once). A deletion takes any 200 and any 404.
- *then lost*: Apple gives a new key out once, and that answer was lost. The next run says so, and
  `regenerate: if_lost` replaces the key.
"""
_PASSING = """
## A call fails once

- *goes on*: the request was sent again.
- *fails*: it must not be sent twice, and the next run finds what it did.
"""
_KILLS = """
## Killed

SIGKILL before each commit, before and after each write of a key file, and after each answer of a service.
"""
_DATABASES = """
## The ledger's database
"""
_HOSTILE = """
## Hostile input
"""


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _grid(words: Words, columns: list[str]) -> str:
    rows = [
        [scene.name, f"`{call[1]}`", *(words[scene.name, call[1], name] for name in columns)]
        for scene in SCENES
        for call in scene.calls
    ]
    return _table(["task", "call", *columns], rows)


def _test(name: str) -> str:
    return f"`{name.rpartition('/')[2]}`" if name else "there is none"


def render(lasting: Words, passing: Words, kills: dict[str, tuple[int, list[str]]]) -> str:
    """Return the page."""
    killed = [
        [name, str(points), "the same end" + (f", {len(lost)} times with `regenerate: if_lost`" if lost else "")]
        for name, (points, lost) in kills.items()
    ]
    killed += [[name, "", _test(test)] for name, test in matrix_elsewhere.KILLED_ELSEWHERE.items()]
    databases = [[name, *map(_test, pair)] for name, pair in matrix_elsewhere.DATABASES.items()]
    hostile = [[name, what, _test(test)] for name, (what, test) in matrix_elsewhere.HOSTILE.items()]
    return "".join(
        [
            _INTRODUCTION,
            f"{_FAULTS}\n{_grid(lasting, [fault.name for fault in FAULTS])}",
            f"{_PASSING}\n{_grid(passing, list(PASSING))}",
            f"{_KILLS}\n{_table(['what', 'points', 'run again'], killed)}",
            f"{_DATABASES}\n{_table(['trouble', 'SQLite', 'PostgreSQL'], databases)}",
            f"{_HOSTILE}\n{_table(['input', 'what is tried', 'test'], hostile)}",
        ]
    )


def _rows(heading: str) -> list[list[str]]:
    section = DOCUMENT.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [re.split(r" \| ", line.strip("| ")) for line in lines]


def written(heading: str) -> Words:
    """Return the words of a table of calls, as the page has them."""
    heads, _rule, *rows = _rows(heading)
    return {
        (row[0], row[1].strip("`"), name): word for row in rows for name, word in zip(heads[2:], row[2:], strict=True)
    }


def written_kills() -> dict[str, int]:
    """Return how many points each scene has, as the page has it."""
    return {row[0]: int(row[1]) for row in _rows("Killed")[2:] if row[1].isdecimal()}


def main() -> None:
    """Run everything and write the page."""
    # Nobody waits for a pause between two tries.
    _run.Transport = Patience().transport  # type: ignore[misc, assignment]
    with simulator(new_pem(), new_pem()) as sim, tempfile.TemporaryDirectory() as folder:
        judge = Judge(Place(sim, Path(folder)))
        lasting = {name_of(cell): judge.lasting(cell) for cell in cells()}
        passing = {name_of(cell): judge.passing(cell) for cell in cells() if cell[2].name in PASSING}
        kills = {scene.name: matrix_kills.whole(judge, scene) for scene in SCENES}
    DOCUMENT.write_text(render(lasting, passing, kills))
    killed = sum(points for points, _lost in kills.values())
    print(f"{len(lasting) + len(passing)} calls that failed, {killed} kills: {DOCUMENT}")


if __name__ == "__main__":
    main()
