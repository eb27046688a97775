# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What "make test" consists of: a part is one line of ``all_parts``, longest first.

A folder of tests for pytest is ``_suite("its folder")``; anything else a function that gets a ``Part``.
"""

from __future__ import annotations

import atexit
import importlib
import os
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import ansible_test
import build
import paths
import system_packages
from matrix import MATRIX, OWN, Version
from part import Definition, Part

PYTEST_COUNT = re.compile(r"(\d+) (passed|failed|skipped|errors?|xfailed|xpassed)\b")
# What comes after that line may have any words: a traceback of what was left to do at the end.
PYTEST_CLOSING = re.compile(rf"{PYTEST_COUNT.pattern}.* in \d+\.\d+s\b")
SCENARIO = re.compile(r"^(\S+) *: actions=\d+ +successful=[1-9].* failed=0 *$", re.MULTILINE)
# antsibull-docs writes the name of its temporary folder into its pages, and a name that ends with "_" is a reference.
DOCS_LINT = """import sys, tempfile
from antsibull_docs.cli.antsibull_docs import main
tempfile._RandomNameSequence.characters = "abcdefghijklmnopqrstuvwxyz"
sys.exit(main())
"""
REPOSITORY = "https://github.com/storeops/refunds/blob/main"
PACKAGE = "ansible_collections.storeops.refunds"
# The order of the tests; SEED=... runs them again in the order of a run that failed.
SEED = int(os.environ.get("SEED", random.randrange(2**32)))


def lint(part: Part) -> None:
    """What costs seconds: style and types."""
    env = paths.linked_environment(part.name)
    part.step(["ruff", "check", "."], env)
    part.step(["yamllint", "--strict", "."], env)
    part.step(["mypy", "-p", f"{PACKAGE}.plugins"], env)
    part.step(["mypy", "extensions/simulator"], env | {"MYPYPATH": "extensions/simulator"})
    part.step(["mypy", "dev"], env)


def _with_forks(env: dict[str, str]) -> dict[str, str]:
    """Let forks be Ansible's programs: ansible-lint starts one for each file whose syntax it checks."""
    sys.path.append(str(paths.ROOT / "tests" / "unit"))
    programs = importlib.import_module("warm").warm(paths.VENV / "bin/python").programs
    return env | {"PATH": f"{programs}{os.pathsep}{env['PATH']}"}


def rules(part: Part) -> None:
    """What others ask of a collection, and our own tools."""
    env = paths.linked_environment(part.name)
    part.step(["ansible-lint", "--offline", "--strict"], _with_forks(env))
    part.step(["antsibull-changelog", "lint"], env)
    part.step(["reuse", "lint", "--lines"], env)
    part.step(["python", "-c", DOCS_LINT, "lint-collection-docs", "--plugin-docs", "."], env)
    pytest(part, "tests/dev")


@cache
def _place_of_tests() -> Path:
    """Return this run's own folder for tests' files, which no other run of the same tree empties.

    pytest closes its usual folder to others whenever it starts, also while another part lets another user in. Its name
    has only letters that no test looks for in a message, which may show a path.
    """
    letters = random.SystemRandom().choices("qxz", k=16)
    place = Path(tempfile.gettempdir()) / f"storeops-{''.join(letters)}"
    place.mkdir()
    place.chmod(0o755)
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


def pytest(part: Part, folder: str, venv: Path = paths.VENV, chosen: str = "") -> None:
    """Run the tests of a folder, or those of its markers that are ``chosen``, in random order."""
    env = paths.linked_environment(part.name, venv)
    cache = f"cache_dir={paths.CACHE / 'pytest' / part.name}"
    order = f"--randomly-seed={SEED}"
    which = ("-m", chosen) if chosen else ()
    own = f"--basetemp={_place_of_tests() / part.name}"
    code, output = part.run(
        [venv / "bin/python", "-m", "pytest", "-rsfE", "-o", cache, order, own, *which, folder], env
    )
    closing = next((line for line in reversed(output.splitlines()) if PYTEST_CLOSING.search(line)), "")
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


def events(part: Part) -> None:
    if shutil.which("java") is None and not os.environ.get("CI"):
        return part.skip("NO JAVA HERE, so no rulebook ran: apt-get install openjdk-17-jre-headless")
    pytest(part, "tests/events")


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


def _add_guides(site: Path) -> None:
    """Put the Markdown guides into the site. What they link to outside of their folder is no page of it."""
    shutil.copytree(paths.ROOT / "docs" / "guides", site / "guides")
    for file in site.glob("guides/*.md"):
        text = file.read_text().replace("](../../", f"]({REPOSITORY}/").replace("](../", f"]({REPOSITORY}/docs/")
        file.write_text(text)
    with (site / "guides.rst").open("a") as page:
        page.write("\n.. toctree::\n    :maxdepth: 1\n    :glob:\n\n    guides/*\n")


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
    _add_guides(sources / "docsite")
    settings = ("-c", "docs/docsite", "-d", sources / ".doctrees")
    part.step(["sphinx-build", "-q", "-W", "--keep-going", *settings, sources, target], env)


def _unit(part: Part, version: Version) -> None:
    """Run all on the oldest version, the newest and our own; between them what touches Ansible itself."""
    chosen = "not services and not sweep"
    if version not in (MATRIX[0], MATRIX[-1], OWN):
        chosen = f"ansible and {chosen}"
    # The tree's own files are the same for every version.
    once = "" if version == OWN else " and not once"
    pytest(part, "tests/unit", version.venv, chosen + once)


def _services(part: Part, version: Version) -> None:
    """Run the tests of tasks against the simulator, PostgreSQL and Ansible's programs, and those of no one layer."""
    pytest(part, "tests/unit", version.venv, "services or sweep")


def _secrets(part: Part, version: Version) -> None:
    """Run what depends on how this version hides secrets."""
    pytest(part, "tests/secrets", version.venv, "newest")


SUITES: dict[str, Callable[[Part, Version], None]] = {
    "sanity": ansible_test.sanity,
    "integration": ansible_test.integration,
    "smoke": ansible_test.smoke,
    "unit": _unit,
    "services": _services,
    "secrets": _secrets,
}


def _tested(suite: str, version: Version, part: Part) -> None:
    if not (version.venv / "bin/ansible-test").exists():
        return part.skip(f"NO PYTHON {version.python} HERE, so nothing ran on ansible-core {version.core}")
    SUITES[suite](part, version)


def _on_versions(suite: str) -> list[Definition]:
    """One part for each version whose line names the suite."""
    return [
        Definition(f"{suite}-{version.name}", partial(_tested, suite, version))
        for version in dict.fromkeys((*MATRIX, OWN))
        if suite in version.suites
    ]


def _suite(name: str) -> Definition:
    return Definition(name, partial(pytest, folder=f"tests/{name}"))


def all_parts() -> list[Definition]:
    """What takes longest comes first, so that no core is left alone with it at the end."""
    return [
        *_on_versions("integration"),
        Definition("browser", browser),
        *_on_versions("sanity"),
        _suite("secrets"),
        *_on_versions("secrets"),
        *_on_versions("services"),
        *_on_versions("smoke"),
        *_on_versions("unit"),
        Definition("events", events),
        Definition("molecule", molecule),
        _suite("scale"),
        _suite("examples"),
        Definition("rules", rules),
        _suite("simulator"),
        _suite("bench"),
        Definition("build", build.build),
        Definition("demo", demo),
        Definition("lint", lint),
        Definition("docs", docs),
    ]


# For every save: what finds most faults in least time.
CHECK = ("lint", f"unit-{OWN.name}")
