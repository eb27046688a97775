# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several notifications and several refunds of one transaction come to."""

from __future__ import annotations

import typing as t
from collections import defaultdict
from pathlib import Path

import pytest
from ledger_support import ledger_at
from refund_rows_support import DAY, START, Placed, fill, made_up, refund, there_of, wanted
from test_ledger_postgresql import Cluster, cluster
from unit_support import run_task

from ansible_collections.storeops.refunds.plugins.module_utils._ledger import refund_queries
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Refund, settle
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund_rows import Question, count_exceeding
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_info

# A fixture, used by its name alone.
__all__ = ["cluster"]

SEEDS = range(60)
MINE = App("apple", "production", "com.example.a")
ALL = Question("apple", "production")


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Ledger]:
    """A ledger in a file."""
    ledger = ledger_at(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db")
    yield ledger
    ledger.close()


@pytest.fixture(scope="module")
def on_postgresql(cluster: Cluster) -> t.Iterator[Ledger]:
    """A ledger in PostgreSQL."""
    cluster.run("CREATE DATABASE money")
    ledger = ledger_at(cluster.url("money"))
    yield ledger
    ledger.close()


def kept(*told: Refund) -> tuple[int | None, bool]:
    """Settle the notifications of one refund; give amount and whether it is assumed, for each order the same."""
    found = {(one.amount, one.assumed_full) for order in (told, told[::-1]) for one in settle(order, [])}
    assert len(found) == 1, found
    return found.pop()


def test_the_notification_that_knows_more_counts() -> None:
    vague = refund(1, first_signed_date=START)
    exact = refund(1, first_signed_date=START + 1, percentage=25_000)
    late = refund(1, first_signed_date=START + 2, percentage=50_000)
    worthless = refund(1, first_signed_date=START - 1, price=None, percentage=75_000)
    nameless = refund(1, first_signed_date=START - 2, currency=None, percentage=75_000)
    assert kept(vague, exact) == kept(exact, late) == (-1248, False)
    assert kept(worthless, vague) == kept(nameless, vague) == (-4990, True)


def test_money_without_a_currency_is_no_amount(on_sqlite: Ledger) -> None:
    fill(on_sqlite, [Placed(MINE, refund(1, currency=None)), Placed(MINE, refund(2, currency=None, price=7))])
    results = run_task(refund_info.TASK, {"ledger": {"url": f"sqlite:///{on_sqlite.place.path}"}}).results
    assert [row["amount"] for row in results["refunds"]] == [None, None]
    assert results["sums"] == [
        {"currency": None, "count": 2, "amount": None, "amount_units": None, "amount_unknown_count": 2}
    ]


def exceeding(ledger: Ledger, question: Question = ALL) -> int:
    """Ask the database."""
    with ledger.reading() as connection:
        return refund_queries.count_exceeding(connection, question)


@pytest.mark.parametrize(
    ("percentages", "more", "expected"),
    [
        ((None, None), {}, 1),
        ((None,), {}, 0),
        ((50_000, 50_000), {}, 0),
        ((50_000, 60_000), {}, 1),
        ((None, None), {"reversed_at": START + DAY}, 0),
        ((None, None), {"ownership": "FAMILY_SHARED"}, 0),
        # Both are rounded up.
        ((50_000, 50_000), {"price": 1}, 0),
        # Items of a transaction may have amounts where the whole has no price to compare them with.
        ((None, None), {"price": None, "refunded": 3000}, 0),
    ],
)
def test_refunds_of_more_than_was_paid_are_told(
    on_sqlite: Ledger, percentages: tuple[int | None, ...], more: dict[str, t.Any], expected: int
) -> None:
    made = [refund(1, START + index * DAY, percentage=one, **more) for index, one in enumerate(percentages)]
    fill(on_sqlite, [Placed(MINE, one) for one in [*made, refund(2)]])
    assert exceeding(on_sqlite) == count_exceeding(made) == expected
    # Only the first is asked for, but all of them count.
    outcome = run_task(
        refund_info.TASK, {"ledger": {"url": f"sqlite:///{on_sqlite.place.path}"}, "until": "2026-11-02"}
    )
    assert outcome.results["exceeding_price"] == expected
    assert any("exceeding_price" in warning for warning in outcome.warnings) == bool(expected)


@pytest.mark.parametrize("at_once", [1, 2, 500])
def test_of_each_app_that_is_asked_for_refunds_of_more_than_was_paid_are_told(
    on_sqlite: Ledger, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(refund_queries, "_AT_ONCE", at_once)
    apps = [MINE, App("apple", "production", "com.example.b"), App("apple", "production", "com.example.c")]
    twice = [Placed(app, refund(number, START + day * DAY)) for app, most in zip(apps, (3, 1), strict=False)
             for number in range(most) for day in range(2)]  # fmt: skip
    # The same transactions elsewhere, where they are less than was paid.
    others = [App("other:1", "production", MINE.bundle_id), App("apple", "sandbox", MINE.bundle_id), apps[2]]
    fill(on_sqlite, [*twice, *(Placed(app, refund(0)) for app in others)])
    for names, expected in (([0], 3), ([0, 1], 4), ([1, 2], 1), ([2], 0)):
        question = Question("apple", "production", tuple(apps[number].bundle_id for number in names))
        assert exceeding(on_sqlite, question) == expected


def over_and_asked(there: list[Placed], question: Question) -> tuple[set[t.Any], set[t.Any]]:
    """Give the transactions whose refunds are more than was paid, and those that are asked for, without SQL."""
    by_transaction: dict[tuple[App, str], list[Refund]] = defaultdict(list)
    for one in there:
        by_transaction[one.app, one.refund.transaction_id].append(one.refund)
    over = {key for key, refunds in by_transaction.items() if count_exceeding(refunds)}
    asked = {
        (one.app, one.refund.transaction_id)
        for one in wanted(there, question)
        if one.refund.reversed_at is None and one.refund.amount is not None
    }
    return over, asked


def check_exceeding(ledger: Ledger, seed: int) -> None:
    """Compare SQL with plain Python."""
    given, question = made_up(seed)
    over, asked = over_and_asked(fill(ledger, given), question)
    assert exceeding(ledger, question) == len(over & asked)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_database_counts_as_python_does(on_sqlite: Ledger, seed: int) -> None:
    check_exceeding(on_sqlite, seed)


def test_postgresql_counts_as_python_does(on_postgresql: Ledger) -> None:
    for seed in SEEDS[:30]:
        check_exceeding(on_postgresql, seed)


def test_what_is_made_up_has_some_that_count_and_some_that_do_not() -> None:
    found = [over_and_asked(there_of(given), question) for given, question in map(made_up, SEEDS)]
    for some in ([over & asked for over, asked in found], [over - asked for over, asked in found]):
        assert sum(map(bool, some)) > len(SEEDS) / 4


def test_transactions_with_several_refunds_are_found_in_the_key_alone(tmp_path: Path) -> None:
    ledger = ledger_at(f"sqlite:///{tmp_path}/ledger.db")
    fill(ledger, [Placed(MINE, refund(number)) for number in range(3)])
    with ledger.reading() as connection:
        said: list[str] = []
        driver = t.cast(t.Any, connection.connection.driver_connection)
        driver.set_trace_callback(said.append)
        refund_queries.count_exceeding(connection, ALL)
        driver.set_trace_callback(None)
        (statement,) = (text for text in said if text.startswith("SELECT"))
        plan = [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}")]
    ledger.close()
    assert not any(line.startswith("SCAN refund_tracking_refunds") for line in plan), plan
    assert any("USING COVERING INDEX sqlite_autoindex_refund_tracking_refunds_1" in line for line in plan), plan
