# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service that doesn't answer is found out once for a list of apps, and every app has its outcome all the same."""

from __future__ import annotations

import socket
import typing as t
from pathlib import Path

import pytest
from bulk_support import Bulk, apps, causes, outcomes
from unit_servers import Simulator, free_port, raw_server
from unit_support import Outcome, run_task

from ansible_collections.storeops.refunds.plugins.module_utils import _run
from ansible_collections.storeops.refunds.plugins.module_utils._http import HttpSettings, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._http_circuit import UNANSWERED
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.shared.concurrent import WORKERS
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import credential_check_info

NAMES = [f"com.example.n{number:02}" for number in range(60)]
TRIES = 4
# The requests that find it out, and those that were on their way by then.
MOST_ASKED = UNANSWERED + WORKERS - 1
NO_MORE = f"gave no answer to {UNANSWERED} requests in a row; not asked again for this app. "


@pytest.fixture
def bulk(sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bulk:
    """A list of apps; nobody waits between tries, and no time passes after which the host is looked at again."""

    def transport(settings: HttpSettings) -> Transport:
        return Transport(settings, monotonic=lambda: 0.0, sleep=lambda seconds: None)

    monkeypatch.setattr(_run, "Transport", transport)
    made = Bulk(sim, tmp_path)
    made.world(NAMES)
    return made


def assert_all_told(hints: t.Sequence[str], next_step: str) -> None:
    """Some were asked for, most were not, and all are told what to do."""
    assert len(hints) == len(NAMES)
    told = [hint for hint in hints if NO_MORE in hint]
    assert len(NAMES) - MOST_ASKED <= len(told) <= len(NAMES) - UNANSWERED
    assert all(next_step in hint for hint in hints)


def hints(outcome: Outcome) -> list[str]:
    return [entry["credential_check"]["hint"] for entry in outcome.results["integrations"]]


def test_a_dead_port(bulk: Bulk) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = bulk.run(apps(*NAMES), app_store_server_url=url)
    assert outcomes(done) == [(name, "unchanged", "failed") for name in NAMES]
    assert set(causes(done)) == {"unreachable"}
    assert_all_told(hints(done), "Check the network, a firewall, or the URL.")
    assert UNANSWERED * TRIES <= done.results["http"]["calls"] <= MOST_ASKED * TRIES
    assert bulk.held() == [] and "Of 60 apps, 60 failed." in done.message
    again = bulk.run(apps(*NAMES))
    assert outcomes(again) == [(name, "create", "changed") for name in NAMES]
    assert bulk.held() == NAMES


def test_a_port_that_hangs_up_counted_there(bulk: Bulk) -> None:
    options = {**bulk.options(apps(*NAMES)), "credential_check": "required"}
    with raw_server(lambda _connection, _number: None) as server:
        done = run_task(credential_check_info.TASK, {**options, "app_store_server_url": server.url})
        assert UNANSWERED * TRIES <= server.accepted <= MOST_ASKED * TRIES
        assert server.accepted == done.results["http"]["calls"]
    found = done.results["credential_checks"]
    assert [(one["bundle_id"], one["cause"], one["accepted"]) for one in found] == [
        (name, "unreachable", False) for name in NAMES
    ]
    assert_all_told([one["hint"] for one in found], "Run again; if it stays so")


def test_the_policy_decides_as_for_any_call_without_an_answer(bulk: Bulk) -> None:
    done = bulk.run(apps(*NAMES), app_store_server_url=f"http://127.0.0.1:{free_port()}", credential_check="advisory")
    assert outcomes(done) == [(name, "create", "changed") for name in NAMES]
    assert {entry["status"] for entry in done.results["integrations"]} == {"Failed"}
    assert set(causes(done)) == {"unreachable"} and not done.results.get("failed")


def test_a_service_that_refuses_all_is_asked_about_all(bulk: Bulk) -> None:
    def busy(connection: socket.socket, _number: int) -> None:
        connection.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with raw_server(busy) as server:
        done = bulk.run(apps(*NAMES), app_store_server_url=server.url)
        assert server.accepted == len(NAMES) * TRIES
    assert set(causes(done)) == {"service_unavailable"} and len(causes(done)) == len(NAMES)
