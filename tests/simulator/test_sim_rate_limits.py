# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rate limit: numbers, windows, and the unit of Retry-After."""

from __future__ import annotations

import time

import pytest
import requests
from sim_support import KeyPair, Running, new_token, new_world
from storeops_simulator.rate_limits import PER_SECOND, RateLimiter


def admitted(limiter: RateLimiter, limit: int, environment: str, now: float) -> int:
    """Count how many of 200 requests at one moment are allowed."""
    answers = [limiter.admit(environment, "e", "app", limit, now) for _turn in range(200)]
    return answers.count(None)


@pytest.mark.parametrize(
    ("limit", "environment", "allowed"),
    [(50, "production", 50), (50, "sandbox", 5), (10, "sandbox", 1), (0, "production", 200)],
)
def test_requests_in_one_second(limit: int, environment: str, allowed: int) -> None:
    limiter = RateLimiter()
    assert admitted(limiter, limit, environment, 1000.2) == allowed
    assert admitted(limiter, limit, environment, 1001.0) == allowed


def test_a_tenth_of_one_a_second_is_one_in_ten_seconds() -> None:
    limiter = RateLimiter()
    assert [limiter.admit("sandbox", "e", "app", 1, at) for at in (1000.0, 1009.9, 1010.0)] == [
        None,
        1010_000,
        None,
    ]


def test_apps_endpoints_and_environments_count_apart() -> None:
    limiter = RateLimiter()
    assert limiter.admit("production", "e", "one", 1, 1000.0) is None
    assert limiter.admit("production", "e", "two", 1, 1000.0) is None
    assert limiter.admit("production", "f", "one", 1, 1000.0) is None
    assert limiter.admit("sandbox", "e", "one", 10, 1000.0) is None
    assert limiter.admit("production", "e", "one", 1, 1000.0) == 1001_000


def test_the_documented_number() -> None:
    assert PER_SECOND["get_transaction_info"] == 50


def test_retry_after_is_a_unix_time_in_milliseconds(sim: Running, pair: KeyPair) -> None:
    world = new_world(pair)
    world["rate_limits"] = {"get_transaction_info": 1}
    sim.control("PUT", "/world", world)
    before = time.time()
    answer = _until_limited(sim, pair)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"errorCode": 4290000, "errorMessage": "Rate limit exceeded."}
    retry_after = int(answer.headers["retry-after"])
    assert before * 1000 < retry_after <= time.time() * 1000 + 1000
    assert sim.calls()["calls"][-1]["refusal"] == "rate_limited"


def test_a_refused_token_is_not_counted(sim: Running, pair: KeyPair, stranger: KeyPair) -> None:
    world = new_world(pair)
    world["rate_limits"] = {"get_transaction_info": 1}
    sim.control("PUT", "/world", world)
    assert {_get(sim, stranger).status_code for _turn in range(5)} == {401}


def _get(sim: Running, pair: KeyPair) -> requests.Response:
    headers = {"Authorization": f"Bearer {new_token(pair.private_pem)}"}
    return sim.session.get(sim.transaction_url("1"), headers=headers, timeout=120)


def _until_limited(sim: Running, pair: KeyPair) -> requests.Response:
    for _turn in range(50):
        answer = _get(sim, pair)
        if answer.status_code == 429:
            return answer
    raise AssertionError("50 requests in a row were not limited")
