# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""In the ledger: how much of an app's history was read, and the payloads that could not be verified."""

from __future__ import annotations

import contextlib
import json
import typing as t
from collections import defaultdict
from dataclasses import dataclass

from .._model.apple_id import ProvenAppleIds
from .._model.coverage import Coverage, Window
from .._model.refund import APPLE, Rejected
from .engines import insert
from .ledger import Ledger
from .refunds import App
from .schema import refund_coverage, refund_quarantine

# `place.SQLALCHEMY_ERROR` says so to the user before any of this is called.
with contextlib.suppress(ImportError):
    import sqlalchemy


@dataclass(frozen=True)
class Quarantined:
    """A payload in quarantine, and the window in which it was read last."""

    payload_sha256: str
    notification_uuid: str | None
    reason: str
    window: Window


def find_coverage(connection: sqlalchemy.Connection, app: App) -> Coverage | None:
    """Return the coverage of an app, None when it was never read."""
    query = sqlalchemy.select(refund_coverage()).filter_by(**app.values())
    row = connection.execute(query).mappings().first()
    return None if row is None else coverage_of(row)


def coverage_of(row: sqlalchemy.RowMapping) -> Coverage:
    """Return the coverage that a row of the table holds."""
    return Coverage(
        covered_from=row["covered_from"],
        covered_until=row["covered_until"],
        read_until=row["read_until"],
        settled_until=row["settled_until"],
        gaps=tuple(Window(start, end) for start, end in json.loads(row["gaps"])),
        last_notification_at=row["last_notification_at"],
        known_from=row["known_from"],
        proven_at=row["proven_at"],
        url=row["url"],
        url_at=row["url_at"],
        state=row["state"],
        reason=row["reason"],
        app_apple_id=row["app_apple_id"],
    )


def put_coverage(connection: sqlalchemy.Connection, app: App, coverage: Coverage, now: str) -> None:
    """Insert or replace the coverage of an app. ``now`` is UTC in ISO 8601."""
    values = {
        "covered_from": coverage.covered_from,
        "covered_until": coverage.covered_until,
        "read_until": coverage.read_until,
        "settled_until": coverage.settled_until,
        "known_from": coverage.known_from,
        "proven_at": coverage.proven_at,
        "url": coverage.url,
        "url_at": coverage.url_at,
        "state": coverage.state,
        "reason": coverage.reason,
        "last_run_at": now,
        "last_notification_at": coverage.last_notification_at,
        "app_apple_id": coverage.app_apple_id,
        "gaps": json.dumps([[gap.start, gap.end] for gap in coverage.gaps]),
    }
    statement = insert(connection, refund_coverage()).values(**app.values(), **values)
    connection.execute(statement.on_conflict_do_update(index_elements=list(app.values()), set_=values))


def proven_apple_ids(ledger: Ledger) -> ProvenAppleIds:
    """Return which Apple IDs verified notifications of production name."""
    table = refund_coverage()
    query = sqlalchemy.select(table.c.source, table.c.bundle_id, table.c.app_apple_id)
    found = ProvenAppleIds(defaultdict(set), defaultdict(set))
    with ledger.reading() as connection:
        for source, bundle_id, number in connection.execute(query.where(table.c.app_apple_id.is_not(None))):
            (found.by_apple if source == APPLE else found.by_others)[bundle_id].add(number)
    return found


def list_quarantined(connection: sqlalchemy.Connection, app: App) -> list[Quarantined]:
    """Return an app's payloads in quarantine."""
    query = sqlalchemy.select(refund_quarantine()).filter_by(**app.values())
    return [
        Quarantined(
            row["payload_sha256"],
            row["notification_uuid"],
            row["reason"],
            Window(row["window_from"], row["window_until"]),
        )
        for row in connection.execute(query).mappings()
    ]


def quarantine(
    connection: sqlalchemy.Connection, app: App, rejected: t.Iterable[Rejected], window: Window, now: str
) -> None:
    """Note payloads that failed, one row for each content. ``now`` is UTC in ISO 8601."""
    rows = [
        {
            **app.values(),
            "payload_sha256": one.payload_sha256,
            "notification_uuid": one.notification_uuid,
            "reason": one.told,
            "window_from": window.start,
            "window_until": window.end,
            "first_seen_at": now,
            "last_seen_at": now,
        }
        for one in rejected
    ]
    if rows:
        statement = insert(connection, refund_quarantine())
        replaced = ("reason", "window_from", "window_until", "last_seen_at")
        statement = statement.on_conflict_do_update(
            index_elements=[*app.values(), "payload_sha256"],
            set_={name: statement.excluded[name] for name in replaced},
        )
        connection.execute(statement, rows)


def release(connection: sqlalchemy.Connection, app: App, payloads: t.Iterable[str]) -> None:
    """Take payloads (SHA-256) out of quarantine."""
    table = refund_quarantine()
    statement = sqlalchemy.delete(table).filter_by(**app.values())
    for payload in payloads:
        connection.execute(statement.where(table.c.payload_sha256 == payload))
