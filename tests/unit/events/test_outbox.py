# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The outbox: each event once, in the order of recording, for whoever consumes them."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from pathlib import Path

import jsonschema
import pytest
from events_support import NOW, ledger_at
from unit_support import ROOT

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.events import (
    Consumer,
    record,
    remove_events_before,
)
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App, compare, put
from ansible_collections.storeops.refunds.plugins.module_utils._model.event import ConsumptionRequest
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Notification, Refund

APP = App("apple", "production", "com.example.one")
HOUR = 3_600_000
START = 1_760_000_000_000


def refund(number: int = 1, signed: int = START + 1, **fields: t.Any) -> Refund:
    """A refund of 9.99 EUR."""
    made = Refund(str(number), START, "1", "coins", "Consumable", 1, START - HOUR, 9990, "EUR", 100_000, 1,
                  "REFUND_FULL", "PURCHASED", "DEU", f"uuid-{number}", signed)  # fmt: skip
    return dataclasses.replace(made, **fields)


def told(one: Refund, kind: t.Any = "REFUND", uuid: str | None = None, signed: int | None = None) -> Notification:
    """A notification about it."""
    given = (one,) if kind == "REFUND" else ()
    date = None if kind == "REFUND_DECLINED" else one.revocation_date
    signed = one.first_signed_date if signed is None else signed
    return Notification(uuid or one.first_notification_uuid, kind, signed, one.transaction_id, date, given)


@pytest.fixture
def ledger(tmp_path: Path) -> t.Iterator[Ledger]:
    """An empty ledger."""
    made = ledger_at(f"sqlite:///{tmp_path}/ledger.db")
    yield made
    made.close()


def consumer(ledger: Ledger, name: str = "rules", holder: str = "a") -> Consumer:
    """A consumer that began at START."""
    made = Consumer(ledger, name, holder)
    assert made.claim(START)
    return made


def write(ledger: Ledger, *notifications: Notification) -> None:
    """Record notifications as every reading does."""
    with ledger.writing() as connection:
        put(connection, APP, compare(connection, APP, notifications), NOW)


def kinds(reader: Consumer) -> list[tuple[str, str]]:
    """Give kind and transaction of what waits."""
    return [(one.body["kind"], one.body["transaction_id"]) for one in reader.waiting(100)]


def test_every_kind_once_in_the_order_of_recording(ledger: Ledger) -> None:
    reader = consumer(ledger)
    write(ledger, told(refund(2)), told(refund(3), "REFUND_DECLINED"))
    write(ledger, told(refund(1)), told(refund(2), "REFUND_REVERSED", "r", START + HOUR))
    # The same again, under its own UUID and another one.
    write(ledger, told(refund(2)), told(refund(2), uuid="again", signed=START + 9), told(refund(3), "REFUND_DECLINED"))
    assert kinds(reader) == [
        ("refund", "2"), ("refund_declined", "3"), ("refund", "1"), ("refund_reversed", "2")
    ]  # fmt: skip
    assert [one.sequence for one in reader.waiting(100)] == [1, 2, 3, 4]


def test_every_event_is_as_its_schema_says(ledger: Ledger) -> None:
    reader = consumer(ledger)
    write(ledger, told(refund(1, product_id=None)), told(refund(2, price=None)), told(refund(3), "REFUND_DECLINED"))
    write(ledger, told(refund(1), "REFUND_REVERSED", "r", START + HOUR))
    request = ConsumptionRequest("u", START, "1", None, "coins", "Consumable", 990, "EUR", None)
    with ledger.writing() as connection:
        more = {"1": {"account_token_sha256": "a" * 64}}
        record(connection, APP.values(), [request.event()], NOW, more)
    schema = json.loads((ROOT / "docs" / "refund-event.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    found = [dict(one.body) for one in reader.waiting(9)]
    assert len({one["kind"] for one in found}) == 4
    assert [error.message for one in found for error in validator.iter_errors(one)] == []
    assert list(validator.iter_errors({**found[0], "customer": "Ann"}))


def test_amounts_say_unknown_and_no_customer_is_named(ledger: Ledger) -> None:
    reader = consumer(ledger)
    write(ledger, told(refund(1)), told(refund(2, price=None)))
    bodies = {one.body["transaction_id"]: one.body for one in reader.waiting(9)}
    assert (bodies["1"]["amount_milliunits"], bodies["1"]["currency"]) == (-9990, "EUR")
    assert bodies["2"]["amount_milliunits"] == "unknown"
    assert not [name for name in bodies["1"] if "account" in name.lower()]


def test_a_request_for_consumption_information_has_its_deadline(ledger: Ledger) -> None:
    reader = consumer(ledger)
    request = ConsumptionRequest("u", START, "1", "1", "coins", "Consumable", 990, None, "LEGAL")
    with ledger.writing() as connection:
        record(connection, APP.values(), [request.event(), request.event()], NOW)
    (one,) = reader.waiting(9)
    assert (one.body["answer_until"], one.body["price_milliunits"]) == ("2025-10-09T20:53:20Z", "unknown")


def test_without_a_consumer_nothing_is_kept_and_what_was_before_is_no_news(ledger: Ledger) -> None:
    write(ledger, told(refund(1)))
    reader = consumer(ledger)
    write(ledger, told(refund(2, signed=START - 1)), told(refund(3)))
    assert kinds(reader) == [("refund", "3")]


def test_a_consumer_goes_on_where_it_was_and_another_has_its_own_place(ledger: Ledger) -> None:
    reader, other = consumer(ledger), consumer(ledger, "other")
    write(ledger, told(refund(1)), told(refund(2)))
    assert reader.done(1)
    again = Consumer(ledger, "rules", "a")
    assert again.claim(START + 1) and kinds(again) == [("refund", "2")]
    assert len(kinds(other)) == 2


def test_one_process_at_a_time_until_its_lease_is_over(ledger: Ledger) -> None:
    first, second = consumer(ledger), Consumer(ledger, "rules", "b")
    assert not second.claim(START + 29_999) and first.claim(START + 20_000)
    assert not second.claim(START + 40_000) and second.claim(START + 50_001)
    # Who was too slow doesn't move the place of the other.
    assert not first.done(7) and not first.claim(START + 50_002)
    second.release()
    assert first.claim(START + 50_003)


def test_what_the_ledger_forgets_is_no_event_any_more(ledger: Ledger) -> None:
    reader = consumer(ledger)
    write(ledger, told(refund(1)))
    with ledger.writing() as connection:
        remove_events_before(connection, APP.values(), START + HOUR)
    assert kinds(reader) == []


def test_what_comes_after_all_was_forgotten_is_news(ledger: Ledger) -> None:
    reader = consumer(ledger)
    write(ledger, told(refund(1)), told(refund(2)))
    assert reader.done(2)
    with ledger.writing() as connection:
        remove_events_before(connection, APP.values(), START + HOUR)
    later = consumer(ledger, "later")
    write(ledger, told(refund(3, signed=START + 2 * HOUR)))
    assert kinds(reader) == kinds(later) == [("refund", "3")]


def test_what_was_signed_before_a_consumer_began_is_no_news_to_it_though_recorded_later(ledger: Ledger) -> None:
    first, second = consumer(ledger), Consumer(ledger, "second", "b")
    assert second.claim(START + HOUR)
    write(ledger, told(refund(1, signed=START + 1)), told(refund(2, signed=START + HOUR)))
    assert kinds(first) == [("refund", "1"), ("refund", "2")] and kinds(second) == [("refund", "2")]


def test_a_record_that_is_rolled_back_leaves_no_event(ledger: Ledger) -> None:
    reader = consumer(ledger)
    with pytest.raises(RuntimeError), ledger.writing() as connection:
        put(connection, APP, compare(connection, APP, [told(refund(1))]), NOW)
        raise RuntimeError
    assert kinds(reader) == []
