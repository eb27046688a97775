# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that gives no answer is found dead once, looked at now and then, and asked again as soon as it is back."""

from __future__ import annotations

import contextlib
import socket
import threading
import typing as t

import pytest
from transport_support import START, Clock, failed, get
from unit_ports import free_port
from unit_servers import Canned, raw_server, scripted

from ansible_collections.storeops.refunds.plugins.module_utils._http import Call, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._http_circuit import (
    PROBE_EVERY_S,
    SILENCE_S,
    UNANSWERED,
    Circuits,
)
from ansible_collections.storeops.refunds.plugins.module_utils._http_counters import Counters
from ansible_collections.storeops.refunds.plugins.module_utils._http_errors import NotAsked
from ansible_collections.storeops.refunds.plugins.module_utils._http_flow import FIRST
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import TransportError

TRIES = 4
# Calls until a host counts as dead: the last request that is needed is given up after its first try.
CALLS = (UNANSWERED - 1) * TRIES + 1


SILENT_TRY = TransportError("timeout", "127.0.0.1:1: no whole answer within 15 s.", "Run again.")


def dead() -> str:
    """Give a URL where nothing listens."""
    return f"http://127.0.0.1:{free_port()}/"


def no_answers(transport: Transport, url: str, kind: str = "tcp", requests: int = UNANSWERED) -> None:
    """Ask in vain; the host does not count as dead."""
    for _request in range(requests):
        assert "no answer came from" not in str(failed(transport, url, kind))


def give_up(clock: Clock, transport: Transport, url: str, kind: str = "tcp") -> None:
    """Ask in vain until the host counts as dead."""
    no_answers(transport, url, kind, UNANSWERED - 1)
    clock.time += SILENCE_S
    no_answers(transport, url, kind, 1)


def refused(transport: Transport, url: str, kind: str = "tcp") -> TransportError:
    """Ask a host that counts as dead: nothing goes out, and nobody waits."""
    before = transport.counters.as_result()
    error = failed(transport, url, kind)
    assert isinstance(error, NotAsked)
    assert error.message == f"not asked: no answer came from {url.split('/')[2]} for at least 30 s."
    assert transport.counters.as_result() == before
    return error


def port_of(url: str) -> int:
    return int(url.rstrip("/").rpartition(":")[2])


def test_the_number_is_that_of_the_first_connections() -> None:
    """With fewer, one round of requests that are all too slow would be enough."""
    assert UNANSWERED >= FIRST


def test_a_dead_port_is_asked_no_more() -> None:
    clock = Clock()
    transport, url = clock.transport(deadline=1000.0), dead()
    give_up(clock, transport, url)
    assert transport.counters.calls == CALLS
    slept = list(clock.slept)
    for _app in range(50):
        assert refused(transport, url).next_step == "Check the network, a firewall, or the URL."
    assert clock.slept == slept


def test_an_outage_that_ends_in_time_costs_no_other_request() -> None:
    """Far more requests than needed fail, and all that come after it succeed."""
    clock = Clock()
    transport, url = clock.transport(deadline=1000.0), dead()
    lost = 0
    while clock.time + 2 < START + SILENCE_S:
        no_answers(transport, url, requests=1)
        lost += 1
    assert lost > 2 * UNANSWERED - 2
    with scripted(Canned(headers={"Connection": "close"}), port=port_of(url)) as server:
        for _app in range(40):
            assert get(transport, url).status == 200
        assert len(server.requests) == 40


def test_single_tries_refused_at_once_are_no_long_outage() -> None:
    """As calls that can be sent only once: hundreds of them fail in no time."""
    transport, url = Clock().transport(deadline=1000.0, attempts=1), dead()
    no_answers(transport, url, requests=200)
    assert transport.counters.calls == 200


def test_a_long_outage_of_few_requests_is_asked_on() -> None:
    clock = Clock()
    transport, url = clock.transport(deadline=10_000.0), dead()
    for _request in range(UNANSWERED - 1):
        clock.time += SILENCE_S
        no_answers(transport, url, requests=1)
    assert transport.counters.calls == (UNANSWERED - 1) * TRIES


def test_a_pause_after_failures_is_no_silence() -> None:
    """Nobody asked meanwhile: the next request goes out, and its answer counts."""
    clock = Clock()
    transport, url = clock.transport(deadline=1000.0), dead()
    no_answers(transport, url, requests=2 * UNANSWERED)
    clock.time += 10 * SILENCE_S
    with scripted(Canned(), port=port_of(url)):
        assert get(transport, url).status == 200


def test_silence_is_measured_from_the_start_of_the_first_try() -> None:
    """A host that says nothing is found out while the first requests are still repeated, not after all their tries."""
    clock = Clock()
    circuit = Circuits(clock.now).of("http://127.0.0.1:1/")
    with contextlib.ExitStack() as stack:
        requests = [stack.enter_context(circuit.request("127.0.0.1:1")) for _request in range(UNANSWERED)]
        for start in (0.0, 15.0):
            for request in requests:
                clock.time = START + start
                request.begins()
                assert not request.is_hopeless
            clock.time += 15.0
            for request in requests:
                request.failed(SILENT_TRY)
        assert all(request.is_hopeless for request in requests)


def test_an_answer_during_a_try_ends_the_silence_before_it() -> None:
    clock = Clock()
    circuit = Circuits(clock.now).of("http://127.0.0.1:1/")
    with contextlib.ExitStack() as stack:
        requests = [stack.enter_context(circuit.request("127.0.0.1:1")) for _request in range(UNANSWERED + 1)]
        for request in requests:
            request.begins()
        clock.time += 20.0
        requests.pop().answered()
        for seconds, is_open in ((SILENCE_S - 0.5, False), (0.5, True)):
            clock.time += seconds
            for request in requests:
                request.failed(SILENT_TRY)
            assert circuit.is_open is is_open


def test_a_look_that_was_answered_and_waits_keeps_no_other_waiting() -> None:
    """The host answers the look with a long wait, and dies again meanwhile."""
    clock = Clock()
    circuit = Circuits(clock.now).of("http://127.0.0.1:1/")

    def die() -> None:
        for seconds in [0.0] * (UNANSWERED - 1) + [SILENCE_S]:
            clock.time += seconds
            with circuit.request("127.0.0.1:1") as request:
                request.failed(SILENT_TRY)
        assert circuit.is_open

    die()
    clock.time += PROBE_EVERY_S
    with circuit.request("127.0.0.1:1") as look:
        look.answered()
        die()
        clock.time += PROBE_EVERY_S
        with circuit.request("127.0.0.1:1") as second:
            with pytest.raises(NotAsked), circuit.request("127.0.0.1:1"):
                pass
            second.answered()
    assert not circuit.is_open


def test_one_look_at_a_time_now_and_then_with_one_try() -> None:
    clock = Clock()
    transport, url = clock.transport(deadline=1000.0), dead()
    give_up(clock, transport, url)
    for looked in range(1, 4):
        clock.time += PROBE_EVERY_S - 0.5
        refused(transport, url)
        clock.time += 0.5
        assert "no connection" in str(failed(transport, url, "tcp"))
        assert transport.counters.calls == CALLS + looked
        refused(transport, url)


def test_a_server_that_comes_back_is_asked_again() -> None:
    clock = Clock()
    transport, url = clock.transport(deadline=1000.0), dead()
    give_up(clock, transport, url)
    with scripted(Canned(headers={"Connection": "close"}), port=port_of(url)) as server:
        refused(transport, url)
        assert server.requests == []
        clock.time += PROBE_EVERY_S
        for _app in range(20):
            assert get(transport, url).status == 200
        assert len(server.requests) == 20
    give_up(clock, transport, url)
    refused(transport, url)


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_any_answer_to_the_look_is_one(status: int) -> None:
    """It brings back the tries and the waits as well."""
    clock = Clock()
    transport, url = clock.transport(deadline=1000.0), dead()
    give_up(clock, transport, url)
    clock.time += PROBE_EVERY_S
    with scripted(Canned(status), Canned(status), Canned(), port=port_of(url)) as server:
        assert get(transport, url).status == (401 if status == 401 else 200)
        get(transport, url)
        assert len(server.requests) == (2 if status == 401 else 4)


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
def test_an_answer_is_no_silence(status: int) -> None:
    transport = Clock().transport(deadline=10_000.0)
    with scripted(Canned(status)) as server:
        for _app in range(UNANSWERED + 2):
            assert get(transport, server.url).status == status
        tries = 1 if status in (401, 404) else TRIES
        assert len(server.requests) == (UNANSWERED + 2) * tries


def test_only_failures_in_a_row_count() -> None:
    clock = Clock()
    transport, url = clock.transport(deadline=10_000.0), dead()
    for _round in range(3):
        no_answers(transport, url, requests=UNANSWERED - 2)
        clock.time += SILENCE_S
        no_answers(transport, url, requests=1)
        with scripted(Canned(429, {"Retry-After": "9999999", "Connection": "close"}), port=port_of(url)):
            assert get(transport, url).status == 429
    give_up(clock, transport, url)
    refused(transport, url)


def test_an_answer_among_the_tries_of_a_request_counts() -> None:
    """Three of four connections are reset: not one request gets through, and yet the host is there."""

    def behave(connection: socket.socket, number: int) -> None:
        if number % TRIES == 1:
            connection.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    clock = Clock()
    transport = clock.transport(deadline=10_000.0)
    with raw_server(behave) as server:
        for _round in range(3):
            clock.time += SILENCE_S
            no_answers(transport, server.url, "broken")
        assert server.accepted == 3 * UNANSWERED * TRIES


def test_an_answer_that_breaks_off_counts() -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
    clock = Clock()
    transport = clock.transport(deadline=10_000.0, attempts=1)
    with raw_server(lambda connection, _number: connection.sendall(half)) as server:
        for _round in range(3):
            clock.time += SILENCE_S
            no_answers(transport, server.url, "broken")


SILENT: dict[str, t.Callable[[socket.socket], object]] = {
    "closed at once": lambda connection: None,
    "no HTTP": lambda connection: connection.sendall(b"\x16\x03\x01\x02\x00 garbage\r\n\r\n"),
}


@pytest.mark.parametrize("silence", SILENT)
def test_a_server_that_hangs_up_is_as_good_as_dead(silence: str) -> None:
    """Counts real connections."""
    clock = Clock()
    transport = clock.transport(deadline=1000.0)
    with raw_server(lambda connection, _number: t.cast(None, SILENT[silence](connection))) as server:
        give_up(clock, transport, server.url, "broken")
        refused(transport, server.url, "broken")
        assert server.accepted == CALLS


def test_a_server_that_says_nothing_is_as_good_as_dead() -> None:
    ended = threading.Event()
    clock = Clock()
    transport = clock.transport(request_timeout=0.05, deadline=1000.0, attempts=1)
    with raw_server(lambda _connection, _number: t.cast(None, ended.wait(60))) as server:
        give_up(clock, transport, server.url, "timeout")
        assert "request_timeout" in refused(transport, server.url, "timeout").next_step
        ended.set()


def test_a_name_that_is_not_found_and_tls_that_fails() -> None:
    clock = Clock()
    transport = clock.transport(deadline=1000.0)
    give_up(clock, transport, "https://nosuch.invalid/", "dns")
    assert "DNS" in refused(transport, "https://nosuch.invalid/a", "dns").next_step
    with scripted() as server:
        url = server.url.replace("http://", "https://")
        give_up(clock, transport, url, "tls")
        assert "ca_path" in refused(transport, url, "tls").next_step
        assert get(transport, server.url).status == 200, "plain http there is another service"


def test_a_dead_host_stops_no_other() -> None:
    clock = Clock()
    transport, url = clock.transport(deadline=1000.0), dead()
    give_up(clock, transport, url)
    with scripted() as server:
        assert get(transport, server.url).status == 200
        assert get(transport, server.url.replace("127.0.0.1", "localhost")).status == 200
    refused(transport, url)
    refused(transport, url.replace("http://127.0.0.1", "HTTP://127.0.0.1"))


def test_what_never_went_out_says_nothing_about_the_host() -> None:
    clock = Clock()
    transport = clock.transport(deadline=1000.0, ca_path="/nowhere/ca.pem")
    for _round in range(3):
        no_answers(transport, "https://127.0.0.1:port/", "refused_url")
        no_answers(transport, "https://127.0.0.1:1/", "tls")
        clock.time += SILENCE_S
    clock.time += 1000
    for _round in range(3):
        no_answers(transport, "http://127.0.0.1:1/", "deadline")
        clock.time += SILENCE_S


def test_a_look_for_which_no_time_is_left_is_none() -> None:
    clock = Clock()
    transport, url = clock.transport(deadline=60.0), dead()
    give_up(clock, transport, url)
    clock.time = START + 61
    failed(transport, url, "deadline")
    before = transport.counters.calls
    with pytest.raises(TransportError, match="no connection"):
        transport.send(Call("GET", url, dict, least_seconds=5.0))
    assert transport.counters.calls == before + 1


def at_once(threads: int, work: t.Callable[[], object]) -> None:
    """Do the work in many threads at the same time."""
    barrier = threading.Barrier(threads)

    def run() -> None:
        barrier.wait()
        work()

    running = [threading.Thread(target=run) for _thread in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def test_many_threads_send_one_look() -> None:
    clock = Clock()
    transport, url = clock.transport(deadline=1000.0), dead()
    give_up(clock, transport, url)
    clock.time += PROBE_EVERY_S
    asked, released = threading.Semaphore(0), threading.Event()

    def behave(connection: socket.socket, _number: int) -> None:
        asked.release()
        released.wait(60)

    with raw_server(behave, port=port_of(url)) as server:
        looking = threading.Thread(target=lambda: failed(transport, url, "broken"))
        looking.start()
        assert asked.acquire(timeout=120)
        at_once(FIRST, lambda: refused(transport, url))
        released.set()
        looking.join()
        assert server.accepted == 1


def test_requests_on_their_way_give_up_after_their_try() -> None:
    """Those that began before the host was found dead would else take all their tries and waits."""
    clock = Clock()
    transport, url = clock.transport(deadline=1000.0), dead()
    no_answers(transport, url, requests=UNANSWERED - 2)
    clock.time += SILENCE_S
    before = transport.counters.calls
    # While it waits for its second try, another one finds the host dead.
    usual, nested = clock.sleep, []

    def sleep(seconds: float) -> None:
        usual(seconds)
        if not nested:
            nested.append(True)
            failed(transport, url, "tcp")

    transport._sleep = sleep
    assert "no connection" in str(failed(transport, url, "tcp"))
    assert transport.counters.calls - before == 1 + 1 + 1, "its first try, the other's one, and its second"


def test_waits_at_the_same_time_count_once() -> None:
    clock = Clock()
    counters = Counters(clock.now)
    with counters.waiting():
        clock.time += 1
        with counters.waiting():
            clock.time += 2
        clock.time += 4
    clock.time += 8
    with counters.waiting():
        clock.time += 16
    assert counters.as_result() == {"calls": 0, "retries": 3, "waited_s": 23.0}
