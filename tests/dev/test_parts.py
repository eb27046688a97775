# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run consists of and what it prints: nothing is left out, one line a part, logs of failures only."""

from __future__ import annotations

import itertools
import re
import sys
import typing as t
from functools import partial
from pathlib import Path

import pytest
from _pytest.mark.expression import Expression

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "dev"))

import ansible_test
import check
import matrix
import part as parts_runner
import parts
from part import Definition, Part

ROOT = Path(__file__).resolve().parents[2]
CLOSING = re.compile(r"\d+ passed, \d+ failed, \d+ skipped")


def test_every_folder_of_tests_is_part_of_a_run() -> None:
    text = (ROOT / "dev/parts.py").read_text()
    # These have names of their own in a run: sanity, integration, and what rules run.
    known = {"unit", "dev", "integration"}
    folders = {file.relative_to(ROOT / "tests").parts[0] for file in (ROOT / "tests").rglob("test_*.py")}
    assert [name for name in sorted(folders - known) if f'"{name}"' not in text and f"tests/{name}" not in text] == []


def test_each_unit_test_is_in_one_of_the_two_parts_of_the_oldest_version(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, str] = {}
    monkeypatch.setattr(parts, "OWN", parts.MATRIX[0])
    monkeypatch.setattr(parts, "pytest", lambda part, *given: asked.__setitem__(part, given[2]))
    for name in ("unit", "services"):
        parts.SUITES[name](t.cast(Part, name), parts.MATRIX[0])
    marks = ("services", "sweep", "once", "ansible")
    for chosen in itertools.product((True, False), repeat=len(marks)):
        has = dict(zip(marks, chosen, strict=True)).__getitem__
        runs = [name for name, text in asked.items() if Expression.compile(text).evaluate(has)]
        assert runs == (["services"] if has("services") or has("sweep") else ["unit"])


def test_that_sanity_sees_all_that_is_shipped_and_one_version_everything(tmp_path: Path) -> None:
    (tmp_path / "galaxy.yml").write_text((ROOT / "galaxy.yml").read_text())
    shipped = (".git/config", "plugins/modules/one.py", "extensions/eda/one.py", "roles/one.yml", "tests/config.yml")
    others = ("dev/one.py", "tests/unit/test_one.py", "extensions/molecule/one.py", "tests/integration/targets/one.yml")
    for name in (*shipped, *others):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    ansible_test._remove_unshipped(tmp_path)
    assert [name for name in (*shipped, *others) if (tmp_path / name).exists()] == list(shipped)


def test_that_pylint_reads_everything_once_wherever_it_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    oldest, *_between, newest = matrix.MATRIX
    monkeypatch.setattr(ansible_test, "PYLINT_FROM_GITHUB", (newest.core,))
    tests = [version for version in matrix.MATRIX if "sanity" in version.suites]
    there = set(tests)
    monkeypatch.setattr(matrix.Version, "venv", property(lambda self: ROOT if self in there else ROOT / "none"))
    for gone in reversed(tests):
        reads = [version for version in there if not ansible_test._left_out(Part("of-a-test"), version)]
        assert reads == ([ansible_test.whole()] if there - {newest} else [])
        there.discard(gone)
    assert ansible_test.whole() != newest
    there = {oldest, newest}
    assert ansible_test.whole() == oldest, "the last one that is here and can have it"


# What Ansible itself reads: names of targets begin so.
ANSIBLES = ("action_group", "in_process", "inventory_", "playbook_", "role_")


def test_that_targets_run_on_the_oldest_version_and_on_the_newest() -> None:
    """As users are promised, the pre-release included; and targets run as ordinary modules somewhere."""
    for version in (matrix.MATRIX[0], matrix.MATRIX[-1]):
        assert "integration" in version.suites, version
    assert [version for version in matrix.MATRIX if "smoke" in version.suites]
    everything = ansible_test._targets(ROOT, "", "")
    twice = ansible_test._targets(ROOT, "", "once/")
    assert {name for name in everything if name.startswith(ANSIBLES)} <= twice < everything


def test_that_without_the_oldest_version_the_next_one_tries_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ansible_test.oldest() == matrix.MATRIX[0]
    there = matrix.MATRIX[-1]
    monkeypatch.setattr(matrix.Version, "venv", property(lambda self: ROOT if self == there else ROOT / "none"))
    assert ansible_test.oldest() == there


def test_the_matrix_names_suites_that_exist() -> None:
    for version in matrix.MATRIX:
        assert set(version.suites) <= set(parts.SUITES), version
    names = [definition.name for definition in parts.all_parts()]
    assert len(names) == len(set(names))
    assert all(any(name.startswith(suite) for name in names) for suite in parts.SUITES), "a suite that runs nowhere"


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_that_a_check_has_unit_tests_whatever_python_is_here(python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "OWN_PYTHON", python)
    own = matrix._own()
    monkeypatch.setattr(parts, "OWN", own)
    names = [definition.name for definition in parts.all_parts()]
    assert own.python == python and names.count(f"unit-{own.name}") == 1


def test_what_a_version_is_called() -> None:
    version = matrix.Version("3.13", "2.22.0rc1", ())
    assert (version.short, version.name) == ("2.22", "2.22-py3.13")
    assert version.venv.name == "3.13-2.22"
    assert matrix.OWN.venv.name == ".venv"


def _work(part: Part, fails: bool) -> None:
    part.say("\n".join(f"line {number}" for number in range(5000)))
    part.check(not fails, "two is not three")


@pytest.mark.parametrize("fails", [False, True])
def test_the_output(
    fails: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(parts_runner, "LOGS", parts_runner.paths.CACHE / "logs" / "of-a-test" / tmp_path.name)
    ran = [Definition("sound", partial(_work, fails=False)), Definition("other", partial(_work, fails=fails))]
    monkeypatch.setattr(parts, "all_parts", lambda: ran)
    monkeypatch.setattr(sys, "argv", ["check.py"])
    assert check.main() == int(fails)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == ("1 passed, 1 failed, 0 skipped" if fails else "2 passed, 0 failed, 0 skipped")
    assert len([line for line in lines if CLOSING.fullmatch(line)]) == 1
    assert sum(line.startswith("line ") for line in lines) == (check.TAIL - 1 if fails else 0)
    assert ("  FAILED: two is not three" in lines) is fails
    assert sum("sound" in line for line in lines) == 2, "its line and the table's"


LATE = """Exception ignored in atexit callback: <function close at 0x7f3c>
  File "/tmp/pool.py", line 3, in close
RuntimeError: 2 errors in what was left to do"""


@pytest.mark.parametrize(
    ("closing", "counts"),
    [
        ("=== 3 passed, 2 skipped, 1 xfailed, 1 warning in 75.93s (0:01:15) ===", (3, 0, 3)),
        ("=== 1 failed, 3 passed, 2 errors in 0.12s ===", (3, 3, 0)),
    ],
)
def test_that_what_comes_after_the_last_line_of_pytest_hides_no_count(
    closing: str, counts: tuple[int, int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts_runner, "LOGS", tmp_path)
    monkeypatch.setattr(Part, "run", lambda *_arguments: (0, f"tests/a.py .. in a test\n{closing}\n{LATE}\n"))
    part = Part("of-a-test")
    parts.pytest(part, "tests/none")
    assert (part.passed, part.failed, part.skipped) == counts
