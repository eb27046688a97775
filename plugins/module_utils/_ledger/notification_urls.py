# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""In the ledger: what is known of apps' notification URLs, and what that says about the coverage of their refunds."""

from __future__ import annotations

import contextlib
import typing as t
from collections import Counter
from dataclasses import dataclass

from .._model.coverage import NotificationUrl, begun, heard, judged
from .._model.identifiers import ENVIRONMENTS, Environment
from .coverage import find_coverage, list_quarantined, put_coverage
from .engines import insert
from .event_schema import notification_urls
from .ledger import Ledger
from .refunds import App, lock

# `place.SQLALCHEMY_ERROR` says so to the user before any of this is called.
with contextlib.suppress(ImportError):
    import sqlalchemy


@dataclass(frozen=True)
class KnownUrl:
    """What the ledger knows of a URL, and of the last test of this very URL. Times are UTC in ISO 8601."""

    environment: str
    bundle_id: str
    state: str
    host: str | None
    url_sha256: str | None
    checked_at: str
    test_result: str | None = None
    tested_at: str | None = None


def known_urls(ledger: Ledger, bundle_ids: t.Collection[str]) -> dict[tuple[str, str], KnownUrl]:
    """Return what is known, by environment and bundle ID."""
    with ledger.reading() as connection:
        found = [one for environment in ENVIRONMENTS for one in urls_in(connection, environment).values()]
    return {(one.environment, one.bundle_id): one for one in found if one.bundle_id in bundle_ids}


def urls_in(connection: sqlalchemy.Connection, environment: Environment) -> dict[str, KnownUrl]:
    """Return what is known of an environment's URLs, by bundle ID."""
    query = sqlalchemy.select(notification_urls()).filter_by(environment=environment)
    return {row["bundle_id"]: KnownUrl(**row) for row in connection.execute(query).mappings()}


def put_urls(ledger: Ledger, urls: t.Sequence[KnownUrl]) -> None:
    """Insert or replace what is known of URLs, in one transaction."""
    if not urls:
        return
    table = notification_urls()
    with ledger.writing() as connection:
        statement = insert(connection, table)
        keys = [column.name for column in table.primary_key]
        replaced = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
        statement = statement.on_conflict_do_update(index_elements=keys, set_=replaced)
        rows = sorted((vars(url) for url in urls), key=lambda row: (row["environment"], row["bundle_id"]))
        connection.execute(statement, rows)


def hear(ledger: Ledger, app: App, urls: t.Iterable[NotificationUrl], reach: int, at: int, now: str) -> None:
    """Let the coverage of an app know which URLs it had, one after the other; it has the last.

    ``reach``: how far back Apple's history goes, in milliseconds. ``at``: UNIX milliseconds, ``now`` the same in ISO
    8601. An app that was never read is covered from nowhere yet; its first reading begins as if nothing had been heard.
    """
    with ledger.writing() as connection:
        lock(connection, app)
        held = find_coverage(connection, app) or begun(None, at - reach)
        for url in urls:
            held = heard(held, url, at)
        reasons = Counter(one.reason for one in list_quarantined(connection, app))
        put_coverage(connection, app, judged(held, reasons), now)
