# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test in a staged copy; its exit code is not trusted: 0 when nothing was tested, too."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import paths
import stage
from part import Part

# Always applicable here; any of them skipped means that sanity did not do its work.
ESSENTIAL = {"ansible-doc", "compile", "import", "pep8", "pylint", "validate-modules", "yamllint"}
# The one test whose program (PowerShell) is not asked for, as long as there is no PowerShell file.
TOLERATED = "pslint"
# Where the integration targets run the ordinary modules; elsewhere they run in-process where they can.
AS_MODULES = "3.12"
TARGET = re.compile(r"^Running (\S+) integration test (?:role|script)$", re.MULTILINE)


def _prepare(part: Part, python: str) -> tuple[Path, dict[str, str]]:
    tree = stage.copy_tree(part.name)
    shutil.rmtree(tree / "tests/output", ignore_errors=True)
    env = paths.environment(part.name, python)
    stage.seed_get_pip(env["HOME"])
    return tree, env


def _ansible_test(part: Part, python: str, tree: Path, env: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    program = paths.venv_for(python) / "bin" / "ansible-test"
    fixed = ("--local", "--python", python, "--color", "no")
    return part.run([program, arguments[0], *fixed, *arguments[1:]], env, tree)


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


def sanity(part: Part, python: str) -> None:
    tree, env = _prepare(part, python)
    for ignore in sorted(tree.glob("tests/sanity/ignore*.txt")):
        part.check(not ignore.read_text().strip(), f"{ignore.name} has entries")
    code, output = _ansible_test(part, python, tree, env, "sanity", "--junit")
    results = _sanity_results(tree)
    ran = {name for name, why in results.items() if not why}
    bad = re.search(r"The (\d+) sanity test\(s\) listed below", output)
    failures = int(bad.group(1)) if bad else int(code != 0)
    part.failed += failures
    part.passed += max(len(ran) - failures, 0)
    _judge_skips(part, tree, results)
    unrun = ESSENTIAL - {_plain(name) for name in ran}
    absent = set(re.findall(r"Required program \"(\S+)\" not found", output)) - {"pwsh"}
    if unrun or absent:
        part.fail(f"sanity lacks tests or programs: {sorted(unrun | absent)}")
    part.say(f"sanity ran {len(ran)} tests: {' '.join(sorted(ran))}")


def _targets(tree: Path) -> set[str]:
    """All integration targets but those that only serve others."""
    folders = [f for f in (tree / "tests/integration/targets").glob("*") if f.is_dir() and any(f.rglob("*.yml"))]
    hidden = {
        f.parent.name for f in tree.glob("tests/integration/targets/*/aliases") if "hidden" in f.read_text().split()
    }
    return {f.name for f in folders if not f.name.startswith(("setup_", "prepare_"))} - hidden


def integration(part: Part, python: str) -> None:
    tree, env = _prepare(part, python)
    # These become variables of every play that ansible-test writes.
    variables = {"storeops_refunds_in_process": python != AS_MODULES}
    (tree / "tests/integration/integration_config.yml").write_text(json.dumps(variables))
    targets = _targets(tree)
    code, output = _ansible_test(part, python, tree, env, "integration", "-v", "--continue-on-error")
    ran = set(TARGET.findall(output))
    part.failed += int(code != 0)
    part.passed += max(len(ran) - part.failed, 0)
    for name in sorted(targets - ran):
        part.fail(f"integration target {name} did not run")
    if not ran:
        part.fail("no integration target ran")
    way = "as modules" if python == AS_MODULES else "in-process"
    part.say(f"integration ran {len(ran)} targets, {way}: {' '.join(sorted(ran))}")
