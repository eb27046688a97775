# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Payloads that can't be verified: named, kept apart, read again, and let go when they can."""

from __future__ import annotations

import base64
import hashlib
import json
import typing as t
from pathlib import Path

import pytest
from refund_support import APPLE_ID, DAY, TODAY, Desk
from unit_servers import Simulator
from unit_support import BUNDLE_ID, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._apple import root_certificate, signed_data
from ansible_collections.storeops.refunds.plugins.module_utils._apple.refund_fields import (
    UnexpectedFields,
    notification_of,
)
from ansible_collections.storeops.refunds.plugins.module_utils._apple.signed_data import REASONS, SignedData
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Rejected, reason_name
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_info

FAULTS = {
    "wrong_root": "wrong_root",
    "missing_oid": "missing_oid",
    "missing_intermediate_oid": "missing_oid",
    "expired": "expired",
    "short_chain": "wrong_chain_length",
    "tampered": "tampered",
    "wrong_bundle": "wrong_bundle_id",
    "wrong_environment": "wrong_environment",
    "wrong_apple_id": "wrong_apple_id",
}
IN_TRANSACTION = [(fault, "transaction") for fault in FAULTS if fault != "wrong_apple_id"]
UUID = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def desk(sim: Simulator, tmp_path: Path) -> Desk:
    """An app with an Active integration, and nothing told yet."""
    made = Desk(sim, tmp_path, f"sqlite:///{tmp_path}/ledger.db")
    made.prepare()
    return made


@pytest.mark.parametrize(("fault", "place"), [*((fault, "payload") for fault in FAULTS), *IN_TRANSACTION])
def test_each_fault_is_named(desk: Desk, fault: str, place: str) -> None:
    desk.refund(-20, "2000000000000002")
    desk.refund(-3, uuid=UUID, fault=fault, fault_in=place)
    outcome = desk.run()
    assert [(reason_name(row["reason"]), row["notification_uuid"]) for row in desk.rows("refund_quarantine")] == [
        (FAULTS[fault], UUID)
    ]
    assert [row["transaction_id"] for row in desk.rows()] == ["2000000000000002"]
    coverage = outcome.results["coverage"]
    assert outcome.results["changed"] and coverage["state"] == "incomplete" and coverage["quarantined"] == 1
    # The covered time ends where the trouble begins, so that its time is read again.
    assert coverage["covered_until"] < "2025-10-06T08:53:20Z"
    again = desk.run().results
    assert not again["changed"] and again["refunds"]["quarantined"] == 1 and again["coverage"]["state"] == "incomplete"
    assert again["coverage"]["covered_until"] == coverage["covered_until"] and len(desk.rows("refund_quarantine")) == 1


def test_another_root_does_not_get_mixed_with_apples(desk: Desk) -> None:
    desk.refund(-3)
    told = desk.run(root_certificate_path=None).results
    assert told["coverage"]["source"] == "apple" and told["coverage"]["state"] == "incomplete"
    assert [row["reason"] for row in desk.rows("refund_quarantine")] == ["wrong_root"]
    done = desk.run().results
    assert done["coverage"]["source"].startswith("other:") and done["coverage"]["state"] == "complete"
    assert {row["source"] for row in desk.rows()} == {done["coverage"]["source"]}
    assert {row["source"]: row["state"] for row in desk.rows("refund_coverage")}["apple"] == "incomplete"


def test_a_payload_is_released_when_it_verifies(desk: Desk) -> None:
    desk.refund(-3)
    desk.run(app_apple_id=7)
    assert [reason_name(row["reason"]) for row in desk.rows("refund_quarantine")] == ["wrong_apple_id"]
    assert desk.rows() == []
    told, done = (desk.run(check_mode=mode).results for mode in (True, False))
    assert told["refunds"] == done["refunds"] and done["refunds"]["released"] == 1 and done["refunds"]["new"] == 1
    assert done["coverage"]["state"] == "complete" and desk.rows("refund_quarantine") == []
    assert done["coverage"]["covered_until"][:10] == "2025-10-09"
    assert not desk.run().results["changed"]


@pytest.mark.parametrize("is_list", [False, True])
@pytest.mark.parametrize("others", [0, 1])
def test_another_apple_id_is_a_mistake_in_the_declaration(desk: Desk, is_list: bool, others: int) -> None:
    if others:
        desk.refund(-40, "2000000000000002")
        assert not desk.run().message
    # Without others, longer ago than an audit looks for refunds.
    desk.refund(-3 if others else -35)
    listed = {"bundle_id": None, "apps": [{"bundle_id": BUNDLE_ID, "app_apple_id": 7}]}
    given = listed if is_list else {"app_apple_id": 7}
    for check_mode in (True, False, False):
        wrong = desk.run(check_mode=check_mode, **given)
        assert wrong.results["failed"] and f"(the payload names {APPLE_ID}, declared is 7)" in wrong.message
        assert len(desk.rows()) == others
    question = {"ledger": {"url": desk.url}, "root_certificate_path": str(desk.folder / "root.pem"), "last_days": 30}
    (fault,) = run_task(refund_info.TASK, question).results["declaration_faults"]
    assert fault["bundle_id"] == BUNDLE_ID and f"See that the app is declared with {APPLE_ID}, and run" in fault["msg"]
    desk.put_integration(app_apple_id=7)
    (fault,) = run_task(refund_info.TASK, question).results["declaration_faults"]
    assert fault["bundle_id"] == BUNDLE_ID and f"the payload names {APPLE_ID}, declared is 7" in fault["msg"]
    desk.put_integration()
    assert not desk.run().message and len(desk.rows()) == others + 1
    assert run_task(refund_info.TASK, question).results["declaration_faults"] == []


def test_a_payload_that_apple_no_longer_lists_is_let_go(desk: Desk) -> None:
    desk.refund(-3, fault="tampered")
    desk.run()
    desk.sim.control("DELETE", f"/apps/{BUNDLE_ID}/notifications")
    desk.refund(-2, "2000000000000002")
    told, done = (desk.run(check_mode=mode).results for mode in (True, False))
    assert told["refunds"] == done["refunds"] and done["refunds"]["released"] == 1
    assert told["coverage"] == done["coverage"] and done["coverage"]["state"] == "complete"


def test_a_damaged_copy_beside_a_sound_one_is_no_loss(desk: Desk) -> None:
    desk.refund(-3, uuid=UUID)
    desk.refund(-3, uuid=UUID, fault="tampered")
    results = desk.run().results
    assert results["refunds"]["new"] == 1 and results["coverage"]["state"] == "complete"
    assert desk.rows("refund_quarantine") == [] and not desk.run().results["changed"]


def test_trouble_in_time_that_is_covered_already(desk: Desk) -> None:
    desk.refund(-30)
    covered = desk.run().results["coverage"]["covered_until"]
    desk.refund(-2, "2000000000000002", fault="expired")
    desk.move_to(TODAY + DAY)
    coverage = desk.run(now=TODAY + DAY).results["coverage"]
    assert (coverage["state"], coverage["covered_until"]) == ("incomplete", covered)


def _compact(header: object, payload: object) -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in (header, payload))
    return ".".join((*parts, "c2ln"))


CHAIN = {"alg": "ES256", "x5c": ["AAAA", "AAAA", "AAAA"]}


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (None, "undecodable"),
        ({"signedPayload": 3}, "undecodable"),
        ("", "undecodable"),
        ("a.b.c", "undecodable"),
        ("é.é.é", "undecodable"),
        (_compact({"alg": "ES256"}, []), "undecodable"),
        (_compact({"alg": "ES256"}, {}), "missing_chain"),
        (_compact({"alg": "ES256", "x5c": "AAAA"}, {}), "missing_chain"),
        (_compact({**CHAIN, "alg": "none"}, {}), "wrong_algorithm"),
        (_compact({**CHAIN, "x5c": ["AAAA"]}, {}), "wrong_chain_length"),
        (_compact(CHAIN, {}), "unreadable_certificate"),
        (_compact({**CHAIN, "x5c": [1, None, {}]}, {}), "unreadable_certificate"),
        (_compact(CHAIN, {"signedDate": 10**30, "notificationUUID": "x" * 65}), "unreadable_certificate"),
        (_compact(CHAIN, {"signedDate": "soon", "notificationUUID": "a\0b"}), "unreadable_certificate"),
    ],
)
def test_whatever_is_no_payload_is_named(payload: t.Any, reason: str) -> None:
    signed = SignedData(root_certificate.apple_root(), "production", BUNDLE_ID, 1)
    said = signed.notification(payload, "REFUND")
    assert isinstance(said, Rejected) and said.reason == reason and reason in REASONS
    assert said.notification_uuid is None and len(said.payload_sha256) == 64


def test_apples_root_is_apples() -> None:
    root = root_certificate.apple_root()
    expected = "63343ABFB89A6A03EBB57E9B3F5FA7BE7C4F5C756F3017B3A8C488C3653E9179"
    assert hashlib.sha256(root.der).hexdigest().upper() == expected and root.source == "apple"
    assert signed_data.LIBRARY_ERROR is None


SOUND = {"notificationType": "REFUND", "notificationUUID": UUID, "signedDate": TODAY}
TRANSACTION = {"transactionId": "1", "revocationDate": TODAY - DAY, "price": 990, "currency": "EUR"}


def test_nothing_about_the_customer_is_read() -> None:
    secret = {"appAccountToken": "7e3fb204-2b76", "appTransactionId": "704897469903403", "webOrderLineItemId": "100"}
    read = notification_of(SOUND, {**TRANSACTION, **secret})
    assert not [value for value in secret.values() if value in repr(read)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": 9.99},
        {"price": -1},
        {"price": True},
        {"price": "990"},
        {"price": 2**63},
        {"revocationPercentage": 100_001},
        {"revocationPercentage": -1},
        {"revocationDate": None},
        {"revocationDate": 10**18},
        {"transactionId": None},
        {"transactionId": 1},
        {"currency": "E\0R"},
        {"productId": []},
    ],
)
def test_a_field_of_another_kind_does_not_become_money(wrong: dict[str, t.Any]) -> None:
    assert notification_of(SOUND, TRANSACTION).refunds
    with pytest.raises(UnexpectedFields):
        notification_of(SOUND, {**TRANSACTION, **wrong})
