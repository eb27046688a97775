# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is repeated, how long is waited, and what the counters say."""

from __future__ import annotations

import math
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transport_support import START, Clock, bearer, failed, get
from unit_ports import free_port
from unit_servers import Canned, scripted

from ansible_collections.storeops.refunds.plugins.module_utils._http import Call, Reply, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._http_errors import Interrupted, NotAsked
from ansible_collections.storeops.refunds.plugins.module_utils._http_retry_after import retry_after
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import TransportError
from ansible_collections.storeops.refunds.plugins.module_utils._model.secret import Secret

OK = Canned(body=b'{"a": 1}')


def test_one_connection_serves_many_calls() -> None:
    transport = Clock().transport()
    with scripted(OK) as server:
        for _call in range(20):
            assert get(transport, f"{server.url}/x").body == b'{"a": 1}'
        assert len(server.requests) == 20
        assert len(set(server.connections)) == 1
    assert transport.counters.as_result() == {"calls": 20, "retries": 0, "waited_s": 0.0}


def test_one_connection_survives_errors_of_the_service() -> None:
    transport = Clock().transport()
    with scripted(Canned(503, body=b"a" * 1000), Canned(429), Canned(500), OK) as server:
        assert get(transport, server.url).status == 200
        assert len(set(server.connections)) == 1


def test_what_is_sent() -> None:
    with scripted(OK) as server:
        get(Clock().transport(), f"{server.url}/a/b")
        sent = server.requests[0]
    assert server.paths == ["/a/b"]
    assert sent["authorization"] == "Bearer eyJhbGciOiJFUzI1NiJ9.hunter2"
    assert sent["accept"] == "application/json"
    assert sent["user-agent"] == "ansible-collection-storeops.refunds"


def test_each_attempt_has_a_fresh_token() -> None:
    tokens = iter(["one", "two", "three"])
    with scripted(Canned(503), Canned(503), OK) as server:
        Clock().transport().get(server.url, lambda: Secret(next(tokens)))
        assert [sent["authorization"] for sent in server.requests] == ["Bearer one", "Bearer two", "Bearer three"]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_statuses_that_are_repeated(status: int) -> None:
    clock = Clock()
    transport = clock.transport()
    with scripted(Canned(status), Canned(status), OK) as server:
        assert get(transport, server.url).status == 200
    assert clock.slept == [0.25, 0.5]
    assert transport.counters.as_result() == {"calls": 3, "retries": 2, "waited_s": 0.75}


@pytest.mark.parametrize("status", [200, 204, 301, 302, 307, 308, 400, 401, 403, 404, 418, 501, 505])
def test_statuses_that_are_answers(status: int) -> None:
    clock = Clock()
    with scripted(Canned(status, {"Location": "/other"}, b"")) as server:
        assert get(clock.transport(), server.url).status == status
        assert len(server.requests) == 1
    assert clock.slept == []


def test_the_last_answer_is_given_after_four_attempts() -> None:
    clock = Clock()
    with scripted(Canned(503, body=b"down")) as server:
        reply = get(clock.transport(), server.url)
        assert (reply.status, reply.body) == (503, b"down")
        assert len(server.requests) == 4
    assert clock.slept == [0.25, 0.5, 1.0]


@pytest.mark.parametrize(
    "header",
    [
        str(int((START + 7) * 1000)),
        "7",
        formatdate(START + 7, usegmt=True),
        f"  {formatdate(START + 7, usegmt=True)} ",
    ],
    ids=["milliseconds", "seconds", "date", "date with blanks"],
)
def test_retry_after_in_its_three_forms(header: str) -> None:
    clock = Clock()
    with scripted(Canned(429, {"Retry-After": header}), OK) as server:
        assert get(clock.transport(), server.url).status == 200
    assert clock.slept == [pytest.approx(7.05)]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (str(int((START - 9) * 1000)), 0.0),
        (formatdate(START - 9, usegmt=True), 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("\u0663", None),
        ("9" * 400, None),
    ],
)
def test_retry_after_values(text: str, seconds: float | None) -> None:
    assert retry_after(text, START) == seconds


@given(st.one_of(st.text(max_size=40), st.integers().map(str), st.datetimes().map(str)))
def test_any_retry_after_is_a_wait_or_nothing(text: str) -> None:
    seconds = retry_after(text, START)
    assert seconds is None or (math.isfinite(seconds) and seconds >= 0)


@pytest.mark.parametrize("header", ["121", "100000000000000", "99999999999"])
def test_a_wait_beyond_the_deadline_is_not_begun(header: str) -> None:
    clock = Clock()
    with scripted(Canned(429, {"Retry-After": header}), OK) as server:
        assert get(clock.transport(deadline=120.0), server.url).status == 429
        assert len(server.requests) == 1
    assert clock.slept == []


def test_the_deadline_bounds_all_calls_together() -> None:
    clock = Clock()
    transport = clock.transport(deadline=20.0)
    with scripted(Canned(429, {"Retry-After": "9"})) as server:
        assert get(transport, server.url).status == 429
        assert len(server.requests) == 3
        assert transport.remaining() == pytest.approx(20 - 18.1)
        assert get(transport, server.url).status == 429
        assert len(server.requests) == 4
        clock.time += 5
        failed(transport, server.url, "deadline")
        assert len(server.requests) == 4
    assert transport.remaining() == 0.0


def test_a_refused_connection_is_tried_four_times() -> None:
    clock = Clock()
    transport = clock.transport()
    failed(transport, f"http://127.0.0.1:{free_port()}/", "tcp")
    assert transport.counters.as_result() == {"calls": 4, "retries": 3, "waited_s": 1.75}


def test_a_wait_that_the_service_asks_for_ends_by_the_deadline() -> None:
    clock = Clock()
    with scripted(Canned(429, {"Retry-After": "2"})) as server:
        assert get(clock.transport(deadline=30.0), server.url).status == 429
        assert len(server.requests) > 4
    assert 20 < sum(clock.slept) < 30 and min(clock.slept) >= 2


def test_a_service_that_asks_to_wait_often_is_waited_for() -> None:
    transport = Clock().transport(deadline=100.0)
    with scripted(*[Canned(429, {"Retry-After": "5"})] * 9, OK) as server:
        assert get(transport, server.url).status == 200
        assert len(server.requests) == 10
    assert transport.counters.retries == 9


@pytest.mark.parametrize("header", [{}, {"Retry-After": "soon"}])
def test_without_a_wait_the_tries_are_counted(header: dict[str, str]) -> None:
    clock = Clock()
    with scripted(Canned(429, header)) as server:
        assert get(clock.transport(deadline=1000.0), server.url).status == 429
        assert len(server.requests) == 4
    assert clock.slept == [0.25, 0.5, 1.0]


def test_no_wait_is_no_reason_to_hurry() -> None:
    """``Retry-After: 0`` for ever must not become a storm until the deadline."""
    clock = Clock()
    with scripted(Canned(429, {"Retry-After": "0"})) as server:
        assert get(clock.transport(deadline=60.0), server.url).status == 429
        assert 4 < len(server.requests) < 30


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_must_not_be_repeated_is_not_whatever_the_service_asks(status: int) -> None:
    clock = Clock()
    with scripted(Canned(status, {"Retry-After": "1"})) as server:
        call = Call("GET", server.url, dict, is_repeatable=False)
        assert clock.transport().send(call).status == status
        assert len(server.requests) == 1
    assert clock.slept == []


def test_an_answer_that_can_be_had_once_is_granted_time_beyond_the_deadline() -> None:
    clock = Clock()
    transport = clock.transport(deadline=1.0)
    clock.time += 5
    with scripted(OK) as server:
        failed(transport, server.url, "deadline")
        assert transport.send(Call("GET", server.url, dict, is_repeatable=False, least_seconds=60.0)).status == 200


def test_a_service_that_asks_for_no_wait_is_asked_until_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hours of it are some thousand tries, and two to that power is no number."""
    clock, asked = Clock(), []

    def once(_transport: Transport, call: Call) -> Reply:
        asked.append(call)
        return Reply(429, {"retry-after": "0"}, b"")

    monkeypatch.setattr(Transport, "_once", once)
    assert get(clock.transport(deadline=7200.0), "https://service.invalid/a").status == 429
    assert len(asked) > 1024 and max(clock.slept) == 4.0


NO_CONNECTION, LOST = TransportError("tcp", "no connection"), TransportError("timeout", "no answer")


@pytest.mark.parametrize(
    ("tries", "may_have_arrived"),
    [
        ([NO_CONNECTION], False),
        ([NO_CONNECTION, TransportError("dns", "no such host")], False),
        ([NotAsked("deadline", "not asked")], False),
        ([LOST], True),
        ([TransportError("broken", "reset")], True),
        ([Interrupted("tcp", "broke off")], True),
        # The last try alone proves nothing.
        ([LOST, NO_CONNECTION], True),
        ([Reply(500, {}, b""), NO_CONNECTION], True),
        ([Reply(429, {}, b""), NO_CONNECTION], False),
        ([LOST, NotAsked("deadline", "not asked")], True),
    ],
)
def test_whether_a_call_may_have_arrived(
    tries: list[Reply | TransportError], may_have_arrived: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter(tries)

    def once(_transport: Transport, _call: Call) -> Reply:
        found = next(left)
        if isinstance(found, Reply):
            return found
        raise type(found)(found.kind, found.message)

    monkeypatch.setattr(Transport, "_once", once)
    with pytest.raises(TransportError) as caught:
        Clock().transport(attempts=len(tries)).get("http://127.0.0.1:1/", bearer)
    assert caught.value.may_have_arrived is may_have_arrived
