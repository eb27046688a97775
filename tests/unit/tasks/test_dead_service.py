# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service that is silent for long is found out once for a list, and every app has its outcome all the same."""

from __future__ import annotations

import socket
import threading
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from bulk_support import Bulk, apps, causes, outcomes
from unit_ports import free_port
from unit_servers import Simulator, raw_server
from unit_support import Outcome, run_task

from ansible_collections.storeops.refunds.plugins.module_utils import _run
from ansible_collections.storeops.refunds.plugins.module_utils._http import HttpSettings, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._http_circuit import SILENCE_S, UNANSWERED
from ansible_collections.storeops.refunds.plugins.module_utils._http_errors import NotAsked
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import credential_check_info
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.ledger import LedgerTracker

NAMES = [f"com.example.n{number:03}" for number in range(120)]
TRIES = 4
# Seconds that pass whenever somebody looks at the clock. A call looks at it several times.
TICK = 0.1
NOT_ASKED = "not asked: no answer came from "
LONG = 86_400


class Clock:
    """Goes on by being looked at, by any thread."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()

    def look(self) -> float:
        """Give the time."""
        with self._lock:
            self.seconds += TICK
            return self.seconds


@pytest.fixture
def clock() -> Clock:
    """The time of a test."""
    return Clock()


@pytest.fixture
def bulk(sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Bulk:
    """A list of apps, one after the other; nobody waits, and time passes by being looked at, also while refused.

    With several at a time, who looks how often while another waits for an answer would be a matter of luck.
    """

    def transport(settings: HttpSettings) -> Transport:
        return Transport(replace(settings, concurrency=1), monotonic=clock.look, sleep=lambda seconds: None)

    monkeypatch.setattr(_run, "Transport", transport)
    made = Bulk(sim, tmp_path)
    made.world(NAMES)
    return made


def by_outcome(done: Outcome) -> dict[str, list[dict[str, t.Any]]]:
    """Give the items by their outcome."""
    found: dict[str, list[dict[str, t.Any]]] = {}
    for item in done.results["integrations"]:
        found.setdefault(item["outcome"], []).append(item)
    assert sum(map(len, found.values())) == len(NAMES)
    return found


def assert_unasked(items: t.Sequence[dict[str, t.Any]], url: str, next_step: str) -> None:
    """Each says so, and nothing was written for it."""
    place = url.partition("://")[2]
    for item in items:
        check = item["credential_check"]
        assert (item["action"], item["status"]) == ("unchanged", "Absent")
        assert (check["cause"], check["checked_at"], check["accepted"]) == ("unreachable", None, False)
        assert check["hint"] == f"{NOT_ASKED}{place} for at least 30 s. {next_step}"
        assert item["msg"] == f"{item['bundle_id']}: {check['hint']}"


def test_a_dead_port(bulk: Bulk) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = bulk.run(apps(*NAMES), app_store_server_url=url, deadline=LONG)
    found = by_outcome(done)
    assert set(found) == {"failed", "not_tried"} and set(causes(done)) == {"unreachable"}
    assert len(found["failed"]) >= UNANSWERED and len(found["not_tried"]) > len(NAMES) / 2
    assert all(item["credential_check"]["checked_at"] for item in found["failed"])
    assert_unasked(found["not_tried"], url, "Check the network, a firewall, or the URL.")
    assert done.results["http"]["calls"] <= len(found["failed"]) * TRIES
    counts = f"{len(found['failed'])} of 120 apps need attention, {len(found['not_tried'])} of 120 apps weren't tried."
    assert done.message.startswith(f"{counts}\n") and done.message.count(NOT_ASKED) == 1
    assert bulk.held() == []
    again = bulk.run(apps(*NAMES), deadline=LONG)
    assert outcomes(again) == [(name, "create", "changed") for name in NAMES]
    assert bulk.held() == NAMES


def test_a_port_that_hangs_up_counted_there(bulk: Bulk) -> None:
    options = {**bulk.options(apps(*NAMES)), "credential_check": "required", "deadline": LONG}
    with raw_server(lambda _connection, _number: None) as server:
        done = run_task(credential_check_info.TASK, {**options, "app_store_server_url": server.url})
        assert server.accepted == done.results["http"]["calls"] < len(NAMES) * TRIES / 2
    found = done.results["credential_checks"]
    assert [(one["bundle_id"], one["cause"], one["accepted"]) for one in found] == [
        (name, "unreachable", False) for name in NAMES
    ]
    unasked = [one for one in found if NOT_ASKED in one["hint"]]
    assert len(NAMES) / 2 < len(unasked) < len(NAMES)
    assert all(one["checked_at"] is None for one in unasked)
    assert sum(one["checked_at"] is None for one in found) == len(unasked)
    assert all("Run again; if it stays so" in one["hint"] for one in found)


@pytest.mark.parametrize("policy", ["advisory", "required"])
def test_no_policy_decides_about_apps_that_were_not_asked(bulk: Bulk, policy: str) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = bulk.run(apps(*NAMES), app_store_server_url=url, credential_check=policy, deadline=LONG)
    found = by_outcome(done)
    asked = found["changed" if policy == "advisory" else "failed"]
    assert len(asked) + len(found["not_tried"]) == len(NAMES)
    assert_unasked(found["not_tried"], url, "Check the network, a firewall, or the URL.")
    assert {item["status"] for item in asked} == {"Pending" if policy == "advisory" else "Absent"}
    assert bulk.held() == ([item["bundle_id"] for item in asked] if policy == "advisory" else [])
    assert f"{len(found['not_tried'])} of 120 apps weren't tried." in done.message


def test_what_is_active_stays_so_when_it_was_not_asked(bulk: Bulk) -> None:
    bulk.run(apps(*NAMES), deadline=LONG)
    url = f"http://127.0.0.1:{free_port()}"
    done = bulk.run(apps(*NAMES), app_store_server_url=url, credential_check="advisory", deadline=LONG)
    assert {item["status"] for item in by_outcome(done)["not_tried"]} == {"Active"}


def test_a_short_outage_costs_only_the_apps_that_it_met(bulk: Bulk) -> None:
    """As many requests fail in a row as a long outage has at least; the list goes on and all the others succeed."""
    faults = 10 * TRIES
    bulk.sim.fault(kind="reset", times=faults)
    done = bulk.run(apps(*NAMES), deadline=LONG)
    found = by_outcome(done)
    assert set(found) == {"failed", "changed"}
    assert UNANSWERED <= len(found["failed"]) == faults / TRIES
    assert bulk.held() == [item["bundle_id"] for item in found["changed"]]


@pytest.mark.parametrize(("outage", "is_long"), [(SILENCE_S - 5, False), (SILENCE_S + 15, True)])
def test_a_service_that_comes_back_within_the_list(bulk: Bulk, clock: Clock, outage: float, is_long: bool) -> None:
    """After a long outage as after a short one, the rest of the list is asked; after a long one, some were not."""

    def behave(connection: socket.socket, _number: int) -> None:
        if clock.seconds > outage:
            connection.sendall(b"HTTP/1.1 501 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with raw_server(behave) as server:
        done = bulk.run(apps(*NAMES), app_store_server_url=server.url, deadline=LONG)
    assert ("not_tried" in by_outcome(done)) is is_long
    assert set(causes(done)) == {"unreachable", "service_unavailable"}
    assert set(causes(done)[-20:]) == {"service_unavailable"}


def test_a_deadline_before_that_leaves_apps_untried_as_well(bulk: Bulk) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = bulk.run(apps(*NAMES), app_store_server_url=url, credential_check="advisory", deadline=SILENCE_S / 2)
    untried = by_outcome(done)["not_tried"]
    assert len(untried) > len(NAMES) / 2 and NOT_ASKED not in done.message
    assert all("the deadline of 15 s was over" in item["msg"] for item in untried)
    assert {item["status"] for item in untried} == {"Absent"}


def test_a_tracker_that_was_not_asked(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(_self: LedgerTracker, _identity: object) -> t.NoReturn:
        raise NotAsked("tcp", f"{NOT_ASKED}tracker.invalid for at least 30 s.", "Run again.")

    monkeypatch.setattr(LedgerTracker, "is_listable", property(lambda self: False, lambda self, value: None))
    monkeypatch.setattr(LedgerTracker, "find", find)
    done = bulk.run(apps(*NAMES), deadline=LONG)
    assert set(by_outcome(done)) == {"not_tried"} and "tracker.invalid" in done.message


def test_a_service_that_refuses_all_is_asked_about_all(bulk: Bulk) -> None:
    def busy(connection: socket.socket, _number: int) -> None:
        connection.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with raw_server(busy) as server:
        done = bulk.run(apps(*NAMES), app_store_server_url=server.url, deadline=LONG)
        assert server.accepted == len(NAMES) * TRIES
    assert set(causes(done)) == {"service_unavailable"} and len(causes(done)) == len(NAMES)
