# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Frozen values: what they say of themselves, and what is seen at a service."""

from __future__ import annotations

import hashlib
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
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError, RefundsError
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
    known_as,
    parse_notification_url,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.permit import Permit
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
    assert made.brief == "One. Two." and replace(made, lead="Lead.").brief == "Lead."


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


OTHER = Url("https://other.example/a", "V2")


@pytest.mark.parametrize(
    ("inherited", "production", "on_other", "on_v1", "step", "state"),
    [
        (OTHER, None, "keep", "fail", "keep", "other_host"),
        (OTHER, MINE, "fail", "keep", "fail", "other_host"),
        (OTHER, MINE, "replace", "fail", "set", "other_host"),
        # Of the same publisher, for whom production's host is declared.
        (OTHER, replace(OTHER, text="https://other.example/b"), "fail", "fail", "set", "none"),
        (MINE, None, "fail", "fail", "set", "as_declared"),
        (replace(MINE, version="V1"), MINE, "fail", "keep", "keep", "version_1"),
        (replace(OTHER, version="V1"), OTHER, "fail", "keep", "set", "none"),
    ],
)
def test_what_the_sandbox_has_through_production_is_somebodys(
    inherited: Url, production: Url | None, on_other: t.Any, on_v1: t.Any, step: str, state: str
) -> None:
    found = choose(None, MINE, on_other, on_v1, inherited, production)
    assert (found.step, found.state) == (step, state)
    # A URL of its own counts alone.
    assert choose(MINE, MINE, on_other, on_v1, inherited, production).step == "none"
    own = replace(OTHER, text="https://other.example/c")
    assert choose(own, MINE, "keep", "keep", inherited, own).step == "keep"


def test_a_url_shows_its_host_alone() -> None:
    made = Url("https://user@Refunds.example:443/secret", "V1")
    digest = hashlib.sha256(made.text.encode()).hexdigest()
    assert made.as_result() == {"host": "refunds.example:443", "url_sha256": digest, "version": "V1"}
    assert known_as(None) == "none" and known_as(made) == "V1" and known_as(replace(made, version=None)) == "unasked"


def test_a_declared_url_is_of_https_and_kept_as_it_is() -> None:
    assert parse_notification_url(" https://refunds.example/a/ ", "o") == Url("https://refunds.example/a/", "V2")
    for text in ("http://127.0.0.1/a", "refunds.example", "ftp://refunds.example"):
        with pytest.raises(InputError) as caught:
            parse_notification_url(text, "o")
        assert caught.value.option == "o"
    with pytest.raises(InputError, match="isn't an https URL, and Apple takes no other"):
        parse_notification_url("http://127.0.0.1/a", "o")
    with pytest.raises(InputError, match="no user, password, query"):
        parse_notification_url("https://refunds.example/a?b", "o")


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
