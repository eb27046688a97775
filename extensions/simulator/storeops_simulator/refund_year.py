# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A year of refunds, made from a seed, and the truth about it to compare a ledger with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .notifications import Notification
from .purchases import Purchases
from .refund_year_cases import AppCases, RefundCase
from .refund_year_spec import RefundYearSpec


@dataclass(frozen=True, eq=False)
class RefundYear:
    """Purchases, notifications and truth of one specification."""

    spec: RefundYearSpec
    purchases: Purchases
    notifications: Mapping[tuple[str, str], tuple[Notification, ...]]
    """By bundle ID and environment of the wire (Production, Sandbox)."""
    cases: tuple[RefundCase, ...]

    def truth(self, at_ms: int) -> list[dict[str, object]]:
        """Sum up what is refunded at that moment, as far as notifications signed until then tell it.

        One mapping per `bundle_id`, `environment` and `currency`: `count` of the refunds in force,
        `amount` (negative, thousandths of the currency), `amount_unknown_count` of those without a price;
        `assumed_full_count` and `assumed_full_amount` are the part of both without a percentage, which
        counts as all of the price; outside of `count` stand `reversed_count` and `family_count`.
        It comes from what was planned, not from any notification.
        """
        sums: dict[tuple[str, str, str], dict[str, int]] = {}
        for case in self.cases:
            if any(span.known_at <= at_ms for span in case.spans):
                key = (case.bundle_id, case.environment, case.currency)
                _count(sums.setdefault(key, dict.fromkeys(_COUNTS, 0)), case, at_ms)
        return [
            {"bundle_id": bundle_id, "environment": environment, "currency": currency, **sums[key]}
            for key in sorted(sums)
            for bundle_id, environment, currency in [key]
        ]


_COUNTS: Final = (
    "count",
    "amount",
    "amount_unknown_count",
    "assumed_full_count",
    "assumed_full_amount",
    "reversed_count",
    "family_count",
)


def _count(total: dict[str, int], case: RefundCase, at_ms: int) -> None:
    span = case.at(at_ms)
    if case.family:
        total["family_count"] += 1
    elif span is None:
        total["reversed_count"] += 1
    else:
        total["count"] += 1
        total["amount"] += span.amount or 0
        total["amount_unknown_count"] += span.amount is None
        if span.assumed_full:
            total["assumed_full_count"] += 1
            total["assumed_full_amount"] += span.amount or 0


def make_refund_year(spec: RefundYearSpec) -> RefundYear:
    """Make everything; about 20,000 notifications a second or two. Nothing is signed here."""
    purchases = Purchases()
    notifications: dict[tuple[str, str], list[Notification]] = {}
    cases: list[RefundCase] = []
    for number, bundle_id in enumerate(spec.bundle_ids):
        app = AppCases(spec, number)
        cases += app.cases
        for transaction in app.transactions:
            purchases.add(bundle_id, transaction)
        for notification in app.notifications:
            notifications.setdefault((bundle_id, notification.environment), []).append(notification)
    ordered = {
        place: tuple(sorted(each, key=lambda notification: notification.signed_date))
        for place, each in notifications.items()
    }
    return RefundYear(spec, purchases, ordered, tuple(cases))
