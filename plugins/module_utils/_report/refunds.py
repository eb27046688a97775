# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What registered results of refund_info say about the apps' refunds, and how much of it is known."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._model.errors import InputError

Fields = t.Mapping[str, t.Any]
STATES = ("complete", "incomplete", "unknown", "never")


@dataclass(frozen=True)
class Sum:
    """Refunds together. ``amounts``: milliunits by currency; ``amount_unknown``: refunds without a known amount."""

    count: int = 0
    amounts: t.Mapping[str, int] = field(default_factory=dict)
    amount_unknown: int = 0


@dataclass(frozen=True)
class Coverage:
    """How much of an app's refunds is known. ``count`` is None where that can't be told."""

    bundle_id: str
    environment: str
    state: str
    covered_from: str | None
    covered_until: str | None
    last_refund_at: str | None
    quarantined: int
    reason: str | None
    count: int | None

    @property
    def is_silent(self) -> bool:
        """True when it is known that there was no refund in the period."""
        return self.state == "complete" and self.count == 0


@dataclass(frozen=True)
class Refunds:
    """``by_day`` is in the order of days, ``by_app`` the largest first."""

    total: Sum
    by_day: tuple[tuple[str, Sum], ...]
    by_app: tuple[tuple[str, Sum], ...]
    coverage: tuple[Coverage, ...]


def refunds_of(results: t.Sequence[Fields]) -> Refunds | None:
    """Return what the results say, None without any. Raises InputError naming the place."""
    if not results:
        return None
    rows: list[Fields] = []
    coverage: list[Fields] = []
    for number, result in enumerate(results):
        for name, found in (("sums", rows), ("coverage", coverage)):
            items = result.get(name) if isinstance(result, t.Mapping) else None
            if not isinstance(items, list) or not all(isinstance(item, t.Mapping) for item in items):
                next_step = "Give registered results of storeops.refunds.refund_info that succeeded."
                raise InputError(f"refunds[{number}]", f"has no list {name}.", next_step)
            found.extend(items)
    by_app = _grouped(rows, "bundle_id")
    by_day = _grouped(rows, "day")
    # Results that are grouped by app and others by day may count the same refunds: one grouping makes the total.
    chosen = [row for row in rows if row.get("bundle_id")] or [row for row in rows if row.get("day")] or rows
    return Refunds(
        total=_sum(chosen),
        by_day=tuple(sorted(by_day.items())),
        by_app=tuple(sorted(by_app.items(), key=lambda item: (-item[1].count, item[0]))),
        coverage=_coverages(coverage, rows),
    )


def _grouped(rows: t.Iterable[Fields], name: str) -> dict[str, Sum]:
    found: dict[str, list[Fields]] = {}
    for row in rows:
        if row.get(name):
            found.setdefault(str(row[name]), []).append(row)
    return {key: _sum(members) for key, members in found.items()}


def _sum(rows: t.Iterable[Fields]) -> Sum:
    count = unknown = 0
    amounts: dict[str, int] = {}
    for row in rows:
        count += _number(row.get("count"))
        unknown += _number(row.get("amount_unknown_count"))
        if row.get("currency") and row.get("amount") is not None:
            currency = str(row["currency"])
            amounts[currency] = amounts.get(currency, 0) + _number(row["amount"])
    return Sum(count, dict(sorted(amounts.items())), unknown)


def _coverages(given: t.Sequence[Fields], rows: t.Sequence[Fields]) -> tuple[Coverage, ...]:
    counts: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (str(row.get("bundle_id") or ""), str(row.get("environment") or ""))
        counts[key] = counts.get(key, 0) + _number(row.get("count"))
    places: dict[str, set[str]] = {}
    for item in given:
        places.setdefault(str(item.get("bundle_id")), set()).add(str(item.get("environment")))
    is_by_app = any(row.get("bundle_id") for row in rows) or not rows
    is_split = any(row.get("environment") for row in rows)
    found = [
        _coverage(item, counts, is_by_app and (is_split or len(places[str(item.get("bundle_id"))]) == 1))
        for item in given
    ]
    return tuple(sorted(found, key=lambda item: (item.bundle_id, item.environment)))


def _coverage(item: Fields, counts: t.Mapping[tuple[str, str], int], is_certain: bool) -> Coverage:
    bundle_id, environment = str(item.get("bundle_id")), str(item.get("environment") or "production")
    state = str(item.get("state"))
    count = counts.get((bundle_id, environment))
    if count is None:
        # Sums that are not split by environment belong to the only one there is.
        count = counts.get((bundle_id, ""), 0) if is_certain else None
    return Coverage(
        bundle_id=bundle_id,
        environment=environment,
        state=state if state in STATES else "unknown",
        covered_from=_optional(item.get("covered_from")),
        covered_until=_optional(item.get("covered_until")),
        last_refund_at=_optional(item.get("last_refund_at")),
        quarantined=_number(item.get("quarantined")),
        reason=_optional(item.get("reason")),
        # Nothing found where not everything was looked at is no zero.
        count=count if count or state == "complete" else None,
    )


def _optional(value: t.Any) -> str | None:
    return None if value is None else str(value)


def _number(value: t.Any) -> int:
    return int(value) if isinstance(value, (int, float)) else 0
