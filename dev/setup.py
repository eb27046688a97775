# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make .venv and, with --all, one for each other tested version; needs nothing installed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ansible_test
import paths
import system_packages
from matrix import EVENTS, MATRIX, OTHERS, OWN, Version

LOCK = paths.ROOT / "requirements" / "dev.txt"
REQUIREMENTS = ("requirements/*", "meta/ee-requirements*.txt", "extensions/*/requirements.txt")
MINIMUM = (3, 11)
JUDGES = paths.ROOT / "tests" / "judges"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def _locked(package: str) -> str:
    return next(line for line in LOCK.read_text().splitlines() if line.startswith(f"{package}=="))


def _run(*argv: str | Path) -> None:
    env = os.environ | {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_CACHE_DIR": str(paths.CACHE / "pip"),
        "UV_CACHE_DIR": str(paths.CACHE / "uv"),
        "UV_PYTHON_DOWNLOADS": "never",
    }
    if CERTIFICATES.is_file():
        env.setdefault("SSL_CERT_FILE", str(CERTIFICATES))
    code = subprocess.run(list(map(str, argv)), check=False, env=env).returncode
    if code:
        sys.exit(
            f"{Path(argv[0]).name} ended with exit code {code}; what it said is above. If it is the network: "
            "setting up needs the package registries of pip and npm, or the index or proxy that they use here. Then "
            "run make again."
        )


def _version(venv: Path) -> str:
    python = venv / "bin" / "python"
    show = "import sys; print('%d.%d' % sys.version_info[:2])"
    if not python.exists():
        return ""
    asked = subprocess.run([python, "-c", show], capture_output=True, text=True, check=False)
    return asked.stdout.strip()


def _install(version: Version, *requirements: str | Path) -> None:
    """Bring a virtual environment up to date; at once when it already is."""
    venv, python = version.venv, version.python
    stamp = venv / ".installed"
    inputs = sorted(file for where in REQUIREMENTS for file in paths.ROOT.glob(where))
    state = python + version.core + hashlib.sha256(b"\0".join(i.read_bytes() for i in inputs)).hexdigest()
    if stamp.exists() and stamp.read_text() == state and _version(venv) == python:
        return
    print(f"Setting up {venv.relative_to(paths.ROOT)} (ansible-core {version.core}, Python {python})", flush=True)
    base = paths.interpreter(python)
    if base is None:
        sys.exit(f"Python {python} cannot make virtual environments: is python3-venv installed?")
    uv = paths.VENV / "bin" / "uv"
    # One that was interrupted has a Python and no pip.
    if _version(venv) != python or (venv == paths.VENV and not uv.exists()):
        bare = [] if venv == paths.VENV else ["--without-pip"]
        _run(base, "-m", "venv", "--clear", *bare, venv)
    if not uv.exists():
        _run(paths.VENV / "bin/python", "-m", "pip", "install", "-q", _locked("uv"))
    target = ("--python", venv / "bin/python", "--compile-bytecode")
    _run(uv, "pip", "install", "-q", *target, *requirements, f"ansible-core=={version.core}")
    stamp.write_text(state)


def _install_node() -> None:
    """Put the judges that npm brings below .cache/node, exactly as the lock file has them; no script of theirs runs."""
    sources = [JUDGES / name for name in ("package.json", "package-lock.json")]
    stamp = paths.NODE / ".installed"
    state = hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()
    if shutil.which("npm") is None or (stamp.exists() and stamp.read_text() == state):
        return
    print(f"Setting up {paths.NODE.relative_to(paths.ROOT)}", flush=True)
    paths.NODE.mkdir(parents=True, exist_ok=True)
    for source in sources:
        shutil.copy2(source, paths.NODE)
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", paths.NODE)
    _run("npm", "ci", *options, "--cache", paths.CACHE / "npm")
    stamp.write_text(state)


def _link() -> None:
    link = paths.LINKED / paths.COLLECTION
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(Path("../../../.."))


def main() -> None:
    if sys.version_info < MINIMUM:
        sys.exit(f"Python 3.11 or newer is needed, not {OWN.python}: set PYTHON=python3.X")
    everything = "--all" in sys.argv
    system_packages.ensure(tests=everything)
    _link()
    _install(OWN, "-r", LOCK)
    if not everything:
        return
    _install_node()
    _install(EVENTS, "-r", paths.ROOT / "requirements" / "events.in", "-c", LOCK)
    for version in OTHERS:
        if paths.interpreter(version.python):
            wanted = paths.ROOT / "requirements" / "test.in"
            _install(version, "-r", wanted, "-c", LOCK)
        else:
            print(f"*** NO PYTHON {version.python} HERE: its tests will be skipped ***", flush=True)
    there = (v for v in MATRIX if "sanity" in v.suites and (v.venv / "bin/ansible-test").exists())
    with ThreadPoolExecutor() as pool:
        list(pool.map(ansible_test.prime, there))


if __name__ == "__main__":
    main()
