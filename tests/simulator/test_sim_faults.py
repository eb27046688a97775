# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of fault, looked at from the client's side of the socket."""

from __future__ import annotations

import json
import socket
import time
from contextlib import AbstractContextManager
from urllib.parse import urlsplit

import httpx
import pytest
from sim_support import (
    BUNDLE_ID,
    KEY_ID,
    OTHER_BUNDLE_ID,
    OTHER_ISSUER,
    OTHER_KEY_ID,
    PRODUCTION_ID,
    KeyPair,
    Running,
    new_token,
)


def get(sim: Running, pair: KeyPair, transaction_id: str = "1", environment: str = "production") -> httpx.Response:
    """Call Get Transaction Info over a new connection."""
    headers = {"Authorization": f"Bearer {new_token(pair.private_pem)}"}
    url = sim.transaction_url(transaction_id, environment)
    return httpx.get(url, headers=headers, trust_env=False, verify=False, timeout=120)


def raw_answer(sim: Running, pair: KeyPair) -> tuple[bytes, bool]:
    """Call over a bare socket: all bytes of the answer, and whether a TCP reset ended it."""
    url = urlsplit(sim.transaction_url(PRODUCTION_ID))
    request = (
        f"GET {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: Bearer {new_token(pair.private_pem)}\r\n\r\n"
    )
    received = b""
    with socket.create_connection((url.hostname, url.port), timeout=120) as connection:
        connection.sendall(request.encode())
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionResetError:
            return received, True
    return received, False


def test_refuse_closes_before_the_first_byte(sim: Running, pair: KeyPair) -> None:
    sim.fault(kind="refuse", times=2)
    assert raw_answer(sim, pair)[0] == b""
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        get(sim, pair)
    assert get(sim, pair).status_code == 404
    assert [call["status"] for call in sim.calls()["calls"]] == [None, None, 404]


def test_reset_comes_in_the_middle_of_the_body(sim: Running, pair: KeyPair) -> None:
    sim.fault(kind="reset", times=2)
    received, was_reset = raw_answer(sim, pair)
    head, _blank, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body.startswith(b'{"signedTransactionInfo":"')
    assert was_reset
    with pytest.raises(httpx.ReadError):
        get(sim, pair)
    assert get(sim, pair).status_code == 404


def test_truncate_announces_more_than_it_sends(sim: Running, pair: KeyPair) -> None:
    sim.fault(kind="truncate", times=2)
    received, was_reset = raw_answer(sim, pair)
    head, _blank, body = received.partition(b"\r\n\r\n")
    headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    assert 0 < len(body) < int(headers[b"content-length"])
    assert not was_reset
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        get(sim, pair)
    assert get(sim, pair).status_code == 404


def test_delay_then_the_ordinary_answer(sim: Running, pair: KeyPair) -> None:
    sim.fault(kind="delay", seconds=0.3, times=1)
    start = time.monotonic()
    assert get(sim, pair).json()["errorCode"] == 4040010
    assert time.monotonic() - start >= 0.3


def drip(sim: Running, pair: KeyPair, seconds: float) -> AbstractContextManager[httpx.Response]:
    """Call over a new connection, the answer to be read piece by piece."""
    sim.fault(kind="drip", seconds=seconds, times=1)
    headers = {"Authorization": f"Bearer {new_token(pair.private_pem)}"}
    url = sim.transaction_url("1", "production")
    return httpx.stream("GET", url, headers=headers, trust_env=False, verify=False, timeout=120)


def test_a_drip_is_the_ordinary_answer_for_who_waits(sim: Running, pair: KeyPair) -> None:
    with drip(sim, pair, 0.001) as answer:
        chunks = list(answer.iter_raw())
    assert len(chunks) > 1 and json.loads(b"".join(chunks))["errorCode"] == 4040010


def test_a_drip_ends_with_the_connection(sim: Running, pair: KeyPair) -> None:
    """No single read is silent for long, so only a bound for the whole answer ends it."""
    with drip(sim, pair, 0.05) as answer:
        assert len(next(answer.iter_raw())) == 1
    assert get(sim, pair).status_code == 404


def test_a_delay_does_not_hold_up_others(sim: Running, pair: KeyPair) -> None:
    sim.fault(kind="delay", seconds=30, match={"endpoint": "get_transaction_info"}, times=1)
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(
            sim.transaction_url(),
            trust_env=False,
            verify=False,
            timeout=httpx.Timeout(10, read=0.2),
        )
    assert get(sim, pair).status_code == 404


def test_a_captive_portal(sim: Running, pair: KeyPair) -> None:
    sim.fault(kind="content_type", times=1)
    answer = get(sim, pair)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html")
    assert "<html>" in answer.text
    assert "x-apple-request-uuid" not in answer.headers


def test_another_content_type_and_body(sim: Running, pair: KeyPair) -> None:
    sim.fault(kind="content_type", content_type="application/json; charset=utf-8", body={"a": 1})
    answer = get(sim, pair)
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json() == {"a": 1}


def test_any_status_with_body_and_headers(sim: Running, pair: KeyPair) -> None:
    sim.fault(
        kind="status",
        status=302,
        headers={"Location": "https://login.example.com/", "Content-Type": "text/html"},
        body="<html>moved</html>",
    )
    answer = get(sim, pair)
    assert (answer.status_code, answer.text) == (302, "<html>moved</html>")
    assert answer.headers["location"] == "https://login.example.com/"
    assert answer.headers["content-type"] == "text/html"


@pytest.mark.parametrize("status", [204, 304, 418, 503, 599])
def test_unusual_statuses(sim: Running, pair: KeyPair, status: int) -> None:
    sim.fault(kind="status", status=status)
    assert get(sim, pair).status_code == status


def test_a_vendor_error_carries_the_vendors_headers(sim: Running, pair: KeyPair) -> None:
    retry_after = str(int(time.time() * 1000) + 2500)
    sim.fault(kind="status", error_code=4290000, headers={"Retry-After": retry_after})
    answer = get(sim, pair)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, retry_after)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["server"] == "daiquiri/5"
    assert answer.json() == {"errorCode": 4290000, "errorMessage": "Rate limit exceeded."}


def test_an_error_code_with_another_text(sim: Running, pair: KeyPair) -> None:
    sim.fault(kind="status", error_code=4040001, error_message="made up", status=400)
    answer = get(sim, pair)
    assert answer.status_code == 400
    assert answer.json() == {"errorCode": 4040001, "errorMessage": "made up"}


MATCHES = {
    "bundle_id": BUNDLE_ID,
    "key_id": KEY_ID,
    "environment": "production",
    "method": "GET",
    "path": "*/inApps/v1/transactions/*",
    "vendor": "app_store_server",
    "endpoint": "get_transaction_info",
}


@pytest.mark.parametrize("name", MATCHES)
def test_a_fault_hits_what_it_matches(sim: Running, pair: KeyPair, name: str) -> None:
    sim.fault(kind="status", status=500, match={name: MATCHES[name]})
    assert get(sim, pair).status_code == 500
    sim.control("DELETE", "/faults")
    sim.fault(kind="status", status=500, match={name: "other"})
    assert get(sim, pair).status_code == 404


def test_only_the_matching_app_is_hit(sim: Running, pair: KeyPair) -> None:
    sim.fault(kind="status", status=500, match={"bundle_id": OTHER_BUNDLE_ID})
    claims = {"iss": OTHER_ISSUER, "bid": OTHER_BUNDLE_ID}
    token = new_token(pair.private_pem, claims, {"kid": OTHER_KEY_ID})
    url = sim.transaction_url("1")
    hit = httpx.get(url, headers={"Authorization": f"Bearer {token}"}, trust_env=False, verify=False, timeout=300)
    assert hit.status_code == 500
    assert get(sim, pair).status_code == 404


def test_faults_wait_for_their_turn(sim: Running, pair: KeyPair) -> None:
    added = sim.control(
        "POST",
        "/faults",
        [
            {"kind": "status", "status": 500, "times": 1},
            {"kind": "status", "status": 503, "times": 2},
        ],
    ).json()["faults"]
    assert [get(sim, pair).status_code for _turn in range(4)] == [500, 503, 503, 404]
    shown = sim.control("GET", "/faults").json()["faults"]
    assert [(fault["id"], fault["applied"]) for fault in shown] == [
        (added[0]["id"], 1),
        (added[1]["id"], 2),
    ]


def test_one_fault_is_taken_away(sim: Running, pair: KeyPair) -> None:
    answer = sim.control("POST", "/faults", {"kind": "status", "status": 500}).json()
    assert get(sim, pair).status_code == 500
    sim.control("DELETE", f"/faults/{answer['faults'][0]['id']}")
    assert get(sim, pair).status_code == 404


def test_a_seeded_rate_repeats_itself(sim: Running, pair: KeyPair) -> None:
    def statuses() -> list[int]:
        sim.control("DELETE", "/faults")
        sim.fault(kind="status", status=500, rate=0.5, seed=7)
        return [get(sim, pair).status_code for _turn in range(20)]

    first = statuses()
    assert set(first) == {404, 500}
    assert statuses() == first


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({}, "kind: is missing"),
        ({"kind": "explode"}, "kind: must be one of refuse"),
        ({"kind": "refuse", "seconds": 1}, "seconds: unknown key"),
        ({"kind": "delay"}, "seconds: is missing"),
        ({"kind": "delay", "seconds": 1e9}, "seconds: must be from 0 to 600"),
        ({"kind": "status"}, "status: is missing"),
        ({"kind": "status", "status": 99}, "status: must be from 200"),
        ({"kind": "status", "error_code": 4040001}, "error_message: is missing"),
        ({"kind": "status", "error_code": 5000001, "body": "x"}, "body: stands beside"),
        ({"kind": "status", "status": 200, "headers": {"a b": "c"}}, "headers.a b: is not"),
        ({"kind": "status", "status": 200, "headers": {"a": "b\r\nc"}}, "headers.a: must be one"),
        (
            {"kind": "status", "status": 200, "headers": {"Content-Length": 3}},
            "headers.Content-Length: is not",
        ),
        ({"kind": "refuse", "times": 0}, "times: must be from 1"),
        ({"kind": "refuse", "rate": 2}, "rate: must be from 0 to 1"),
        ({"kind": "refuse", "times": 1, "rate": 1}, "rate: stands beside times"),
        ({"kind": "refuse", "match": {"app": "x"}}, "match.app: unknown key"),
    ],
)
def test_bad_faults_are_refused(sim: Running, fault: object, message: str) -> None:
    answer = sim.control("POST", "/faults", [fault])
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f"[0].{message}")
    assert sim.control("GET", "/faults").json() == {"faults": []}
