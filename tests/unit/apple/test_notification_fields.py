# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every field of a verified payload lands where it belongs, and what has to be there is asked for."""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import replace

import pytest
from chains_support import DAY, START, make
from payload_support import DATE, UUID, jws, notice, transaction

from ansible_collections.storeops.refunds.plugins.module_utils._apple.consumption_fields import consumption_of
from ansible_collections.storeops.refunds.plugins.module_utils._apple.refund_fields import (
    UnexpectedFields,
    notification_of,
    number_field,
    refunds_of,
    text_field,
)
from ansible_collections.storeops.refunds.plugins.module_utils._apple.root_certificate import apple_root
from ansible_collections.storeops.refunds.plugins.module_utils._apple.signed_data import (
    SignedData,
    claims,
    payload_sha256,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.event import ConsumptionRequest
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Notification, Refund, Rejected

TRANSACTION: dict[str, t.Any] = {
    "transactionId": "20",
    "originalTransactionId": "10",
    "productId": "coins",
    "type": "Consumable",
    "quantity": 3,
    "purchaseDate": DATE - 500,
    "price": 9990,
    "currency": "EUR",
    "revocationDate": DATE - 100,
    "revocationPercentage": 50_000,
    "revocationReason": 1,
    "revocationType": "REFUND_PRORATED",
    "inAppOwnershipType": "PURCHASED",
    "storefront": "DEU",
    "signedDate": DATE - 7,
}
REFUND = Refund("20", DATE - 100, "10", "coins", "Consumable", 3, DATE - 500, 9990, "EUR", 50_000, 1,
                "REFUND_PRORATED", "PURCHASED", "DEU", UUID, DATE)  # fmt: skip


def payload(kind: str = "REFUND", **changes: t.Any) -> dict[str, t.Any]:
    """A notification's own fields."""
    return {"notificationType": kind, "notificationUUID": UUID, "signedDate": DATE, **changes}


def without(fields: dict[str, t.Any], name: str) -> dict[str, t.Any]:
    """The same, and one field less."""
    return {key: value for key, value in fields.items() if key != name}


def test_a_refund_has_every_field() -> None:
    assert notification_of(payload(), TRANSACTION) == Notification(UUID, "REFUND", DATE, "20", DATE - 100, (REFUND,))
    assert refunds_of(TRANSACTION) == (replace(REFUND, first_notification_uuid="", first_signed_date=DATE - 7),)


@pytest.mark.parametrize("kind", ["REFUND_REVERSED", "REFUND_DECLINED"])
def test_other_types_name_the_transaction_alone(kind: t.Any) -> None:
    assert notification_of(payload(kind), TRANSACTION) == Notification(UUID, kind, DATE, "20", DATE - 100)
    bare = {"transactionId": "20"}
    assert notification_of(payload(kind), bare) == Notification(UUID, kind, DATE, "20", None)


def test_what_apple_left_out_is_unknown() -> None:
    bare = {"transactionId": "20", "revocationDate": DATE}
    (found,) = notification_of(payload(), bare).refunds
    assert found == Refund("20", DATE, *[None] * 12, UUID, DATE)


@pytest.mark.parametrize(
    ("told", "about", "named"),
    [
        (payload("TEST"), TRANSACTION, "^notificationType$"),
        (without(payload(), "notificationType"), TRANSACTION, "^notificationType$"),
        (without(payload(), "notificationUUID"), TRANSACTION, "are required$"),
        (without(payload(), "signedDate"), TRANSACTION, "are required$"),
        (payload(), without(TRANSACTION, "transactionId"), "^notificationUUID, signedDate and transactionId"),
        (payload(), without(TRANSACTION, "revocationDate"), "^a refund needs its revocationDate$"),
        (payload(), {**TRANSACTION, "revocationDate": "x"}, "^revocationDate$"),
        (payload(), {**TRANSACTION, "advancedCommerceInfo": {"items": [7]}}, "^items$"),
        (payload(), {**TRANSACTION, "advancedCommerceInfo": []}, "^advancedCommerceInfo$"),
        (
            payload(),
            {"transactionId": "1", "advancedCommerceInfo": {"items": [{"refunds": [{"refundAmount": 1}]}]}},
            "^a refund needs its refundDate$",
        ),
    ],
)
def test_what_a_notification_needs(told: dict[str, t.Any], about: dict[str, t.Any], named: str) -> None:
    with pytest.raises(UnexpectedFields, match=named):
        notification_of(told, about)


@pytest.mark.parametrize("name", ["transactionId", "signedDate"])
def test_what_a_transaction_of_the_history_needs(name: str) -> None:
    with pytest.raises(UnexpectedFields, match=r"^transactionId and signedDate are required$"):
        refunds_of(without(TRANSACTION, name))


def advanced(*refunds: tuple[int, int | None], **changes: t.Any) -> dict[str, t.Any]:
    """A transaction with refunds of one item: date and sum."""
    listed = [{"refundDate": date, **({} if amount is None else {"refundAmount": amount})} for date, amount in refunds]
    return {**TRANSACTION, "advancedCommerceInfo": {"items": [{"refunds": listed}]}, **changes}


def test_refunds_of_items_have_the_fields_of_their_transaction() -> None:
    fields = without(advanced((DATE + 9, 4000), (DATE + 7, 1), (DATE + 5, 100), (DATE + 5, 11)), "revocationDate")
    one = replace(REFUND, revocation_date=DATE + 5, percentage=None, refunded=111)
    two = replace(one, revocation_date=DATE + 9, refunded=4000)
    # Without a date of the transaction, the last one dates the notification.
    mid = replace(one, revocation_date=DATE + 7, refunded=1)
    assert notification_of(payload(), fields) == Notification(UUID, "REFUND", DATE, "20", DATE + 9, (one, mid, two))
    dated = notification_of(payload(), {**fields, "revocationDate": DATE + 1})
    assert dated.revocation_date == DATE + 1 and dated.refunds == (one, mid, two)
    bare = {"first_notification_uuid": "", "first_signed_date": DATE - 7}
    assert refunds_of(fields) == tuple(replace(refund, **t.cast(t.Any, bare)) for refund in (one, mid, two))


def test_an_item_without_a_sum_is_worth_nobody_knows_what() -> None:
    (found,) = notification_of(payload(), advanced((DATE, None))).refunds
    assert (found.price, found.refunded, found.percentage, found.amount) == (None, None, None, None)
    (found,) = notification_of(payload(), advanced((DATE, 0))).refunds
    assert (found.price, found.refunded) == (9990, 0)
    for pair in (((DATE, None), (DATE, 5)), ((DATE, 5), (DATE, None))):
        assert notification_of(payload(), advanced(*pair)).refunds[0].refunded is None


@pytest.mark.parametrize(("amounts", "fits"), [((2**63 - 1, 0), True), ((2**63 - 1, 1), False)])
def test_sums_stay_within_what_a_ledger_holds(amounts: tuple[int, int], fits: bool) -> None:
    fields = advanced(*[(DATE, amount) for amount in amounts])
    if fits:
        assert notification_of(payload(), fields).refunds[0].refunded == 2**63 - 1
    else:
        with pytest.raises(UnexpectedFields, match=r"^refundAmount$"):
            notification_of(payload(), fields)


@pytest.mark.parametrize(
    ("value", "wanted"), [(None, None), (0, 0), (9, 9), (10, UnexpectedFields), (-1, UnexpectedFields)]
    + [(odd, UnexpectedFields) for odd in (True, 1.0, "1", [1])]
)  # fmt: skip
def test_a_number_is_one(value: object, wanted: t.Any) -> None:
    if wanted is UnexpectedFields:
        with pytest.raises(UnexpectedFields, match=r"^n$"):
            number_field({"n": value}, "n", 9)
    else:
        assert number_field({"n": value}, "n", 9) == wanted
        assert number_field({}, "n", 9) is None


@pytest.mark.parametrize(
    ("value", "fits"), [("a", True), ("a" * 1024, True), ("a" * 1025, False), ("", False), (7, False), ("a\x00", False)]
)
def test_a_text_is_one(value: object, fits: bool) -> None:
    if fits:
        assert text_field({"n": value}, "n") == value
    else:
        with pytest.raises(UnexpectedFields, match=r"^n$"):
            text_field({"n": value}, "n")


def test_a_request_for_consumption_information_has_every_field() -> None:
    told = payload("CONSUMPTION_REQUEST", data={"consumptionRequestReason": "LEGAL"})
    wanted = ConsumptionRequest(UUID, DATE, "20", "10", "coins", "Consumable", 9990, "EUR", "LEGAL")
    assert consumption_of(told, TRANSACTION) == wanted
    assert consumption_of({**told, "data": 7}, TRANSACTION) == replace(wanted, reason=None)
    bare = ConsumptionRequest(UUID, DATE, "20", *[None] * 6)
    assert consumption_of(payload(data={}), {"transactionId": "20"}) == bare


@pytest.mark.parametrize("name", ["notificationUUID", "signedDate", "transactionId"])
def test_what_a_request_for_consumption_information_needs(name: str) -> None:
    with pytest.raises(UnexpectedFields, match=r"^notificationUUID, signedDate and transactionId are required$"):
        consumption_of(without(payload(), name), without(TRANSACTION, name))


class Verified(SignedData):
    """Finds every signature sound, but for texts that are said to be none; keeps what it was to verify, and how."""

    def __init__(self, *unsound: str) -> None:
        super().__init__(apple_root(), "sandbox", "com.example.one", None)
        self.unsound = unsound
        self.seen: list[tuple[str, str]] = []

    def _verified(self, text: str, verify: t.Callable[[str], object]) -> None:
        self.seen.append((text, getattr(verify, "__name__", "")))
        if text in self.unsound:
            super()._verified(text, verify)


INNER = jws(transaction())


def sha256(text: str) -> str:
    """What names a payload in quarantine."""
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        ("REFUND", Notification),
        ("REFUND_REVERSED", Notification),
        ("REFUND_DECLINED", Notification),
        ("CONSUMPTION_REQUEST", ConsumptionRequest),
    ],
)
def test_what_a_posted_payload_of_a_known_type_says(kind: str, made: type) -> None:
    verified, text = Verified(), notice(kind, signedTransactionInfo=INNER)
    found = verified.told(text)
    assert isinstance(found, made)
    assert (found.uuid, found.signed_date, found.transaction_id) == (UUID, DATE, "1")
    assert getattr(found, "type", kind) == kind
    assert verified.seen == [
        (text, "verify_and_decode_notification"),
        (INNER, "verify_and_decode_signed_transaction"),
    ]


@pytest.mark.parametrize("kind", ["TEST", "DID_RENEW", "refund", "consumption_request"])
def test_a_posted_payload_of_another_type_is_named(kind: str) -> None:
    assert Verified().told(notice(kind)) == kind


@pytest.mark.parametrize("kind", ["REFUND", "CONSUMPTION_REQUEST"])
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({}, "missing_transaction"),
        ({"signedTransactionInfo": jws({"a": 1})}, "unexpected_fields"),
        ({"signedTransactionInfo": "a.b.c"}, "unexpected_fields"),
    ],
)
def test_what_apple_signed_and_nobody_can_take(kind: str, data: dict[str, t.Any], reason: str) -> None:
    text = notice(kind, **data)
    found = Verified().told(text)
    assert found == Rejected(sha256(text), UUID, reason)
    assert isinstance(found, Rejected) and found.is_apples is True and found.claimed_date is None


@pytest.mark.parametrize("text", [notice("REFUND", signedTransactionInfo=INNER), notice("TEST")])
def test_a_posted_forgery_is_none_of_apples(text: str) -> None:
    found = Verified(text).told(text)
    assert isinstance(found, Rejected) and found.is_apples is False
    assert (found.payload_sha256, found.notification_uuid) == (sha256(text), UUID)
    assert found.reason not in ("", "wrong_type", "unexpected_fields")
    # Around a transaction of somebody else, it is Apple's all the same.
    outer = notice("REFUND", signedTransactionInfo=INNER)
    found = Verified(INNER).told(outer)
    assert isinstance(found, Rejected) and found.is_apples is True and found.payload_sha256 == sha256(outer)


def test_a_transaction_of_the_history_is_verified_as_one() -> None:
    verified = Verified()
    found = verified.refunds(INNER)
    assert isinstance(found, tuple) and [one.transaction_id for one in found] == ["1"]
    assert verified.seen == [(INNER, "verify_and_decode_signed_transaction")]
    forged = Verified(INNER).refunds(INNER)
    assert isinstance(forged, Rejected) and forged.notification_uuid is None and forged.payload_sha256 == sha256(INNER)
    assert forged.reason == "missing_chain"
    bare = jws({"a": 1})
    assert Verified().refunds(bare) == Rejected(sha256(bare), None, "unexpected_fields")
    assert Verified().refunds("x") == Rejected(sha256("x"), None, "unexpected_fields")


def test_a_notification_of_the_history_that_can_not_be_taken_says_when_it_claims_to_be_signed() -> None:
    text = notice("REFUND")
    found = Verified().notification(text, "REFUND")
    assert found == Rejected(sha256(text), UUID, "missing_transaction")
    assert isinstance(found, Rejected) and found.claimed_date == DATE and not found.is_apples
    text = notice("REFUND", signedTransactionInfo=jws({"a": 1}))
    assert Verified().notification(text, "REFUND") == Rejected(sha256(text), UUID, "unexpected_fields")


@pytest.mark.parametrize(("text", "reason"), [(jws({"a": 1}), "unexpected_fields"), ("a.b.c", "undecodable")])
def test_whatever_a_payload_makes_apples_library_raise(text: str, reason: str) -> None:
    def verify(_text: str) -> object:
        raise KeyError

    with pytest.raises(Exception, match=f"^{reason}$"):
        SignedData(apple_root(), "sandbox", "com.example.one", None)._verified(text, verify)


@pytest.mark.parametrize(
    ("payload", "text"),
    [("a.b.c", "a.b.c"), ("\ud800", "?"), ("\u00e9", "\u00e9"), ({"b": 1, "a": None}, '{"a": null, "b": 1}'), (7, "7")],
)
def test_a_payload_is_named_by_what_it_holds(payload: object, text: str) -> None:
    assert payload_sha256(payload) == sha256(text)


@pytest.mark.parametrize("data", [7, "x", [], None])
def test_a_notification_about_nothing(data: object) -> None:
    text = jws({**payload(), "data": data})
    assert Verified().notification(text, "REFUND") == Rejected(sha256(text), UUID, "missing_transaction")


@pytest.mark.parametrize("environment", ["Sandbox", "Production"])
@pytest.mark.parametrize("app", ["com.example.one", "com.example.two"])
def test_a_payload_is_verified_for_its_app_and_environment(app: str, environment: str) -> None:
    chain = make()
    date = int((START + 300 * DAY).timestamp()) * 1000
    of_app = {"bundleId": app, "environment": environment, "appAppleId": 7, "signedDate": date}
    inner = chain.sign({**transaction(), **of_app})
    told = payload(signedDate=date, version="2.0", data={**of_app, "signedTransactionInfo": inner})
    for wanted in ("sandbox", "production"):
        found = SignedData(chain.root, t.cast(t.Any, wanted), "com.example.one", 7).told(chain.sign(told))
        if app == "com.example.one" and environment.lower() == wanted:
            assert isinstance(found, Notification) and found.transaction_id == "1"
        else:
            assert isinstance(found, Rejected)
            assert found.reason == ("wrong_environment" if app == "com.example.one" else "wrong_bundle_id")


@pytest.mark.parametrize("more", ["", "x", "xx", "xxx"])
def test_claims_of_any_length_are_read(more: str) -> None:
    assert claims(jws({"a": more})) == {"a": more}
    header, body, signature = jws({"a": more}).split(".")
    assert claims(f"{body}.x.{signature}") is None and claims(f"x.{body}.{signature}") is None
    assert claims(f"{header}.{header}.{signature}") == {"alg": "ES256"}
