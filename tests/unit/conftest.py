# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of all unit tests."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir
from unit_migrations import Migrations
from unit_servers import Simulator, simulator
from unit_support import ROOT, Patience, new_pem

from ansible_collections.storeops.refunds.plugins.module_utils import _run
from ansible_collections.storeops.refunds.plugins.module_utils._http import Transport
from ansible_collections.storeops.refunds.plugins.module_utils._ledger import ledger

set_hypothesis_home_dir(ROOT / ".cache" / "hypothesis")
# The same examples on every machine: a red test is red for everybody.
settings.register_profile(
    "storeops",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("storeops")


# What starts a process is proven once, and not on each version.
SERVICES = frozenset({"_simulator", "cluster"})
# The parameter of a fixture that asks for the cluster by itself.
SERVER = "postgresql"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the simulator or PostgreSQL; what runs Ansible's programs says so itself."""
    for item in items:
        parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
        if SERVICES.intersection(getattr(item, "fixturenames", ())) or SERVER in parameters:
            item.add_marker(pytest.mark.services)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the caller's proxies, ledgers and home out of the tests."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("STOREOPS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(scope="session", autouse=True)
def _migrations() -> t.Iterator[None]:
    """Make new ledgers quickly: thousands of tests begin with one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "_migrate", Migrations().migrate)
        yield


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> Patience:
    """The clock of the tasks' transport: no test waits for a pause between two tries, however long it is."""
    clock = Patience()
    monkeypatch.setattr(_run, "Transport", clock.transport)
    return clock


@pytest.fixture
def real_pauses(patience: Patience, monkeypatch: pytest.MonkeyPatch) -> None:
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
