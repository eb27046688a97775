# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test in a staged copy; its exit code is not trusted: 0 when nothing was tested, too."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import paths
import stage
from matrix import MATRIX, Version
from part import Part

# Always applicable here; any of them skipped means that sanity did not do its work.
ESSENTIAL = {"ansible-doc", "compile", "import", "pep8", "pylint", "validate-modules", "yamllint"}
# What the pre-release installs for it lies at github.com and not at PyPI.
PYLINT_FROM_GITHUB = ("2.22.0rc1",)
# The one test whose program (PowerShell) is not asked for, as long as there is no PowerShell file.
TOLERATED = "pslint"
TARGET = re.compile(r"^Running (\S+) integration test (?:role|script)$", re.MULTILINE)


def _prepare(part: Part, version: Version) -> tuple[Path, dict[str, str]]:
    tree = stage.copy_tree(part.name)
    shutil.rmtree(tree / "tests/output", ignore_errors=True)
    env = paths.environment(part.name, version.venv)
    stage.seed_get_pip(env["HOME"])
    return tree, env


def _ansible_test(part: Part, version: Version, tree: Path, env: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    program = version.venv / "bin" / "ansible-test"
    fixed = ("--local", "--python", version.python, "--color", "no")
    pinned = _on_one_processor(version) if arguments[0] == "sanity" else []
    return part.run([*pinned, program, arguments[0], *fixed, *arguments[1:]], env, tree)


def _on_one_processor(version: Version) -> list[str]:
    """ansible-test has pylint start a worker for each processor that it may use: each reads what all others read."""
    there = sorted(os.sched_getaffinity(0))
    return ["taskset", "--cpu-list", str(there[MATRIX.index(version) % len(there)])]


def _sanity_results(tree: Path) -> dict[str, str]:
    """For each test that took its turn: "" when it ran, else why it did not."""
    results: dict[str, str] = {}
    for report in sorted((tree / "tests/output/junit").glob("ansible-test-sanity-*.xml")):
        name = report.stem.removeprefix("ansible-test-sanity-")
        skipped = ElementTree.parse(report).find(".//skipped")
        results[name] = "" if skipped is None else (skipped.text or skipped.get("message") or "?")
    return results


def _plain(name: str) -> str:
    return re.sub(r"-python-3\.\d+$|-3\.\d+$", "", name)


def _judge_skips(part: Part, tree: Path, results: Mapping[str, str]) -> None:
    for name, why in results.items():
        if not why:
            continue
        harmless = "No tests applicable" in why and _plain(name) not in ESSENTIAL
        if harmless or (_plain(name) == TOLERATED and not any(tree.rglob("*.ps1"))):
            part.say(f"sanity {name} has nothing to look at: {why.strip()}")
        else:
            part.fail(f"sanity {name} did not run: {why.strip()}")


def whole() -> Version:
    """Return the newest version here that can have pylint: it sees the whole tree, the others what users get of it."""
    able = [version for version in MATRIX if "sanity" in version.suites and version.core not in PYLINT_FROM_GITHUB]
    return next((version for version in reversed(able) if version.venv.is_dir()), able[-1])


def prime(version: Version) -> None:
    """Make the virtual environments that the tests of sanity have for themselves, unless they are there.

    Most of a first run's time goes there. What can't be made now, sanity tries again, and fails.
    """
    name = f"sanity-{version.name}"
    stamp = Path(paths.environment(name, version.venv)["HOME"]) / ".primed"
    if stamp.exists() and stamp.read_text() == version.core:
        return
    part = Part(name)
    tree, env = _prepare(part, version)
    print(f"Setting up ansible-test sanity of ansible-core {version.core}", flush=True)
    code, _output = _ansible_test(part, version, tree, env, "sanity", "--prime-venvs", *_left_out(part, version))
    if code == 0:
        stamp.write_text(version.core)


def _left_out(part: Part, version: Version) -> list[str]:
    left_out = [] if version == whole() else ["pylint"]
    for name in left_out:
        part.say(f"sanity {name} is left out on {version.core}: it reads the same files on {whole().core}")
    return [f"--skip-test={name}" for name in left_out]


def _remove_unshipped(tree: Path) -> None:
    """Remove what the tarball does not hold; the next run copies it anew."""
    import yaml  # setup.py imports this file when nothing is installed yet

    for pattern in yaml.safe_load((tree / "galaxy.yml").read_text())["build_ignore"]:
        # Without .git, ansible-test would ask the repository around the copy.
        for path in tree.glob(pattern) if not pattern.startswith(".git") else ():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def sanity(part: Part, version: Version) -> None:
    """Test the whole tree on one version, and on the others, without pylint, what users get of it."""
    tree, env = _prepare(part, version)
    if version != whole():
        _remove_unshipped(tree)
    for ignore in sorted(tree.glob("tests/sanity/ignore*.txt")):
        part.check(not ignore.read_text().strip(), f"{ignore.name} has entries")
    skips = _left_out(part, version)
    code, output = _ansible_test(part, version, tree, env, "sanity", "--junit", *skips)
    results = _sanity_results(tree)
    ran = {name for name, why in results.items() if not why}
    bad = re.search(r"The (\d+) sanity test\(s\) listed below", output)
    failures = int(bad.group(1)) if bad else int(code != 0)
    part.failed += failures
    part.passed += max(len(ran) - failures, 0)
    _judge_skips(part, tree, results)
    left_out = {skip.partition("=")[2] for skip in skips}
    unrun = ESSENTIAL - left_out - {_plain(name) for name in ran}
    absent = set(re.findall(r"Required program \"(\S+)\" not found", output)) - {"pwsh"}
    if unrun or absent:
        part.fail(f"sanity lacks tests or programs: {sorted(unrun | absent)}")
    part.say(f"sanity ran {len(ran)} tests: {' '.join(sorted(ran))}")


def _targets(tree: Path, alias: str, excluded: str) -> set[str]:
    """All integration targets, or those of an alias, but those of another and those that only serve others."""
    chosen = set()
    for folder in (tree / "tests/integration/targets").glob("*"):
        aliases = folder / "aliases"
        names = aliases.read_text().split() if aliases.is_file() else []
        wanted = (not alias or alias in names) and not {"hidden", excluded}.intersection(names)
        if folder.is_dir() and any(folder.rglob("*.yml")) and wanted:
            chosen.add(folder.name)
    return {name for name in chosen if not name.startswith(("setup_", "prepare_"))}


def _remove_other_tests(tree: Path) -> None:
    """Remove what no target uses: ansible-test copies all of the tree for each of them."""
    for path in (tree / "tests").glob("*"):
        if path.is_dir() and path.name not in ("integration", "unit", "output"):
            shutil.rmtree(path)
    for path in (tree / "tests/unit").iterdir():
        if path.is_dir():
            shutil.rmtree(path)


def _integration(part: Part, version: Version, in_process: bool, alias: str = "", excluded: str = "") -> None:
    tree, env = _prepare(part, version)
    _remove_other_tests(tree)
    # These become variables of every play that ansible-test writes.
    given = {"storeops_refunds_in_process": in_process, "storeops_refunds_oldest": version == oldest()}
    (tree / "tests/integration/integration_config.yml").write_text(json.dumps(given))
    targets = _targets(tree, alias, excluded)
    chosen = [*([alias] if alias else []), *(["--exclude", excluded] if excluded else [])]
    code, output = _ansible_test(part, version, tree, env, "integration", "-v", "--continue-on-error", *chosen)
    ran = set(TARGET.findall(output))
    part.failed += int(code != 0)
    part.passed += max(len(ran) - part.failed, 0)
    for name in sorted(targets - ran):
        part.fail(f"integration target {name} did not run")
    if not ran:
        part.fail("no integration target ran")
    way = "in-process" if in_process else "as modules"
    part.say(f"integration ran {len(ran)} targets, {way}: {' '.join(sorted(ran))}")


def oldest() -> Version:
    """Return the oldest version that is here: a machine may lack its Python, and then another has to try everything."""
    here = (version for version in MATRIX if "integration" in version.suites and version.venv.is_dir())
    return next(here, MATRIX[0])


def integration(part: Part, version: Version) -> None:
    """Run the targets, in Ansible's process where that can be; those of "once/" on the oldest version alone."""
    _integration(part, version, in_process=True, excluded="" if version == oldest() else "once/")


def smoke(part: Part, version: Version) -> None:
    """Run the targets with the alias "smoke/", with the ordinary modules."""
    _integration(part, version, in_process=False, alias="smoke/")
