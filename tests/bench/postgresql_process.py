# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A PostgreSQL of its own in a temporary folder, where it is installed."""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import typing as t
from pathlib import Path

import psycopg
from processes import BenchFailed
from unit_ports import free_port


@contextlib.contextmanager
def postgresql() -> t.Iterator[str | None]:
    """Yield the URL of an empty database, None where PostgreSQL is not installed."""
    initdb, server = _program("initdb"), _program("postgres")
    if not initdb or not server:
        yield None
        return
    folder, password, port = Path(tempfile.mkdtemp(prefix="refunds-bench-pg-")), secrets.token_hex(16), free_port()
    if os.geteuid() == 0:
        shutil.chown(folder, _owner())
    secret, data = folder / "password", str(folder / "data")
    secret.write_text(password)
    secret.chmod(0o644)
    options = ["-U", "owner", "-A", "scram-sha-256", "--pwfile", str(secret), "-E", "UTF8", "--locale=C", "--no-sync"]
    subprocess.run(_as_owner([initdb, "-D", data, *options]), check=True, capture_output=True, cwd=folder)
    settings = ["-h", "127.0.0.1", "-p", str(port), "-c", f"unix_socket_directories={folder}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(_as_owner([server, "-D", data, *settings]), stdout=log, stderr=log, cwd=folder)
    try:
        url = f"postgresql://owner:{password}@127.0.0.1:{port}/postgres"
        _wait_until_it_answers(url, process)
        yield url
    finally:
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(Path(data, "postmaster.pid").read_text().split()[0]), signal.SIGINT)
        process.wait(timeout=120)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    for _attempt in range(6000):
        if process.poll() is not None:
            break
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(url).close()
            return
        time.sleep(0.05)
    raise BenchFailed("PostgreSQL did not start")


def _program(name: str) -> str | None:
    return shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), None)


def _as_owner(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    runuser = shutil.which("runuser", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin") or "runuser"
    return [runuser, "-u", _owner(), "--", *command] if os.geteuid() == 0 else command


def _owner() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
