# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The call log."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

import requests
from sim_support import (
    BUNDLE_ID,
    ISSUER,
    KEY_ID,
    PRODUCTION_ID,
    KeyPair,
    Running,
    new_token,
)
from storeops_simulator.calls import Call, CallLog


def call_with(session: requests.Session, sim: Running, token: str) -> None:
    """Call Get Transaction Info."""
    headers = {"Authorization": f"Bearer {token}", "User-Agent": "a test"}
    session.get(sim.transaction_url(), headers=headers, timeout=120)


def test_what_an_entry_holds(sim: Running, pair: KeyPair) -> None:
    call_with(sim.session, sim, new_token(pair.private_pem))
    report = sim.calls()
    (entry,) = report["calls"]
    assert abs(entry.pop("at") - time.time() * 1000) < 3_600_000
    assert entry.pop("connection") > 0
    assert entry == {
        "vendor": "app_store_server",
        "environment": "production",
        "method": "GET",
        "path": f"/app-store-server/production/inApps/v1/transactions/{PRODUCTION_ID}",
        "endpoint": "get_transaction_info",
        "bundle_id": BUNDLE_ID,
        "key_id": KEY_ID,
        "issuer_id": ISSUER,
        "status": 200,
        "refusal": None,
        "fault": None,
        "user_agent": "a test",
    }


def test_who_hangs_up_within_a_request_is_noted_and_nothing_breaks(sim: Running, pair: KeyPair) -> None:
    """As a task does that is killed."""
    place = urlsplit(sim.base())
    head = (
        f"POST {place.path}/inApps/v1/notifications/history HTTP/1.1\r\nHost: {place.netloc}\r\n"
        f"Authorization: Bearer {new_token(pair.private_pem)}\r\nContent-Length: 100\r\n\r\n"
    )
    with socket.create_connection((str(place.hostname), place.port or 0), timeout=120) as connection:
        connection.sendall(head.encode() + b'{"startDate": 1')
    ends = time.monotonic() + 300
    while not sim.calls()["calls"] and time.monotonic() < ends:
        time.sleep(0.01)
    (entry,) = sim.calls()["calls"]
    assert (entry["endpoint"], entry["status"]) == ("get_notification_history", None)
    call_with(sim.session, sim, new_token(pair.private_pem))
    assert [call["status"] for call in sim.calls()["calls"]] == [None, 200]


def test_no_token_and_no_key_is_in_it(sim: Running, pair: KeyPair, stranger: KeyPair) -> None:
    tokens = [new_token(each.private_pem) for each in (pair, stranger)]
    for token in tokens:
        call_with(sim.session, sim, token)
    text = sim.control("GET", "/calls").text
    for token in tokens:
        assert not any(part in text for part in token.split("."))
    assert "PRIVATE" not in text and "Bearer" not in text


def test_kept_connections_are_counted_once(sim: Running, pair: KeyPair) -> None:
    token = new_token(pair.private_pem)
    with requests.Session() as kept:
        kept.trust_env = False
        for _turn in range(5):
            call_with(kept, sim, token)
    assert (sim.calls()["count"], sim.calls()["connections"]) == (5, 1)
    for _turn in range(2):
        with requests.Session() as single:
            single.trust_env = False
            call_with(single, sim, token)
    assert (sim.calls()["count"], sim.calls()["connections"]) == (7, 3)


def test_filters_and_limit(sim: Running, pair: KeyPair, stranger: KeyPair) -> None:
    for each in (pair, pair, stranger):
        call_with(sim.session, sim, new_token(each.private_pem))
    assert sim.calls("?status=401")["count"] == 1
    assert sim.calls(f"?bundle_id={BUNDLE_ID}&status=200")["count"] == 2
    assert sim.calls("?bundle_id=com.example.other") == {
        "total": 3,
        "count": 0,
        "connections": 0,
        "calls": [],
    }
    limited = sim.calls("?limit=1")
    assert (limited["count"], [call["status"] for call in limited["calls"]]) == (3, [401])
    assert sim.calls("?limit=0")["calls"] == []


def test_the_log_can_be_emptied(sim: Running, pair: KeyPair) -> None:
    call_with(sim.session, sim, new_token(pair.private_pem))
    sim.control("DELETE", "/calls")
    assert sim.calls()["total"] == 0


def test_faults_are_named(sim: Running, pair: KeyPair) -> None:
    sim.fault(kind="status", status=503, times=1)
    call_with(sim.session, sim, new_token(pair.private_pem))
    (entry,) = sim.calls("?fault=status")["calls"]
    assert (entry["status"], entry["bundle_id"]) == (503, BUNDLE_ID)


def test_calls_of_the_control_api_are_not_in_it(sim: Running) -> None:
    sim.control("GET", "/world")
    sim.root_der()
    assert sim.calls()["total"] == 0


def test_odd_claims_do_not_break_it(sim: Running, pair: KeyPair) -> None:
    call_with(sim.session, sim, new_token(pair.private_pem, {"bid": "\ud800" * 300}))
    call_with(sim.session, sim, new_token(pair.private_pem, {"bid": ["x"], "iss": 7}))
    first, second = sim.calls()["calls"]
    assert len(first["bundle_id"]) == 200
    assert (second["bundle_id"], second["issuer_id"]) == (None, None)


def test_the_log_is_bounded_but_the_count_stays_true() -> None:
    log = CallLog(kept=3)
    for number in range(10):
        log.add(Call(number, "v", "GET", "/", connection=number, user_agent=None))
    report = log.report({})
    assert (report["total"], report["count"], report["connections"]) == (10, 10, 10)
    calls = report["calls"]
    assert isinstance(calls, list)
    assert [call["at"] for call in calls] == [7, 8, 9]
