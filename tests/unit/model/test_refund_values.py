# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refunds as values: which word is kept, and what stands in results and events."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model.apple_id import apple_id_fault
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._model.event import ConsumptionRequest, events_of
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import (
    Identity,
    Integration,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import (
    Notification,
    Refund,
    Rejected,
    day,
    iso_time,
    reason_name,
    refunded_amount,
    settle,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund_rows import (
    Cursor,
    parse_cursor,
    row_from_apple,
    row_of,
)

# 2023-11-14T22:13:20Z
NOW = 1_700_000_000_000
NOW_TEXT = "2023-11-14T22:13:20Z"
IDENTITY = Identity("devtodev", "game", "sandbox", "com.example.one")
ENTRY = Integration(IDENTITY, "issuer", "KEY", "f1", "Active")

PLAIN = Refund("20", NOW, "10", "coins", "Consumable", 3, NOW - 500_000, 9990, "EUR", 50_000, 1, "REFUND_PRORATED",
               "PURCHASED", "DEU", "u1", NOW + 1000)  # fmt: skip
BARE = Refund("20", NOW, *[None] * 12, "u1", NOW)


@pytest.mark.parametrize(
    ("changes", "amount", "is_assumed"),
    [
        ({}, -4995, False),
        ({"percentage": 0}, 0, False),
        ({"percentage": 100_000}, -9990, False),
        ({"price": 1, "percentage": 50_000}, -1, False),
        ({"price": 1, "percentage": 49_999}, 0, False),
        ({"percentage": None}, None, False),
        ({"percentage": None, "revocation_type": "REFUND_FULL"}, -9990, True),
        ({"percentage": None, "revocation_type": None, "revocation_reason": None}, -9990, True),
        ({"percentage": None, "revocation_type": None, "revocation_reason": 2}, None, False),
        ({"refunded": 77}, -77, False),
        ({"refunded": 77, "price": None, "percentage": None}, -77, False),
        ({"refunded": 77, "currency": None}, None, False),
        ({"ownership": "FAMILY_SHARED"}, None, False),
        ({"revocation_type": "FAMILY_REVOKE"}, None, False),
        ({"price": None}, None, False),
        ({"currency": None}, None, False),
    ],
)
def test_the_money_of_a_refund(changes: dict[str, t.Any], amount: int | None, is_assumed: bool) -> None:
    made = replace(PLAIN, **changes)
    assert (made.amount, made.assumed_full) == (amount, is_assumed)
    assert made.is_family_shared is (amount is None and "FAMILY" in str(changes))


def test_dates_and_shares() -> None:
    assert (day(NOW), day(NOW + 6_399_999), day(NOW + 6_400_000)) == ("2023-11-14", "2023-11-14", "2023-11-15")
    assert iso_time(NOW + 999) == NOW_TEXT and (PLAIN.refund_day, PLAIN.key) == ("2023-11-14", ("20", NOW))
    assert refunded_amount(1000, None) == -1000 and refunded_amount(3, 50_000) == -2
    told = Notification("u", "REFUND", 5, "20", None)
    assert told.date == 5 and replace(told, revocation_date=3).date == 3 and replace(told, revocation_date=0).date == 0
    assert Rejected("s", "u", "r", 1, True) == Rejected("s", "u", "r")


@pytest.mark.parametrize(
    ("better", "worse_"),
    [
        (PLAIN, replace(PLAIN, price=None, first_signed_date=0)),
        (PLAIN, replace(PLAIN, currency=None, first_signed_date=0)),
        (PLAIN, replace(PLAIN, percentage=None, first_signed_date=0)),
        (replace(PLAIN, refunded=5, percentage=None), replace(PLAIN, percentage=None, first_signed_date=0)),
        (replace(PLAIN, refunded=5), replace(PLAIN, refunded=4, first_signed_date=0)),
        (replace(PLAIN, refunded=1), replace(PLAIN, refunded=0, first_signed_date=0)),
        (replace(PLAIN, refunded=5, price=None), replace(PLAIN, currency=None, first_signed_date=0)),
        (PLAIN, replace(PLAIN, first_signed_date=NOW + 1001, first_notification_uuid="a")),
        (PLAIN, replace(PLAIN, first_notification_uuid="u2")),
    ],
)
def test_of_two_words_about_one_refund_the_better_is_kept(better: Refund, worse_: Refund) -> None:
    assert settle([better, worse_], []) == settle([worse_, better], []) == [better]


def test_reversals_cancel_one_refund_each() -> None:
    def reversal(signed: int, date: int | None = None) -> Notification:
        return Notification(f"r{signed}", "REFUND_REVERSED", signed, "20", date)

    one, two = replace(PLAIN, revocation_date=NOW), replace(PLAIN, revocation_date=NOW + 10)

    def reversed_at(*told: Notification, items: bool = False) -> list[int | None]:
        held = [replace(refund, refunded=1 if items else None) for refund in (two, one)]
        found = settle(held, told)
        assert [refund.revocation_date for refund in found] == [NOW, NOW + 10]
        return [refund.reversed_at for refund in found]

    assert reversed_at() == [None, None]
    assert reversed_at(replace(reversal(NOW + 99), type="REFUND_DECLINED")) == [None, None]
    assert reversed_at(reversal(NOW + 20)) == [None, NOW + 20]
    assert reversed_at(reversal(NOW + 10)) == [None, NOW + 10] and reversed_at(reversal(NOW + 9)) == [NOW + 9, None]
    assert reversed_at(reversal(NOW - 1)) == [None, None]
    assert reversed_at(reversal(NOW + 30), reversal(NOW + 20)) == [NOW + 30, NOW + 20]
    assert reversed_at(reversal(NOW + 30, NOW), reversal(NOW + 20, NOW)) == [NOW + 20, None]
    assert reversed_at(reversal(NOW + 30, NOW + 10), reversal(NOW + 40)) == [NOW + 40, NOW + 30]
    # Of a date that nothing has, nothing is cancelled; items may have another date than their transaction.
    assert reversed_at(reversal(NOW + 30, NOW + 5)) == [None, None]
    assert reversed_at(reversal(NOW + 30, NOW + 5), items=True) == [None, NOW + 30]
    assert reversed_at(reversal(NOW + 30, NOW), items=True) == [NOW + 30, None]


ROW = {
    "refund_date": NOW_TEXT,
    "bundle_id": "com.example.one",
    "environment": "sandbox",
    "source": "apple",
    "transaction_id": "20",
    "original_transaction_id": "10",
    "product_id": "coins",
    "product_type": "Consumable",
    "quantity": 3,
    "purchase_date": "2023-11-14T22:05:00Z",
    "storefront": "DEU",
    "currency": "EUR",
    "price": 9990,
    "percentage": 50_000,
    "is_assumed_full": False,
    "amount": -4995,
    "amount_units": "-4.995",
    "reason": 1,
    "revocation_type": "REFUND_PRORATED",
    "is_family_shared": False,
    "is_reversed": False,
    "reversed_at": None,
    "recorded_at": None,
}


def test_a_refund_as_a_row() -> None:
    assert row_from_apple(PLAIN, "apple", "sandbox", "com.example.one") == ROW
    yen = row_from_apple(replace(PLAIN, currency="JPY", price=120_000, percentage=100_000), "apple", "sandbox", "a")
    assert (yen["amount"], yen["amount_units"]) == (-120_000, "-120")
    bare = row_from_apple(replace(BARE, reversed_at=0), "apple", "sandbox", "com.example.one")
    assert (bare["purchase_date"], bare["amount_units"], bare["is_reversed"]) == (None, None, True)
    assert bare["reversed_at"] == "1970-01-01T00:00:00Z"
    fields = {name: None for name in ("purchase_date", "amount", "currency", "reversed_at")}
    names = ("source", "environment", "bundle_id", "transaction_id", "original_transaction_id", "product_id")
    names += ("product_type", "quantity", "storefront", "price", "percentage", "revocation_reason", "revocation_type")
    known = {"revocation_date": NOW, "assumed_full": 1, "is_family_shared": 1, "recorded_at": NOW_TEXT}
    found = row_of({**dict.fromkeys(names), **fields, **known})
    assert (found["is_assumed_full"], found["is_family_shared"], found["recorded_at"]) == (True, True, NOW_TEXT)


@pytest.mark.parametrize("made", [Cursor(NOW, "com.example.one", "20"), Cursor(-5, "a", "b/c\nd")])
def test_a_place_in_a_list_reads_as_it_is_written(made: Cursor) -> None:
    assert parse_cursor(str(made)) == made


@pytest.mark.parametrize(
    "text", ["", "a/b/c", "1/b", "1/b/", "1//c", "1/b/c\x00", "1" * 16 + "/b/c", " 1/b/c", "1/b/\ud800"]
)
def test_what_is_no_place_in_a_list(text: str) -> None:
    with pytest.raises(InputError, match="isn't a place in a list of refunds") as caught:
        parse_cursor(text)
    assert (caught.value.option, caught.value.next_step) == ("after", "Give next_after of a result.")


EVENT = {
    "notification_uuid": "u1",
    "transaction_id": "20",
    "original_transaction_id": "10",
    "product_id": "coins",
    "product_type": "Consumable",
    "quantity": 3,
    "refund_date": NOW_TEXT,
    "amount": "-4.995 EUR",
    "amount_milliunits": -4995,
    "amount_is_assumed_full": False,
    "currency": "EUR",
    "is_family_shared": False,
    "reason": 1,
    "revocation_type": "REFUND_PRORATED",
    "storefront": "DEU",
    "what": "Refund",
}


def test_events_tell_what_is_new_in_the_order_of_signing() -> None:
    (new,) = events_of([(None, PLAIN)], [])
    assert (new.kind, new.key, new.signed_date, new.fields) == ("refund", f"refund/20/{NOW}", NOW + 1000, EVENT)
    back = replace(PLAIN, reversed_at=NOW + 60_000)
    (old,) = events_of([(PLAIN, back)], [])
    assert (old.kind, old.key, old.signed_date) == ("refund_reversed", f"reversed/20/{NOW}", NOW + 60_000)
    assert old.fields == {**EVENT, "what": "Refund reversed", "reversed_at": "2023-11-14T22:14:20Z"}
    assert events_of([(back, back), (back, PLAIN), (PLAIN, replace(PLAIN, price=1))], []) == []
    told = [Notification("u9", kind, NOW, "20", None) for kind in ("REFUND_DECLINED", "REFUND", "REFUND_REVERSED")]
    both = events_of([(None, back)], told)
    assert [one.kind for one in both] == ["refund_declined", "refund", "refund_reversed"]
    assert [one.fields["what"] for one in both[1:]] == ["Refund, reversed already", "Refund reversed"]
    shared = replace(back, ownership="FAMILY_SHARED", revocation_type="FAMILY_REVOKE")
    found = events_of([(None, replace(shared, reversed_at=None)), (None, shared)], [])
    assert [one.fields["what"] for one in found] == [
        "Access within a family ended",
        "Access within a family ended, given back already",
        "Access within a family given back",
    ]
    assert (both[0].key, both[0].signed_date) == ("declined/u9", NOW)
    assert both[0].fields == {"notification_uuid": "u9", "transaction_id": "20", "what": "Refund declined"}
    (yen,) = events_of([(None, replace(PLAIN, currency="JPY", price=1_200_000))], [])
    assert (yen.fields["amount"], yen.fields["amount_milliunits"]) == ("-600 JPY", -600_000)
    (bare,) = events_of([(None, BARE)], [])
    assert (bare.fields["amount"], bare.fields["amount_milliunits"]) == ("unknown", "unknown")


def test_a_request_for_consumption_information_as_an_event() -> None:
    made = ConsumptionRequest("u1", NOW, "20", "10", "coins", "Consumable", 9990, "EUR", "LEGAL")
    event = made.event()
    assert (event.kind, event.key, event.signed_date) == ("consumption_request", "consumption/u1", NOW)
    assert event.fields == {
        "notification_uuid": "u1",
        "transaction_id": "20",
        "original_transaction_id": "10",
        "product_id": "coins",
        "product_type": "Consumable",
        "price_milliunits": 9990,
        "currency": "EUR",
        "request_reason": "LEGAL",
        "answer_until": "2023-11-15T10:13:20Z",
        "price": "9.99 EUR",
        "what": "Consumption information is asked for",
    }
    for unknown in (replace(made, price=None), replace(made, currency=None)):
        fields = unknown.event().fields
        assert (fields["price"], fields["price_milliunits"]) == ("unknown", "unknown")


@pytest.mark.parametrize(
    ("reasons", "numbers"),
    [
        (["wrong_apple_id"], ""),
        (["wrong_apple_id: 7, not 8"], " (7, not 8)"),
        (["wrong_apple_id: 7: 8"], " (7: 8)"),
        # Of several the first, in whatever order they come.
        (["wrong_apple_id: b", "tampered", "wrong_apple_id: a"], " (a)"),
    ],
)
def test_payloads_for_another_apple_id_are_told(reasons: list[str], numbers: str) -> None:
    assert (
        apple_id_fault(reasons)
        == apple_id_fault(iter(reasons[::-1]))
        == (
            f"app_apple_id isn't the number in Apple's payloads{numbers}, so their refunds aren't recorded. Correct "
            "app_apple_id where the app is declared, then run storeops.refunds.site and storeops.refunds.refunds."
        )
    )


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        (["wrong_apple_id: the payload names 8, declared is 7"], "app_apple_id is 8, as in Apple's payloads, but"),
        (["wrong_apple_id: the payload names 80, declared is 7"], "(the payload names 80, declared is 7)"),
        (
            [
                "wrong_apple_id: the payload names 8, declared is 7",
                "wrong_apple_id: the payload names 9, declared is 8",
            ],
            "(the payload names 9,",
        ),
        (
            [],
            "app_apple_id is 8, and verified notifications of this app name 7.",
        ),
    ],
)
def test_what_was_corrected_since_only_waits_to_be_read(reasons: list[str], said: str) -> None:
    assert said in apple_id_fault(reasons, 8, 7)


@pytest.mark.parametrize(("declared", "proven"), [(None, 7), (8, None), (7, 7), (None, None)])
def test_a_number_that_nothing_contradicts_is_no_fault(declared: int | None, proven: int | None) -> None:
    assert apple_id_fault(["tampered"], declared, proven) == ""


@pytest.mark.parametrize("reasons", [[], ["tampered"], ["tampered: wrong_apple_id", "wrong_apple_ids: 7"]])
def test_other_payloads_say_nothing_of_it(reasons: list[str]) -> None:
    assert apple_id_fault(reasons) == ""


def test_a_reason_has_a_name_before_its_colon() -> None:
    assert [reason_name(one) for one in ("a", "a: 7", "a:7", "a: b: c")] == ["a"] * 4
