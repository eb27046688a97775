# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process: how it starts, what it says, how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from sim_support import ISSUER, SIMULATOR, command, started


def failed_start(*arguments: str) -> str:
    """Start in vain; give the one line on stderr."""
    done = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("simulator: ")
    return line


def test_one_json_line_once_it_accepts_connections() -> None:
    with started() as running:
        port = running.announced["control"].removesuffix("/_sim").rpartition(":")[2]
        origin = f"http://127.0.0.1:{port}"
        assert running.announced == {
            "app_store_server": {
                "production": f"{origin}/app-store-server/production",
                "sandbox": f"{origin}/app-store-server/sandbox",
            },
            "app_store_connect": f"{origin}/app-store-connect",
            "app_store_connect_api": f"{origin}/app-store-connect-api",
            "revenuecat": f"{origin}/revenuecat/v2",
            "qonversion": f"{origin}/qonversion",
            "devtodev": f"{origin}/devtodev",
            "control": f"{origin}/_sim",
            "root_certificate": f"{origin}/_sim/root_certificate",
            "pid": running.process.pid,
            "version": 1,
        }
        socket.create_connection(("127.0.0.1", int(port)), timeout=120).close()
        assert running.control("GET", "/world").json()["teams"] == []
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(timeout=120) == 0
        assert running.process.stdout is not None and running.process.stderr is not None
        assert (running.process.stdout.read(), running.process.stderr.read()) == ("", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_zero(number: signal.Signals) -> None:
    with started() as running:
        # An idle connection must not hold it up.
        running.control("GET", "/world")
        running.process.send_signal(number)
        assert running.process.wait(timeout=120) == 0


def test_a_hanging_request_does_not_hold_it_up() -> None:
    with started() as running:
        running.fault(kind="delay", seconds=600)
        host, port = "127.0.0.1", int(running.announced["control"][:-5].rpartition(":")[2])
        with socket.create_connection((host, port), timeout=120) as hanging:
            hanging.sendall(b"GET /app-store-server/production/x HTTP/1.1\r\nHost: x\r\n\r\n")
            while running.control("GET", "/faults").json()["faults"][0]["applied"] == 0:
                pass
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(timeout=120) == 0


def test_a_world_file_is_read(tmp_path: Path) -> None:
    world = tmp_path / "world.json"
    world.write_text(json.dumps({"teams": [{"issuer_id": ISSUER}]}))
    with started("--world", str(world)) as running:
        assert running.control("GET", "/world").json()["teams"][0]["issuer_id"] == ISSUER


def test_a_missing_world_file(tmp_path: Path) -> None:
    line = failed_start("--world", str(tmp_path / "none.yml"))
    assert f"--world {tmp_path / 'none.yml'}: cannot be read: No such file" in line


def test_a_bad_world_file(tmp_path: Path) -> None:
    world = tmp_path / "world.yml"
    world.write_text("teams:\n  - issuer: x\n")
    line = failed_start("--world", str(world))
    assert f"{world}: teams[0].issuer: unknown key; did you mean issuer_id?; correct it" in line


def test_a_taken_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"--port {port}: already in use" in failed_start("--port", port)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--port", "eighty"), "argument --port: invalid int value"),
        (("--port", "65536"), "--port 65536: give a number from 0 to 65535"),
        (("--colour", "red"), "unrecognized arguments"),
        (("--host", "192.0.2.1", "--port", "0"), "--host 192.0.2.1 --port 0: "),
    ],
)
def test_bad_options(arguments: tuple[str, ...], message: str) -> None:
    assert message in failed_start(*arguments)


def test_a_missing_library(tmp_path: Path) -> None:
    # A folder in front of the real one, whose starlette cannot be imported.
    (tmp_path / "starlette.py").write_text("raise ImportError('gone', name='starlette')\n")
    done = subprocess.run(
        command("--port", "0"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "the Python library 'starlette' is missing" in line
    assert line.endswith(f"pip install -r {SIMULATOR / 'requirements.txt'}")


def test_nothing_is_imported_from_the_collection() -> None:
    sources = [*SIMULATOR.rglob("*.py")]
    assert sources
    for source in sources:
        text = source.read_text()
        assert "ansible" not in text and "plugins" not in text, source


def test_no_file_hides_a_standard_module() -> None:
    names = {path.stem for path in SIMULATOR.iterdir()}
    assert not names & sys.stdlib_module_names - {"__main__"}
