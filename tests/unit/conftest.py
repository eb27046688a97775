# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of all unit tests."""

from __future__ import annotations

import gc
import importlib
import os
import sqlite3
import sys
import typing as t
from itertools import count

import pytest
import sqlalchemy
from unit_examples import settle_examples
from unit_migrations import Migrations
from unit_servers import Simulator, simulator
from unit_support import Patience, new_pem

from ansible_collections.storeops.refunds.plugins.module_utils import _run
from ansible_collections.storeops.refunds.plugins.module_utils._http import Transport
from ansible_collections.storeops.refunds.plugins.module_utils._ledger import ledger

# jsonschema would build its grammars for two seconds; no schema of ours has a format that needs one.
sys.modules.setdefault("rfc3987_syntax", t.cast(t.Any, None))
settle_examples()


# What starts a process is proven once, and not on each version.
SERVICES = frozenset({"_simulator", "cluster"})
# The parameter of a fixture that asks for the cluster by itself.
SERVER = "postgresql"
HOMES = count()
# The audit events of a process that begins.
PROCESSES = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system"})
STARTED: list[str] = []


def _note_process(event: str, _arguments: tuple[object, ...]) -> None:
    if event in PROCESSES:
        STARTED.append(event)


# Ansible asks ldconfig when it is first imported; no test is to be blamed for that.
importlib.import_module("ansible.utils.display")
sys.addaudithook(_note_process)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Begin the account of a test with its fixtures."""
    STARTED.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> t.Iterator[None]:
    """Fail a test that started a process and isn't marked for it; also where the tested code hides what went wrong."""
    yield
    if STARTED and item.get_closest_marker("services") is None:
        pytest.fail(f"{STARTED[0]}: what starts a process needs @pytest.mark.services")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the simulator or PostgreSQL; what runs Ansible's programs says so itself."""
    for item in items:
        parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
        if SERVICES.intersection(getattr(item, "fixturenames", ())) or SERVER in parameters:
            item.add_marker(pytest.mark.services)


def pytest_collection_finish() -> None:
    """Let the garbage collector pass by what stays to the end: thousands of tests and all modules."""
    gc.collect()
    gc.freeze()


def _leave_the_disk_alone(connection: t.Any, _record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF").close()


def _let_the_server_take_its_time(*given: t.Any) -> None:
    *_dialect, parameters = given
    if "connect_timeout" in parameters:
        parameters["connect_timeout"] = 300


@pytest.fixture(scope="session", autouse=True)
def _clean_environment(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[None]:
    """Keep the caller's proxies and ledgers out of the tests.

    What thousands of tests have in common is done here once; a fixture of each test costs more than most tests.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.lower().endswith("_proxy") or name.startswith("STOREOPS_"):
                patch.delenv(name)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("homes")))
        # New ledgers are made quickly, and no test waits for a pause between two tries, or for a disk.
        patch.setattr(ledger, "_migrate", Migrations().migrate)
        patch.setattr(_run, "Transport", lambda settings: Patience().transport(settings))
        patch.setattr(os, "fsync", lambda _descriptor: None)
        listeners = {"connect": _leave_the_disk_alone, "do_connect": _let_the_server_take_its_time}
        for name, listener in listeners.items():
            sqlalchemy.event.listen(sqlalchemy.Engine, name, listener)
        yield
        for name, listener in listeners.items():
            sqlalchemy.event.remove(sqlalchemy.Engine, name, listener)


@pytest.fixture(autouse=True)
def _home(_clean_environment: None, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give each test a home of its own, which is not there before something is written into it."""
    os.environ["HOME"] = str(tmp_path_factory.getbasetemp() / "homes" / str(next(HOMES)))


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> Patience:
    """The clock of all transports of a test's tasks, for a test that looks at it."""
    clock = Patience()
    monkeypatch.setattr(_run, "Transport", clock.transport)
    return clock


@pytest.fixture
def real_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tasks wait for real: for another process."""
    monkeypatch.setattr(_run, "Transport", Transport)


@pytest.fixture(scope="session")
def pem() -> str:
    """A private key, as Apple gives it out."""
    return new_pem()


@pytest.fixture(scope="session")
def other_pem() -> str:
    """Another one."""
    return new_pem()


@pytest.fixture(scope="session")
def _simulator(pem: str, other_pem: str) -> t.Iterator[Simulator]:
    with simulator(pem, other_pem) as running:
        yield running


@pytest.fixture
def sim(_simulator: Simulator) -> Simulator:
    """The real simulator, in a fresh world."""
    _simulator.start_over()
    return _simulator
