# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a generated time of refunds is made from: the world's ``generated_refunds``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

from .fields import URL, Fields, InputError

_DAY_MS: Final = 86_400_000
_MOST_APPS: Final = 10_000
_MOST_REFUNDS: Final = 1_000_000
_LONGEST_DAYS: Final = 1_500
_LEAST_MS: Final = 1_000_000_000_000
_LAST_SEED: Final = 2**31 - 1
_WHOLE: Final = 100
_NAMES: Final = (
    "seed",
    "issuer_id",
    "bundle_ids",
    "apps",
    "bundle_prefix",
    "days",
    "start",
    "refunds_per_app",
    "sandbox_percent",
    "notification_url",
)
_BUNDLE_ID: Final = r"[A-Za-z0-9.-]{1,140}"


@dataclass(frozen=True)
class RefundYearSpec:
    """The same specification makes the same refunds, to the bit."""

    issuer_id: str
    """The team whose apps they are."""
    bundle_ids: tuple[str, ...]
    """Apps that the team does not have yet are added to it."""
    start: int
    """The first moment, UNIX ms."""
    seed: int = 1
    days: int = 365
    refunds_per_app: int = 300
    """Purchases with something to tell: a refund, a reversal, a declined request, a lost family share."""
    sandbox_percent: int = 5
    notification_url: str = "https://notifications.example.com/app-store"
    """V2 URL, for both environments, of the apps that are added."""

    @property
    def end(self) -> int:
        """The moment after the last one, UNIX ms."""
        return self.start + self.days * _DAY_MS


def read_refund_year_spec(world: Fields, issuer_ids: list[str], today: Callable[[], int]) -> RefundYearSpec | None:
    """Read ``generated_refunds``; without `start` the time ends with the day that begins at `today()` (UNIX ms)."""
    name = "generated_refunds"
    if not world.has(name):
        return None
    fields = Fields(world.raw(name), world.at(name), _NAMES)

    def number(member: str, low: int, high: int, otherwise: int) -> int:
        return fields.integer(member, low, high) if fields.has(member) else otherwise

    default = RefundYearSpec("", (), 0)
    days = number("days", 1, _LONGEST_DAYS, default.days)
    url = fields.text("notification_url", *URL) if fields.has("notification_url") else default.notification_url
    return RefundYearSpec(
        issuer_id=_issuer(fields, issuer_ids),
        bundle_ids=_bundle_ids(fields),
        start=number("start", _LEAST_MS, 2**63 - 1, today() - days * _DAY_MS),
        seed=number("seed", 0, _LAST_SEED, default.seed),
        days=days,
        refunds_per_app=number("refunds_per_app", 1, _MOST_REFUNDS, default.refunds_per_app),
        sandbox_percent=number("sandbox_percent", 0, _WHOLE, default.sandbox_percent),
        notification_url=url,
    )


def write_refund_year_spec(spec: RefundYearSpec) -> dict[str, object]:
    """Write the specification so that it makes the same refunds again."""
    return {**asdict(spec), "bundle_ids": list(spec.bundle_ids)}


def _issuer(fields: Fields, issuer_ids: list[str]) -> str:
    if not issuer_ids:
        raise InputError(fields.at("issuer_id"), "there is no team; the refunds need one, for its apps and keys")
    if not fields.has("issuer_id"):
        return issuer_ids[0]
    return fields.choice("issuer_id", issuer_ids)


def _bundle_ids(fields: Fields) -> tuple[str, ...]:
    entries = fields.entries("bundle_ids")
    if entries and (fields.has("apps") or fields.has("bundle_prefix")):
        raise InputError(fields.at("bundle_ids"), "stands beside apps or bundle_prefix; give one")
    if entries:
        members = dict(entries)
        given = [Fields({"id": value}, "", ("id",)).text("id", _BUNDLE_ID) for value in members.values()]
        if len(set(given)) != len(given):
            raise InputError(fields.at("bundle_ids"), "names an app twice")
        return tuple(given)
    count = fields.integer("apps", 1, _MOST_APPS) if fields.has("apps") else 50
    prefix = "com.example.refunds"
    if fields.has("bundle_prefix"):
        prefix = fields.text("bundle_prefix", _BUNDLE_ID, "be the start of a bundle ID, like com.example.refunds")
    return tuple(f"{prefix}{number:04d}" for number in range(1, count + 1))
