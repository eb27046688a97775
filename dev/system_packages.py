# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian packages that pip cannot bring: installed when missing and we are root, else named."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

# Without these, tests are skipped, which the final table says; in CI they are needed.
OPTIONAL = {"chromium", "gnupg", "npm", "openjdk-17-jre-headless", "pgbouncer"}
# Another apt may be at work, and mirrors fail now and then.
PATIENT = ("-o", "DPkg::Lock::Timeout=900", "-o", "Acquire::Retries=5")
# That time-out is not for the lock of the lists.
TRIES, PAUSE_S = 6, 10.0


def _has_postgresql() -> bool:
    installed = any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed or shutil.which("initdb") is not None


def has_chromium() -> bool:
    return any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")))


def missing(tests: bool) -> list[str]:
    wanted = []
    if importlib.util.find_spec("ensurepip") is None:
        wanted.append("python3-venv")
    if shutil.which("git") is None:
        wanted.append("git")
    if tests and not _has_postgresql():
        wanted.append("postgresql")
    if tests and shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin") is None:
        wanted.append("pgbouncer")
    if tests and not has_chromium():
        wanted.append("chromium")
    if tests and shutil.which("java") is None:
        wanted.append("openjdk-17-jre-headless")
    if tests and shutil.which("npm") is None:
        wanted.append("npm")
    if tests and shutil.which("gpg") is None:
        wanted.append("gnupg")
    return wanted


def _apt_get(*arguments: str) -> bool:
    command = ["apt-get", *PATIENT, "-qq", *arguments]
    return subprocess.run(command, check=False, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"}).returncode == 0


def _install(packages: list[str]) -> None:
    """Install what can be: one that can't be had keeps none of the needed ones away."""
    for number in range(TRIES):
        if number:
            time.sleep(PAUSE_S)
        if _apt_get("update"):
            break
    for names in ([n for n in packages if n not in OPTIONAL], [n for n in packages if n in OPTIONAL]):
        if names:
            _apt_get("install", "-y", "--no-install-recommends", *names)
    importlib.invalidate_caches()


def ensure(tests: bool) -> None:
    packages = missing(tests)
    if packages and os.geteuid() == 0 and shutil.which("apt-get") is not None:
        print(f"Installing system packages: {' '.join(packages)}", flush=True)
        _install(packages)
        packages = missing(tests)
    if not packages:
        return
    names = " ".join(packages)
    print(f"Missing system packages: {names}. As root: apt-get update && apt-get install {names}", flush=True)
    if set(packages) - OPTIONAL or os.environ.get("CI"):
        sys.exit(1)
