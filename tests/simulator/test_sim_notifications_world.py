# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notifications, purchases and the clock in the world and in the control API."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
import yaml
from history_support import (
    DAY,
    HOUR,
    NOW,
    URL,
    app_of,
    apples_client,
    apples_verifier,
    decoded,
    history_world,
    payloads,
    purchase,
    put,
    refund_notice,
    refunded,
    request,
    set_clock,
)
from sim_support import BUNDLE_ID, OTHER_BUNDLE_ID, PRODUCTION_ID, SIMULATOR, KeyPair, Running, new_world
from storeops_simulator.fields import InputError
from storeops_simulator.notification_fields import write_notification
from storeops_simulator.notification_settings import NotificationSettings, write_notification_settings
from storeops_simulator.refund_year_spec import write_refund_year_spec
from storeops_simulator.world_input import read_world, write_world

_AT = "teams[0].apps[0].notifications[0]"
_NOTICES = f"/apps/{BUNDLE_ID}/notifications"

BAD: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "unknown name": (lambda n: n.update(kind="REFUND"), f"{_AT}.kind: unknown key"),
    "no type": (lambda n: n.pop("type"), f"{_AT}.type: is missing"),
    "no date": (lambda n: n.pop("signed_date"), f"{_AT}.signed_date: is missing"),
    "date in seconds": (lambda n: n.update(signed_date=1_700_000_000), f"{_AT}.signed_date: must be UNIX milli"),
    "UUID": (lambda n: n.update(uuid="1"), f"{_AT}.uuid: must be a UUID"),
    "environment": (lambda n: n.update(environment="production"), f"{_AT}.environment: must be one of"),
    "other environment": (
        lambda n: n["transaction"].update(environment="Sandbox"),
        f"{_AT}.transaction.environment: must be that of the notification",
    ),
    "both": (lambda n: n.update(transaction_id=PRODUCTION_ID), f"{_AT}.transaction: stands beside transaction_id"),
    "fault": (lambda n: n.update(fault="bad"), f"{_AT}.fault: must be one of tampered"),
    "place without fault": (lambda n: n.update(fault_in="payload"), f"{_AT}.fault_in: needs fault"),
    "fault of payloads only": (
        lambda n: n.update(fault="wrong_apple_id", fault_in="transaction"),
        f"{_AT}.fault: must be one of",
    ),
    "result": (lambda n: n.update(send_attempts=[{"date": NOW, "result": "OK"}]), f"{_AT}.send_attempts[0].result"),
    "seven attempts": (lambda n: n.update(send_attempts=[{"date": NOW}] * 7), f"{_AT}.send_attempts: must be at most"),
    "customer": (lambda n: n["transaction"].update(customer="ann"), f"{_AT}.transaction: is what was signed"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_notifications_are_refused(pair: KeyPair, case: str) -> None:
    change, message = BAD[case]
    world = history_world(pair)
    app_of(world)["notifications"] = [refund_notice(1, NOW)]
    change(app_of(world)["notifications"][0])
    with pytest.raises(InputError) as caught:
        read_world(world)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("kind", "transaction_id", "problem"),
    [("REFUND", "1", "the app has no transaction '1'"), ("REFUND", "3000001", "is not refunded at signed_date")],
)
def test_a_named_transaction_has_to_fit(pair: KeyPair, kind: str, transaction_id: str, problem: str) -> None:
    world = history_world(pair)
    app_of(world)["transactions"] = [refunded(1, NOW)]
    notice = {"type": kind, "transaction_id": transaction_id, "signed_date": NOW - 1}
    app_of(world)["notifications"] = [notice]
    with pytest.raises(InputError, match=problem):
        read_world(world)


BAD_ELSEWHERE: dict[str, tuple[dict[str, Any], str]] = {
    "setting": ({"server_notifications": {"without_url": "nothing"}}, "server_notifications.without_url: must be one"),
    "two clocks": ({"clock": {"offset_ms": 1, "frozen_at_ms": NOW}}, "clock.frozen_at_ms: stands beside offset_ms"),
    "now in a file": ({"clock": {"now_ms": NOW}}, "clock.now_ms: unknown key"),
    "team": ({"generated_refunds": {"issuer_id": "x"}}, "generated_refunds.issuer_id: must be one of"),
    "app of others": (
        {"generated_refunds": {"bundle_ids": [OTHER_BUNDLE_ID]}},
        "generated_refunds.bundle_ids: com.example.other is an app of another team",
    ),
    "apps twice": (
        {"generated_refunds": {"bundle_ids": ["a"], "apps": 1}},
        "generated_refunds.bundle_ids: stands beside",
    ),
}


@pytest.mark.parametrize("case", BAD_ELSEWHERE)
def test_bad_settings_are_refused(pair: KeyPair, case: str) -> None:
    change, message = BAD_ELSEWHERE[case]
    with pytest.raises(InputError) as caught:
        read_world({**new_world(pair), **change})
    assert str(caught.value).startswith(message)


def test_a_reversal_needs_an_earlier_refund(pair: KeyPair) -> None:
    world = history_world(pair)
    app_of(world)["transactions"] = [refunded(1, NOW, reversal_date=NOW)]
    with pytest.raises(InputError, match="reversal_date: must be after revocation_date"):
        read_world(world)


def test_a_world_with_everything_can_be_read_again(pair: KeyPair) -> None:
    world = history_world(pair)
    app_of(world)["sku"] = "ONE"
    app_of(world)["transactions"] += [
        refunded(1, NOW - DAY, customer="ann", reversal_date=NOW, app_transaction_id="704000000000000001"),
        purchase(2, price=None),
    ]
    attempts = [{"date": NOW, "result": "OTHER"}, {"date": NOW + HOUR, "result": "SUCCESS"}]
    app_of(world)["notifications"] = [
        refund_notice(1, NOW, fault="expired", fault_in="transaction", send_attempts=attempts),
        {"type": "DID_RENEW", "subtype": "BILLING_RECOVERY", "signed_date": NOW, "status": 1, "bundle_version": "1"},
        {"type": "CONSUMPTION_REQUEST", "signed_date": NOW, "transaction_id": "3000002"},
    ]
    world["generated_refunds"] = {"apps": 2, "refunds_per_app": 3, "seed": 5}
    read = read_world(world).world
    written = write_world(read)
    again = read_world(written).world
    assert write_world(again) == written
    app: Any = written["teams"][0]["apps"][0]  # type: ignore[index]
    assert (app["sku"], app["subscription_status_url"]) == ("ONE", URL)
    assert app["notifications"][0]["fault_in"] == "transaction"
    assert app["transactions"][-1]["price"] is None
    assert read.refund_year is not None and again.refund_year is not None
    assert read.refund_year.truth(NOW) == again.refund_year.truth(NOW)


def test_the_readme_has_every_setting() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (SIMULATOR / "README.md").read_text(), re.DOTALL)
    (block,) = (each for each in blocks if each.startswith("server_notifications:"))
    world = read_world(yaml.safe_load(block)).world
    assert write_notification_settings(world.server_notifications) == yaml.safe_load(block)["server_notifications"]
    assert world.server_notifications == NotificationSettings()
    assert world.refund_year is not None
    members = {*write_refund_year_spec(world.refund_year.spec), *asdict(world.server_notifications)}
    members |= {name for app in world.teams[0].apps for each in app.notifications for name in write_notification(each)}
    assert not [name for name in members if not re.search(rf"\b{name}\b", block)]


def test_a_notification_names_a_transaction_as_it_was(sim: Running, pair: KeyPair) -> None:
    world = history_world(pair)
    app_of(world)["transactions"] = [refunded(1, NOW - 3 * DAY, reversal_date=NOW - DAY)]
    kinds = [("CONSUMPTION_REQUEST", 4), ("REFUND", 2), ("REFUND_REVERSED", 1), ("REFUND_DECLINED", 2)]
    app_of(world)["notifications"] = [
        {"type": kind, "transaction_id": "3000001", "signed_date": NOW - days * DAY} for kind, days in kinds
    ]
    put(sim, world)
    verifier = apples_verifier(sim)
    dates = {}
    for each in decoded(verifier, apples_client(sim, pair), request()):
        assert each.data is not None and each.data.signedTransactionInfo is not None
        transaction = verifier.verify_and_decode_signed_transaction(each.data.signedTransactionInfo)
        dates[each.rawNotificationType] = transaction.revocationDate
    absent = ("CONSUMPTION_REQUEST", "REFUND_REVERSED", "REFUND_DECLINED")
    assert dates == {"REFUND": NOW - 3 * DAY, **dict.fromkeys(absent)}


def test_notifications_and_purchases_can_be_added(sim: Running, pair: KeyPair) -> None:
    put(sim, history_world(pair))
    made = apples_client(sim, pair)
    bought = sim.control("POST", f"/apps/{BUNDLE_ID}/transactions", purchase(7))
    assert bought.status_code == 201, bought.text
    notice = {"type": "REFUND", "signed_date": NOW, "transaction_id": "3000007"}
    refused = sim.control("POST", _NOTICES, notice)
    assert (refused.status_code, "[0].transaction_id: 3000007 is not refunded" in refused.text) == (400, True)
    assert sim.control("POST", f"/apps/{BUNDLE_ID}/transactions", refunded(7, NOW - HOUR)).status_code == 201
    added = sim.control("POST", _NOTICES, notice)
    assert added.status_code == 201, added.text
    (payload,) = payloads(made, request())
    verifier = apples_verifier(sim)
    assert verifier.verify_and_decode_notification(payload).notificationUUID == added.json()["notifications"][0]["uuid"]
    assert sim.control("DELETE", _NOTICES).json() == {}
    assert payloads(made, request()) == []


def test_the_control_api_refuses(sim: Running, pair: KeyPair) -> None:
    put(sim, history_world(pair))
    assert sim.control("POST", "/apps/com.example.nowhere/notifications", []).status_code == 404
    elsewhere = sim.control("POST", f"/apps/{OTHER_BUNDLE_ID}/transactions", purchase(1, transaction_id=PRODUCTION_ID))
    assert elsewhere.json() == {"error": f"[0].transaction_id: '{PRODUCTION_ID}' is already in {BUNDLE_ID}"}
    twice = sim.control("POST", f"/apps/{OTHER_BUNDLE_ID}/transactions", [purchase(1), purchase(1)])
    assert twice.json() == {"error": "[1].transaction_id: '3000001' is already in this request"}
    assert sim.control("PATCH", f"/apps/{BUNDLE_ID}", {}).status_code == 400
    assert sim.control("PATCH", f"/apps/{BUNDLE_ID}", {"released": None}).status_code == 400
    assert sim.control("GET", "/truth/refunds").status_code == 404


def test_the_clock(sim: Running, pair: KeyPair) -> None:
    world = history_world(pair)
    world["clock"] = {"offset_ms": -DAY}
    put(sim, world)
    real = time.time() * 1000
    assert abs(sim.control("GET", "/clock").json()["now_ms"] - (real - DAY)) < 3_600_000
    set_clock(sim, now_ms=NOW - 100 * DAY)
    assert 0 <= sim.control("GET", "/clock").json()["now_ms"] - (NOW - 100 * DAY) < 3_600_000
    set_clock(sim, frozen_at_ms=NOW)
    assert sim.control("GET", "/world").json()["clock"] == {"frozen_at_ms": NOW}
    assert sim.control("DELETE", "/clock").json()["offset_ms"] == 0


def test_the_clock_moves_purchases_but_no_tokens(sim: Running, pair: KeyPair) -> None:
    world = history_world(pair)
    app_of(world)["transactions"] = [refunded(1, NOW - 2 * DAY, reversal_date=NOW - DAY)]
    put(sim, world)
    made, verifier = apples_client(sim, pair), apples_verifier(sim)
    seen = []
    for now in (NOW - 3 * DAY, NOW - 2 * DAY, NOW - DAY):
        set_clock(sim, frozen_at_ms=now)
        # A token of the real time is good at every time of the store.
        signed = made.get_transaction_info("3000001").signedTransactionInfo
        assert signed is not None
        transaction = verifier.verify_and_decode_signed_transaction(signed)
        assert transaction.signedDate == now
        seen.append(transaction.revocationDate)
    assert seen == [None, NOW - 2 * DAY, None]
