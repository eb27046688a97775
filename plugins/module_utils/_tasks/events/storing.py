# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stores what Apple told, in one transaction: refunds, the events of them, and what it proves about coverage."""

from __future__ import annotations

import typing as t
from collections import Counter

from ..._ledger.coverage import find_coverage, list_quarantined, put_coverage
from ..._ledger.events import record
from ..._ledger.ledger import Ledger
from ..._ledger.refunds import App, compare, lock, put
from ..._model.coverage import judged, proven
from ..._model.event import ConsumptionRequest
from ..._model.refund import Notification

if t.TYPE_CHECKING:
    import sqlalchemy

Told = Notification | ConsumptionRequest


More = t.Mapping[str, t.Mapping[str, str]]


def store(
    ledger: Ledger, told: t.Mapping[App, t.Sequence[Told]], now: str, more: t.Mapping[App, More] | None = None
) -> None:
    """Store verified notifications by app; what is known already, by its UUID, changes nothing.

    ``now`` is UTC in ISO 8601. ``more``: further fields of events, by app and transaction ID. Raises LedgerError, and
    then nothing of it is stored.
    """
    apps = sorted(told, key=lambda app: (app.source, app.environment, app.bundle_id))

    def work(connection: sqlalchemy.Connection) -> None:
        # All locks before the first event, and in one order: two writers never wait for each other.
        for app in apps:
            lock(connection, app)
        for app in apps:
            _store(connection, app, told[app], now, (more or {}).get(app, {}))

    ledger.write(work)


def _store(connection: sqlalchemy.Connection, app: App, told: t.Sequence[Told], now: str, more: More) -> None:
    notifications = [one for one in told if isinstance(one, Notification)]
    put(connection, app, compare(connection, app, notifications), now, more)
    requests = [one.event() for one in told if isinstance(one, ConsumptionRequest)]
    record(connection, app.values(), requests, now, more)
    held = find_coverage(connection, app)
    # An app that was never read has no coverage yet; its first reading meets these notifications in Apple's history.
    if held is not None:
        reasons = Counter(one.reason for one in list_quarantined(connection, app))
        put_coverage(connection, app, judged(proven(held, [one.signed_date for one in told]), reasons), now)
