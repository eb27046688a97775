# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about the ledger's refunds. The database filters, adds up and pages; no more than a page is read."""

from __future__ import annotations

import contextlib
import typing as t
from collections import defaultdict
from dataclasses import dataclass

from .._model.apple_id import apple_id_fault
from .._model.coverage import Coverage
from .._model.identifiers import Environment
from .._model.integration import Status
from .._model.refund import day
from .._model.refund_period import Period
from .._model.refund_rows import Cursor, Question, Row, Tally, exceeds, row_of
from .coverage import coverage_of
from .notification_urls import KnownUrl, urls_in
from .schema import integrations, refund_coverage, refund_quarantine, refunds

# `place.SQLALCHEMY_ERROR` says so to the user before any of this is called.
with contextlib.suppress(ImportError):
    import sqlalchemy

# SQLite fails when a sum outgrows 64 bits, so the two halves of each amount are added up by themselves.
_HALF = 1_000_000_000
_AT_ONCE = 500


@dataclass(frozen=True)
class AppState:
    """What the ledger knows about one app. ``coverage`` is None when it was never read; times in milliseconds.

    ``apple_id_fault``: what is wrong with the app's Apple ID, of whatever period. ``status``: of the app's integration
    in the ledger, None without one.
    """

    bundle_id: str
    coverage: Coverage | None
    quarantined: t.Mapping[str, int]
    last_refund_at: int | None
    url: KnownUrl | None = None
    apple_id_fault: str = ""
    status: Status | None = None

    @property
    def is_known(self) -> bool:
        """Tell whether anything was ever read of the app, or a refund of it received."""
        is_read = self.coverage is not None and self.coverage.is_read
        return is_read or self.last_refund_at is not None


def page(
    connection: sqlalchemy.Connection, question: Question, after: Cursor | None, limit: int
) -> tuple[list[Row], Cursor | None]:
    """Return up to ``limit`` refunds by refund date, bundle ID and transaction ID, and where the next page begins.

    ``after`` is where the page before ended; None is returned for it when there are no more.
    """
    table = refunds()
    # What comes first must not depend on the language that a PostgreSQL was set up for.
    names = [_binary(table.c[name], connection) for name in ("bundle_id", "transaction_id")]
    query = sqlalchemy.select(table).where(*_conditions(question, by_day=False)).limit(limit + 1)
    if after is not None:
        date = table.c.revocation_date
        bundle_id, transaction_id = names
        behind = sqlalchemy.or_(
            date > after.revocation_date,
            bundle_id > after.bundle_id,
            sqlalchemy.and_(bundle_id == after.bundle_id, transaction_id > after.transaction_id),
        )
        query = query.where(date >= after.revocation_date, behind)
    found = connection.execute(query.order_by(table.c.revocation_date, *names)).mappings().all()
    rows, more = found[:limit], found[limit:]
    return [row_of(dict(row)) for row in rows], _cursor(rows[-1]) if rows and more else None


def tallies(connection: sqlalchemy.Connection, question: Question, group_by: t.Sequence[str]) -> list[Tally]:
    """Return the refunds counted and added up by the group keys, by currency and by standing."""
    table = refunds()
    keys = [_key(name).label(f"key_{name}") for name in group_by]
    standing = [
        table.c.currency,
        table.c.reversed_at.is_not(None).label("is_reversed"),
        table.c.is_family_shared,
    ]
    sums = [
        sqlalchemy.func.count().label("count"),
        sqlalchemy.func.count(table.c.amount).label("known"),
        sqlalchemy.func.sum(table.c.amount // _HALF).label("high"),
        sqlalchemy.func.sum(table.c.amount % _HALF).label("low"),
    ]
    by_day = question.period.has_whole_days
    query = sqlalchemy.select(*keys, *standing, *sums).where(*_conditions(question, by_day))
    found = connection.execute(query.group_by(*keys, *standing)).mappings()
    return [
        Tally(
            keys=tuple(row[f"key_{name}"] for name in group_by),
            currency=row["currency"],
            is_reversed=bool(row["is_reversed"]),
            is_family_shared=bool(row["is_family_shared"]),
            count=row["count"],
            known=row["known"],
            amount=None if row["high"] is None else int(row["high"]) * _HALF + int(row["low"]),
        )
        for row in found
    ]


def count_exceeding(connection: sqlalchemy.Connection, question: Question) -> int:
    """Return of how many of the transactions the refunds in force, of all times, add up to more than the price.

    Transactions with several refunds are few, and found in the primary key alone. One refund alone is of at most the
    price, unless Apple names a larger sum for Advanced Commerce, which isn't looked for.
    """
    table = refunds()
    mine = [table.c.source == question.source, table.c.environment == question.environment]
    keys = (table.c.bundle_id, table.c.transaction_id)
    several = sqlalchemy.select(*keys).where(*mine).group_by(*keys).having(sqlalchemy.func.count() > 1)
    if question.bundle_ids is not None:
        several = several.where(table.c.bundle_id.in_(question.bundle_ids))
    by_app: dict[str, list[str]] = defaultdict(list)
    for bundle_id, transaction_id in connection.execute(several):
        by_app[bundle_id].append(transaction_id)
    columns = (table.c.transaction_id, table.c.price, table.c.amount)
    asked_for = sqlalchemy.and_(*_conditions(question, by_day=False))
    stands = (table.c.reversed_at.is_(None), table.c.amount.is_not(None))
    query = sqlalchemy.select(*columns, asked_for.label("is_asked_for")).where(*mine, *stands)
    found = 0
    for bundle_id, ids in by_app.items():
        for start in range(0, len(ids), _AT_ONCE):
            chosen = table.c.transaction_id.in_(ids[start : start + _AT_ONCE])
            rows = connection.execute(query.where(table.c.bundle_id == bundle_id, chosen)).all()
            found += _exceeding(rows)
    return found


def _exceeding(rows: t.Iterable[t.Any]) -> int:
    money: dict[str, list[tuple[int, int]]] = defaultdict(list)
    asked: set[str] = set()
    for transaction_id, price, amount, is_asked_for in rows:
        # A part of a transaction may have an amount of its own where the whole has no price.
        if price is not None:
            money[transaction_id].append((price, amount))
        if is_asked_for:
            asked.add(transaction_id)
    return sum(exceeds(money[transaction_id]) for transaction_id in asked & money.keys())


def app_states(
    connection: sqlalchemy.Connection,
    source: str,
    environment: Environment,
    bundle_ids: t.Sequence[str] | None,
    period: Period,
) -> list[AppState]:
    """Return what is known of each app by bundle ID: the ones named, else all that the ledger knows of."""
    read = _coverages(connection, source, environment)
    quarantined = _quarantined(connection, source, environment, period)
    last = _last_refunds(connection, source, environment, bundle_ids)
    numbers, statuses = _integrated(connection, environment)
    asked = set(bundle_ids or ()) or {*read, *quarantined, *last, *statuses}
    urls = urls_in(connection, environment)
    ever = _quarantined(connection, source, environment, Period())
    return [
        AppState(
            name,
            read.get(name),
            quarantined.get(name, {}),
            last.get(name),
            urls.get(name),
            apple_id_fault(ever.get(name, ()), numbers.get(name), _proven(read.get(name)), " in the ledger"),
            statuses.get(name),
        )
        for name in sorted(asked)
    ]


def other_sources(
    connection: sqlalchemy.Connection, source: str, environment: Environment, bundle_ids: t.Sequence[str] | None
) -> list[str]:
    """Return the other sources from which the ledger has read the apps."""
    table = refund_coverage()
    query = sqlalchemy.select(table.c.source).distinct()
    query = query.where(table.c.source != source, table.c.environment == environment)
    if bundle_ids is not None:
        query = query.where(table.c.bundle_id.in_(bundle_ids))
    return sorted(connection.execute(query).scalars())


def _conditions(question: Question, by_day: bool) -> list[sqlalchemy.ColumnElement[bool]]:
    """Return what the refunds must be. ``by_day``: whole days are asked for, which an index holds with the amounts."""
    column = refunds().c
    found = [column.source == question.source, column.environment == question.environment]
    chosen = {
        column.bundle_id: question.bundle_ids,
        column.product_id: question.product_ids,
        column.currency: question.currencies,
        column.revocation_reason: question.reasons,
    }
    found += [one.in_(values) for one, values in chosen.items() if values is not None]
    since, until = question.period.since, question.period.until
    if since is not None:
        found.append(column.refund_day >= day(since) if by_day else column.revocation_date >= since)
    if until is not None:
        found.append(column.refund_day < day(until) if by_day else column.revocation_date < until)
    if not question.include_reversed:
        found.append(column.reversed_at.is_(None))
    return found


def _key(name: str) -> sqlalchemy.ColumnElement[t.Any]:
    column = refunds().c
    own: dict[str, sqlalchemy.ColumnElement[t.Any]] = {
        "day": column.refund_day,
        "month": sqlalchemy.func.substr(column.refund_day, 1, 7),
        "reason": column.revocation_reason,
    }
    return own[name] if name in own else column[name]


def _binary(column: sqlalchemy.ColumnElement[str], connection: sqlalchemy.Connection) -> sqlalchemy.ColumnElement[str]:
    return column.collate("C") if connection.dialect.name == "postgresql" else column


def _cursor(row: sqlalchemy.RowMapping) -> Cursor:
    return Cursor(row["revocation_date"], row["bundle_id"], row["transaction_id"])


def _coverages(connection: sqlalchemy.Connection, source: str, environment: Environment) -> dict[str, Coverage]:
    query = sqlalchemy.select(refund_coverage()).filter_by(source=source, environment=environment)
    return {row["bundle_id"]: coverage_of(row) for row in connection.execute(query).mappings()}


def _quarantined(
    connection: sqlalchemy.Connection, source: str, environment: Environment, period: Period
) -> dict[str, dict[str, int]]:
    table = refund_quarantine()
    group = (table.c.bundle_id, table.c.reason)
    query = sqlalchemy.select(*group, sqlalchemy.func.count()).group_by(*group)
    query = query.filter_by(source=source, environment=environment)
    if period.since is not None:
        query = query.where(table.c.window_until > period.since)
    if period.until is not None:
        query = query.where(table.c.window_from < period.until)
    found: dict[str, dict[str, int]] = {}
    for bundle_id, reason, count in connection.execute(query):
        found.setdefault(bundle_id, {})[reason] = count
    return found


def _integrated(
    connection: sqlalchemy.Connection, environment: Environment
) -> tuple[dict[str, int | None], dict[str, Status | None]]:
    """Return the apps that have an integration: the Apple ID, and the status, that the ledger's own has."""
    table = integrations()
    own = [
        sqlalchemy.func.max(sqlalchemy.case((table.c.tracker == "ledger", column)))
        for column in (table.c.app_apple_id, table.c.status)
    ]
    query = sqlalchemy.select(table.c.bundle_id, *own).where(table.c.environment == environment)
    rows = connection.execute(query.group_by(table.c.bundle_id)).all()
    return {row[0]: row[1] for row in rows}, {row[0]: row[2] for row in rows}


def _proven(coverage: Coverage | None) -> int | None:
    return coverage.app_apple_id if coverage else None


def _last_refunds(
    connection: sqlalchemy.Connection, source: str, environment: Environment, bundle_ids: t.Iterable[str] | None
) -> dict[str, int]:
    table = refunds()
    query = sqlalchemy.select(table.c.bundle_id, sqlalchemy.func.max(table.c.revocation_date))
    query = query.filter_by(source=source, environment=environment).group_by(table.c.bundle_id)
    if bundle_ids is not None:
        query = query.where(table.c.bundle_id.in_(bundle_ids))
    return {str(row[0]): int(row[1]) for row in connection.execute(query)}
