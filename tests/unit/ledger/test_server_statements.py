# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What PostgreSQL is told where SQLite needs no word: which row takes the place of which, locks, and the order."""

from __future__ import annotations

import contextlib
import typing as t
from types import SimpleNamespace

import pytest
import sqlalchemy
from ledger_support import NOW, entry
from refund_rows_support import START, refund
from sqlalchemy.dialects import postgresql

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.coverage import put_coverage, quarantine
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.event_schema import notification_urls
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.events import Consumer, record
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integrations
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.notification_urls import KnownUrl, put_urls
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refund_queries import page
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App, Changes, Step, put
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.schema import (
    integrations,
    refund_coverage,
    refund_notifications,
    refund_quarantine,
    refunds,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.coverage import Coverage, Window
from ansible_collections.storeops.refunds.plugins.module_utils._model.event import Event
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Notification, Rejected
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund_rows import Question

APP = App("apple", "production", "com.example.one")
TOLD = Notification("u", "REFUND_REVERSED", START, "1", None)
URL = KnownUrl("production", "com.example.one", "none", None, None, NOW)


class Server:
    """Takes down what would be sent to PostgreSQL."""

    dialect = postgresql.dialect()

    def __init__(self) -> None:
        self.said: list[str] = []
        self.values: list[t.Any] = []

    def execute(self, statement: t.Any, _rows: object = None) -> t.Any:
        compiled = statement.compile(dialect=self.dialect)
        self.said.append(str(compiled))
        self.values.append(compiled.params)
        # Nothing is there but a consumer, which began at 0.
        first = 0 if "min(" in str(compiled) else None
        nothing = SimpleNamespace(all=lambda: [])
        return SimpleNamespace(scalar=lambda: first, scalars=lambda: [], mappings=lambda: nothing, all=lambda: [])

    @contextlib.contextmanager
    def writing(self) -> t.Iterator[Server]:
        yield self

    reading = writing

    def write(self, work: t.Callable[[Server], None]) -> None:
        work(self)


@pytest.mark.parametrize(
    ("table", "put_one"),
    [
        (integrations(), lambda server: put_integrations(server, [entry()], NOW)),
        (notification_urls(), lambda server: put_urls(server, [URL])),
        (refund_coverage(), lambda server: put_coverage(server, APP, Coverage(1, 2, 2, 1), NOW)),
        (
            refund_quarantine(),
            lambda server: quarantine(server, APP, [Rejected("ab", None, "tampered")], Window(1, 2), NOW),
        ),
        (refunds(), lambda server: put(server, APP, Changes((Step(None, refund(1)),), ()), NOW)),
        (refund_notifications(), lambda server: put(server, APP, Changes((), (TOLD,)), NOW)),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_row_takes_the_place_of_the_one_with_its_key(
    table: sqlalchemy.Table, put_one: t.Callable[[t.Any], None]
) -> None:
    server = Server()
    put_one(server)
    (said,) = (one for one in server.said if one.startswith(f"INSERT INTO {table.name} "))
    keys = [column.name for column in table.primary_key]
    assert f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET " in said
    # What is replaced is no part of the key, and is there.
    replaced = [one.split(" = ")[0] for one in said.partition(" DO UPDATE SET ")[2].split(", ") if " = " in one]
    assert replaced and set(replaced) <= set(table.columns.keys()) - set(keys)


def test_events_are_numbered_under_a_lock() -> None:
    server: t.Any = Server()
    record(server, APP.values(), [Event("refund", "a", START, {})], NOW)
    locked = [number for number, said in enumerate(server.said) if "pg_advisory_xact_lock" in said]
    inserted = [number for number, said in enumerate(server.said) if said.startswith("INSERT")]
    assert len(locked) == len(inserted) == 1 and locked < inserted
    # Before it looks for what is there.
    assert not [said for said in server.said[: locked[0]] if "sequence" in said or "event_key" in said]
    assert list(server.values[locked[0]].values()) == [7_386_052_102]


def test_pages_have_an_order_that_no_language_decides_about() -> None:
    server: t.Any = Server()
    assert page(server, Question("apple", "production"), None, 5) == ([], None)
    name = refunds().name
    order = f'{name}.revocation_date, {name}.bundle_id COLLATE "C", {name}.transaction_id COLLATE "C"'
    assert f" ORDER BY {order} \n LIMIT " in server.said[0]


def test_events_are_read_in_their_order() -> None:
    server: t.Any = Server()
    assert Consumer(server, "rules", "a").waiting(5) == []
    assert " ORDER BY refund_tracking_events.sequence \n LIMIT " in server.said[0]
