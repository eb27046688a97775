# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things lie, and the environment that every tool gets."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
LINKED = CACHE / "root"  # holds ansible_collections/storeops/refunds, a link to ROOT
VENV = ROOT / ".venv"
NODE = CACHE / "node"  # what npm brought: see tests/judges
COLLECTION = Path("ansible_collections/storeops/refunds")
# A user's own settings must not reach the tests.
FOREIGN = (
    "ANSIBLE_",
    "MOLECULE_",
    "PYTHONDONTWRITEBYTECODE",  # each of some hundred processes would compile the collection anew
    "PYTEST_",
    "PYTHONHOME",
    "PYTHONPATH",
    "STOREOPS_",
    "VIRTUAL_ENV",
)


def _search_path() -> list[Path]:
    """PATH with a pyenv's real interpreters in place of its shims, which only stand in for them."""
    found: list[Path] = []
    roots = [Path(os.environ["PYENV_ROOT"])] if "PYENV_ROOT" in os.environ else []
    for entry in map(Path, os.environ.get("PATH", os.defpath).split(os.pathsep)):
        if entry.name != "shims":
            found.append(entry)
        elif entry.parent.name != "pyenv-virtualenv":
            roots.append(entry.parent)
    versions = [v for root in dict.fromkeys(roots) for v in sorted(root.glob("versions/3.*/bin"))]
    return list(dict.fromkeys([*found, *versions]))


def _candidates(python: str) -> Iterator[Path]:
    if python == f"{sys.version_info[0]}.{sys.version_info[1]}":
        yield Path(sys.executable)
    yield from (folder / f"python{python}" for folder in _search_path())


def interpreter(python: str) -> Path | None:
    """A real interpreter of that version that can make virtual environments."""
    for candidate in _candidates(python):
        probe = [str(candidate), "-c", "import ensurepip, ssl, venv"]
        if not candidate.is_file():
            continue
        if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            return candidate
    return None


def environment(name: str, venv: Path = VENV) -> dict[str, str]:
    """The environment of one part of the tests: its own home and caches, all inside the tree."""
    home = CACHE / "home" / name
    home.mkdir(parents=True, exist_ok=True)
    env = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
    path = [venv / "bin", *_search_path()]
    return env | {
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "PATH": os.pathsep.join(map(str, dict.fromkeys(path))),
        "PYTHONPYCACHEPREFIX": str(CACHE / "pycache"),
        "PIP_CACHE_DIR": str(CACHE / "pip"),
        "UV_CACHE_DIR": str(CACHE / "uv"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local/share"),
    }


def linked_environment(name: str, venv: Path = VENV) -> dict[str, str]:
    """The same, with the work tree in place as the installed collection."""
    here = {"ANSIBLE_COLLECTIONS_PATH": str(LINKED), "PYTHONPATH": str(LINKED)}
    return environment(name, venv) | here
