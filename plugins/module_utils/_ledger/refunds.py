# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refunds in the ledger: what is held of the transactions of a batch, what the batch adds, and putting it."""

from __future__ import annotations

import contextlib
import hashlib
import typing as t
from collections import defaultdict
from dataclasses import dataclass, field, fields

from .._model.event import events_of
from .._model.permit import Permit
from .._model.refund import Notification, Refund, day, reversals_of, settle
from .engines import insert
from .events import record
from .schema import refund_notifications, refunds

# `place.SQLALCHEMY_ERROR` says so to the user before any of this is called.
with contextlib.suppress(ImportError):
    import sqlalchemy

_AT_ONCE = 500
_COLUMNS = tuple(one.name for one in fields(Refund))


@dataclass(frozen=True)
class App:
    """Whose rows: those of other sources (roots), environments and apps are never touched."""

    source: str
    environment: str
    bundle_id: str

    def values(self) -> dict[str, str]:
        return {"source": self.source, "environment": self.environment, "bundle_id": self.bundle_id}


@dataclass(frozen=True)
class Step:
    """One refund before (None: not held) and after."""

    before: Refund | None
    after: Refund


@dataclass(frozen=True)
class Changes:
    """What a batch adds: refunds that are new or differ, and notifications that are new.

    ``reversals``: what reversed a refund, by the refund's key; ``unmatched``: new ones whose refund isn't held.
    """

    steps: tuple[Step, ...]
    notifications: tuple[Notification, ...]
    reversals: t.Mapping[tuple[str, int], Notification] = field(default_factory=dict)
    unmatched: tuple[Notification, ...] = ()


def lock(connection: sqlalchemy.Connection, app: App) -> None:
    """Let two controllers take turns at one app until the transaction ends. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        name = "\n".join(("storeops.refunds", *app.values().values()))
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        connection.execute(sqlalchemy.select(sqlalchemy.func.pg_advisory_xact_lock(number)))


def compare(connection: sqlalchemy.Connection, app: App, notifications: t.Sequence[Notification]) -> Changes:
    """Return what ``notifications`` change. Reads only the transactions that they are about."""
    steps: list[Step] = []
    added: list[Notification] = []
    reversals: dict[tuple[str, int], Notification] = {}
    unmatched: list[Notification] = []
    by_transaction = _by_transaction(notifications)
    for ids in _chunks(sorted(by_transaction)):
        held_refunds = _held_refunds(connection, app, ids)
        held_notifications = _held_notifications(connection, app, ids)
        for transaction_id in ids:
            held = held_refunds[transaction_id]
            told = {one.uuid: one for one in held_notifications[transaction_id]}
            read = by_transaction[transaction_id]
            fresh = _fresh(told, read)
            before = {refund.key: refund for refund in held}
            # Of a copy that was signed later too: it may know more.
            said = [refund for one in read for refund in one.refunds]
            known = [*told.values(), *fresh]
            after = settle([*held, *said], known)
            steps += [Step(before.get(one.key), one) for one in after if before.get(one.key) != one]
            added += fresh
            matched = _matched(after, known)
            reversals |= matched
            unmatched += _unmatched(after, known, fresh, matched)
    return Changes(tuple(steps), tuple(added), reversals, tuple(unmatched))


def _matched(after: t.Sequence[Refund], known: t.Sequence[Notification]) -> dict[tuple[str, int], Notification]:
    """Return what reversed the refunds of one transaction, by their keys."""
    if all(one.type != "REFUND_REVERSED" for one in known):
        return {}
    found = reversals_of({one.revocation_date: one for one in after}, known)
    return {one.key: found[one.revocation_date] for one in after if one.revocation_date in found}


def _unmatched(
    after: t.Sequence[Refund],
    known: t.Sequence[Notification],
    fresh: t.Sequence[Notification],
    matched: t.Mapping[tuple[str, int], Notification],
) -> list[Notification]:
    """Return the new reversals of one transaction that are of no held refund, each once.

    What is told again under another UUID is no news, and names the same date, or none again.
    """
    reversals = [one for one in known if one.type == "REFUND_REVERSED"]
    first = {one.revocation_date: one for one in reversed(reversals)}
    return [one for one in first.values() if one in fresh and not _is_matched(one, after, matched)]


def _is_matched(
    one: Notification, after: t.Sequence[Refund], matched: t.Mapping[tuple[str, int], Notification]
) -> bool:
    """Tell whether a reversal cancels a held refund, or can only repeat what had cancelled one before."""
    dates = {refund.revocation_date for refund in after}
    if one.revocation_date in dates:
        return (one.transaction_id, one.revocation_date) in matched
    return any(date <= one.signed_date for date in dates)


def put(
    connection: sqlalchemy.Connection,
    app: App,
    changes: Changes,
    now: str,
    more: t.Mapping[str, t.Mapping[str, str]] | None = None,
) -> None:
    """Record what ``compare`` found in the same transaction, with its events. ``now`` is UTC in ISO 8601.

    ``more``: further fields of events, by transaction ID.
    """
    rows = [{**app.values(), **_row(step.after), "recorded_at": now} for step in changes.steps]
    if rows:
        statement = insert(connection, refunds())
        keys = [column.name for column in refunds().primary_key]
        replaced = {name: statement.excluded[name] for name in rows[0] if name not in (*keys, "recorded_at")}
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=replaced), rows)
    rows = [{**app.values(), **_told(one), "recorded_at": now} for one in changes.notifications]
    if rows:
        statement = insert(connection, refund_notifications())
        keys = [column.name for column in refund_notifications().primary_key]
        replaced = {
            "signed_date": statement.excluded.signed_date,
            "revocation_date": statement.excluded.revocation_date,
        }
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=replaced), rows)
    steps = ((step.before, step.after) for step in changes.steps)
    news = events_of(steps, changes.notifications, changes.reversals, changes.unmatched)
    record(connection, app.values(), news, now, more)


class Old(t.NamedTuple):
    """How many rows of an app are dated before some time."""

    refunds: int
    notifications: int


def count_before(connection: sqlalchemy.Connection, app: App, milliseconds: int) -> Old:
    """Return how many refunds are dated earlier, and how many notifications about them."""
    of_both = ((refunds(), _is_before(milliseconds)), (refund_notifications(), _is_told_before(milliseconds)))
    counts = [
        sqlalchemy.select(sqlalchemy.func.count()).select_from(table).filter_by(**app.values()).where(is_old)
        for table, is_old in of_both
    ]
    return Old(*(int(connection.execute(query).scalar_one()) for query in counts))


def removal_target(app: App) -> str:
    return f"{app.bundle_id} ({app.environment}, source {app.source})"


def remove_before(connection: sqlalchemy.Connection, app: App, milliseconds: int, permit: Permit) -> None:
    """Delete the refunds that are dated earlier, and the notifications about them."""
    permit.require("remove_refunds", removal_target(app))
    told = refund_notifications()
    connection.execute(sqlalchemy.delete(refunds()).filter_by(**app.values()).where(_is_before(milliseconds)))
    connection.execute(sqlalchemy.delete(told).filter_by(**app.values()).where(_is_told_before(milliseconds)))


def _is_before(milliseconds: int) -> sqlalchemy.ColumnElement[bool]:
    table = refunds()
    # The day says no more than the date, but it stands in the index.
    return sqlalchemy.and_(table.c.refund_day <= day(milliseconds), table.c.revocation_date < milliseconds)


def _is_told_before(milliseconds: int) -> sqlalchemy.ColumnElement[bool]:
    """Tell which notifications are older (see ``Notification.date``), and of no transaction with a younger refund.

    Those of such a transaction decide whether that refund was reversed.
    """
    told, kept = refund_notifications().c, refunds().c
    same = [kept[name] == told[name] for name in ("source", "environment", "bundle_id", "transaction_id")]
    is_reversal = told.notification_type == "REFUND_REVERSED"
    date = sqlalchemy.case(
        (is_reversal, told.signed_date), else_=sqlalchemy.func.coalesce(told.revocation_date, told.signed_date)
    )
    has_younger = (
        sqlalchemy.exists().where(*same, kept.revocation_date >= milliseconds).correlate(refund_notifications())
    )
    return sqlalchemy.and_(date < milliseconds, ~has_younger)


def _by_transaction(notifications: t.Iterable[Notification]) -> dict[str, list[Notification]]:
    found: dict[str, list[Notification]] = defaultdict(list)
    for one in notifications:
        found[one.transaction_id].append(one)
    return found


def _fresh(told: dict[str, Notification], read: t.Iterable[Notification]) -> list[Notification]:
    """Return what is not known yet; of one UUID, the copy that was signed first. ``told`` loses what is replaced."""
    fresh: dict[str, Notification] = {}
    for one in read:
        other = fresh.get(one.uuid) or told.get(one.uuid)
        if other is None or one.signed_date < other.signed_date:
            fresh[one.uuid] = one
            told.pop(one.uuid, None)
    return list(fresh.values())


def _held_refunds(connection: sqlalchemy.Connection, app: App, ids: t.Sequence[str]) -> dict[str, list[Refund]]:
    table = refunds()
    columns = [table.c[name] for name in _COLUMNS]
    query = sqlalchemy.select(*columns).filter_by(**app.values()).where(table.c.transaction_id.in_(ids))
    found: dict[str, list[Refund]] = defaultdict(list)
    for row in connection.execute(query).mappings():
        found[row["transaction_id"]].append(Refund(**row))
    return found


def _held_notifications(
    connection: sqlalchemy.Connection, app: App, ids: t.Sequence[str]
) -> dict[str, list[Notification]]:
    table = refund_notifications()
    query = sqlalchemy.select(table).filter_by(**app.values()).where(table.c.transaction_id.in_(ids))
    found: dict[str, list[Notification]] = defaultdict(list)
    for row in connection.execute(query).mappings():
        found[row["transaction_id"]].append(
            Notification(
                row["notification_uuid"],
                row["notification_type"],
                row["signed_date"],
                row["transaction_id"],
                row["revocation_date"],
            )
        )
    return found


def _row(refund: Refund) -> dict[str, t.Any]:
    return {
        **{name: getattr(refund, name) for name in _COLUMNS},
        "refund_day": refund.refund_day,
        "assumed_full": int(refund.assumed_full),
        "amount": refund.amount,
        "is_family_shared": int(refund.is_family_shared),
    }


def _told(one: Notification) -> dict[str, t.Any]:
    return {
        "notification_uuid": one.uuid,
        "notification_type": one.type,
        "signed_date": one.signed_date,
        "transaction_id": one.transaction_id,
        "revocation_date": one.revocation_date,
    }


def _chunks(ids: t.Sequence[str]) -> t.Iterator[t.Sequence[str]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
