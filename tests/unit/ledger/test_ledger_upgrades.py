# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A ledger of each older schema opens in the newest, read or written; a newer one is refused; no old schema changes."""

from __future__ import annotations

import hashlib
import os
import typing as t
from pathlib import Path
from unittest import mock

import pytest
import sqlalchemy
from ledger_support import NOW, entry, insert_integration, insert_values, ledger_at
from refund_rows_support import START, refund
from test_ledger_postgresql import Cluster, cluster
from unit_support import run_task

from ansible_collections.storeops.refunds.plugins.module_utils._ledger import migrate, revision
from ansible_collections.storeops.refunds.plugins.module_utils._ledger._migrations import HEAD, MIGRATIONS
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import (
    list_integrations,
    put_integration,
)
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Refund
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_info

# A fixture, used by its name alone.
__all__ = ["cluster"]
REVISIONS = [migration.revision for migration in MIGRATIONS]
APP = App("apple", "production", "com.example.one")
# What was released stays as it is: a change needs a migration of its own. SHA-256 of what the tables and indexes are.
FROZEN = {
    "0001": "4ae365f56221839376dab2c83aaa77997ae7c18e405bbdabdf46ef6a056f0236",
    "0002": "632ba573f1604dabea3946a0283ff984533adcab2a736b0dcb0a0505a9e45279",
    "0003": "8e19099b43c2680aee7812c45d77cfa5b3231563af5938f064c312f98a7d7656",
    "0004": "b5fd2cffa97f08d155dcd7cbedef63580f49cde554c3ca5a0ece93063f637b9d",
    "0005": "6867d31666dc16845e656201e200413b56519e48901fc06e73dc0f94582656e0",
    "0006": "e5342b2629d7c143af9b52b63fe1f264de9278f3b0ab0b97debf5fc35736fe23",
}


def write_old(url: str, until: str) -> None:
    """Write a ledger as a collection did that knew no more than one revision: an integration, and refunds."""
    known = MIGRATIONS[: REVISIONS.index(until) + 1]
    with (
        mock.patch.object(migrate, "MIGRATIONS", known),
        mock.patch.object(revision, "MIGRATIONS", known),
        mock.patch.object(revision, "HEAD", until),
    ):
        ledger = ledger_at(url)
        with ledger.writing() as connection:
            insert_integration(connection, entry())
            if until >= "0002":
                for one in (refund(1), refund(2, revocation_type="REFUND_PRORATED"), refund(3, revocation_reason=7)):
                    _insert(connection, one)
        ledger.close()


def _insert(connection: sqlalchemy.Connection, one: Refund) -> None:
    """Put a refund there by the rules of 0002: without a percentage, all of the price."""
    more = {"refund_day": one.refund_day, "assumed_full": 1, "amount": -4990, "is_family_shared": 0, "recorded_at": NOW}
    insert_values(connection, "refund_tracking_refunds", {**vars(one), **more, **APP.values()})


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place for a ledger of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    server = t.cast(Cluster, request.getfixturevalue("cluster"))
    server.run("DROP DATABASE IF EXISTS old WITH (FORCE)")
    server.run("CREATE DATABASE old")
    return server.url("old")


def known(url: str) -> list[tuple[str, int | None, bool]]:
    """Give the refunds: ID, amount, and whether it is assumed."""
    results = run_task(refund_info.TASK, {"ledger": {"url": url}}).results
    assert not results.get("failed"), results
    return [(row["transaction_id"], row["amount"], row["is_assumed_full"]) for row in results["refunds"]]


@pytest.mark.parametrize("until", REVISIONS)
def test_an_old_ledger_is_read_and_migrated(url: str, until: str) -> None:
    write_old(url, until)
    expected = [] if until < "0002" else [("1", -4990, True), ("2", None, False), ("3", None, False)]
    if until >= "0003":
        # There the rule was applied before, by the collection that wrote it.
        expected = [("1", -4990, True), ("2", -4990, True), ("3", -4990, True)]
    assert known(url) == expected
    with ledger_at(url).reading() as connection:
        # Reading migrated nothing in its place.
        assert revision.state(connection, "it") == "current"
    ledger = ledger_at(url)
    put_integration(ledger, entry("com.b"), NOW)
    assert [one.identity.bundle_id for one in list_integrations(ledger, "ledger", "", "production")] == [
        "com.b",
        "com.example.one",
    ]
    with ledger.reading() as connection:
        assert revision.current_revision(connection) == HEAD
    ledger.close()
    assert known(url) == expected


def _dies(*_event: t.Any) -> None:
    os.kill(os.getpid(), 9)


def _dies_at(at: str) -> None:
    """Let this process die after a migration's first step, or after the last one, before it is committed."""
    if at == "commit":
        sqlalchemy.event.listen(sqlalchemy.Engine, "commit", _dies)
    else:

        def end(*event: t.Any) -> None:
            if event[2].lstrip().startswith(("CREATE", "ALTER")):
                _dies()

        sqlalchemy.event.listen(sqlalchemy.Engine, "after_cursor_execute", end)


@pytest.mark.services
@pytest.mark.parametrize("at", ["step", "commit"])
@pytest.mark.parametrize("until", REVISIONS[:-1])
def test_a_migration_that_is_killed_leaves_the_old_schema(url: str, until: str, at: str) -> None:
    write_old(url, until)
    child = os.fork()
    if child == 0:
        try:
            _dies_at(at)
            put_integration(ledger_at(url), entry("com.b"), NOW)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9
    engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        assert revision.current_revision(connection) == until
    engine.dispose()
    ledger = ledger_at(url)
    put_integration(ledger, entry("com.b"), NOW)
    with ledger.reading() as connection:
        assert revision.current_revision(connection) == HEAD
    assert len(list_integrations(ledger, "ledger", "", "production")) == 2
    ledger.close()


def _dumped(url: str) -> dict[str, list[t.Any]]:
    """Give every row of every table."""
    engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        names = sqlalchemy.inspect(connection).get_table_names()
        found = {name: [*map(str, connection.exec_driver_sql(f"SELECT * FROM {name}"))] for name in sorted(names)}
    engine.dispose()
    return found


def _described(inspector: sqlalchemy.Inspector, name: str) -> t.Any:
    columns = [(one["name"], str(one["type"]), one["nullable"]) for one in inspector.get_columns(name)]
    indexes = sorted((str(one["name"]), one["column_names"], one["unique"]) for one in inspector.get_indexes(name))
    return name, columns, inspector.get_pk_constraint(name)["constrained_columns"], indexes


@pytest.mark.parametrize("until", REVISIONS)
def test_no_schema_that_was_released_changes(tmp_path: Path, until: str) -> None:
    write_old(f"sqlite:///{tmp_path}/ledger.db", until)
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/ledger.db")
    inspector = sqlalchemy.inspect(engine)
    told = [_described(inspector, name) for name in sorted(inspector.get_table_names())]
    engine.dispose()
    assert hashlib.sha256(repr(told).encode()).hexdigest() == FROZEN[until]


@pytest.mark.parametrize("future", ["9999", "0000x"])
def test_a_newer_ledger_is_refused_and_left_alone(url: str, future: str) -> None:
    ledger = ledger_at(url)
    put_integration(ledger, entry(), NOW)
    with ledger.writing() as connection:
        connection.exec_driver_sql(f"UPDATE refund_tracking_schema SET version_num = '{future}'")
    ledger.close()
    outcome = run_task(refund_info.TASK, {"ledger": {"url": url}})
    assert outcome.results["failed"] and outcome.message.startswith("ledger.url: ")
    assert f"newer version of storeops.refunds (schema {future})" in outcome.message
    assert f"this one knows schema {HEAD}" in outcome.message and "Upgrade" in outcome.message
    before = _dumped(url)
    with pytest.raises(LedgerError, match=r"newer version of storeops\.refunds"):
        put_integration(ledger_at(url), entry("com.b"), NOW)
    assert _dumped(url) == before


def test_days_are_those_of_the_first_schema() -> None:
    # The index holds them as text; a change of their form would need a migration.
    assert refund(1, START).refund_day == "2026-11-01"
