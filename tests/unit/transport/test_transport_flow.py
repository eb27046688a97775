# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many calls are on their way: more while answers come, fewer when a service is overloaded."""

from __future__ import annotations

import pytest
from transport_support import Clock, failed, get
from unit_ports import free_port
from unit_servers import Canned, scripted

from ansible_collections.storeops.refunds.plugins.module_utils._http_flow import FIRST, LEAST, MOST, Flow
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import TransportError


def a_round(flow: Flow, status: int = 200) -> None:
    """As many calls as the limit allows go out, and then all are answered."""
    for begun in [flow.begins() for _call in range(flow.limit)]:
        flow.answered(begun, status)


def test_it_doubles_with_each_round_until_the_cap() -> None:
    flow, seen = Flow(), []
    for _round in range(6):
        seen.append(flow.limit)
        a_round(flow)
    assert seen == [FIRST, 16, 32, MOST, MOST, MOST]


@pytest.mark.parametrize("most", [1, 3, 8, 20])
def test_the_cap_holds_always(most: int) -> None:
    flow = Flow(most)
    for status in [200, 200, 429, 200, 200, 429, 429, 429]:
        a_round(flow, status)
        assert 1 <= flow.limit <= most


def test_one_call_after_the_other_shows_nothing() -> None:
    flow = Flow()
    for _call in range(1000):
        flow.answered(flow.begins(), 200)
    assert flow.limit == FIRST


def test_one_sign_for_each_round_halves_it_and_then_it_grows_by_one() -> None:
    flow = Flow()
    for _round in range(3):
        a_round(flow)
    assert flow.limit == 64
    a_round(flow, 429)
    assert flow.limit == 32, "64 refusals of one round are one sign"
    for more in range(1, 6):
        a_round(flow)
        assert flow.limit in (32 + more, 31 + more)
    for _round in range(10):
        a_round(flow, 429)
    assert flow.limit == LEAST


@pytest.mark.parametrize(
    ("kind", "shrinks"),
    [("tcp", True), ("timeout", True), ("broken", True), ("dns", False), ("tls", False), ("deadline", False)],
)
def test_what_counts_as_overload(kind: str, shrinks: bool) -> None:
    flow = Flow()
    flow.failed(flow.begins(), TransportError(kind, "why", "what next"))  # type: ignore[arg-type]
    assert (flow.limit < FIRST) is shrinks


def test_errors_of_the_service_do_not_shrink_it() -> None:
    flow = Flow()
    for status in (400, 401, 404, 500, 503):
        a_round(flow, status)
    assert flow.limit == MOST


def test_the_transport_tells_of_each_try() -> None:
    clock = Clock()
    transport = clock.transport(deadline=1000.0)
    failed(transport, f"http://127.0.0.1:{free_port()}/", "tcp")
    assert transport.flow.limit == LEAST
    transport = clock.transport(deadline=1000.0)
    with scripted(Canned(status=429, headers={"Retry-After": "1"}), Canned(status=200)) as server:
        assert get(transport, server.url).status == 200
    assert transport.flow.limit == LEAST
