# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line. Anything wrong is one line on stderr, and exit code 2."""

from __future__ import annotations

import argparse
import errno
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from .app import announcement, make_app, make_vendors
from .fields import InputError
from .server import listen, serve
from .simulator import Simulator
from .world_file import load_world_file
from .world_input import ReadWorld, read_world

_BAD_START: Final = 2
_DEFAULT_HOST: Final = "127.0.0.1"
_DEFAULT_PORT: Final = 8765
_LAST_PORT: Final = 65535


class StartError(Exception):
    """The simulator cannot start; ``str()`` names the option and the next step."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise StartError(f"{message}; see --help")


def run(arguments: Sequence[str]) -> int:
    """Start, serve, and give the exit code."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop_before_start)
    try:
        _serve(_options(arguments))
    except StartError as error:
        print(f"simulator: {error}", file=sys.stderr)
        return _BAD_START
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(
        prog="python extensions/simulator",
        description="Serve stand-ins for the vendors' services until stopped.",
        epilog="Prints one JSON line with its URLs once it accepts connections.",
        allow_abbrev=False,
    )
    parser.add_argument("--host", default=_DEFAULT_HOST, help="address (default %(default)s)")
    parser.add_argument(
        "--port",
        type=int,
        default=_DEFAULT_PORT,
        help="port, 0 for any free one (default %(default)s)",
    )
    parser.add_argument("--world", type=Path, help="YAML or JSON file (default: an empty world)")
    options = parser.parse_args(arguments)
    if not 0 <= options.port <= _LAST_PORT:
        raise StartError(f"--port {options.port}: give a number from 0 to {_LAST_PORT}")
    return options


def _serve(options: argparse.Namespace) -> None:
    read = _world(options.world)
    listening = _listen(options.host, options.port)
    simulator = Simulator(read.world, dict(read.private_keys))
    vendors = make_vendors(simulator)
    line = json.dumps(announcement(vendors, _origin(options.host, listening), os.getpid()))
    with listening:
        serve(make_app(simulator, vendors), listening, lambda: print(line, flush=True))


def _world(path: Path | None) -> ReadWorld:
    if path is None:
        return read_world(None)
    try:
        return load_world_file(path)
    except InputError as error:
        raise StartError(f"--world {path}: {error}; correct it (the README of the simulator has all names)") from error


def _listen(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise StartError(
                f"--port {port}: already in use on {host}; give another one, or 0 for any free one"
            ) from error
        raise StartError(
            f"--host {host} --port {port}: {error.strerror}; give an address of this machine"
            " and a port that you may use"
        ) from error


def _origin(host: str, listening: socket.socket) -> str:
    """Give the URL that a client on this machine uses."""
    port = listening.getsockname()[1]
    name = {"": _DEFAULT_HOST, "0.0.0.0": _DEFAULT_HOST, "::": "::1"}.get(host, host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _stop_before_start(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)
