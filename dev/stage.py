# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of the work tree as .cache/stage/NAME/ansible_collections/storeops/refunds.

ansible-test works only in such a place, and the tarball is built there as well, since
"ansible-galaxy collection build" knows nothing of .gitignore.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import paths

# ansible-test fetches get-pip.py from a site of its own; it takes one that lies here instead.
GET_PIP = """import subprocess, sys
ensure = [sys.executable, "-m", "ensurepip", "--default-pip"]
subprocess.check_call(ensure, stdout=subprocess.DEVNULL)
"""
GET_PIP_VERSIONS = ("24_2", "25_2", "26_0")
KEPT = {".git", "tests/output"}


def _wanted() -> set[Path]:
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=paths.ROOT, text=True, capture_output=True, check=True)
    files = {Path(name) for name in names.stdout.split("\0") if name}
    return {name for name in files if (paths.ROOT / name).is_file()}


def _remove_others(stage: Path, wanted: set[Path]) -> None:
    for folder, folders, names in os.walk(stage):
        here = Path(folder).relative_to(stage)
        folders[:] = [name for name in folders if (here / name).as_posix() not in KEPT]
        for name in names:
            if here / name not in wanted:
                (stage / here / name).unlink()


def copy_tree(name: str) -> Path:
    """Bring the copy of that name up to date and return the collection's folder in it."""
    stage = paths.CACHE / "stage" / name / paths.COLLECTION
    stage.mkdir(parents=True, exist_ok=True)
    wanted = _wanted()
    _remove_others(stage, wanted)
    for file in wanted:
        (stage / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(paths.ROOT / file, stage / file)
    if not (stage / ".git").exists():
        # Else ansible-test asks the repository around it, which ignores .cache: nothing to test.
        subprocess.run(["git", "init", "-q", str(stage)], check=True)
    return stage


def seed_get_pip(home: str) -> None:
    cache = Path(home) / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in GET_PIP_VERSIONS:
        (cache / f"get_pip_{version}.py").write_text(GET_PIP)
