# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the ledger knows of each app, and from which other sources."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ledger_support import ledger_at
from refund_rows_support import DAY, START, Placed, fill, refund

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.coverage import put_coverage, quarantine
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integrations
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.notification_urls import KnownUrl, put_urls
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refund_queries import (
    AppState,
    app_states,
    other_sources,
)
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App
from ansible_collections.storeops.refunds.plugins.module_utils._model.coverage import Coverage, Window, begun, heard
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Rejected
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund_period import Period

TIME = "2026-11-28T00:00:00Z"
COVERAGE = Coverage(START, START + DAY, START + DAY, START, (Window(START, START + 1),), 1, 2, 3, "V2", 4)
# Its URL was asked for at App Store Connect, and its history was never read.
HEARD = heard(begun(None, START), "V2", START)
URL = KnownUrl("production", "refunded", "as_declared", "h", "f", TIME)


def app(bundle_id: str, environment: str = "production", source: str = "apple") -> App:
    """Name an app."""
    return App(source, environment, bundle_id)


def identity(bundle_id: str, environment: t.Any = "production", tracker: str = "ledger") -> Identity:
    """Name an integration."""
    return Identity(tracker, "", environment, bundle_id)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Ledger]:
    """A ledger with one app for each way in which one is known; the same, and more, elsewhere."""
    made = ledger_at(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db")
    old, new = refund(1), refund(2, START + DAY)
    later = refund(3, START + 2 * DAY)
    elsewhere = [Placed(app("refunded", "sandbox"), later), Placed(app("refunded", source="other:1"), later)]
    here = [Placed(app("refunded"), new), Placed(app("refunded"), old)]
    fill(made, [*here, *elsewhere, Placed(app("there", "sandbox"), old)])
    with made.writing() as connection:
        put_coverage(connection, app("read"), COVERAGE, TIME)
        others = [("other:1", "production", "read"), ("other:2", "sandbox", "read"), ("other:0", "production", "else")]
        put_coverage(connection, app("heard"), HEARD, TIME)
        put_coverage(connection, app("read", "sandbox"), replace(COVERAGE, url="V1"), TIME)
        for source, environment, name in others:
            put_coverage(connection, app(name, environment, source), COVERAGE, TIME)
        bad = [(app("bad"), "tampered"), (app("bad"), "tampered"), (app("bad"), "wrong_root")]
        bad += [(app("bad", "sandbox"), "tampered"), (app("bad", source="other:1"), "tampered")]
        for number, (place, reason) in enumerate(bad):
            window = Window(START + DAY, START + 2 * DAY)
            quarantine(connection, place, [Rejected(f"{number}", None, reason)], window, TIME)
    places = [identity("declared", tracker=tracker) for tracker in ("ledger", "devtodev")]
    places += [identity("sandboxed", "sandbox"), identity("elsewhere", tracker="devtodev")]
    places += [identity("elsewhere", "sandbox")]
    put_integrations(made, [Integration(place, None, None, None, "Pending") for place in places], TIME)
    put_urls(made, [URL, KnownUrl("sandbox", "read", "none", None, None, TIME)])
    yield made
    made.close()


BAD = {"tampered": 2, "wrong_root": 1}
STATES = {
    "bad": AppState("bad", None, BAD, None),
    "declared": AppState("declared", None, {}, None, status="Pending"),
    "elsewhere": AppState("elsewhere", None, {}, None),
    "heard": AppState("heard", HEARD, {}, None),
    "read": AppState("read", COVERAGE, {}, None),
    "refunded": AppState("refunded", None, {}, START + DAY, URL),
    "nobody": AppState("nobody", None, {}, None),
}


@pytest.mark.parametrize(
    ("named", "wanted"),
    [
        (None, ["bad", "declared", "elsewhere", "heard", "read", "refunded"]),
        (["refunded", "bad"], ["bad", "refunded"]),
        (["nobody", "read"], ["nobody", "read"]),
    ],
)
def test_apps_that_are_named_or_known(ledger: Ledger, named: list[str] | None, wanted: list[str]) -> None:
    with ledger.reading() as connection:
        found = app_states(connection, "apple", "production", named, Period())
    assert found == [STATES[name] for name in wanted]
    # What is in quarantine was read, but nothing came of it.
    assert {one.bundle_id for one in found if one.is_known} == {"read", "refunded"} & set(wanted)


@pytest.mark.parametrize(
    ("since", "until", "counts"),
    [
        (None, None, True),
        (START + DAY, START + 2 * DAY, True),
        (START + 2 * DAY - 1, None, True),
        (START + 2 * DAY, None, False),
        (None, START + DAY + 1, True),
        (None, START + DAY, False),
        (START, START + DAY, False),
        (START + 2 * DAY, START + 3 * DAY, False),
    ],
)
def test_quarantine_counts_in_the_time_in_which_it_was_read(
    ledger: Ledger, since: int | None, until: int | None, counts: bool
) -> None:
    with ledger.reading() as connection:
        (found,) = app_states(connection, "apple", "production", ["bad"], Period(since, until))
    assert found.quarantined == (BAD if counts else {})


@pytest.mark.parametrize(
    ("source", "environment", "named", "wanted"),
    [
        ("apple", "production", None, ["other:0", "other:1"]),
        ("apple", "production", ["read", "bad"], ["other:1"]),
        ("apple", "production", ["bad"], []),
        ("apple", "sandbox", None, ["other:2"]),
        ("other:1", "production", None, ["apple", "other:0"]),
    ],
)
def test_other_sources_are_named(
    ledger: Ledger, source: str, environment: t.Any, named: list[str] | None, wanted: list[str]
) -> None:
    with ledger.reading() as connection:
        assert other_sources(connection, source, environment, named) == wanted
