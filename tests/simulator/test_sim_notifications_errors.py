# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Get Notification History refuses, and with which code."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from history_support import DAY, ENDPOINTS, HOUR, NOW, app_of, history_world, put, refund_notice
from sim_support import PRODUCTION_ID, KeyPair, Running, new_token
from storeops_simulator.rate_limits import PER_SECOND

SOUND: dict[str, Any] = {"startDate": NOW - DAY, "endDate": NOW}


def post(sim: Running, pair: KeyPair, body: object, environment: str = "production") -> requests.Response:
    """Ask without Apple's client, which cannot make wrong bodies."""
    return sim.session.post(
        f"{sim.base(environment)}/inApps/v1/notifications/history",
        json=body,
        headers={"Authorization": f"Bearer {new_token(pair.private_pem)}"},
        timeout=120,
    )


@pytest.fixture
def world(sim: Running, pair: KeyPair) -> dict[str, Any]:
    """A world with one refund."""
    made = history_world(pair)
    app_of(made)["notifications"] = [refund_notice(1, NOW - HOUR)]
    put(sim, made)
    return made


WRONG: dict[str, tuple[dict[str, Any], int]] = {
    "no start": ({"startDate": None}, 4000015),
    "start as text": ({"startDate": str(NOW)}, 4000015),
    "negative start": ({"startDate": -1}, 4000015),
    "start true": ({"startDate": True}, 4000015),
    "no end": ({"endDate": None}, 4000016),
    "end with a fraction": ({"endDate": NOW + 0.5}, 4000016),
    "equal": ({"startDate": NOW, "endDate": NOW}, 4000013),
    "start after end": ({"startDate": NOW, "endDate": NOW - 1}, 4000013),
    "start in the future": ({"startDate": NOW + DAY, "endDate": NOW + 2 * DAY}, 4000013),
    "too far": ({"startDate": NOW - 180 * DAY - 1}, 4000012),
    "seconds": ({"startDate": NOW // 1000}, 4000012),
    "unknown type": ({"notificationType": "REFUNDED"}, 4000018),
    "type not text": ({"notificationType": 1}, 4000018),
    "subtype without type": ({"notificationSubtype": "VOLUNTARY"}, 4000018),
    "unknown subtype": ({"notificationType": "EXPIRED", "notificationSubtype": "X"}, 4000018),
    "subtype of another type": ({"notificationType": "REFUND", "notificationSubtype": "VOLUNTARY"}, 4000018),
    "two filters": ({"notificationType": "REFUND", "transactionId": PRODUCTION_ID}, 4000019),
    "bad transaction ID": ({"transactionId": "x"}, 4000006),
    "unknown transaction ID": ({"transactionId": "1"}, 4040010),
    "only failures as text": ({"onlyFailures": "true"}, 4000000),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_requests(sim: Running, pair: KeyPair, world: dict[str, Any], case: str) -> None:
    change, code = WRONG[case]
    answer = post(sim, pair, {**SOUND, **change})
    assert (answer.json()["errorCode"], answer.status_code) == (code, code // 10_000)
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("body", [None, [], "x"])
def test_bodies_that_are_no_mapping(sim: Running, pair: KeyPair, world: dict[str, Any], body: object) -> None:
    assert post(sim, pair, body).json()["errorCode"] == 4000000


@pytest.mark.parametrize(("environment", "days"), [("production", 180), ("sandbox", 30)])
def test_the_reach(sim: Running, pair: KeyPair, world: dict[str, Any], environment: str, days: int) -> None:
    farthest = {**SOUND, "startDate": NOW - days * DAY}
    assert post(sim, pair, farthest, environment).status_code == 200
    too_far = {**SOUND, "startDate": NOW - days * DAY - 1}
    assert post(sim, pair, too_far, environment).json()["errorCode"] == 4000012
    world["server_notifications"] = {"reach_days": days - 11, "reach_days_sandbox": days - 11}
    put(sim, world)
    assert post(sim, pair, farthest, environment).json()["errorCode"] == 4000012


def test_nulls_are_as_good_as_nothing(sim: Running, pair: KeyPair, world: dict[str, Any]) -> None:
    nothing = dict.fromkeys(("notificationType", "notificationSubtype", "transactionId", "onlyFailures"))
    assert len(post(sim, pair, {**SOUND, **nothing}).json()["notificationHistory"]) == 1


def test_an_end_in_the_future_is_now(sim: Running, pair: KeyPair, world: dict[str, Any]) -> None:
    app_of(world)["notifications"] += [refund_notice(2, NOW + 1, send_attempts=[{"date": NOW - 1}])]
    put(sim, world)
    answer = post(sim, pair, {**SOUND, "endDate": NOW + DAY}).json()
    assert (len(answer["notificationHistory"]), answer["hasMore"]) == (1, False)


def test_the_token_is_checked_first(sim: Running, stranger: KeyPair, world: dict[str, Any]) -> None:
    answer = post(sim, stranger, {})
    assert (answer.status_code, answer.text.split("\n")[0]) == (401, "Unauthenticated")


def test_the_documented_rates() -> None:
    assert [PER_SECOND[name] for name in ENDPOINTS] == [50, 10, 1, 1]


def test_the_history_has_its_own_rate(sim: Running, pair: KeyPair, world: dict[str, Any]) -> None:
    world["rate_limits"]["get_notification_history"] = 1
    put(sim, world)
    answers = [post(sim, pair, SOUND) for _turn in range(20)]
    assert {answer.status_code for answer in answers} == {200, 429}
