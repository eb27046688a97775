# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Python programs in forks of a process that has imported what others made: that takes ten times as long as their work.

Nothing of Ansible or of this collection is imported before the fork: each program reads its own settings and files, and
a module what came in its zip. Its environment and command line are those of a stand-in for Python, which waits for it.
This file is also what the process runs, with any version of ansible-core: only the standard library, then.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import gc
import importlib
import marshal
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import types
import typing as t
from pathlib import Path

from unit_compiled import Compiled

# What Ansible, this collection and their libraries have; a version that lacks one does without.
IMPORTED = """
    alembic.autogenerate.api alembic.command appstoreserverlibrary.signed_data_verifier argparse ast asyncio
    concurrent.futures cryptography.hazmat.primitives.ciphers cryptography.hazmat.primitives.serialization getpass html
    importlib.metadata jinja2.nativetypes jwt logging.handlers multiprocessing optparse packaging.version pickle psycopg
    requests runpy sqlalchemy.dialects.postgresql sqlalchemy.dialects.sqlite sqlalchemy.orm starlette.applications
    starlette.routing uuid uvicorn yaml zipfile
"""
# A Python for scripts, as files or at its standard input; anything else is done by the real one.
STAND_IN = """#!{python} -IS
import marshal, os, signal, socket, sys
if sys.argv[1:] and sys.argv[1][0] == "-":
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
with socket.socket(socket.AF_UNIX) as line:
    line.connect(os.path.join(os.path.dirname(os.path.realpath(__file__)), "line"))
    socket.send_fds(line, [b"."], [0, 1, 2])
    line.sendall(marshal.dumps((sys.argv[1:], dict(os.environ), os.getcwd())))
    line.shutdown(socket.SHUT_WR)
    program = int(line.recv(16))
    signal.signal(signal.SIGTERM, lambda number, frame: os.kill(program, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    code = line.recv(8)
os._exit(int(code) if code else 137)
"""
PROGRAMS = ("ansible", "ansible-doc", "ansible-inventory", "ansible-playbook", "ansible-vault")
LIMIT = 300


class Warm:
    """``python`` can be called as a Python is, with a script; ``programs`` has those of Ansible that it runs."""

    def __init__(self, python: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="warm-"))
        self.python = self._executable("python", STAND_IN.format(python=str(python)))
        self.programs = self.folder / "programs"
        self.programs.mkdir()
        for name in PROGRAMS:
            self._executable(f"programs/{name}", f'#!/bin/sh\nexec {self.python} {python.parent / name} "$@"\n')
        (self.programs / "python3").symlink_to(self.python)
        environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [python, __file__, str(self.folder)]
        self._process = subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, start_new_session=True)
        atexit.register(self._end)
        end = time.monotonic() + LIMIT
        while not (self.folder / "line").exists():
            assert self._process.poll() is None and time.monotonic() < end, "it doesn't listen"
            time.sleep(0.02)

    def _executable(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def _end(self) -> None:
        try:
            self._process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@functools.cache
def warm(python: Path = Path(sys.executable)) -> Warm:
    """Give the one of a Python, until the tests end."""
    return Warm(python)


def compiled_here() -> Compiled:
    """Give what processes have compiled, in a program that was begun as a fork."""
    return Compiled(Path(sys.executable).parent / "compiled")


def spare() -> None:
    """Let Ansible zip a module once, and not look a thousand times a second at what a worker has done, or for garbage.

    That is for a program that was begun as a fork, and has read its settings.
    """
    constants = importlib.import_module("ansible.constants")
    os.symlink(Path(sys.executable).parent / "zips", Path(constants.DEFAULT_LOCAL_TMP) / "ansiballz_cache")
    vars(constants)["DEFAULT_INTERNAL_POLL_INTERVAL"] = 0.005
    gc.disable()


def _run(arguments: list[str], place: Path, compiled: Compiled) -> None:
    """Do what a new Python would do with these arguments."""
    main = types.ModuleType("__main__")
    name, folder = "<stdin>", ""
    if arguments:
        name = main.__file__ = arguments[0]
        folder = os.path.dirname(os.path.realpath(name))
        source = Path(name).read_bytes()
    else:
        source = sys.stdin.buffer.read()
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    # The folder of this file comes first.
    sys.path[:] = [folder, *filter(None, given), *sys.path[1:]]
    sys.modules["__main__"] = main
    # What Ansible starts a module with when nobody says otherwise.
    sys.executable = str(place / "python")
    if os.path.basename(name) in PROGRAMS:
        compiled.serve_yaml()
        compiled.serve_ansible()
        spare()
    sys.argv = arguments or [""]
    exec(compile(source, name, "exec", dont_inherit=True), vars(main))


def _be_a_program(line: socket.socket, work: t.Callable[[list[str]], None]) -> None:
    _dot, streams, *_flags = socket.recv_fds(line, 1, 3)
    arguments, environ, folder = marshal.loads(b"".join(iter(lambda: line.recv(1 << 16), b"")))
    # A SIGIO, which ends it, when the stand-in is gone: killed, or ended before it could pass that on.
    fcntl.fcntl(line, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(line, fcntl.F_SETFL, fcntl.fcntl(line, fcntl.F_GETFL) | os.O_ASYNC)
    line.sendall(f"{os.getpid():16}".encode())
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        opened = open(number, mode, closefd=False)  # noqa: SIM115
        setattr(sys, name, opened)
        setattr(sys, f"__{name}__", opened)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    tempfile.tempdir = None
    me, code = os.getpid(), 1
    try:
        work(arguments)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if code and not isinstance(end.code, int):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    # What it forked itself ends elsewhere.
    if os.getpid() == me:
        _end(line, code)


def _end(line: socket.socket, code: int) -> None:
    """Do what a Python does before it ends."""
    with contextlib.suppress(Exception):
        threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    # Whoever waited may be gone.
    with contextlib.suppress(OSError):
        line.sendall(str(code % 256).encode())


def _serve(place: Path) -> None:
    for name in IMPORTED.split():
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for kept in ("compiled", "zips"):
        (place / kept).mkdir()
    compiled = Compiled(place / "compiled")
    compiled.serve_zips()
    # No child looks through all of this for garbage.
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place / "new"))
        listening.listen(64)
        (place / "new").rename(place / "line")
        # Whoever started it holds its input, and lets go of it however they end.
        while sys.stdin not in select.select([listening, sys.stdin], [], [])[0]:
            line, _address = listening.accept()
            compiled.learn()
            if os.fork() == 0:
                try:
                    listening.close()
                    _be_a_program(line, functools.partial(_run, place=place, compiled=compiled))
                finally:
                    os._exit(1)
            line.close()
            _bury()
    _stop()


def _bury() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _stop() -> None:
    """End with all that is left: a simulator that nobody stopped."""
    _bury()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
