# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian packages that pip cannot bring: installed when missing and we are root, else named."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

# Without these, tests are skipped, which the final table says; in CI they are needed.
OPTIONAL = {"chromium", "gnupg", "npm", "openjdk-17-jre-headless", "pgbouncer"}


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


def ensure(tests: bool) -> None:
    packages = missing(tests)
    if not packages:
        return
    names = " ".join(packages)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"Missing system packages: {names}. As root: apt-get install {names}", flush=True)
        if set(packages) - OPTIONAL or os.environ.get("CI"):
            sys.exit(1)
        return
    print(f"Installing system packages: {names}", flush=True)
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], check=True, env=env)
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    subprocess.run(install, check=True, env=env)
