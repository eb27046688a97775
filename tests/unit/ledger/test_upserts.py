# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which row takes the place of which: PostgreSQL wants it said, and is exact about the names; SQLite isn't."""

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
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integrations
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.notification_urls import KnownUrl, put_urls
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App, Changes, Step, put
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.schema import (
    integrations,
    refund_coverage,
    refund_notifications,
    refund_quarantine,
    refunds,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.coverage import Coverage, Window
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Notification, Rejected

APP = App("apple", "production", "com.example.one")
TOLD = Notification("u", "REFUND_REVERSED", START, "1", None)
URL = KnownUrl("production", "com.example.one", "none", None, None, NOW)


class Server:
    """Takes down what would be sent to PostgreSQL."""

    dialect = postgresql.dialect()

    def __init__(self) -> None:
        self.said: list[str] = []

    def execute(self, statement: t.Any, _rows: object = None) -> t.Any:
        self.said.append(str(statement.compile(dialect=self.dialect)))
        # No event has a consumer.
        return SimpleNamespace(scalar=lambda: None)

    @contextlib.contextmanager
    def writing(self) -> t.Iterator[Server]:
        yield self

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
    (said,) = (one for one in server.said if one.startswith("INSERT"))
    keys = [column.name for column in table.primary_key]
    assert said.startswith(f"INSERT INTO {table.name} ") and f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET " in said
    # What is replaced is no part of the key, and is there.
    replaced = [one.split(" = ")[0] for one in said.partition(" DO UPDATE SET ")[2].split(", ") if " = " in one]
    assert replaced and set(replaced) <= set(table.columns.keys()) - set(keys)
