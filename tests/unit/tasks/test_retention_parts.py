# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""For how long refunds have to be kept, and how the removal of old ones is asked for."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._decisions.irreversible import Gate
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App as LedgerApp
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import Old
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds.refund_removal import (
    Removal,
    refuse_retention,
)

NOW = "2026-11-28T00:00:00Z"
# 2023-11-14T22:13:20Z
DATE = 1_700_000_000_000


def gate(said: list[str], check_mode: bool = False) -> Gate:
    """A gate that says into a list."""
    return Gate(lambda: NOW, said.append, check_mode)


@pytest.mark.parametrize(
    ("days", "environments"),
    [
        (None, ["production"]),
        (180, ["production", "sandbox"]),
        (30, ["sandbox"]),
        (36_500, ["production"]),
        (1, []),
    ],
)
def test_days_that_keep_what_apple_still_has(days: int | None, environments: t.Any) -> None:
    refuse_retention(days, environments)


@pytest.mark.parametrize("days", [0, -1, 36_501])
def test_what_is_no_number_of_days(days: int) -> None:
    with pytest.raises(InputError) as caught:
        refuse_retention(days, [])
    assert str(caught.value) == (f"retention_days: {days} isn't a number of days. Give up to 36500, or leave it out.")


@pytest.mark.parametrize(
    ("days", "environments", "place", "least"),
    [
        (179, ["production"], "production", 180),
        (29, ["sandbox"], "sandbox", 30),
        (30, ["sandbox", "production"], "production", 180),
        (1, ["sandbox", "production"], "sandbox", 30),
    ],
)
def test_days_that_would_remove_what_apple_still_has(days: int, environments: t.Any, place: str, least: int) -> None:
    with pytest.raises(InputError) as caught:
        refuse_retention(days, environments)
    assert str(caught.value) == (
        f"retention_days: {days} is less than the {least} days for which Apple keeps refunds in {place}, and what is "
        "removed can't be brought back once Apple has forgotten it. Nothing was done. "
        f"Give {least} or more, or leave it out to keep everything."
    )


def old_refunds(made: Gate) -> Removal:
    """Ask for the removal of an app's old refunds."""
    return Removal(made, 180, LedgerApp("apple", "production", "com.example.one"))


def test_old_refunds_are_asked_for_once() -> None:
    said: list[str] = []
    made = gate(said)
    asks = old_refunds(made)
    asks.end(True)
    assert made.records == []
    permit = asks.ask(Old(3, 4), DATE)
    assert permit is not None and asks.ask(Old(5, 6), DATE + 1) is permit
    record = {
        "step": "remove_refunds",
        "target": "com.example.one (production, source apple)",
        "asked_by": "retention_days: 180",
        "outcome": "begun",
        "proven": "3 refunds and 4 notifications are dated before 2023-11-14T22:13:20Z",
        "answer": "the ledger's rows",
        "proven_at": NOW,
    }
    assert made.records == [record] and len(said) == 1
    asks.end(False)
    assert made.records == [record] and len(said) == 1
    asks.end(True)
    assert made.records == [{**record, "outcome": "done"}]


def test_old_refunds_stay_in_check_mode() -> None:
    made = gate([], check_mode=True)
    asks = old_refunds(made)
    assert asks.ask(Old(3, 4), DATE) is asks.ask(Old(3, 4), DATE) is None
    asks.end(True)
    assert [one["outcome"] for one in made.records] == ["would be done"]
