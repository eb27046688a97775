# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about refunds: what SQL says is what plain Python says, on SQLite and on PostgreSQL."""

from __future__ import annotations

import random
import typing as t
from pathlib import Path

import pytest
from ledger_support import ledger_at
from refund_rows_support import APPS, DAY, START, Placed, fill, made_up, refund, sums, there_of, wanted
from test_ledger_postgresql import Cluster, cluster

from ansible_collections.storeops.refunds.plugins.module_utils._ledger import refund_queries
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund_period import Period, parse_period
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund_rows import (
    Cursor,
    Question,
    not_in_sums,
    parse_cursor,
    row_from_apple,
    sums_of,
    tallies_of,
)

# A fixture, used by its name alone.
__all__ = ["cluster"]

KEYS = ("bundle_id", "environment", "product_id", "day", "month", "reason")
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
    """A ledger in PostgreSQL, whose own order of texts is another than Python's."""
    cluster.run("CREATE DATABASE refunds TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'")
    ledger = ledger_at(cluster.url("refunds"))
    yield ledger
    ledger.close()


def pages(ledger: Ledger, question: Question, limit: int) -> list[dict[str, t.Any]]:
    """Read page by page."""
    found: list[dict[str, t.Any]] = []
    after: Cursor | None = None
    # At most a row each; a page that goes on nowhere ends.
    for _page in range(200):
        with ledger.reading() as connection:
            rows, after = refund_queries.page(connection, question, after, limit)
        assert len(rows) == limit or after is None
        found += rows
        if after is None:
            return found
        after = parse_cursor(str(after))
    raise AssertionError("the last page never comes")


def shaped(seed: int) -> tuple[list[str], int]:
    """Make up group keys, and how many rows are on a page."""
    chance = random.Random(seed)
    return chance.sample(KEYS, chance.randint(0, len(KEYS))), chance.randint(1, 9)


def check(ledger: Ledger, seed: int) -> None:
    """Compare everything about one question."""
    (given, question), (group_by, limit) = made_up(seed), shaped(seed)
    there = wanted(fill(ledger, given), question)
    with ledger.reading() as connection:
        tallies = refund_queries.tallies(connection, question, group_by)
    said = sums_of(tallies, group_by)
    told = {tuple(one[key] for key in (*group_by, "currency")): one for one in said}
    assert len(told) == len(said)
    numbers = {key: (one["count"], one["amount"], one["amount_unknown_count"]) for key, one in told.items()}
    assert numbers == sums(there, group_by)
    assert all(type(one["amount"]) in (int, type(None)) for one in said)
    shared = sum(one.refund.is_family_shared for one in there)
    taken_back = sum(one.refund.reversed_at is not None and not one.refund.is_family_shared for one in there)
    assert not_in_sums(tallies) == {"reversed": taken_back, "family_shared": shared}
    assert sum(one.count for one in tallies) == len(there)
    rows = pages(ledger, question, limit)
    assert [(row["bundle_id"], row["transaction_id"], row["amount"]) for row in rows] == [
        (one.app.bundle_id, one.refund.transaction_id, one.refund.amount) for one in there
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_sql_on_sqlite_says_what_python_says(on_sqlite: Ledger, seed: int) -> None:
    check(on_sqlite, seed)


def test_sql_on_postgresql_says_what_python_says(on_postgresql: Ledger) -> None:
    for seed in SEEDS[:30]:
        check(on_postgresql, seed)


def test_what_is_made_up_has_many_pages() -> None:
    rows = [len(wanted(there_of(given), question)) for given, question in map(made_up, SEEDS)]
    assert sum(count > shaped(seed)[1] for count, seed in zip(rows, SEEDS, strict=True)) > len(SEEDS) / 3


def test_pages_have_the_same_order_whatever_the_language_of_the_database(on_postgresql: Ledger) -> None:
    given = [Placed(App("apple", "production", name), refund(1)) for name in (*APPS, "com.example.b")]
    there = wanted(fill(on_postgresql, given), ALL)
    for limit in (1, 10):
        assert [row["bundle_id"] for row in pages(on_postgresql, ALL, limit)] == [one.app.bundle_id for one in there]


def test_refunds_of_one_moment_are_all_read_whatever_the_size_of_a_page(on_sqlite: Ledger) -> None:
    given = [Placed(App("apple", "production", name), refund(number)) for name in APPS for number in range(1, 4)]
    there = wanted(fill(on_sqlite, given), ALL)
    for limit in (1, 2, 4):
        rows = pages(on_sqlite, ALL, limit)
        assert [(row["bundle_id"], row["transaction_id"]) for row in rows] == [
            (one.app.bundle_id, one.refund.transaction_id) for one in there
        ]


def test_rows_add_up_as_sql_does() -> None:
    rows = [row_from_apple(refund(number, price=None), "apple", "production", "com.example.a") for number in range(3)]
    unknown = {"currency": "EUR", "count": 3, "amount": None, "amount_units": None, "amount_unknown_count": 3}
    assert sums_of(tallies_of(rows, []), []) == [unknown]
    rows.append(row_from_apple(refund(4), "apple", "production", "com.example.a"))
    assert sums_of(tallies_of(rows, []), []) == [{**unknown, "count": 4, "amount": -4990, "amount_units": "-4.99"}]


def test_a_sum_without_any_known_amount_is_unknown_and_not_0(on_sqlite: Ledger) -> None:
    fill(on_sqlite, [Placed(MINE, refund(number, price=None)) for number in range(3)])
    with on_sqlite.reading() as connection:
        said = sums_of(refund_queries.tallies(connection, ALL, []), [])
    assert [(one["count"], one["amount"], one["amount_unknown_count"]) for one in said] == [(3, None, 3)]


def test_what_is_no_money_is_in_no_sum(on_sqlite: Ledger) -> None:
    fill(
        on_sqlite,
        [
            Placed(MINE, refund(1, reversed_at=START + DAY)),
            Placed(MINE, refund(2, ownership="FAMILY_SHARED")),
            Placed(MINE, refund(3, revocation_type="FAMILY_REVOKE", reversed_at=START + DAY)),
        ],
    )
    with on_sqlite.reading() as connection:
        tallies = refund_queries.tallies(connection, ALL, ["bundle_id"])
    assert sums_of(tallies, ["bundle_id"]) == [] and not_in_sums(tallies) == {"reversed": 1, "family_shared": 2}


def test_days_are_those_of_utc_and_the_end_is_not_in_it(on_sqlite: Ledger) -> None:
    dates = [START - 1, START, START + DAY - 1, START + DAY]
    fill(on_sqlite, [Placed(MINE, refund(number, date)) for number, date in enumerate(dates)])
    question = Question("apple", "production", period=Period(START, START + DAY))
    assert [row["transaction_id"] for row in pages(on_sqlite, question, 10)] == ["1", "2"]
    with on_sqlite.reading() as connection:
        by_day = sums_of(refund_queries.tallies(connection, question, ["day"]), ["day"])
        exact = Question("apple", "production", period=Period(START, START + DAY - 1))
        assert [one.count for one in refund_queries.tallies(connection, exact, [])] == [1]
    assert [(one["day"], one["count"]) for one in by_day] == [("2026-11-01", 2)]


_ENDS = (None, "0001-01-01", "0206-11-01", "0999-12-31", "1000-01-01", "1969-12-31", "1970-01-01", "2026-11-02")
_LATE_ENDS: tuple[str | None, ...] = (None, "2026-11-03", "2026-11-30T12:00:00Z", "9999-12-31", "9999-12-31T23:59:59Z")
_EARLY_ENDS = ("0206-11-02", "1000-01-01T00:00:00.001")
_PERIODS = [(since, until) for since in _ENDS for until in _LATE_ENDS]
_PERIODS += [(since, until) for since in _ENDS for until in _EARLY_ENDS if since is None or since < until]


@pytest.mark.parametrize(("since", "until"), _PERIODS)
def test_total_and_sums_count_the_rows_of_all_pages(on_sqlite: Ledger, since: str | None, until: str | None) -> None:
    given = [Placed(MINE, refund(number, START + number * DAY // 2)) for number in range(1, 20)]
    given.append(Placed(MINE, refund(20, START + DAY, ownership="FAMILY_SHARED", revocation_type="FAMILY_REVOKE")))
    fill(on_sqlite, given)
    question = Question("apple", "production", period=parse_period(since, until))
    with on_sqlite.reading() as connection:
        tallies = refund_queries.tallies(connection, question, ["day"])
    rows = pages(on_sqlite, question, 7)
    assert sum(one.count for one in tallies) == len(rows)
    added = sum(one["count"] for one in sums_of(tallies, ["day"]))
    assert added + sum(not_in_sums(tallies).values()) == len(rows)
    assert bool(rows) is (until in _LATE_ENDS)


def test_the_plan_of_sums_and_pages_reads_no_more_than_an_index(tmp_path: Path) -> None:
    ledger = ledger_at(f"sqlite:///{tmp_path}/ledger.db")
    fill(ledger, [Placed(MINE, refund(number)) for number in range(3)])
    month = Question("apple", "production", ("com.example.a",), Period(START, START + 30 * DAY))
    with ledger.reading() as connection:
        said: list[str] = []
        driver = t.cast(t.Any, connection.connection.driver_connection)
        driver.set_trace_callback(said.append)
        refund_queries.tallies(connection, ALL, ["bundle_id", "reason"])
        refund_queries.tallies(connection, month, ["day", "product_id"])
        refund_queries.page(connection, ALL, Cursor(START, "com.example.a", "1"), 2)
        driver.set_trace_callback(None)
        statements = [text for text in said if text.startswith("SELECT")]
        plans = [
            " ".join(row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}")) for statement in statements
        ]
    ledger.close()
    assert len(plans) == 3
    # One more than the page tells whether there is another.
    assert "LIMIT 3 " in statements[2]
    assert all("USING COVERING INDEX refund_tracking_refunds_by_period" in plan for plan in plans[:2]), plans
    assert "refund_day>? AND refund_day<?" in plans[1]
    assert plans[2] == (
        "SEARCH refund_tracking_refunds USING INDEX refund_tracking_refunds_by_date "
        "(source=? AND environment=? AND revocation_date>?)"
    )


def test_apps_of_the_ledger(on_sqlite: Ledger) -> None:
    fill(on_sqlite, [Placed(MINE, refund(1)), Placed(MINE, refund(2, START + DAY))])
    with on_sqlite.reading() as connection:
        named = refund_queries.app_states(connection, "apple", "production", APPS, Period())
        every = refund_queries.app_states(connection, "apple", "production", None, Period())
        assert refund_queries.app_states(connection, "apple", "sandbox", None, Period()) == []
        assert refund_queries.other_sources(connection, "apple", "production", None) == []
    assert [(one.bundle_id, one.last_refund_at) for one in every] == [("com.example.a", START + DAY)]
    assert [one.bundle_id for one in named] == sorted(APPS) and all(one.coverage is None for one in named)
