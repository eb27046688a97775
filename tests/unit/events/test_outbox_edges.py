# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The outbox at its edges: equal times, other apps, other consumers, and what exactly a row holds."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from events_support import ledger_at

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.events import (
    Consumer,
    Recorded,
    record,
    remove_events_before,
)
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App
from ansible_collections.storeops.refunds.plugins.module_utils._model.event import Event

APP = App("apple", "production", "com.example.one")
OTHERS = [replace(APP, source="other:1"), replace(APP, environment="sandbox"), replace(APP, bundle_id="com.example.b")]
NOW = "2026-11-28T00:00:00Z"
START = 1_760_000_000_000


@pytest.fixture
def ledger(tmp_path: Path) -> t.Iterator[Ledger]:
    """An empty ledger."""
    made = ledger_at(f"sqlite:///{tmp_path}/ledger.db")
    yield made
    made.close()


def consumer(ledger: Ledger, name: str = "rules", holder: str = "a", at: int = START) -> Consumer:
    """A consumer that began."""
    made = Consumer(ledger, name, holder)
    assert made.claim(at)
    return made


def event(key: str, signed: int = START, **fields: t.Any) -> Event:
    """Something that happened."""
    return Event("refund", key, signed, fields)


def write(ledger: Ledger, *events: Event, app: App = APP, more: t.Any = None) -> None:
    """Record events."""
    with ledger.writing() as connection:
        record(connection, app.values(), events, NOW, more)


def sequences(reader: Consumer, most: int = 100) -> list[int]:
    """Give the places of what waits."""
    return [one.sequence for one in reader.waiting(most)]


def test_what_a_row_holds(ledger: Ledger) -> None:
    reader = consumer(ledger)
    more = {"1": {"token": "x"}, "2": {"token": "y"}}
    write(ledger, event("a", START + 5, transaction_id="1", what="Refund"), event("b", what="Other"), more=more)
    body = {"schema": 1, "kind": "refund", **APP.values(), "recorded_at": NOW}
    assert reader.waiting(9) == [
        Recorded(
            1,
            START + 5,
            {
                **body,
                "sequence": 1,
                "signed_at": "2025-10-09T08:53:20Z",
                "transaction_id": "1",
                "what": "Refund",
                "token": "x",
            },
        ),
        Recorded(2, START, {**body, "sequence": 2, "signed_at": "2025-10-09T08:53:20Z", "what": "Other"}),
    ]


def test_the_same_happens_once_to_each_app(ledger: Ledger) -> None:
    reader = consumer(ledger)
    write(ledger, event("a"), event("a"), event("b"))
    for app in OTHERS:
        write(ledger, event("a"), app=app)
    write(ledger, event("b"), event("c"))
    assert [(one.body["bundle_id"], one.sequence) for one in reader.waiting(9)] == [
        (APP.bundle_id, 1),
        (APP.bundle_id, 2),
        *((app.bundle_id, number) for number, app in enumerate(OTHERS, 3)),
        (APP.bundle_id, 6),
    ]


def test_no_more_are_given_than_asked_for_and_none_that_is_done(ledger: Ledger) -> None:
    reader, other = consumer(ledger), consumer(ledger, "other")
    write(ledger, event("a"), event("b"), event("c"))
    assert (sequences(reader, 2), sequences(reader, 1)) == ([1, 2], [1])
    assert reader.done(2) and (sequences(reader), sequences(other)) == ([3], [1, 2, 3])


@pytest.mark.parametrize(("signed", "is_news"), [(START - 1, False), (START, True)])
def test_what_was_signed_when_a_consumer_began_is_news(ledger: Ledger, signed: int, is_news: bool) -> None:
    reader, later = consumer(ledger), consumer(ledger, "later", at=START + 1)
    write(ledger, event("a", signed))
    assert (sequences(reader), sequences(later)) == ([1] if is_news else [], [])


def test_what_was_recorded_before_a_consumer_began_is_no_news(ledger: Ledger) -> None:
    consumer(ledger)
    write(ledger, event("a", START + 9))
    later = consumer(ledger, "later")
    write(ledger, event("b", START + 9))
    # Its own later claims change nothing about where it is.
    assert later.claim(START + 50) and sequences(later) == [2]


@pytest.mark.parametrize(("at", "is_free"), [(29_999, False), (30_000, False), (30_001, True)])
def test_a_lease_is_held_to_its_end(ledger: Ledger, at: int, is_free: bool) -> None:
    first, second = consumer(ledger), Consumer(ledger, "rules", "b")
    assert second.claim(START + at) is is_free
    assert first.done(1) is not is_free and second.done(1) is is_free


def test_a_lease_is_released_by_its_holder_alone(ledger: Ledger) -> None:
    first, other, second = consumer(ledger), consumer(ledger, "other"), Consumer(ledger, "rules", "b")
    second.release()
    assert not second.claim(START + 1)
    first.release()
    assert second.claim(START + 1) and not first.claim(START + 1)
    assert not Consumer(ledger, "other", "b").claim(START + 1) and other.done(0)


def test_when_a_consumer_began_and_until_when_it_is_held(ledger: Ledger) -> None:
    first, other = consumer(ledger), consumer(ledger, "other", at=START + 5)
    assert (first.times(), other.times()) == ((START, START + 30_000), (START + 5, START + 30_005))
    assert first.claim(START + 7) and first.times() == (START, START + 30_007)
    first.release()
    assert (first.times(), other.times()) == ((START, None), (START + 5, START + 30_005))


def test_of_an_app_what_is_older_is_forgotten(ledger: Ledger) -> None:
    reader = consumer(ledger)
    write(ledger, event("a", START), event("b", START + 1))
    for app in OTHERS:
        write(ledger, event("a", START), app=app)
    with ledger.writing() as connection:
        remove_events_before(connection, APP.values(), START + 1)
    assert sequences(reader) == [2, 3, 4, 5]
