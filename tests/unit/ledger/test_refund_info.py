# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_info from the ledger: what it shows, and what it says of what it does not know."""

from __future__ import annotations

import time
import typing as t
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
from ledger_support import entry, ledger_at
from refund_rows_support import DAY, START, Placed, fill, refund
from unit_support import Outcome, run_task

from ansible_collections.storeops.refunds.plugins.module_utils import _run
from ansible_collections.storeops.refunds.plugins.module_utils._context import Library
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.coverage import put_coverage, quarantine
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integration
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.notification_urls import KnownUrl, put_urls
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App
from ansible_collections.storeops.refunds.plugins.module_utils._model.coverage import Coverage, Window
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Status
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Rejected, iso_time
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_info

MINE = App("apple", "production", "com.example.a")
THEIRS = App("apple", "production", "com.example.b")
OTHER = App("other:0123456789abcdef", "production", "com.example.a")
NOW = START + 20 * DAY


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Where the ledger is."""
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def ledger(url: str) -> t.Iterator[Ledger]:
    """Three refunds of two apps; one app was read, of the other nobody knows."""
    made = ledger_at(url)
    fill(
        made,
        [
            Placed(MINE, refund(1, START)),
            Placed(MINE, refund(2, START + DAY, reversed_at=START + 2 * DAY)),
            Placed(THEIRS, refund(3, START + 2 * DAY, currency="USD", percentage=33_333)),
            Placed(OTHER, refund(4, START)),
        ],
    )
    cover(made, MINE)
    cover(made, OTHER)
    yield made
    made.close()


def cover(ledger: Ledger, app: App, **fields: t.Any) -> None:
    """Say that an app was read until now."""
    known: dict[str, t.Any] = {"known_from": START - 90 * DAY, "proven_at": NOW, "state": "complete", **fields}
    with ledger.writing() as connection:
        put_coverage(connection, app, Coverage(START - DAY, NOW, NOW, NOW - 7 * DAY, **known), "2026-11-21T00:00:00Z")


def ask(url: str, now: int = NOW, **options: t.Any) -> Outcome:
    """Run the task at a moment."""
    with mock.patch.object(_run, "time", SimpleNamespace(time=lambda: now / 1000)):
        return run_task(refund_info.TASK, {"ledger": {"url": url}, **options})


@pytest.mark.usefixtures("ledger")
def test_everything(url: str) -> None:
    results = ask(url).results
    assert not results.get("failed"), results
    assert results["changed"] is False and results["source"] == "apple" and results["http"]["calls"] == 0
    assert [row["transaction_id"] for row in results["refunds"]] == ["1", "2", "3"]
    assert [row["refund_date"] for row in results["refunds"]][:2] == ["2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"]
    assert [row["is_reversed"] for row in results["refunds"]] == [False, True, False]
    assert results["refunds"][0]["is_assumed_full"] and results["refunds"][2]["amount"] == -1663
    assert results["sums"] == [
        {"currency": "EUR", "count": 1, "amount": -4990, "amount_units": "-4.99", "amount_unknown_count": 0},
        {"currency": "USD", "count": 1, "amount": -1663, "amount_units": "-1.663", "amount_unknown_count": 0},
    ]
    assert (results["total"], results["not_in_sums"]) == (3, {"reversed": 1, "family_shared": 0})


@pytest.mark.usefixtures("ledger")
def test_an_app_that_was_never_read_is_said(url: str) -> None:
    outcome = ask(url)
    assert outcome.results["complete"] is False
    assert [(one["bundle_id"], one["state"]) for one in outcome.results["coverage"]] == [
        ("com.example.a", "complete"),
        ("com.example.b", "never"),
    ]
    assert any("com.example.b are known (never): The ledger" in warning for warning in outcome.warnings)


@pytest.mark.usefixtures("ledger")
def test_who_never_reads_refunds_need_not_be_told_so(url: str) -> None:
    outcome = ask(url, unread="ignore")
    assert not any("never" in warning for warning in outcome.warnings) and outcome.results["complete"] is False


@pytest.mark.parametrize(
    ("status", "said"),
    [(None, "has no integration in this ledger any more"), ("Pending", "is Pending"), ("Active", "Run storeops")],
)
def test_an_app_that_no_run_reads_is_not_to_be_read_again(
    url: str, ledger: Ledger, status: Status | None, said: str
) -> None:
    if status is not None:
        put_integration(ledger, entry(MINE.bundle_id, status=status), "2026-11-21T00:00:00Z")
    outcome = ask(url, NOW + 9 * DAY, bundle_id=MINE.bundle_id)
    (reason,) = [one["reason"] for one in outcome.results["coverage"]]
    assert f"Read until {iso_time(NOW)} only." in reason and said in reason
    assert ("Run storeops.refunds.refunds." in reason) is (status == "Active")
    # As the message says.
    assert ask(url, NOW + 9 * DAY, bundle_id=MINE.bundle_id, until=iso_time(NOW)).results["complete"]


def test_an_app_with_an_integration_is_asked_for_before_it_was_ever_read(url: str) -> None:
    made = ledger_at(url)
    put_integration(made, entry("com.example.new"), "2026-11-01T00:00:00Z")
    made.close()
    results = ask(url).results
    (known,) = results["coverage"]
    assert (known["bundle_id"], known["state"], known["covered_until"]) == ("com.example.new", "never", None)
    assert results["sums"] == [] and results["total"] == 0 and results["complete"] is False


@pytest.mark.parametrize(
    ("state", "result", "told"),
    [("as_declared", "SUCCESS", "proven"), ("as_declared", "TIMED_OUT", "as_declared"), ("none", "SUCCESS", "none")],
)
def test_what_is_known_of_the_notification_url_is_told(
    url: str, ledger: Ledger, state: str, result: str, told: str
) -> None:
    times = ("2026-11-20T10:00:00Z", result, "2026-11-19T10:00:00Z")
    put_urls(ledger, [KnownUrl("production", "com.example.a", state, "a.example", "00", *times)])
    found = {one["bundle_id"]: one["notification_url"] for one in ask(url).results["coverage"]}
    assert found["com.example.b"] is None
    assert (found["com.example.a"]["state"], found["com.example.a"]["test_result"]) == (told, result)
    sandbox = ask(url, environment="sandbox", bundle_id="com.example.a").results["coverage"]
    assert sandbox[0]["notification_url"] is None


@pytest.mark.parametrize(
    ("known", "said", "is_later", "told"),
    [
        ("as_declared", "none", True, "none"),
        ("as_declared", "V1", True, "version_1"),
        ("as_declared", "none", False, "proven"),
        ("as_declared", "V2", True, "proven"),
        ("other_host", "none", True, "none"),
        ("other_host", "V1", True, "other_host"),
        (None, "none", True, "none"),
        (None, "V1", True, "version_1"),
        (None, "V2", True, None),
    ],
)
def test_a_url_that_is_gone_is_not_proven_any_more(
    url: str, ledger: Ledger, known: str | None, said: t.Any, is_later: bool, told: str | None
) -> None:
    checked_at = iso_time(NOW - DAY)
    if known:
        put_urls(ledger, [KnownUrl("production", "com.example.a", known, "a", "00", checked_at, "SUCCESS", checked_at)])
    cover(ledger, MINE, url=said, url_at=NOW if is_later else NOW - 2 * DAY)
    (found,) = ask(url, bundle_id="com.example.a").results["coverage"]
    assert (found["notification_url"] or {}).get("state") == told


def test_an_empty_ledger_knows_nothing_and_is_not_made(url: str, tmp_path: Path) -> None:
    results = ask(url).results
    assert results["complete"] is False and results["coverage"] == [] and results["refunds"] == []
    assert not (tmp_path / "ledger.db").exists()
    named = ask(url, bundle_id="com.example.a").results
    assert [one["state"] for one in named["coverage"]] == ["never"] and named["complete"] is False


@pytest.mark.usefixtures("ledger")
def test_what_the_period_asks_for_decides(url: str) -> None:
    within = ask(url, bundle_id="com.example.a", since="2026-11-01", until="2026-11-02").results
    assert within["complete"] is True and within["coverage"][0]["reason"] == "" and within["total"] == 1
    before = ask(url, bundle_id="com.example.a", since="2026-10-01", until="2026-11-02").results
    assert before["complete"] is False and "2026-10-31T00:00:00Z on only" in before["coverage"][0]["reason"]
    later = ask(url, now=NOW + 2 * DAY, bundle_id="com.example.a").results
    assert later["complete"] is False and later["coverage"][0]["state"] == "incomplete"


def test_quarantine_counts_where_it_belongs(url: str, ledger: Ledger) -> None:
    with ledger.writing() as connection:
        window = Window(START + 5 * DAY, START + 6 * DAY)
        quarantine(connection, MINE, [Rejected("ab", None, "tampered")], window, "2026-11-21T00:00:00Z")
    cover(ledger, MINE, state="incomplete", reason="In quarantine.")
    there = ask(url, bundle_id="com.example.a").results["coverage"][0]
    assert (there["state"], there["quarantined"]) == ("incomplete", 1)
    elsewhere = ask(url, bundle_id="com.example.a", until="2026-11-06").results["coverage"][0]
    assert (elsewhere["state"], elsewhere["quarantined"]) == ("complete", 0)


@pytest.mark.usefixtures("ledger")
def test_other_roots_are_named_and_never_mixed(url: str) -> None:
    outcome = ask(url, bundle_ids=["com.example.a"])
    assert any("other:0123456789abcdef" in warning for warning in outcome.warnings)
    assert [row["source"] for row in outcome.results["refunds"]] == ["apple", "apple"]
    other = ask(url, source="other:0123456789abcdef").results
    assert [row["transaction_id"] for row in other["refunds"]] == ["4"] and other["source"] == OTHER.source
    assert not any("another root" in warning for warning in ask(url, bundle_id="com.example.b").warnings)


@pytest.mark.usefixtures("ledger")
def test_pages_meet_without_gap(url: str) -> None:
    first = ask(url, limit=2).results
    assert [row["transaction_id"] for row in first["refunds"]] == ["1", "2"] and first["total"] == 3
    second = ask(url, limit=2, after=first["next_after"]).results
    assert [row["transaction_id"] for row in second["refunds"]] == ["3"] and second["next_after"] is None
    assert second["sums"] == first["sums"] and second["total"] == 3
    none = ask(url, limit=0).results
    assert none["refunds"] == [] and none["next_after"] is None and none["total"] == 3


@pytest.mark.usefixtures("ledger")
def test_a_list_of_apps_counts_instead_of_one(url: str) -> None:
    results = ask(url, bundle_id="com.example.a", bundle_ids=["com.example.b"], group_by=["bundle_id", "month"]).results
    assert [one["bundle_id"] for one in results["coverage"]] == ["com.example.b"]
    assert [(one["bundle_id"], one["month"]) for one in results["sums"]] == [("com.example.b", "2026-11")]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"since": "soon"}, "since: 'soon' isn't a date"),
        ({"since": "2026-11-02", "until": "2026-11-01"}, "until: "),
        ({"bundle_ids": []}, "bundle_ids: is an empty list"),
        ({"reasons": []}, "reasons: is an empty list"),
        ({"bundle_ids": ["com.a", "not an app!"]}, "bundle_ids[1]: "),
        ({"currencies": ["eur"]}, "currencies: 'eur' isn't a currency"),
        ({"limit": -1}, "limit: -1 is not from 0 to 2147483647"),
        ({"limit": 2**63 - 1}, "limit: 9223372036854775807 is not from"),
        ({"reasons": [0, 10**20]}, "reasons[1]: 100000000000000000000 isn't a reason"),
        ({"reasons": [-1]}, "reasons[0]: -1 isn't a reason"),
        ({"product_ids": ["coins", "a\ud800"]}, "product_ids[1]: 'a\\ud800' isn't a product ID"),
        ({"after": "1/com.a/\ud800"}, "after: '1/com.a/\\ud800' isn't a place"),
        ({"after": "page 2"}, "after: 'page 2' isn't a place"),
        ({"source": "Apple"}, "source: 'Apple' isn't a source"),
        ({"root_certificate_path": "/none.pem"}, "root_certificate_path: /none.pem can't be read"),
        ({"transaction_id": "1", "since": "2026-11-01"}, "since: can't be combined with transaction_id"),
        ({"transaction_id": "1/../2", "bundle_id": "com.a"}, "transaction_id: '1/../2' isn't a transaction ID"),
        ({"transaction_id": "1"}, "bundle_id: is required"),
        # Empty is not the same as left out: it would mean every customer, every app, all times.
        ({"transaction_id": ""}, "transaction_id: is given but empty"),
        ({"transaction_id": " "}, "transaction_id: is given but empty"),
        ({"bundle_id": ""}, "bundle_id: is given but empty"),
        ({"since": ""}, "since: is given but empty"),
        ({"until": ""}, "until: is given but empty"),
        ({"after": ""}, "after: is given but empty"),
        ({"source": ""}, "source: is given but empty"),
        ({"last_days": 0}, "last_days: 0 isn't a number of days"),
        ({"last_days": 7, "until": "2026-11-02"}, "last_days: can't be combined"),
        ({"transaction_id": "1", "last_days": 7}, "last_days: can't be combined with transaction_id"),
    ],
)
def test_options_that_cannot_be(url: str, options: dict[str, t.Any], said: str) -> None:
    outcome = ask(url, **options)
    assert outcome.results["failed"] and said in outcome.message


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
@pytest.mark.parametrize("hour", [0, 23])
def test_the_last_days_are_those_of_utc(url: str, hour: int, zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        results = ask(url, NOW + hour * 3_600_000, last_days=20).results
    finally:
        monkeypatch.undo()
        time.tzset()
    assert results["period"] == {"since": "2026-11-01T00:00:00Z", "until": None}
    assert results["environment"] == "production"


@pytest.mark.usefixtures("ledger")
def test_only_apple_s_answer_needs_apple_s_library(url: str) -> None:
    name = "app-store-server-library"

    def missing(libraries: tuple[Library, ...]) -> tuple[Library, ...]:
        return tuple(replace(one, error="Traceback …" if one.name == name else None) for one in libraries)

    known = refund_info.TASK
    on_top = {option: missing(libraries) for option, libraries in known.libraries_with.items()}
    task = replace(known, libraries=missing(known.libraries), libraries_with=on_top)
    assert run_task(task, {"ledger": {"url": url}}).results["total"] == 3
    asked = run_task(task, {"ledger": {"url": url}, "bundle_id": "com.a", "transaction_id": "1"})
    assert asked.results["failed"] and name in asked.message and asked.results["exception"] == "Traceback …"


@pytest.mark.usefixtures("ledger")
def test_numbers_at_the_edge(url: str) -> None:
    assert ask(url, limit=2**31 - 1, reasons=[0, 2**63 - 1]).results["total"] == 3
