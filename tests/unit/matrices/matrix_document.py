# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the matrices whole and write docs/MATRICES.md: "make deep", some eight minutes.

"make test" runs a fixed part of each, and compares it with what the document says.
"""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import matrix_elsewhere
import matrix_kills
from matrix_faults import FAULTS, PASSING, Cell, Judge, cells, name_of
from matrix_more_scenes import SCENES
from matrix_scenes import Place
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
  download that Apple offers once). A deletion takes any 200 and any 404, a further URL any 200.
- The event source never fails: *fails* means that it warns, and with `forward_to` that Apple gets 503 and tries
  again; the refund is in the ledger by then, and the other further URLs have it. The field check *fails* where it tells
  an assumption as not seen or not holding.
- *then lost*: Apple gives a new key out once, and that answer was lost. The next run says so, and
  `regenerate: if_lost` replaces the key.
"""
_PASSING = """
## A call fails once

- *goes on*: the request was sent again.
- *fails*: it must not be sent twice, and the next run finds what it did.
"""
_BROWSER = """
## A call of devtodev's page fails, in Chromium

What the tracker's browser asks devtodev for. A form whose answer is lost is looked for on the page, loaded anew. The
field check *fails* where an assumption isn't seen. Where a cell is empty, another row of the same kind tries it.
"""
_KILLS = """
## Killed

SIGKILL before each commit, before and after each write of a key file, and after each answer of a service. A key file's
system calls are also interrupted by Ctrl-C.
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
        [name, f"`{call}`", *(words.get((name, call, fault), "") for fault in columns)]
        for name, call in dict.fromkeys((name, call) for name, call, _fault in words)
    ]
    return _table(["task", "call", *columns], rows)


def _test(name: str) -> str:
    return f"`{name.rpartition('/')[2]}`" if name else "there is none"


def render(lasting: Words, passing: Words, browser: Words, kills: dict[str, tuple[int, list[str]]]) -> str:
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
            f"{_BROWSER}\n{_grid(browser, list(dict.fromkeys(name for _task, _call, name in browser)))}",
            f"{_KILLS}\n{_table(['what', 'points', 'run again'], killed)}",
            f"{_DATABASES}\n{_table(['trouble', 'SQLite', 'PostgreSQL'], databases)}",
            f"{_HOSTILE}\n{_table(['input', 'what is tried', 'test'], hostile)}",
        ]
    )


def _rows(heading: str) -> list[list[str]]:
    section = DOCUMENT.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")] for line in lines]


def written(heading: str) -> Words:
    """Return the words of a table of calls, as the page has them."""
    heads, _rule, *rows = _rows(heading)
    return {
        (row[0], row[1].strip("`"), name): word
        for row in rows
        for name, word in zip(heads[2:], row[2:], strict=True)
        if word
    }


def written_kills() -> dict[str, int]:
    """Return how many points each scene has, as the page has it."""
    return {row[0]: int(row[1]) for row in _rows("Killed")[2:] if row[1].isdecimal()}


def _words(judged: t.Callable[[Cell], str], wanted: list[Cell]) -> tuple[Words, list[str]]:
    """Return what came of each cell, and what is wrong with some: all is told at the end."""
    words: Words = {}
    wrong: list[str] = []
    for cell in wanted:
        try:
            words[name_of(cell)] = judged(cell)
        except AssertionError as error:
            wrong.append(str(error))
    return words, wrong


def main() -> None:
    """Run everything and write the page."""
    # Beside the others: a browser takes its time.
    script = ROOT / "tests" / "browser" / "browser_matrix.py"
    browsing = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    atexit.register(browsing.terminate)
    # Nobody waits for a pause between two tries.
    _run.Transport = Patience().transport  # type: ignore[misc, assignment]
    with simulator(new_pem(), new_pem()) as sim, tempfile.TemporaryDirectory() as folder:
        judge = Judge(Place(sim, Path(folder)))
        lasting, wrong = _words(judge.lasting, cells())
        passing, more = _words(judge.passing, [cell for cell in cells() if cell[2].name in PASSING])
        kills = {scene.name: matrix_kills.whole(judge, scene) for scene in SCENES if scene.changes}
    wrong += more
    told, _nothing = browsing.communicate()
    assert browsing.returncode == 0, "tests/browser/browser_matrix.py failed: see above. It needs Chromium."
    browser = {(task, call, fault): word for task, call, fault, word in json.loads(told)}
    assert not wrong, "\n".join(wrong)
    DOCUMENT.write_text(render(lasting, passing, browser, kills))
    killed = sum(points for points, _lost in kills.values())
    print(f"{len(lasting) + len(passing) + len(browser)} calls that failed, {killed} kills: {DOCUMENT}")


if __name__ == "__main__":
    main()
