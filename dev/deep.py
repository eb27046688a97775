# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is too long for every run: "make deep".

The matrices whole, into docs/MATRICES.md; the properties with examples that are made up anew; 10,000 notifications at
the receiver, killed five times; and hostile input that atheris makes up, a minute for each target.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import paths

STORM = ("--count", "10000", "--connections", "50", "--kills", "5", "--rate", "200")
FUZZED = ("p8", "session", "payload", "report", "world")
# How often the properties are tried.
ROUNDS = 5
PLACE = paths.CACHE / "fuzz"


def _run(script: str, *arguments: str | Path) -> bool:
    env = paths.linked_environment("deep")
    env["PYTHONPATH"] += f":{PLACE / 'site'}"
    print(f"$ {script} {' '.join(map(str, arguments))}", flush=True)
    command: list[str | Path] = [paths.VENV / "bin/python", script, *arguments]
    return subprocess.run(command, cwd=paths.ROOT, env=env, check=False).returncode == 0


def _properties() -> bool:
    """Try the properties with other examples than every run has."""
    env = paths.linked_environment("deep") | {"EXAMPLES": "random"}
    command: list[str | Path] = [paths.VENV / "bin/python", "-m", "pytest", "-q", "-m", "hypothesis"]
    command += ["tests/unit", "tests/simulator"]
    rounds = [subprocess.run(command, cwd=paths.ROOT, env=env, check=False) for _round in range(ROUNDS)]
    return not any(one.returncode for one in rounds)


def _has_atheris() -> bool:
    """Install atheris by itself: it is as large as all else, and nothing else needs it."""
    if (PLACE / "site" / "atheris").exists():
        return True
    command: list[str | Path] = [paths.VENV / "bin/uv", "pip", "install", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", "--python", paths.VENV / "bin/python"]
    command += ["--target", PLACE / "site", "atheris"]
    return subprocess.run(command, check=False).returncode == 0


def main() -> int:
    """Run one after the other, whatever came of the one before; fail if any failed."""
    passed = [_run("tests/unit/matrices/matrix_document.py"), _properties()]
    passed.append(_run("tests/events/receiver_storm.py", *STORM))
    passed.append(_has_atheris())
    if passed[-1]:
        # What makes it fail is kept beside the corpus.
        options = ("-max_total_time=60", f"-artifact_prefix={PLACE}/", "-verbosity=0")
        passed += [_run("tests/fuzz/fuzz.py", name, PLACE / name, *options) for name in FUZZED]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
