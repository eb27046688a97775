# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Putting a generated year of refunds into a world: its apps join their team."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from .fields import Fields, InputError
from .refund_year import make_refund_year
from .refund_year_spec import RefundYearSpec, read_refund_year_spec, write_refund_year_spec
from .world import App, World

_DAY_MS: Final = 86_400_000
_FIRST_APPLE_ID: Final = 6_700_000_001


def with_refund_year(world: World, fields: Fields) -> World:
    """Give the world with what its ``generated_refunds`` asks for; the world as it is without that entry."""
    spec = read_refund_year_spec(fields, [team.issuer_id for team in world.teams], _today)
    if spec is None:
        return world
    at = fields.at("generated_refunds.bundle_ids")
    team = next(each for each in world.teams if each.issuer_id == spec.issuer_id)
    strangers = set(spec.bundle_ids) & (world.apps.keys() - {app.bundle_id for app in team.apps})
    if strangers:
        raise InputError(at, f"{min(strangers)} is an app of another team")
    taken = {held.app.apple_id for held in world.apps.values()}
    added = _apps(spec, [bundle_id for bundle_id in spec.bundle_ids if bundle_id not in world.apps], taken)
    grown = world.with_team(replace(team, apps=(*team.apps, *added)))
    return replace(grown, refund_year=make_refund_year(spec))


def write_refund_year(world: World) -> dict[str, object]:
    """Give the entry that makes the same year again; nothing when the world has none."""
    year = world.refund_year
    return {} if year is None else {"generated_refunds": write_refund_year_spec(year.spec)}


def _apps(spec: RefundYearSpec, bundle_ids: Iterable[str], taken: set[int]) -> list[App]:
    free = (number for number in range(_FIRST_APPLE_ID, 2**63) if number not in taken)
    return [
        App(
            bundle_id=bundle_id,
            apple_id=apple_id,
            subscription_status_url=spec.notification_url,
            subscription_status_url_version="V2",
            subscription_status_url_for_sandbox=spec.notification_url,
            subscription_status_url_version_for_sandbox="V2",
        )
        for bundle_id, apple_id in zip(bundle_ids, free, strict=False)
    ]


def _today() -> int:
    now = int(time.time() * 1000)
    return now - now % _DAY_MS
