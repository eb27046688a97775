# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the ledger keeps of an integration from one put to the next, and which integrations it lists."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from ledger_support import ledger_at

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import (
    find_integration,
    list_all,
    list_elsewhere,
    list_integrations,
    put_integration,
    put_integrations,
    remove_integrations,
)
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration, Status

ONE = Identity("ledger", "", "production", "com.example.one")
ENTRY = Integration(ONE, "issuer", "KEY", "f" * 64, "Pending", "/keys/a.p8", 7)


@pytest.fixture
def ledger(tmp_path: Path) -> t.Iterator[Ledger]:
    """An empty one."""
    made = ledger_at(f"sqlite:///{tmp_path}/ledger.db")
    yield made
    made.close()


def at(number: int) -> str:
    """Give a time."""
    return f"2026-01-0{number}T00:00:00Z"


@pytest.mark.parametrize(
    ("statuses", "accepted_at"),
    [
        (["Pending"], None),
        (["Active"], at(0)),
        (["Pending", "Failed", "Active"], at(2)),
        # The first time counts, and it is never forgotten.
        (["Active", "Failed"], at(0)),
        (["Pending", "Active", "Failed", "Active"], at(1)),
    ],
)
def test_when_apple_first_accepted_an_app_is_kept(
    ledger: Ledger, statuses: list[Status], accepted_at: str | None
) -> None:
    for number, status in enumerate(statuses):
        put_integration(ledger, replace(ENTRY, status=status), at(number))
    found = find_integration(ledger, ONE)
    assert found is not None and (found.status, found.accepted_at) == (statuses[-1], accepted_at)


@pytest.mark.parametrize(
    "entry",
    [
        ENTRY,
        replace(ENTRY, word="expired"),
        replace(ENTRY, status="Failed", word="odd: it says: so"),
        Integration(ONE, None, None, None, "Unknown"),
    ],
)
def test_every_field_is_read_as_it_was_put(ledger: Ledger, entry: Integration) -> None:
    put_integration(ledger, replace(ENTRY, key_id="OLD", app_apple_id=8, word="old"), at(0))
    put_integration(ledger, entry, at(1))
    assert find_integration(ledger, ONE) == entry


PLACES = [
    ONE,
    replace(ONE, bundle_id="com.example.two"),
    replace(ONE, environment="sandbox"),
    replace(ONE, tracker="qonversion"),
    replace(ONE, tracker="qonversion", project="b"),
    replace(ONE, tracker="devtodev", project="a", bundle_id="com.example.z"),
    replace(ONE, tracker="devtodev", project="a"),
    replace(ONE, tracker="devtodev", project="a", environment="sandbox"),
]


def test_what_is_listed_is_what_is_asked_for(ledger: Ledger) -> None:
    put_integrations(ledger, [replace(ENTRY, identity=place) for place in PLACES], at(0))

    def listed(*place: str) -> list[Identity]:
        return [one.identity for one in list_integrations(ledger, *place)]

    assert listed("ledger", "", "production") == PLACES[:2] and listed("ledger", "", "sandbox") == PLACES[2:3]
    assert (
        listed("devtodev", "a", "production") == [PLACES[6], PLACES[5]] and listed("devtodev", "", "production") == []
    )
    elsewhere = [one.identity for one in list_elsewhere(ledger, "production")]
    assert elsewhere == [PLACES[6], PLACES[5], PLACES[3], PLACES[4]]
    assert [one.identity for one in list_elsewhere(ledger, "sandbox")] == [PLACES[7]]
    assert [one.identity for one in list_all(ledger)] == [*PLACES[:2], *elsewhere, PLACES[2], PLACES[7]]


def test_what_is_removed_is_what_is_named(ledger: Ledger) -> None:
    put_integrations(ledger, [replace(ENTRY, identity=place) for place in PLACES], at(0))
    remove_integrations(ledger, [PLACES[0], PLACES[5]])
    assert [place for place in PLACES if find_integration(ledger, place)] == [*PLACES[1:5], *PLACES[6:]]


def test_nothing_to_write_makes_no_ledger(ledger: Ledger) -> None:
    put_integrations(ledger, [], at(0))
    remove_integrations(ledger, [])
    assert ledger.place.path is not None and not Path(ledger.place.path).exists()
