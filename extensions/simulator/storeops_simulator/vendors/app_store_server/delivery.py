# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivering notifications to the URLs that the world has a route for, now and when the clock says so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from ...deliveries import Deliveries, Delivery, Outcome
from ...notifications import Notification, SendAttempt
from ...sending import post
from ...simulator import Simulator
from .endpoints import WIRE_ENVIRONMENTS
from .signed_notifications import signed_payload

_AT_ONCE: Final = 50
_ENVIRONMENTS: Final = {wire: name for name, wire in WIRE_ENVIRONMENTS.items()}


def is_sent(simulator: Simulator, bundle_id: str, wire_environment: str) -> bool:
    """Tell whether an app's notifications are really sent; else the world says what became of them."""
    return _target(simulator, bundle_id, _ENVIRONMENTS[wire_environment]) is not None


async def send(simulator: Simulator, bundle_id: str, notifications: Iterable[Notification], at_ms: int) -> None:
    """Make the first attempt of each, and note it in the world. They are in the world, without attempts."""
    begun = [
        Delivery(
            bundle_id, each.uuid, environment, simulator.world.apps[bundle_id].app.v2_url(environment) or "", at_ms
        )
        for each in notifications
        for environment in [_ENVIRONMENTS[each.environment]]
    ]
    simulator.deliveries.all += begun
    await _attempt(simulator, begun)


async def send_due(simulator: Simulator) -> None:
    """Make all attempts that are due by the world's clock, in their order, each dated when it was due."""
    # A world that is put meanwhile has no part in it.
    deliveries: Deliveries = simulator.deliveries
    while due := deliveries.due(simulator.store_ms()):
        first = due[0].next_at
        await _attempt(simulator, [each for each in due if each.next_at == first])


async def _attempt(simulator: Simulator, deliveries: list[Delivery]) -> None:
    gate = asyncio.Semaphore(_AT_ONCE)
    by_app: dict[str, list[Delivery]] = {}
    for each in deliveries:
        by_app.setdefault(each.bundle_id, []).append(each)
    for bundle_id, mine in by_app.items():
        there = simulator.world.apps.get(bundle_id)
        held = {each.uuid: each for each in there.app.notifications} if there else {}
        outcomes = await asyncio.gather(*(_post(simulator, each, held.get(each.uuid), gate) for each in mine))
        settings = simulator.world.server_notifications
        for each, outcome in zip(mine, outcomes, strict=True):
            each.note(outcome, settings.retry_after_400)
        _note(simulator, bundle_id, mine)


async def _post(
    simulator: Simulator, delivery: Delivery, notification: Notification | None, gate: asyncio.Semaphore
) -> Outcome:
    settings = simulator.world.server_notifications
    target = settings.routed(delivery.url)
    if notification is None or target is None:
        return Outcome("NO_RESPONSE")
    payload = signed_payload(notification, simulator.world.apps[delivery.bundle_id].app, simulator)
    async with gate:
        return await post(target, json.dumps({"signedPayload": payload}).encode(), settings.send_timeout_s)


def _note(simulator: Simulator, bundle_id: str, deliveries: list[Delivery]) -> None:
    """Write the attempts into the world, where the history reads them."""
    made = {
        each.uuid: tuple(SendAttempt(date, outcome.result) for date, outcome in each.attempts) for each in deliveries
    }
    held = simulator.world.apps.get(bundle_id)
    if held is not None:
        changed = tuple(
            simulator.history.carry(each, replace(each, send_attempts=made[each.uuid]), bundle_id)
            if each.uuid in made
            else each
            for each in held.app.notifications
        )
        simulator.world = simulator.world.with_app(held, replace(held.app, notifications=changed))


def _target(simulator: Simulator, bundle_id: str, environment: str) -> str | None:
    app = simulator.world.apps[bundle_id].app
    return simulator.world.server_notifications.routed(app.v2_url(environment))
