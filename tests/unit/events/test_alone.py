# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A notification of whose transaction the ledger holds nothing is one event, and the history adds none of its kind."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from pathlib import Path

import jsonschema
import pytest
from events_support import NOW, ledger_at
from test_outbox import APP, HOUR, START, consumer, kinds, refund, told, write
from unit_support import ROOT

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._model.event import ConsumptionRequest
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Notification, iso_time
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.storing import store

REFUND = told(refund(1))
BACK = told(refund(1), "REFUND_REVERSED", "r", START + HOUR)
UNDATED = dataclasses.replace(BACK, revocation_date=None)
# As Apple dates the refund of an item in Advanced Commerce: otherwise than the transaction.
ITEM = told(refund(1, revocation_date=START + 5, refunded=500))
ALONE: t.Final[dict[str, Notification | ConsumptionRequest]] = {
    "refund": REFUND,
    "refund_reversed": BACK,
    "refund_declined": told(refund(1), "REFUND_DECLINED", "d", START + HOUR),
    "consumption_request": ConsumptionRequest("u", START, "1", None, "coins", "Consumable", 990, "EUR", None),
}


@pytest.fixture
def ledger(tmp_path: Path) -> t.Iterator[Ledger]:
    """An empty ledger."""
    made = ledger_at(f"sqlite:///{tmp_path}/ledger.db")
    yield made
    made.close()


@pytest.mark.parametrize(
    ("kind", "one", "made"),
    [
        *((kind, one, REFUND) for kind, one in ALONE.items()),
        ("refund_reversed", UNDATED, REFUND),
        ("refund_reversed", BACK, ITEM),
        ("refund_reversed", UNDATED, ITEM),
    ],
)
def test_one_event_whatever_the_ledger_holds(ledger: Ledger, kind: str, one: t.Any, made: Notification) -> None:
    reader = consumer(ledger)
    for _time in range(2):
        store(ledger, {APP: [one]}, NOW)
        assert kinds(reader) == [(kind, "1")]
    (event,) = reader.waiting(9)
    schema = json.loads((ROOT / "docs" / "refund-event.schema.json").read_text())
    assert [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(dict(event.body))] == []
    # The history has the refund, and all of this again.
    history = [made, *([one] if isinstance(one, Notification) else [])]
    for _time in range(2):
        write(ledger, *history)
        assert [found for found, _transaction in kinds(reader)].count(kind) == 1
    assert sorted(kinds(reader)) == sorted({("refund", "1"), (kind, "1")})
    # Told after its reversal, a refund says that it is over.
    over = [event.body.get("reversed_at") for event in reader.waiting(9) if event.body["kind"] == "refund"]
    assert over == ["2025-10-09T09:53:20Z" if kind == "refund_reversed" else None]
    for event in reader.waiting(9):
        assert [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(dict(event.body))] == []


@pytest.mark.parametrize("held", [[], [REFUND]], ids=["not held", "held"])
@pytest.mark.parametrize("kind", ALONE)
def test_an_event_names_the_notification_that_was_signed_then(
    ledger: Ledger, kind: str, held: list[Notification]
) -> None:
    reader, one = consumer(ledger), ALONE[kind]
    write(ledger, *held)
    store(ledger, {APP: [one]}, NOW)
    write(ledger, REFUND)
    bodies = [event.body for event in reader.waiting(9)]
    assert {body["kind"] for body in bodies} == {"refund", kind}
    signed = [(each.uuid, iso_time(each.signed_date)) for each in (REFUND, one)]
    assert {(body["notification_uuid"], body["signed_at"]) for body in bodies} == set(signed)


def test_a_reversal_of_what_is_not_held_says_what_is_unknown(ledger: Ledger) -> None:
    reader = consumer(ledger)
    write(ledger, UNDATED)
    body = reader.waiting(9)[0].body
    assert (body["amount"], body["amount_milliunits"], body["refund_date"]) == ("unknown", "unknown", None)
    assert (body["transaction_id"], body["notification_uuid"], body["what"]) == ("1", "r", "Refund reversed")
    write(ledger, dataclasses.replace(BACK, transaction_id="2", uuid="s"))
    assert reader.waiting(9)[1].body["refund_date"] == "2025-10-09T08:53:20Z"


@pytest.mark.parametrize("held", [[REFUND], []])
@pytest.mark.parametrize(("first", "second"), [(BACK, BACK), (UNDATED, UNDATED), (UNDATED, BACK), (BACK, UNDATED)])
def test_a_reversal_that_is_told_twice_is_one_event(
    ledger: Ledger, held: list[Notification], first: Notification, second: Notification
) -> None:
    if not held and first is not second:
        pytest.skip("without the refund, nobody knows that both are of one")
    reader = consumer(ledger)
    write(ledger, *held, first)
    write(ledger, dataclasses.replace(second, uuid="again", signed_date=START + 2 * HOUR))
    assert kinds(reader) == [*[("refund", "1")] * len(held), ("refund_reversed", "1")]


def test_two_items_of_one_transaction_are_reversed_by_two_events(ledger: Ledger) -> None:
    """Their reversals may both have the transaction's date, which is that of no item."""
    reader = consumer(ledger)
    second = told(refund(1, revocation_date=START + 7, refunded=300), "REFUND", "second")
    write(ledger, ITEM, second)
    write(ledger, BACK)
    write(ledger, dataclasses.replace(BACK, uuid="other", signed_date=START + 2 * HOUR))
    assert [kind for kind, _transaction in kinds(reader)].count("refund_reversed") == 2
