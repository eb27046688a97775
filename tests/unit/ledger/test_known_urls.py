# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the ledger knows of notification URLs, and what an app's coverage makes of it."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from ledger_support import ledger_at

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.coverage import (
    find_coverage,
    put_coverage,
    quarantine,
)
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.notification_urls import (
    KnownUrl,
    hear,
    known_urls,
    put_urls,
)
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App
from ansible_collections.storeops.refunds.plugins.module_utils._model.coverage import (
    Coverage,
    Window,
    begun,
    heard,
    judged,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Rejected

APP = App("apple", "production", "com.example.one")
TIME = "2026-11-28T00:00:00Z"
NOW, DAY = 1_700_000_000_000, 86_400_000
ONE = KnownUrl("production", "com.example.one", "as_declared", "h:443", "f" * 64, TIME, "SUCCESS", TIME)
SANDBOX, TWO = replace(ONE, environment="sandbox", state="none"), replace(ONE, bundle_id="com.example.two")


@pytest.fixture
def ledger(tmp_path: Path) -> t.Iterator[Ledger]:
    """An empty one."""
    made = ledger_at(f"sqlite:///{tmp_path}/ledger.db")
    yield made
    made.close()


def test_a_url_is_known_by_environment_and_app(ledger: Ledger) -> None:
    put_urls(ledger, [TWO, ONE, SANDBOX])
    found = {("production", "com.example.one"): ONE, ("sandbox", "com.example.one"): SANDBOX}
    assert known_urls(ledger, ["com.example.one", "com.example.three"]) == found
    changed = KnownUrl("production", "com.example.one", "none", None, None, "2026-11-29T00:00:00Z")
    put_urls(ledger, [changed])
    assert known_urls(ledger, ["com.example.one", "com.example.two"]) == {
        **found,
        ("production", "com.example.one"): changed,
        ("production", "com.example.two"): TWO,
    }


def coverage(ledger: Ledger) -> Coverage | None:
    """Give the app's coverage."""
    with ledger.reading() as connection:
        return find_coverage(connection, APP)


def test_an_app_that_was_never_read_is_covered_from_apples_reach(ledger: Ledger) -> None:
    hear(ledger, APP, ["V2"], 180 * DAY, NOW, TIME)
    assert coverage(ledger) == judged(heard(begun(None, NOW - 180 * DAY), "V2", NOW), {})


@pytest.mark.parametrize("url", ["V2", "V1", "none"])
def test_what_was_read_stays_and_what_is_in_quarantine_counts(ledger: Ledger, url: t.Any) -> None:
    held = Coverage(NOW - 9 * DAY, NOW, NOW, NOW - 7 * DAY, (Window(5, 6),), 3, NOW - 8 * DAY, NOW - DAY, "V2", 4)
    with ledger.writing() as connection:
        put_coverage(connection, APP, held, TIME)
        quarantine(connection, APP, [Rejected("a", None, "tampered")], Window(NOW - DAY, NOW), TIME)
    hear(ledger, APP, [url], 180 * DAY, NOW + 1, TIME)
    assert coverage(ledger) == judged(heard(held, url, NOW + 1), {"tampered": 1})
