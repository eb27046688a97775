# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the samples in RETURN with real results; with --write put real results in place of those that differ.

The results are those of tests/examples/examples_run.py, from a file whose name is given, or run anew.
A sample differs when it has another shape (names, types) than a result; without --write that ends with exit code 1.
Values may differ, and what has the right shape is never replaced: values hold times and the fingerprints of keys that
are made for each run.
"""

from __future__ import annotations

import difflib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from paths import ROOT

Json = dict[str, Any]


def _outcome() -> Json:
    names = [argument for argument in sys.argv[1:] if argument != "--write"]
    command = [sys.executable, str(ROOT / "tests/examples/examples_run.py")]
    text = Path(names[0]).read_text() if names else subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    outcome: Json = json.loads(text)
    if outcome["code"] != 0:
        sys.exit(f"The examples failed:\n{outcome['output']}")
    return outcome


def _fullness(value: Any) -> int:
    """How much a value has to show: what is null or empty shows nothing."""
    if isinstance(value, dict):
        return sum(_fullness(item) for item in value.values())
    if isinstance(value, list):
        return sum(_fullness(item) for item in value)
    return 0 if value in (None, "") else 1


def _best(results: list[Json], name: str) -> Any:
    """The first of the fullest values, preferring examples to the tasks that were added to them; None without any."""
    best = None
    for is_extra in (False, True):
        values = [r["result"][name] for r in results if r["extra"] == is_extra and r["result"].get(name) is not None]
        if values and not _fullness(best):
            best = max(values, key=_fullness)
    return best


def _shape(value: Any) -> Any:
    """Names and types; null fits anything, and the items of a list are one."""
    if isinstance(value, dict):
        return {name: _shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shape(value[0])] if value else []
    return None if value is None else type(value).__name__


def _fits(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_fits(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return not one or not other or _fits(one[0], other[0])
    return bool(one == other)


class _Indented(yaml.SafeDumper):
    """Indents lists below their names, as the rest of the documentation does."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _block(value: Any) -> list[str]:
    if not isinstance(value, (dict, list)):
        return [f"  sample: {yaml.safe_dump(value, width=10_000).splitlines()[0]}"]
    if not value:
        return [f"  sample: {value}"]
    text = yaml.dump(value, Dumper=_Indented, sort_keys=False, width=100, allow_unicode=True)
    return ["  sample:", *(f"    {line}" for line in text.splitlines())]


def _replaced(lines: list[str], name: str, value: Any) -> list[str]:
    """``lines`` is a module; the sample of its top-level return value ``name`` is replaced."""
    start = lines.index(f"{name}:", lines.index('RETURN = r"""'))
    first = next(i for i in range(start + 1, len(lines)) if re.match(r"  sample:", lines[i]))
    last = next(i for i in range(first + 1, len(lines)) if not lines[i].startswith("    "))
    return [*lines[:first], *_block(value), *lines[last:]]


def main() -> int:
    outcome = _outcome()
    bad = 0
    for module, document in outcome["documents"].items():
        file = ROOT / "plugins/modules" / f"{module}.py"
        old = new = file.read_text().splitlines()
        results = [entry for entry in outcome["captured"] if entry["module"] == module]
        for name, field in document["return"].items():
            value = _best(results, name)
            if "sample" not in field:
                continue
            if value is None:
                print(f"{module}: no result had {name}; its sample stays", file=sys.stderr)
                continue
            if field["sample"] in (None, "", [], {}) or not _fits(_shape(field["sample"]), _shape(value)):
                bad += 1
                new = _replaced(new, name, value)
                print(f"{module}: the sample of {name} has another shape than its results")
        if "--write" in sys.argv:
            file.write_text("\n".join(new) + "\n")
        elif new != old:
            print("\n".join(difflib.unified_diff(old, new, str(file), "results", lineterm="")))
    return int(bool(bad) and "--write" not in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
