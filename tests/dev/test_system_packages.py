# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian packages are waited for while another apt is at work; one that can't be had stops a run only when it must."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "dev"))

import system_packages

PROGRAMS = {
    "git": "git",
    "pgbouncer": "pgbouncer",
    "chromium": "chromium",
    "openjdk-17-jre-headless": "java",
    "npm": "npm",
    "gnupg": "gpg",
}
# What "install" brings lies beside it afterwards, unless one of its packages is broken.
APT_GET = """#!{python}
import json, sys
from pathlib import Path
here = Path(__file__).parent
plan = json.loads((here / "plan").read_text())
words = sys.argv[1:]
with (here / "asked").open("a") as asked:
    asked.write(json.dumps(words) + chr(10))
if "update" in words:
    tries = sum("update" in json.loads(line) for line in (here / "asked").read_text().splitlines())
    if tries <= plan["locked"]:
        sys.exit("E: Could not get lock /var/lib/apt/lists/lock.")
elif set(plan["broken"]) & set(words):
    sys.exit("E: Unable to locate package")
else:
    for package, program in plan["programs"].items():
        if package in words:
            (here / program).touch(mode=0o755)
"""


def _plan(folder: Path, monkeypatch: pytest.MonkeyPatch, locked: int = 0, broken: tuple[str, ...] = ()) -> None:
    (folder / "apt-get").write_text(APT_GET.format(python=sys.executable))
    (folder / "apt-get").chmod(0o755)
    (folder / "plan").write_text(json.dumps({"locked": locked, "broken": broken, "programs": PROGRAMS}))
    # This machine may have it below /usr/sbin, where it is looked for as well.
    (folder / "pgbouncer").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(system_packages, "_has_postgresql", lambda: True)
    monkeypatch.setattr(system_packages, "PAUSE_S", 0)
    monkeypatch.setattr(system_packages.os, "geteuid", lambda: 0)


def _asked(folder: Path) -> list[list[str]]:
    return [json.loads(line) for line in (folder / "asked").read_text().splitlines()]


def test_that_the_locks_of_another_apt_are_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _plan(tmp_path, monkeypatch, locked=2)
    system_packages.ensure(tests=True)
    assert system_packages.missing(tests=True) == []
    asked = _asked(tmp_path)
    assert [words[5] for words in asked] == ["update", "update", "update", "install", "install"]
    assert all(words[:4] == ["-o", "DPkg::Lock::Timeout=900", "-o", "Acquire::Retries=5"] for words in asked)


def test_that_lists_which_cannot_be_read_anew_do_for_what_they_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _plan(tmp_path, monkeypatch, locked=1000)
    system_packages.ensure(tests=True)
    assert system_packages.missing(tests=True) == []


@pytest.mark.parametrize(
    ("broken", "is_ci", "left"),
    [
        ("chromium", False, "chromium openjdk-17-jre-headless npm gnupg"),
        ("chromium", True, "chromium openjdk-17-jre-headless npm gnupg"),
        ("git", False, "git"),
    ],
)
def test_that_a_run_ends_only_for_what_it_needs(
    broken: str,
    is_ci: bool,
    left: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _plan(tmp_path, monkeypatch, broken=(broken,))
    if is_ci:
        monkeypatch.setenv("CI", "true")
    if is_ci or broken not in system_packages.OPTIONAL:
        with pytest.raises(SystemExit) as ended:
            system_packages.ensure(tests=True)
        assert ended.value.code == 1
    else:
        system_packages.ensure(tests=True)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"Missing system packages: {left}. As root: apt-get update && apt-get install {left}"
