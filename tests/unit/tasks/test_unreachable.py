# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Forty apps where nothing answers, with real sockets: over in time, one outcome for each, the cause said once.

Whole processes would add nothing: what playbooks run is this task.
"""

from __future__ import annotations

import contextlib
import socket
import time
import typing as t
from pathlib import Path

import pytest
from bulk_support import Bulk, apps
from unit_ports import free_port
from unit_servers import Simulator, raw_server

NAMES = [f"com.example.n{number:02}" for number in range(40)]
DEADLINE_S = 3
# A busy machine may take its time; an endless wait, or forty time-outs one after the other, would be longer.
BOUND_S = 60.0
FAR = "https://api.storekit.invalid"
Place = t.Iterator[tuple[str, str]]


@contextlib.contextmanager
def closed_port() -> Place:
    yield f"http://127.0.0.1:{free_port()}", ""


@contextlib.contextmanager
def silent_host() -> Place:
    with raw_server(lambda _connection, _number: time.sleep(2 * DEADLINE_S)) as server:
        yield server.url, ""


@contextlib.contextmanager
def host_that_hangs_up() -> Place:
    with raw_server(lambda _connection, _number: None) as server:
        yield server.url, ""


@contextlib.contextmanager
def closed_proxy() -> Place:
    yield FAR, f"http://127.0.0.1:{free_port()}"


@contextlib.contextmanager
def silent_proxy() -> Place:
    with raw_server(lambda _connection, _number: time.sleep(2 * DEADLINE_S)) as server:
        yield FAR, server.url


@contextlib.contextmanager
def refusing_proxy() -> Place:
    def refuse(connection: socket.socket, _number: int) -> None:
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    with raw_server(refuse) as server:
        yield FAR, server.url


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (closed_port, "no connection."),
        (silent_host, "no whole answer "),
        (host_that_hangs_up, "the connection broke off"),
        (closed_proxy, "the proxy could not be used."),
        (silent_proxy, "no whole answer through the proxy "),
        (refusing_proxy, "the proxy answered HTTP 407: it wants a user and a password."),
    ],
)
def test_forty_apps(
    sim: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: t.Callable[[], contextlib.AbstractContextManager[tuple[str, str]]],
    said: str,
) -> None:
    bulk = Bulk(sim, tmp_path)
    with place() as (url, proxy):
        monkeypatch.setenv("https_proxy", proxy)
        began = time.monotonic()
        done = bulk.run(apps(*NAMES), app_store_server_url=url, deadline=DEADLINE_S, request_timeout=1)
        assert time.monotonic() - began < BOUND_S
    items = done.results["integrations"]
    assert [item["bundle_id"] for item in items] == NAMES
    assert {item["outcome"] for item in items} <= {"failed", "not_tried"}
    assert {item["credential_check"]["cause"] for item in items if item["outcome"] == "failed"} == {"unreachable"}
    assert said in done.message and bulk.held() == []
    # Each cause once (on a busy machine a try also runs out of its own time, or is cut short by the deadline), and that
    # others did not get their turn; five apps of each, and not all forty.
    assert done.message.count(NAMES[0][:-2]) <= 5 * 5 and done.message.count(": unreachable: ") <= 4, done.message
