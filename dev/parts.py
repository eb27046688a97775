# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What "make test" consists of, longest parts first."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from functools import partial

import ansible_test
import build
import paths
import system_packages
from part import Definition, Part

PYTEST_COUNT = re.compile(r"(\d+) (passed|failed|skipped|errors?|xfailed|xpassed)\b")
SCENARIO = re.compile(r"^(\S+) *: actions=\d+ +successful=[1-9].* failed=0 *$", re.MULTILINE)
PACKAGE = "ansible_collections.storeops.refunds"


def lint(part: Part) -> None:
    env = paths.linked_environment(part.name)
    part.step(["ruff", "check", "."], env)
    part.step(["yamllint", "--strict", "."], env)
    part.step(["mypy", "-p", f"{PACKAGE}.plugins"], env)
    part.step(["mypy", "extensions/simulator"], env | {"MYPYPATH": "extensions/simulator"})
    part.step(["mypy", "dev"], env)
    part.step(["ansible-lint", "--offline", "--strict"], env)
    part.step(["antsibull-changelog", "lint"], env)
    part.step(["reuse", "lint", "--lines"], env)
    part.step(["antsibull-docs", "lint-collection-docs", "--plugin-docs", "."], env)
    pytest(part, "tests/dev")


def pytest(part: Part, folder: str, python: str = paths.OWN_PYTHON) -> None:
    env = paths.linked_environment(part.name, python)
    cache = f"cache_dir={paths.CACHE / 'pytest' / part.name}"
    program = paths.venv_for(python) / "bin" / "python"
    code, output = part.run([program, "-m", "pytest", "-rsfE", "-o", cache, folder], env)
    closing = next((line for line in reversed(output.splitlines()) if " in " in line), "")
    counts = {word.rstrip("s"): int(number) for number, word in PYTEST_COUNT.findall(closing)}
    part.passed += counts.get("passed", 0)
    part.skipped += counts.get("skipped", 0) + counts.get("xfailed", 0)
    part.failed += counts.get("failed", 0) + counts.get("error", 0)
    if code == 5 or not part.passed:
        part.fail(f"no test of {folder} ran and passed")
    elif code != 0 and not part.failed:
        part.fail(f"pytest ended with exit code {code}")


def browser(part: Part) -> None:
    if not system_packages.has_chromium() and not os.environ.get("CI"):
        return part.skip("NO CHROMIUM HERE, so nothing ran in a browser: apt-get install chromium")
    pytest(part, "tests/browser")


def molecule(part: Part) -> None:
    env = paths.linked_environment(part.name)
    scenarios = sorted(paths.ROOT.glob("extensions/molecule/*/molecule.yml"))
    if not scenarios:
        return part.fail("no molecule scenario in extensions/molecule")
    code, output = part.run(["molecule", "test", "--all"], env)
    names = {scenario.parent.name for scenario in scenarios}
    ran = set(SCENARIO.findall(output))
    for name in sorted(names):
        part.check(name in ran and code == 0, f"molecule scenario {name} (exit code {code})")


def demo(part: Part) -> None:
    part.step(["python", "examples/demo/run.py"], paths.linked_environment(part.name))


def docs(part: Part) -> None:
    env = paths.linked_environment(part.name)
    sources, target = paths.CACHE / "docs", paths.ROOT / "docs" / "build"
    for folder in (sources, target):
        shutil.rmtree(folder, ignore_errors=True)
    sources.mkdir(parents=True, mode=0o700)
    generate = ("antsibull-docs", "collection", "--use-current", "--squash-hierarchy")
    options = ("--fail-on-error", "--dest-dir", sources)
    if part.step([*generate, *options, "storeops.refunds"], env) is None:
        return
    settings = ("-c", "docs/docsite", "-d", sources / ".doctrees")
    part.step(["sphinx-build", "-q", "-W", "--keep-going", *settings, sources, target], env)


Tested = Callable[[Part, str], None]


def _skipped(part: Part, python: str) -> None:
    part.skip(f"NO PYTHON {python} HERE, so nothing ran on ansible-core {paths.MATRIX[python]}")


def _bound(test: Tested, python: str) -> Callable[[Part], None]:
    return lambda part: test(part, python)


def _each_python(name: str, test: Tested) -> list[Definition]:
    """One part for each tested Python: skipped where the machine lacks it."""
    parts = []
    for python, core in paths.MATRIX.items():
        chosen = test if (paths.venv_for(python) / "bin/ansible-test").exists() else _skipped
        parts.append(Definition(f"{name}-{core}-py{python}", _bound(chosen, python)))
    return parts


def _units(part: Part, python: str) -> None:
    pytest(part, "tests/unit", python)


def all_parts() -> list[Definition]:
    return [
        # Of sanity and units the oldest and the newest: what both accept, the one between accepts.
        *_each_python("sanity", ansible_test.sanity)[:: len(paths.MATRIX) - 1],
        *_each_python("integration", ansible_test.integration),
        Definition("molecule", molecule),
        Definition("simulator", partial(pytest, folder="tests/simulator")),
        *_each_python("unit", _units)[:: len(paths.MATRIX) - 1],
        Definition("browser", browser),
        Definition("scale", partial(pytest, folder="tests/scale")),
        Definition("lint", lint),
        Definition("build", build.build),
        Definition("docs", docs),
        Definition("examples", partial(pytest, folder="tests/examples")),
        Definition("demo", demo),
        Definition("bench", partial(pytest, folder="tests/bench")),
        Definition("secrets", partial(pytest, folder="tests/secrets")),
    ]
