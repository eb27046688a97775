# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_ledger_copy: from SQLite to PostgreSQL and back, broken off and completed, compared to the last row."""

from __future__ import annotations

import sqlite3
import typing as t
from pathlib import Path
from unittest import mock

import pytest
from ledger_support import NOW, entry, ledger_at
from refund_rows_support import START, Placed, fill, refund
from test_ledger_postgresql import PASSWORD, Cluster, cluster
from test_refund_migration import make_first_schema
from unit_support import Outcome, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._ledger import copying, schema
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.coverage import put_coverage, quarantine
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integrations
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App
from ansible_collections.storeops.refunds.plugins.module_utils._model.coverage import Coverage, Window
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Rejected
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_info, refund_ledger_copy

# A fixture, used by its name alone.
__all__ = ["cluster"]
# Their order depends on the language of a database.
APPS = [App("apple", "production", name) for name in ("com.example.B", "com.example.a", "com.example-x")]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A ledger with something in it."""
    made = f"sqlite:///{tmp_path}/ledger.db"
    ledger = ledger_at(made)
    put_integrations(ledger, [entry(app.bundle_id) for app in APPS], NOW)
    fill(ledger, [Placed(app, refund(number, product_id="Münzen 🪙")) for app in APPS for number in range(7)])
    with ledger.writing() as connection:
        for app in APPS:
            put_coverage(connection, app, Coverage(START, START + 1, START + 1, START), NOW)
            quarantine(connection, app, [Rejected("ab", None, "tampered")], Window(START, START + 1), NOW)
    ledger.close()
    return made


@pytest.fixture
def empty(cluster: Cluster) -> str:
    """An empty database."""
    cluster.run("DROP DATABASE IF EXISTS copied WITH (FORCE)")
    cluster.run("CREATE DATABASE copied TEMPLATE template0 LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'")
    return cluster.url("copied")


def run(source: str, target: str, check_mode: bool = False) -> Outcome:
    return run_task(refund_ledger_copy.TASK, {"from_ledger": {"url": source}, "to_ledger": {"url": target}}, check_mode)


def known(url: str) -> tuple[t.Any, ...]:
    results = run_task(refund_info.TASK, {"ledger": {"url": url}, "group_by": ["bundle_id"]}).results
    return results["refunds"], results["sums"], results["coverage"]


def test_there_and_back(url: str, empty: str, tmp_path: Path) -> None:
    back = f"sqlite:///{tmp_path}/back.db"
    told = run(url, empty, check_mode=True).results
    done = run(url, empty).results
    assert not done.get("failed"), done
    assert told["changed"] and done["changed"] and told["diff"] == done["diff"] and done["ledger_copy"]["verified"]
    copied = {name: one["copied"] for name, one in done["ledger_copy"]["tables"].items() if one["copied"]}
    assert {name.removeprefix("refund_tracking_"): number for name, number in copied.items()} == {
        "integrations": 3,
        "refunds": 21,
        "coverage": 3,
        "quarantine": 3,
    }
    assert PASSWORD not in str(done) and known(empty) == known(url)
    again = run(url, empty).results
    assert again["changed"] is False and again["ledger_copy"]["verified"]
    assert run(empty, back).results["changed"] and known(back) == known(url)
    assert (tmp_path / "back.db").stat().st_mode & 0o777 == 0o600
    assert run(back, url).results["changed"] is False


def test_a_copy_that_was_broken_off_is_completed(url: str, empty: str) -> None:
    put, left = copying._putting, [2]

    def breaking(*arguments: t.Any) -> t.Any:
        left[0] -= 1
        if left[0] < 0:
            raise LedgerError("the cable was pulled")
        return put(*arguments)

    with mock.patch.object(copying, "_AT_ONCE", 5), mock.patch.object(copying, "_putting", breaking):
        broken = run(url, empty)
    assert "the cable" in broken.message and broken.results["changed"] is True
    assert {name: one["copied"] for name, one in broken.results["ledger_copy"]["tables"].items() if one["copied"]} == {
        "refund_tracking_integrations": 3,
        "refund_tracking_refunds": 5,
    }
    assert run(url, empty, check_mode=True).message == ""
    results = run(url, empty).results
    refunds = results["ledger_copy"]["tables"]["refund_tracking_refunds"]
    assert refunds == {"rows": 21, "copied": 16} and results["ledger_copy"]["verified"] and known(empty) == known(url)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE refund_tracking_refunds SET amount = -1 WHERE transaction_id = '3'", "other values in amount"),
        ("DELETE FROM refund_tracking_refunds WHERE transaction_id = '3'", "has a row that from_ledger lacks"),
    ],
)
def test_another_ledger_is_not_written_over(url: str, tmp_path: Path, change: str, said: str) -> None:
    target = f"sqlite:///{tmp_path}/copy.db"
    assert run(url, target).results["changed"]
    before = known(target)
    source = sqlite3.connect(tmp_path / "ledger.db")
    source.execute(change)
    source.commit()
    source.close()
    for check_mode in (True, False):
        outcome = run(url, target, check_mode)
        assert outcome.results["failed"] and said in outcome.message and "com.example" in outcome.message
        assert not outcome.results.get("changed") and "Nothing was written" in outcome.message
        assert all(f"{tmp_path}/{name}.db" in outcome.message for name in ("ledger", "copy"))
    assert known(target) == before


@pytest.mark.parametrize("is_old", [False, True])
def test_a_ledger_in_use_gets_no_rows(url: str, tmp_path: Path, is_old: bool) -> None:
    """Two URLs that were mixed up: apps of the one would be checked and read by the runs of the other."""
    live = f"sqlite:///{tmp_path}/live.db"
    if is_old:
        make_first_schema(live)
    else:
        used = ledger_at(live)
        put_integrations(used, [entry("com.example.old")], NOW)
        used.close()
    before = (tmp_path / "live.db").read_bytes()
    for check_mode in (True, False):
        outcome = run(url, live, check_mode)
        assert "has a row that from_ledger lacks" in outcome.message and "com.example.old" in outcome.message
    assert (tmp_path / "live.db").read_bytes() == before


def test_a_row_that_is_lacking_is_found(url: str, tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path}/copy.db"
    with mock.patch.object(copying, "copy"), mock.patch.object(refund_ledger_copy, "copy", lambda *_: None):
        assert "lacks a row" in run(url, target).message


def test_an_old_ledger_becomes_a_new_one(tmp_path: Path, empty: str) -> None:
    old = f"sqlite:///{tmp_path}/old.db"
    make_first_schema(old)
    assert run(old, empty).results["ledger_copy"]["tables"]["refund_tracking_integrations"] == {"rows": 1, "copied": 1}


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ("{url}", "{url}", "to_ledger.url: is the ledger that from_ledger names"),
        ("sqlite:////none/ledger.db", "{url}", "from_ledger.url: /none/ledger.db does not exist"),
        ("", "{url}", "from_ledger.url: is given but empty."),
        ("{url}", "mysql://a:b@c/d", "to_ledger.url: "),
        ("{url}", "sqlite:////none/ledger.db", "to_ledger.url: the folder /none does not exist"),
    ],
)
def test_places_that_are_none(url: str, source: str, target: str, said: str) -> None:
    for check_mode in (True, False):
        outcome = run(source.format(url=url), target.format(url=url), check_mode)
        assert outcome.results["failed"] and outcome.message.startswith(said)


def test_no_table_is_left_out(url: str, tmp_path: Path) -> None:
    with ledger_at(url).reading() as connection:
        found = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
    assert set(found) - {"refund_tracking_schema"} == set(schema.TABLES)
