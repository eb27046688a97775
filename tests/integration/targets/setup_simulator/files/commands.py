# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""``commands.py COMMANDS``: Ansible's programs, one after the other, in forks of a process that has imported Ansible.

A command is a list of words as in a shell. With NAME=value before the program it is a process of its own: Ansible reads
some settings while it is imported. What is printed is a JSON list of what each gave: rc, stdout and stderr.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path


def forks() -> t.Any:
    """Find tests/unit/unit_forks.py: ansible-test copies this file into a folder of the collection."""
    folders = (parent / "tests/unit" for parent in Path(__file__).resolve().parents)
    sys.path.append(str(next(folder for folder in folders if (folder / "unit_forks.py").is_file())))
    return importlib.import_module("unit_forks")


def ran(ansible: t.Any, words: list[str]) -> dict[str, t.Any]:
    number = next(number for number, word in enumerate(words) if word.startswith("ansible-"))
    if number:
        environ = {**os.environ, **dict(word.split("=", 1) for word in words[:number])}
        command = [Path(sys.executable).with_name(words[number]), *words[number + 1 :]]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        code, output, errors = done.returncode, done.stdout, done.stderr
    else:
        code, output, errors = ansible.run(*words, environ=dict(os.environ), folder=Path.cwd())
    # Without what ends the last line, as ansible.builtin.command gives them.
    return {"rc": code, "stdout": output.rstrip("\r\n"), "stderr": errors.rstrip("\r\n")}


if __name__ == "__main__":
    programs = forks().ansible(Path(sys.executable))
    print(json.dumps([ran(programs, words) for words in json.loads(sys.argv[1])]))
