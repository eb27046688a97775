# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs in forks of a process that has imported them: to import Ansible takes ten times as long as to run it.

This file is also what such a process runs, with any version of ansible-core: only the standard library, then.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
import traceback
import typing as t
from pathlib import Path

from warm import compiled_here, spare, warm

ROOT = Path(__file__).resolve().parents[2]
# What every play uses.
USED = "callback.default connection.local inventory.host_list inventory.yaml shell.sh strategy.linear"


class Ran(t.NamedTuple):
    """What a program that has ended said."""

    code: int
    output: str
    errors: str


def forked(work: t.Callable[[], object]) -> Ran:
    """Do something in a child, as if it were a program: with an exit code and outputs of its own."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        child = os.fork()
        if child == 0:
            _be_a_program(work, output.fileno(), errors.fileno())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        texts = []
        for file in (output, errors):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return Ran(code, *texts)


def _be_a_program(work: t.Callable[[], object], output: int, errors: int) -> t.NoReturn:
    code = 1
    try:
        for number, own in enumerate((os.open(os.devnull, os.O_RDONLY), output, errors)):
            os.dup2(own, number)
        # They are open until the child ends.
        sys.stdin, sys.stdout, sys.stderr = (open(number, mode) for number, mode in enumerate("rww"))  # noqa: SIM115
        work()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def run_module(name: str, *arguments: str) -> Ran:
    """Run ``python -m name arguments`` in a fork of this process."""

    def work() -> None:
        sys.argv[1:] = arguments
        # What is in the cache would not run again.
        sys.modules.pop(name, None)
        runpy.run_module(name, run_name="__main__", alter_sys=True)

    return forked(work)


class Ansible:
    """The programs of one ansible-core. Each run is a process with its own environment, folder and settings."""

    def __init__(self, python: Path) -> None:
        self._python = python
        command = [warm(python).python, __file__]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        atexit.register(self._process.communicate)

    def run(
        self, program: str, *arguments: str, environ: dict[str, str], folder: Path, modules: Path | None = None
    ) -> Ran:
        """Run a program, such as ``ansible-inventory``, as if by its own Python, or by one that is told for modules."""
        assert self._process.stdin is not None and self._process.stdout is not None
        call = {"arguments": [program, *arguments], "environ": environ, "folder": str(folder)}
        call["python"] = str(modules or self._python)
        self._process.stdin.write(json.dumps(call) + "\n")
        self._process.stdin.flush()
        return Ran(*json.loads(self._process.stdout.readline()))


@functools.cache
def ansible(python: Path) -> Ansible:
    """Give the programs beside a Python, until this process ends."""
    return Ansible(python)


def run_playbook(book: Path, hosts: str, *arguments: str, folder: Path) -> Ran:
    """Run a playbook with this Python's ansible-core; no line of what it says is broken."""
    paths = {"ANSIBLE_COLLECTIONS_PATH": os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".cache/root"))}
    environ = {**os.environ, **paths, "ANSIBLE_NOCOLOR": "true", "COLUMNS": "1000"}
    given = ("-i", hosts, str(book), *arguments)
    python = Path(sys.executable)
    return ansible(python).run("ansible-playbook", *given, environ=environ, folder=folder, modules=warm(python).python)


def _run(arguments: list[str], environ: dict[str, str], folder: str, python: str) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    # They were read when this process started.
    constants = importlib.import_module("ansible.constants")
    known = constants.config._plugins
    importlib.reload(constants)
    constants.config._plugins |= known
    spare()
    sys.executable = python
    sys.argv = arguments
    importlib.import_module(f"ansible.cli.{arguments[0].removeprefix('ansible-')}").main(arguments)


def _load_plugins() -> None:
    """Load what Ansible brings, and what options it has: by its whole name and by its short one, as Ansible does."""
    loaders = importlib.import_module("ansible.plugins.loader")
    # Of strategies, some warn.
    for kind in ("action", "callback", "connection", "inventory", "lookup", "shell"):
        list(getattr(loaders, f"{kind}_loader").all(class_only=True))
    for used in USED.split():
        kind, name = used.split(".")
        getattr(loaders, f"{kind}_loader").get(name, class_only=True)


def _serve() -> None:
    compiled = compiled_here()
    compiled.serve_yaml()
    for name in ("ansible.cli.inventory", "ansible.cli.playbook"):
        importlib.import_module(name)
    compiled.serve_ansible()
    _load_plugins()
    # No child looks through all of this for garbage.
    gc.freeze()
    for line in sys.stdin:
        compiled.learn()
        print(json.dumps(forked(functools.partial(_run, **json.loads(line)))), flush=True)


if __name__ == "__main__":
    _serve()
