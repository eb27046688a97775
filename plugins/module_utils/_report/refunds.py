# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What registered results of refund_info say about the apps' refunds, and how much of it is known.

Refunds of the sandbox are no money, and those that were verified against another root are not Apple's: nothing is ever
added up, counted or drawn across environments or sources.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._model.errors import InputError
from .refunds_uneven import refuse_uneven

Fields = t.Mapping[str, t.Any]
STATES = ("complete", "incomplete", "unknown", "never")
URL_STATES = ("none", "version_1", "other_host", "as_declared", "proven")
_ENVIRONMENTS = ("production", "sandbox")


@dataclass(frozen=True)
class Sum:
    """Refunds together. ``amounts``: milliunits by currency; ``amount_unknown``: refunds without a known amount."""

    count: int = 0
    amounts: t.Mapping[str, int] = field(default_factory=dict)
    amount_unknown: int = 0


@dataclass(frozen=True)
class NotificationUrl:
    """Where Apple sends an app's notifications, as the last run found it that asked. Times: UTC, ISO 8601."""

    state: str
    host: str | None
    checked_at: str | None
    test_result: str | None
    tested_at: str | None


@dataclass(frozen=True)
class Coverage:
    """How much of an app's refunds is known. ``count`` is None where that can't be told.

    ``is_due`` is False where there is nothing to read yet.
    """

    bundle_id: str
    environment: str
    source: str
    state: str
    covered_from: str | None
    covered_until: str | None
    last_refund_at: str | None
    quarantined: int
    reason: str | None
    count: int | None
    url: NotificationUrl | None = None
    is_due: bool = True

    @property
    def is_silent(self) -> bool:
        """True when it is known that there was no refund in the period, but for what is in no sum: see NOT_COUNTED."""
        return self.state == "complete" and self.count == 0


@dataclass(frozen=True)
class Part:
    """The refunds of one environment that were verified against one root.

    ``since`` and ``until``: the period that was asked about, UTC in ISO 8601, without its end; None is open. ``by_day``
    is in the order of days, ``by_app`` the largest first. ``exceeding``: of how many transactions the refunds add up to
    more than the price, so that the sums are too large; one that is in several results counts in each.
    """

    environment: str
    source: str
    since: str | None
    until: str | None
    total: Sum
    by_day: tuple[tuple[str, Sum], ...]
    by_app: tuple[tuple[str, Sum], ...]
    coverage: tuple[Coverage, ...]
    exceeding: int = 0


@dataclass(frozen=True)
class Refunds:
    """``parts``: production first, Apple's own root first."""

    parts: tuple[Part, ...]

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        return tuple(item for part in self.parts for item in part.coverage)


def refunds_of(results: t.Sequence[Fields]) -> Refunds | None:
    """Return what the results say, None without any. Raises InputError naming the place."""
    named: dict[tuple[str, str], dict[str, Fields]] = {}
    for number, result in enumerate(results):
        if not _is_skipped(result) and not _is_unread(result):
            name = f"refunds[{number}]"
            named.setdefault(_place(result, name), {})[name] = result
    for found in named.values():
        refuse_uneven(found)
    by_place = {place: list(found.values()) for place, found in named.items()}
    results = [result for found in by_place.values() for result in found]
    # A ledger that never read refunds of any of the apps says nothing about them.
    if not any(row.get("state") != "never" for result in results for row in [*result["coverage"], *result["sums"]]):
        return None
    order = sorted(by_place, key=lambda place: (_ENVIRONMENTS.index(place[0]), place[1] != "apple", place[1]))
    return Refunds(tuple(_part(*place, by_place[place]) for place in order))


def unread_of(results: t.Sequence[Fields]) -> tuple[str, ...]:
    """Return why refunds could not be read, each reason once: without a word, they would pass for refunds in order."""
    return tuple(dict.fromkeys(f"{result['msg']}" for result in results if _is_unread(result)))


def never_read_of(results: t.Sequence[Fields]) -> frozenset[str]:
    """Return the bundle IDs in production whose refunds the ledger was asked for and never read."""
    asked = [result for result in results if not _is_skipped(result) and not _is_unread(result)]
    rows = [row for result in asked for row in result["coverage"] if row.get("environment") == "production"]
    read = {row["bundle_id"] for row in rows if row.get("state") != "never"}
    return frozenset(row["bundle_id"] for row in rows) - read


def read_in(results: t.Iterable[Fields]) -> frozenset[tuple[str, str]]:
    """Return bundle ID and environment of the apps whose refunds were asked for, and which the ledger has read."""
    found = [result["coverage"] for result in results if isinstance(result.get("coverage"), list)]
    rows = [row for coverage in found for row in coverage if isinstance(row, t.Mapping) and row.get("state") != "never"]
    return frozenset((str(row.get("bundle_id")), str(row.get("environment"))) for row in rows)


def _is_skipped(result: t.Any) -> bool:
    return isinstance(result, t.Mapping) and bool(result.get("skipped"))


def _is_unread(result: t.Any) -> bool:
    return (
        isinstance(result, t.Mapping)
        and "coverage" not in result
        and bool(result.get("msg"))
        and not _is_skipped(result)
    )


def _place(result: Fields, name: str) -> tuple[str, str]:
    """Return environment and source of a result that is one of refund_info. Raises InputError."""
    next_step = "Give registered results of storeops.refunds.refund_info that succeeded."
    for option in ("sums", "coverage"):
        items = result.get(option) if isinstance(result, t.Mapping) else None
        if not isinstance(items, list) or not all(isinstance(item, t.Mapping) for item in items):
            raise InputError(name, f"has no list {option}.", next_step)
    environment, source = result.get("environment"), result.get("source")
    if environment not in _ENVIRONMENTS or not isinstance(source, str) or not source:
        raise InputError(name, "doesn't say its environment and source.", next_step)
    return str(environment), source


def _part(environment: str, source: str, results: t.Sequence[Fields]) -> Part:
    rows: list[Fields] = [row for result in results for row in result["sums"]]
    by_app = _grouped(rows, "bundle_id")
    by_day = _grouped(rows, "day")
    # Results that are grouped by app and others by day may count the same refunds: one grouping makes the total.
    grouping = "bundle_id" if by_app else "day" if by_day else None
    summed = [(result, row) for result in results for row in result["sums"] if grouping is None or row.get(grouping)]
    counting = {id(result): result for result, _row in summed}.values()
    # Without rows there is nothing to tell by which keys they are grouped, and each app has none.
    counts = {name: found.count for name, found in by_app.items()} if by_app or not rows else None
    return Part(
        environment=environment,
        source=source,
        since=_end(results, "since", min),
        until=_end(results, "until", max),
        total=_sum(row for _result, row in summed),
        by_day=tuple(sorted(by_day.items())),
        by_app=tuple(sorted(by_app.items(), key=lambda item: (-item[1].count, item[0]))),
        coverage=_coverages(environment, source, results, counts),
        exceeding=sum(_number(result.get("exceeding_price")) for result in counting),
    )


def _end(results: t.Sequence[Fields], name: str, outermost: t.Callable[[list[str]], str]) -> str | None:
    """Return an end of the period of all results together; one that is open makes it open."""
    periods = [result["period"] if isinstance(result.get("period"), t.Mapping) else {} for result in results]
    ends = [_optional(period.get(name)) for period in periods]
    known = [end for end in ends if end]
    return outermost(known) if len(known) == len(ends) else None


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


def _coverages(
    environment: str, source: str, results: t.Sequence[Fields], counts: t.Mapping[str, int] | None
) -> tuple[Coverage, ...]:
    # The same app in several results is the same app; of these the worst is said.
    found: dict[str, Fields] = {}
    for item in (item for result in results for item in result["coverage"]):
        other = found.setdefault(str(item.get("bundle_id")), item)
        if _rank(item) > _rank(other):
            found[str(item.get("bundle_id"))] = item
    return tuple(_coverage(name, environment, source, found[name], counts) for name in sorted(found))


def _rank(item: Fields) -> int:
    return STATES.index(_state(item))


def _state(item: Fields) -> str:
    return str(item.get("state")) if item.get("state") in STATES else "unknown"


def _coverage(
    bundle_id: str, environment: str, source: str, item: Fields, counts: t.Mapping[str, int] | None
) -> Coverage:
    state = _state(item)
    count = None if counts is None else counts.get(bundle_id, 0)
    return Coverage(
        bundle_id=bundle_id,
        environment=environment,
        source=source,
        state=state,
        covered_from=_optional(item.get("covered_from")),
        covered_until=_optional(item.get("covered_until")),
        last_refund_at=_optional(item.get("last_refund_at")),
        quarantined=_number(item.get("quarantined")),
        reason=_optional(item.get("reason")),
        # Nothing found where not everything was looked at is no zero.
        count=count if count or state == "complete" else None,
        url=_url(item.get("notification_url")),
    )


def _url(fields: t.Any) -> NotificationUrl | None:
    if not isinstance(fields, t.Mapping):
        return None
    state = str(fields.get("state"))
    names = ("host", "checked_at", "test_result", "tested_at")
    return NotificationUrl(
        state if state in URL_STATES else "unknown", *(_optional(fields.get(name)) for name in names)
    )


def _optional(value: t.Any) -> str | None:
    return None if value is None else str(value)


def _number(value: t.Any) -> int:
    return int(value) if isinstance(value, (int, float)) else 0
