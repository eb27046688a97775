# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Frozen values: what they say of themselves, and what stands in results, events and sums."""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import replace
from itertools import permutations
from types import SimpleNamespace

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model import errors
from ansible_collections.storeops.refunds.plugins.module_utils._model.assumption import (
    Finding,
    field_name,
    judged,
    shape,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.browser_session import (
    LARGEST,
    browser_session_values,
    parse_browser_session,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError, RefundsError
from ansible_collections.storeops.refunds.plugins.module_utils._model.event import ConsumptionRequest, events_of
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import (
    Identity,
    Integration,
    Observation,
    absent,
    worse,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.notification_url import (
    Url,
    choose,
    effective,
    known_as,
    parse_notification_url,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.permit import Permit
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import (
    Notification,
    Refund,
    Rejected,
    day,
    iso_time,
    refunded_amount,
    settle,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund_rows import (
    Cursor,
    Tally,
    count_exceeding,
    not_in_sums,
    parse_cursor,
    row_from_apple,
    row_of,
    sums_of,
    tallies_of,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import CAUSES, Cause, Verdict

# 2023-11-14T22:13:20Z
NOW = 1_700_000_000_000
NOW_TEXT = "2023-11-14T22:13:20Z"
IDENTITY = Identity("devtodev", "game", "sandbox", "com.example.one")
ENTRY = Integration(IDENTITY, "issuer", "KEY", "f1", "Active")


@pytest.mark.parametrize("cause", CAUSES)
def test_what_a_cause_says(cause: Cause) -> None:
    undecided = ("rate_limited", "service_unavailable", "unreachable", "unexpected_response", "not_checked")
    made = Verdict(cause, "One. Two. Three.", "production")
    assert made.accepted is (cause == "accepted")
    assert made.refused is (cause not in ("accepted", "key_not_yet_created", *undecided))
    assert made.brief == "One. Two." and made.led_by("Lead.").brief == "Lead."
    assert made.led_by("Lead.").hint == "Lead. One. Two. Three."


def test_a_verdict_as_a_result() -> None:
    made = Verdict("accepted", "Well.", "sandbox", 404, 4040010, NOW_TEXT, "R.1", True, True, "Lead.", "host")
    assert made.as_result() == {
        "accepted": True,
        "cause": "accepted",
        "hint": "Well.",
        "environment": "sandbox",
        "http_status": 404,
        "error_code": 4040010,
        "checked_at": NOW_TEXT,
        "request_id": "R.1",
    }


def test_errors_say_what_and_what_next() -> None:
    made = RefundsError("It\x07 failed.", "Do\nthis.")
    assert "\x07" not in str(made) and str(made) == f"{made.message} {made.next_step}"
    assert str(RefundsError("It failed.")) == "It failed." and not made.may_have_changed
    option = InputError("ledger.url", "is wrong.", "Correct it.")
    assert (str(option), option.option) == ("ledger.url: is wrong. Correct it.", "ledger.url")
    for kind in ("dns", "tcp", "tls", "timeout", "broken", "deadline", "refused_url"):
        lost = errors.TransportError(kind, "No answer.", "Wait.")
        assert (lost.kind, lost.may_have_arrived) == (kind, kind not in ("dns", "tcp"))
        assert str(lost) == "No answer. Wait."


def test_what_fails_after_writing_may_have_changed_something() -> None:
    with pytest.raises(RefundsError) as caught, errors.after_writing():
        raise RefundsError("x")
    assert caught.value.may_have_changed
    with pytest.raises(KeyError), errors.after_writing():
        raise KeyError
    with errors.after_writing():
        pass


@pytest.mark.parametrize(
    ("text", "count", "wanted"),
    [
        ("One. Two. Three.", 1, "One."),
        ("One. Two. Three.", 2, "One. Two."),
        ("One? Two! Three.", 2, "One? Two!"),
        ("One.  Two.", 2, "One. Two."),
        ("Version 1.2 is. two. Three.", 1, "Version 1.2 is. two."),
        ("One", 3, "One"),
        ("", 1, ""),
    ],
)
def test_first_sentences(text: str, count: int, wanted: str) -> None:
    assert errors.first_sentence(text, count) == wanted
    assert count != 1 or errors.first_sentence(text) == wanted


def test_a_fault_of_ours_is_told_in_one_line() -> None:
    with pytest.raises(KeyError) as caught:
        raise KeyError("a\nb  c")
    told, other = errors.unforeseen(caught.value), errors.unforeseen(caught.value, "it was not read")
    assert ": 'a\\nb c'. Please" in told
    start = "This is a fault of storeops.refunds, not of your input: KeyError at test_values.py:"
    assert told.startswith(start) and other.endswith(". Please report it with this line; it was not read.")
    assert told.endswith("Please report it with this line; nothing after this point was done.") and "\n" not in told


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ("Active", "Pending", "Pending"),
        ("Failed", "Unknown", "Failed"),
        ("Unknown", "Pending", "Unknown"),
        ("Absent", "Failed", "Absent"),
        ("Active", "Active", "Active"),
    ],
)
def test_the_worse_status_counts(one: t.Any, other: t.Any, wanted: str) -> None:
    assert {worse(*pair) for pair in permutations((one, other))} == {wanted}


def test_an_integration_and_what_is_seen_of_it() -> None:
    assert str(Observation("Pending")) == "Pending" and str(Observation("Failed", "x")) == "Failed (it says 'x')"
    assert absent(IDENTITY) == Integration(IDENTITY, None, None, None, "Absent")
    seen = ENTRY.seen_as(Observation("Failed", "Broken"))
    assert (seen.status, seen.word, seen.is_rejected) == ("Failed", "Broken", True)
    assert not ENTRY.seen_as(Observation("Failed")).is_rejected
    assert not ENTRY.seen_as(Observation("Unknown", "Broken")).is_rejected
    assert ENTRY.was_accepted and not replace(ENTRY, status="Pending").was_accepted
    assert replace(ENTRY, status="Failed", accepted_at=NOW_TEXT).was_accepted
    assert ENTRY.as_result() == {
        "bundle_id": "com.example.one",
        "issuer_id": "issuer",
        "key_id": "KEY",
        "key_fingerprint": "f1",
        "environment": "sandbox",
        "tracker": "devtodev",
        "status": "Active",
    }


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        (("issuer", "KEY", "f1"), True),
        (("x", "KEY", "f1"), False),
        (("issuer", "x", "f1"), False),
        (("issuer", "KEY", "x"), False),
    ],
)
def test_whether_an_integration_holds_just_this_key(fields: tuple[str, str, str], wanted: bool) -> None:
    issuer, key_id, fingerprint = fields
    key = SimpleNamespace(issuer_id=issuer, key_id=key_id, private_key=SimpleNamespace(fingerprint=fingerprint))
    assert ENTRY.has_key(t.cast(t.Any, key)) is wanted


def test_a_permit_is_for_one_step_on_one_target() -> None:
    made = Permit("purge", "it", t.cast(t.Any, None))
    made.require("purge", "it")
    for step, target in (("revoke_key", "it"), ("purge", "other")):
        with pytest.raises(ValueError, match=f"^a permit for purge of it was used for {step} of {target}$"):
            made.require(t.cast(t.Any, step), target)


# Notification URLs.

MINE = Url("https://refunds.example/a", "V2")


@pytest.mark.parametrize(
    ("held", "on_other", "on_v1", "step", "state"),
    [
        (None, "fail", "fail", "set", "none"),
        (MINE, "fail", "fail", "none", "as_declared"),
        (replace(MINE, text="https://refunds.example/b"), "fail", "fail", "set", "as_declared"),
        (replace(MINE, text="https://REFUNDS.example/a"), "fail", "fail", "set", "as_declared"),
        (replace(MINE, version=None), "fail", "fail", "set", "as_declared"),
        (replace(MINE, version="V1"), "fail", "keep", "keep", "version_1"),
        (replace(MINE, version="V1"), "keep", "replace", "set", "version_1"),
        (replace(MINE, version="V1"), "keep", "fail", "fail", "version_1"),
        (Url("https://other.example/a", "V1"), "keep", "fail", "keep", "other_host"),
        (Url("https://refunds.example:8443/a", "V2"), "replace", "fail", "set", "other_host"),
        (Url("https://other.example/a", "V2"), "fail", "keep", "fail", "other_host"),
    ],
)
def test_what_to_do_about_a_url(held: Url | None, on_other: t.Any, on_v1: t.Any, step: str, state: str) -> None:
    found = choose(held, MINE, on_other, on_v1)
    assert (found.step, found.state) == (step, state)


def test_a_url_shows_its_host_alone() -> None:
    made = Url("https://user@Refunds.example:443/secret", "V1")
    digest = hashlib.sha256(made.text.encode()).hexdigest()
    assert made.as_result() == {"host": "refunds.example:443", "url_sha256": digest, "version": "V1"}
    assert known_as(None) == "none" and known_as(made) == "V1" and known_as(replace(made, version=None)) == "unasked"
    other = replace(made, version="V2")
    assert effective(made, other, "sandbox") is other and effective(made, None, "sandbox") is made
    assert effective(made, other, "production") is made and effective(None, other, "production") is None


def test_a_declared_url_is_of_https_and_kept_as_it_is() -> None:
    assert parse_notification_url(" https://refunds.example/a/ ", "o") == Url("https://refunds.example/a/", "V2")
    for text in ("http://127.0.0.1/a", "refunds.example", "ftp://refunds.example"):
        with pytest.raises(InputError) as caught:
            parse_notification_url(text, "o")
        assert caught.value.option == "o"
    with pytest.raises(InputError, match="isn't an https URL, and Apple takes no other"):
        parse_notification_url("http://127.0.0.1/a", "o")


# Refunds.

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


def row(**changes: t.Any) -> dict[str, t.Any]:
    """A row of a refund."""
    return {**ROW, **changes}


def test_sums_are_by_group_and_currency_and_leave_out_what_was_not_paid_back() -> None:
    rows = [
        row(),
        row(amount=-5),
        row(amount=None),
        row(currency="USD", amount=None),
        row(currency=None, amount=None, product_id=None),
        row(currency="USD", amount=None),
        row(is_reversed=True),
        row(is_family_shared=True, amount=None),
        row(is_family_shared=True, is_reversed=True),
    ]
    tallies = tallies_of(rows, ["product_id", "day", "month"])
    assert tallies[0] == Tally(("coins", "2023-11-14", "2023-11"), "EUR", False, False, 1, 1, -4995)
    assert (tallies[2].known, tallies[6].is_reversed, tallies[7].is_family_shared) == (0, True, True)
    group = {"product_id": "coins", "day": "2023-11-14", "month": "2023-11"}
    money = {"amount": -5000, "amount_units": "-5.00", "amount_unknown_count": 1}
    unknown = {"count": 1, "amount": None, "amount_units": None, "amount_unknown_count": 1}
    assert sums_of(tallies, ["product_id", "day", "month"]) == [
        {**group, "currency": "EUR", "count": 3, **money},
        {**group, "currency": "USD", **unknown, "count": 2, "amount_unknown_count": 2},
        {**group, "product_id": None, "currency": None, **unknown},
    ]
    assert not_in_sums(tallies) == {"reversed": 1, "family_shared": 2}
    assert sums_of([], []) == [] and not_in_sums([]) == {"reversed": 0, "family_shared": 0}


def test_transactions_with_more_refunds_than_price_are_counted() -> None:
    full = replace(PLAIN, percentage=100_000)
    twice = [full, replace(full, revocation_date=NOW + 1)]
    assert count_exceeding(twice) == 1 and count_exceeding([full]) == 0
    assert count_exceeding([*twice, *(replace(one, transaction_id="21") for one in twice)]) == 2
    assert count_exceeding([full, replace(full, revocation_date=NOW + 1, transaction_id="21")]) == 0
    assert count_exceeding([full, replace(twice[1], reversed_at=NOW)]) == 0
    assert count_exceeding([full, replace(twice[1], currency=None)]) == 0
    assert count_exceeding([replace(one, price=None, refunded=99_999) for one in twice]) == 0


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
    told = [Notification("u9", kind, NOW, "20", None) for kind in ("REFUND_DECLINED", "REFUND", "REFUND_REVERSED")]  # type: ignore[arg-type]
    both = events_of([(None, back)], told)
    assert [one.kind for one in both] == ["refund_declined", "refund", "refund_reversed"]
    assert (both[0].key, both[0].signed_date) == ("declined/u9", NOW)
    assert both[0].fields == {"notification_uuid": "u9", "transaction_id": "20", "what": "Refund declined"}
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


# What is seen at a service, without what stands in it.


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({"b": 1, "a": "x"}, "{a: text, b: number}"),
        ({"a": [True, None, 1.5, 2]}, "{a: [boolean or null or number]}"),
        ([], "[]"),
        ([[1], [[2]]], "[[[number]] or [number]]"),
        ([[[[1]]]], "[[[[...]]]]"),
        ([{"a": {"b": {"c": 1}}}], "[{a: {b: {...}}}]"),
        ({}, "{}"),
        ({"a": {"b": {"c": {"d": 1}}}}, "{a: {b: {c: {...}}}}"),
        ({"a": {"b": {"c": [1]}}}, "{a: {b: {c: [...]}}}"),
        ({"a b": 1, "x" * 40: 1}, f"{{(a name that is not shown): number, {'x' * 40}: number}}"),
        ({"x" * 41: 1}, "{(a name that is not shown): number}"),
        (b"x", "something else"),
    ],
)
def test_the_shape_of_an_answer(value: t.Any, wanted: str) -> None:
    assert shape(value) == wanted


def test_a_long_answer_is_cut() -> None:
    assert shape({f"a{number:02}": 1 for number in range(50)}).count(":") == 40
    assert shape([*[1] * 40, "x"]) == "[number]" and shape([*[1] * 39, "x"]) == "[number or text]"
    assert (judged(True), judged(False), field_name("a-b_C9"), field_name("9a")) == (
        "holds",
        "broken",
        "a-b_C9",
        "(a name that is not shown)",
    )
    made = Finding("p", "n", "a", "s", "holds")
    assert made.as_result() == {"part": "p", "name": "n", "assumption": "a", "seen": "s", "outcome": "holds"}


# A browser's session.

COOKIE = {"name": "sid", "value": "kT7xQ2vLw9Zs", "domain": ".d.example", "path": "/a", "expires": 5, "secure": True}
STORED = {"origin": "https://d.example:8443", "localStorage": [{"name": "t", "value": "mN4bV8cX1aQw", "more": 1}]}


def test_a_browser_session_keeps_what_playwright_takes() -> None:
    text = json.dumps({"cookies": [{**COOKIE, "hostOnly": True, "sameSite": "lax"}], "origins": [STORED], "x": 1})
    made = parse_browser_session(text, "o")
    assert made.state == {
        "cookies": [COOKIE],
        "origins": [{"origin": "https://d.example:8443", "localStorage": [{"name": "t", "value": "mN4bV8cX1aQw"}]}],
    }
    assert made.values() == {"kT7xQ2vLw9Zs", "mN4bV8cX1aQw"} == browser_session_values(text)
    assert made.mask("a kT7xQ2vLw9Zs b mN4bV8cX1aQw c") == "a ******** b ******** c"
    listed = parse_browser_session(json.dumps([{"name": "a", "value": "", "domain": "d"}]), "o")
    assert (
        listed.state["cookies"] == [{"name": "a", "value": "", "domain": "d", "path": "/"}] and listed.values() == set()
    )


@pytest.mark.parametrize("same_site", ["Strict", "Lax", "None"])
def test_a_cookie_keeps_where_it_is_sent(same_site: str) -> None:
    made = parse_browser_session(json.dumps({"cookies": [{**COOKIE, "sameSite": same_site}]}), "o")
    assert made.state["cookies"][0]["sameSite"] == same_site


@pytest.mark.parametrize("same_site", ["no_restriction", "unspecified", "lax", "strict"])
def test_a_cookie_of_an_extension_has_the_browsers_default(same_site: str) -> None:
    made = parse_browser_session(json.dumps({"cookies": [{**COOKIE, "sameSite": same_site}]}), "o")
    assert "sameSite" not in made.state["cookies"][0]


@pytest.mark.parametrize(
    "document",
    [
        7,
        "x",
        {"cookies": 7},
        {"cookies": [7]},
        *({"cookies": [{**COOKIE, name: odd}]} for name in ("name", "value", "domain", "path") for odd in (7, ["x"])),
        *({"cookies": [{**COOKIE, name: ""}]} for name in ("name", "domain")),
        *({"cookies": [{key: value for key, value in COOKIE.items() if key != name}]} for name in ("name", "domain")),
        {"cookies": [{**COOKIE, "expires": "x"}]},
        {"cookies": [{**COOKIE, "sameSite": "Other"}]},
        {"origins": [{**STORED, "origin": 7}]},
        {"origins": [{"localStorage": []}]},
        {"origins": [{**STORED, "localStorage": [{"name": "t", "value": 7}]}]},
        {"origins": [{**STORED, "localStorage": [{"name": 7, "value": "x"}]}]},
        {"origins": [{**STORED, "localStorage": [{"name": "t"}]}]},
    ],
    ids=repr,
)
def test_what_is_no_browser_session(document: t.Any) -> None:
    text = json.dumps(document)
    with pytest.raises(InputError, match=r"^o: isn't a browser session\. Give what Playwright") as caught:
        parse_browser_session(text, "o")
    assert caught.value.option == "o" and browser_session_values(text) == set()


def test_a_session_that_holds_nothing_or_too_much() -> None:
    for document in ({}, {"cookies": [], "origins": None}):
        with pytest.raises(InputError, match=r"^o: holds neither cookies nor local storage"):
            parse_browser_session(json.dumps(document), "o")
    with pytest.raises(InputError, match=rf"^o: has more than {LARGEST} characters"):
        parse_browser_session(" " * (LARGEST + 1), "o")
    text = json.dumps([COOKIE])
    assert parse_browser_session(text + " " * (LARGEST - len(text)), "o").state["origins"] == []


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        ("https://d.example/x", True),
        ("https://a.d.example/x", True),
        ("https://add.example/x", False),
        ("https://exact.example/", True),
        ("https://a.exact.example/", False),
        ("https://stored.example:8443/y", True),
        ("https://stored.example/y", False),
        ("http://stored.example:8443/y", False),
        ("x", False),
    ],
)
def test_for_whom_a_session_holds_anything(url: str, fits: bool) -> None:
    cookies = [{**COOKIE, "domain": ".D.example"}, {**COOKIE, "domain": "exact.example"}]
    document = {"cookies": cookies, "origins": [{"origin": "https://stored.example:8443"}]}
    assert parse_browser_session(json.dumps(document), "o").fits(url) is fits
