# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The outbox: events in the order of their recording, and how far each consumer is.

An event is written in the transaction that records what it tells of, so that neither is there without the other.
"""

from __future__ import annotations

import contextlib
import json
import typing as t
from dataclasses import dataclass, replace

from .._model.event import Event
from .._model.refund import iso_time
from .engines import insert
from .event_schema import consumers, events

if t.TYPE_CHECKING:
    from .ledger import Ledger

# `place.SQLALCHEMY_ERROR` says so to the user before any of this is called.
with contextlib.suppress(ImportError):
    import sqlalchemy

# Any number that no other program on the same database takes for its own locks.
_ORDER_LOCK = 7_386_052_102


@dataclass(frozen=True)
class Recorded:
    """An event with its place in the order of recording."""

    sequence: int
    signed_date: int
    body: t.Mapping[str, t.Any]


def record(
    connection: sqlalchemy.Connection,
    app: t.Mapping[str, str],
    found: t.Sequence[Event],
    now: str,
    more: t.Mapping[str, t.Mapping[str, str]] | None = None,
) -> None:
    """Record events of an app (source, environment, bundle_id) once each, as long as anybody consumes them.

    What was signed before the first consumer began is no news to anybody. ``now`` is UTC in ISO 8601. ``more``:
    further fields, by transaction ID.
    """
    if not found:
        return
    since = connection.execute(sqlalchemy.select(sqlalchemy.func.min(consumers().c.begins_at))).scalar()
    news = [] if since is None else [one for one in found if one.signed_date >= since]
    if not news:
        return
    table = events()
    if connection.dialect.name == "postgresql":
        # Sequences become visible in their order: whoever reads one has seen all before it.
        connection.execute(sqlalchemy.select(sqlalchemy.func.pg_advisory_xact_lock(_ORDER_LOCK)))
    keys = [one.key for one in news]
    held = sqlalchemy.select(table.c.event_key).filter_by(**app).where(table.c.event_key.in_(keys))
    known = set(connection.execute(held).scalars())
    last = _last_sequence(connection)
    rows = []
    for one in (one for one in news if one.key not in known):
        known.add(one.key)
        last += 1
        fields = {**one.fields, **(more or {}).get(str(one.fields.get("transaction_id")), {})}
        rows.append(_row(last, app, replace(one, fields=fields), now))
    if rows:
        connection.execute(sqlalchemy.insert(table), rows)


def _last_sequence(connection: sqlalchemy.Connection) -> int:
    """Return the last sequence that anybody may have seen: the event itself may be forgotten since."""
    columns = (events().c.sequence, consumers().c.position)
    found = [connection.execute(sqlalchemy.select(sqlalchemy.func.max(column))).scalar() for column in columns]
    return max(found[0] or 0, found[1] or 0)


def _row(sequence: int, app: t.Mapping[str, str], event: Event, now: str) -> dict[str, t.Any]:
    body = {
        "schema": 1,
        "kind": event.kind,
        "sequence": sequence,
        **app,
        "signed_at": iso_time(event.signed_date),
        "recorded_at": now,
        **event.fields,
    }
    return {
        "sequence": sequence,
        **app,
        "event_key": event.key,
        "signed_date": event.signed_date,
        "body": json.dumps(body),
        "recorded_at": now,
    }


def count_events_before(connection: sqlalchemy.Connection, app: t.Mapping[str, str], milliseconds: int) -> int:
    """Return how many events of an app were signed earlier."""
    table = events()
    query = sqlalchemy.select(sqlalchemy.func.count()).select_from(table)
    query = query.filter_by(**app).where(table.c.signed_date < milliseconds)
    return int(connection.execute(query).scalar_one())


def remove_events_before(connection: sqlalchemy.Connection, app: t.Mapping[str, str], milliseconds: int) -> None:
    """Delete the events of an app that were signed earlier."""
    table = events()
    connection.execute(sqlalchemy.delete(table).filter_by(**app).where(table.c.signed_date < milliseconds))


@dataclass(frozen=True)
class Consumer:
    """One consumer of a ledger's events. ``holder`` names this process; a lease is renewed within ``lease_ms``."""

    ledger: Ledger
    name: str
    holder: str
    lease_ms: int = 30_000

    def claim(self, at: int) -> bool:
        """Take or renew the lease at ``at`` (UNIX milliseconds); False while another process holds it.

        The first claim ever makes the consumer: what was signed and recorded before is no news to it.
        """
        table = consumers()
        with self.ledger.writing() as connection:
            position = _last_sequence(connection)
            statement = insert(connection, table).values(name=self.name, position=position, begins_at=at)
            connection.execute(statement.on_conflict_do_nothing())
            free = sqlalchemy.or_(table.c.holder.is_(None), table.c.holder == self.holder, table.c.held_until < at)
            taken = sqlalchemy.update(table).where(table.c.name == self.name, free)
            return connection.execute(taken.values(holder=self.holder, held_until=at + self.lease_ms)).rowcount == 1

    def release(self) -> None:
        """Let another process take over at once."""
        table = consumers()
        mine = sqlalchemy.update(table).where(table.c.name == self.name, table.c.holder == self.holder)
        with self.ledger.writing() as connection:
            connection.execute(mine.values(holder=None, held_until=None))

    def times(self) -> tuple[int, int | None]:
        """Return from when on what is signed is news to it, and until when the lease is held (None: it is free).

        Both are UNIX milliseconds, of the clocks of those who claimed. It has to be claimed first.
        """
        table = consumers()
        with self.ledger.reading() as connection:
            query = sqlalchemy.select(table.c.begins_at, table.c.held_until).where(table.c.name == self.name)
            row = connection.execute(query).one()
        return row.begins_at, row.held_until

    def waiting(self, most: int) -> list[Recorded]:
        """Return the next events in order, at most so many; none that was signed before the consumer began."""
        table, mine = events(), consumers()
        query = sqlalchemy.select(table.c.sequence, table.c.signed_date, table.c.body).join(
            mine, sqlalchemy.and_(table.c.sequence > mine.c.position, table.c.signed_date >= mine.c.begins_at)
        )
        query = query.where(mine.c.name == self.name).order_by(table.c.sequence).limit(most)
        with self.ledger.reading() as connection:
            rows = connection.execute(query).all()
        return [Recorded(row.sequence, row.signed_date, json.loads(row.body)) for row in rows]

    def done(self, sequence: int) -> bool:
        """Note that all events up to ``sequence`` have been handed on; False when the lease was lost meanwhile."""
        table = consumers()
        mine = sqlalchemy.update(table).where(table.c.name == self.name, table.c.holder == self.holder)
        with self.ledger.writing() as connection:
            return connection.execute(mine.values(position=sequence)).rowcount == 1
