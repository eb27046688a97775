# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``start FOLDER`` starts a PostgreSQL server of our own and prints its URL; setup_simulator's stop ends it."""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

import psycopg

PATIENCE = 300.0


def start(notes: Path) -> int:
    user = _user()
    folder = Path(tempfile.mkdtemp(prefix="refunds-postgresql-"))
    (notes / "extra.json").write_text(json.dumps({"folder": str(folder)}))
    if user:
        shutil.chown(folder, user)
    password = secrets.token_hex(12)
    (folder / "password").write_text(password)
    (folder / "password").chmod(0o644)  # in a folder of mode 0700
    options = ["-A", "scram-sha-256", "-U", "tracker", "--pwfile", str(folder / "password"), "--no-sync", "-E", "UTF8"]
    initdb = [_program("initdb"), "-D", str(folder / "data"), "--locale", "C", *options]
    subprocess.run(initdb, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)
    with socket.socket() as kept:
        # Bound and never listening, it keeps the port until PostgreSQL listens there, with SO_REUSEADDR too.
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        url = f"postgresql://tracker:{password}@127.0.0.1:{kept.getsockname()[1]}/postgres"
        process = _postgres(folder, user, kept.getsockname()[1])
        (notes / "extra.json").write_text(json.dumps({"folder": str(folder), "pid": process.pid}))
        _wait_for(url, process, folder / "log")
    print(url)
    return 0


def _postgres(folder: Path, user: str | None, port: int) -> subprocess.Popen[bytes]:
    options = ["-h", "127.0.0.1", "-p", str(port), "-k", str(folder), "-c", "fsync=off"]
    command = [_program("postgres"), "-D", str(folder / "data"), *options]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            command, user=user, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


def _user() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _program(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = str(found[-1]) if found else shutil.which(name)
    if not path:
        raise SystemExit(f"{name} was not found: is PostgreSQL's server installed?")
    return path


def _wait_for(url: str, process: subprocess.Popen[t.Any], log: Path) -> None:
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg.connect(url, connect_timeout=60).close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > ends:
                raise SystemExit("PostgreSQL did not start: " + log.read_text()) from None
            time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(start(Path(sys.argv[2])))
