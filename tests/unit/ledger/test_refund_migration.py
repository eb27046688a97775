# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A ledger that was written before there were refunds."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from unittest import mock

import pytest
import sqlalchemy
from ledger_support import NOW, entry, insert_integration, ledger_at
from refund_support import Desk
from unit_servers import Simulator
from unit_support import BUNDLE_ID

from ansible_collections.storeops.refunds.plugins.module_utils._ledger import migrate, revision, schema
from ansible_collections.storeops.refunds.plugins.module_utils._ledger._migrations import (
    HEAD,
    m0001_integrations,
)
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integration

TABLES = ("refunds", "refund_notifications", "refund_coverage", "refund_quarantine")


def make_first_schema(url: str) -> None:
    """Write a ledger as the first version of the collection did."""
    old = (m0001_integrations,)
    with (
        mock.patch.object(migrate, "MIGRATIONS", old),
        mock.patch.object(revision, "MIGRATIONS", old),
        mock.patch.object(revision, "HEAD", "0001"),
    ):
        ledger = ledger_at(url)
        with ledger.writing() as connection:
            insert_integration(connection, entry("com.example.old"))
        ledger.close()


def tables(path: Path) -> set[str]:
    """Give the names of all tables."""
    connection = sqlite3.connect(path)
    found = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    return found


def test_it_is_migrated_by_the_first_run_that_writes(sim: Simulator, tmp_path: Path) -> None:
    desk = Desk(sim, tmp_path, f"sqlite:///{tmp_path}/ledger.db")
    make_first_schema(desk.url)
    assert tables(tmp_path / "ledger.db") == {"refund_tracking_integrations", "refund_tracking_schema"}
    connection = sqlite3.connect(tmp_path / "ledger.db")
    connection.execute(
        "UPDATE refund_tracking_integrations SET bundle_id = ?, issuer_id = ?, key_id = ?, key_fingerprint = NULL, "
        "private_key_path = ?, app_apple_id = 1",
        (BUNDLE_ID, "57246542-96fe-1a63-e053-0824d011072a", "2X9R4HXF34", str(tmp_path / "key.p8")),
    )
    connection.commit()
    connection.close()
    before = (tmp_path / "ledger.db").read_bytes()
    with mock.patch.object(Desk, "put_integration"):
        desk.prepare()
    desk.refund(-3)
    assert desk.run(check_mode=True).results["refunds"]["new"] == 1
    assert (tmp_path / "ledger.db").read_bytes() == before
    assert desk.run().results["refunds"]["new"] == 1
    assert tables(tmp_path / "ledger.db") == {
        "refund_tracking_schema",
        *(f"refund_tracking_{name}" for name in ("integrations", "refunds", "notifications", "coverage", "quarantine")),
        *(f"refund_tracking_{name}" for name in ("events", "consumers", "notification_urls")),
    }
    assert len(desk.rows()) == 1
    assert [row["bundle_id"] for row in desk.rows("integrations")] == [BUNDLE_ID]


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_those_of_the_schema(tmp_path: Path, name: str) -> None:
    ledger = ledger_at(f"sqlite:///{tmp_path}/ledger.db")
    put_integration(ledger, entry(), NOW)
    declared = getattr(schema, name)()
    with ledger.reading() as connection:
        held = sqlalchemy.Table(declared.name, sqlalchemy.MetaData(), autoload_with=connection)
    ledger.close()
    assert HEAD == "0006"
    assert [(c.name, str(c.type), c.nullable, c.primary_key) for c in held.columns] == [
        (c.name, str(c.type.compile()), c.nullable, c.primary_key) for c in declared.columns
    ]


def test_sums_of_a_period_are_read_from_one_index(tmp_path: Path) -> None:
    ledger = ledger_at(f"sqlite:///{tmp_path}/ledger.db")
    put_integration(ledger, entry(), NOW)
    query = (
        "EXPLAIN QUERY PLAN SELECT currency, sum(amount) FROM refund_tracking_refunds WHERE source = 'apple' "
        "AND bundle_id = 'a' AND environment = 'production' AND refund_day BETWEEN '2025-01-01' AND '2025-01-31' "
        "AND reversed_at IS NULL AND is_family_shared = 0 GROUP BY currency"
    )
    with ledger.reading() as connection:
        plan = str(connection.exec_driver_sql(query).all())
    ledger.close()
    assert (
        "USING COVERING INDEX refund_tracking_refunds_by_period "
        "(source=? AND environment=? AND bundle_id=? AND refund_day>? AND" in plan
    )
