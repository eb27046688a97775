# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody new: an empty home, an empty folder, and a shell that keeps what was exported.

pip is the only stand-in: it takes the packages of the tests' own environment instead of a registry's. The address of
the repository leads to this one, and Apple is the simulator.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import typing as t
import urllib.request
from pathlib import Path

from playground import ROOT
from warm import warm

sys.path.insert(0, str(ROOT / "dev"))

import stage

SETTINGS = ".cache/simulator/simulator.yml"
REPOSITORY = "https://github.com/storeops/refunds"
PROGRAMS = ("ansible", "ansible-playbook", "ansible-galaxy", "ansible-vault", "ansible-inventory")
PIP = """#!{python}
import importlib.metadata, pathlib, shutil, sys
here, given = pathlib.Path(__file__).parent, sys.argv[1:]
assert given[0] == "install", given
if given[1] == "-r":
    from packaging.requirements import Requirement
    for line in pathlib.Path(given[2]).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            wanted = Requirement(line)
            assert wanted.specifier.contains(importlib.metadata.version(wanted.name)), line
else:
    assert given[1:] == ["ansible-core"], given
    (here / "own").mkdir()
    for name in {programs!r}:
        shutil.copy(pathlib.Path({bin!r}, name), here / "own" / name)
        (here / name).write_text(f'#!/bin/sh\\nexec {warm} {{here}}/own/{{name}} "$@"\\n')
        (here / name).chmod(0o755)
"""


# Where the program isn't installed, its one command is done by Python's library of the same name.
SQLITE = """#!{python}
import shlex, sqlite3, sys
command, target = shlex.split(sys.argv[2])
assert command == ".backup", command
with sqlite3.connect(sys.argv[1]) as source, sqlite3.connect(target) as copy:
    source.backup(copy)
"""


class Newcomer:
    """``control``: the simulator's. ``folder`` has what stands for /srv and the like."""

    def __init__(self, folder: Path, control: str) -> None:
        self.folder, self.control = folder, control
        self.home, self.cwd = folder / "home", folder / "empty"
        for place in (self.home, self.cwd, folder / "bin"):
            place.mkdir(parents=True)
        (folder / "bin/python3").symlink_to(sys.executable)
        if shutil.which("sqlite3") is None:
            (folder / "bin/sqlite3").write_text(SQLITE.format(python=sys.executable))
            (folder / "bin/sqlite3").chmod(0o755)
        self.env = {
            "HOME": str(self.home),
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ.get('SYSTEM_PATH', '/usr/local/bin:/usr/bin:/bin')}",
            "LANG": os.environ.get("LANG", "C.UTF-8"),
            "GIT_CONFIG_NOSYSTEM": "1",
        }

    def types(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command; what it exports stays."""
        kept = self.folder / "environment"
        ran = subprocess.run(
            ["bash", "-e", "-c", f"trap \"env -0 > '{kept}'\" EXIT\n{command}"],
            cwd=self.cwd,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode == 0:
            self.env = dict(entry.split("=", 1) for entry in kept.read_text().split("\0") if "=" in entry)
        return ran

    def plays(self, playbook: str, *more: str) -> subprocess.CompletedProcess[str]:
        """Run a playbook of the collection with the declaration, against the simulator."""
        options = " ".join(("-e @refunds.yml", f"-e @{SETTINGS}", *more))
        return self.types(f"ansible-playbook storeops.refunds.{playbook} {options}")

    def knows_simulator(self) -> subprocess.CompletedProcess[str]:
        """Run the example's keys.py, as in a clone: keys come into ~/keys, and the settings into its .cache."""
        self.write("examples/simulator/keys.py", (ROOT / "examples/simulator/keys.py").read_text())
        return self.types(f"python3 examples/simulator/keys.py {self.control}")

    def ask(self, path: str) -> t.Any:
        return json.loads(self.reads(path))

    def reads(self, path: str) -> bytes:
        with urllib.request.urlopen(f"{self.control}/{path}", timeout=120) as answer:
            return bytes(answer.read())

    def tells(self, method: str, path: str, body: t.Mapping[str, t.Any]) -> None:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.control}/{path}", json.dumps(body).encode(), headers, method=method)
        urllib.request.urlopen(request, timeout=120).close()

    def write(self, name: str, text: str) -> Path:
        path = self.cwd / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


def own_pip(python: Path) -> None:
    """Let the pip of a virtual environment take what the tests' environment has."""
    site = next(python.parent.parent.glob("lib/python3*/site-packages"))
    (site / "tests.pth").write_text(sysconfig.get_path("purelib") + "\n")
    bin_ = sysconfig.get_path("scripts")
    for name in python.parent.glob("pip*"):
        name.unlink()
    (python.parent / "pip").write_text(PIP.format(python=python, programs=PROGRAMS, bin=bin_, warm=warm(python).python))
    (python.parent / "pip").chmod(0o755)


@functools.cache
def repository() -> Path:
    """Return a git repository with this tree as it is; it is removed when the tests end."""
    folder = tempfile.TemporaryDirectory(prefix="refunds-repository-")
    atexit.register(folder.cleanup)
    place = Path(folder.name) / "repository"
    shutil.copytree(stage.copy_tree("pages"), place, ignore=shutil.ignore_patterns(".git"))
    git = ["git", "-C", str(place), "-c", "user.name=tests", "-c", "user.email=tests@example.com"]
    for step in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *step], check=True, capture_output=True)
    return place


def knows_repository(newcomer: Newcomer, place: Path) -> None:
    (newcomer.home / ".gitconfig").write_text(f'[url "file://{place}"]\n    insteadOf = {REPOSITORY}\n')
