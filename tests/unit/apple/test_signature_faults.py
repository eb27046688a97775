# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reason by name for what Apple's library refused, for every rule that it may have broken."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from appstoreserverlibrary.signed_data_verifier import VerificationStatus
from chains_support import DAY, START, YEARS, Signed, make
from payload_support import DATE, jws

from ansible_collections.storeops.refunds.plugins.module_utils._apple.root_certificate import apple_root
from ansible_collections.storeops.refunds.plugins.module_utils._apple.signature_faults import fault_of
from ansible_collections.storeops.refunds.plugins.module_utils._apple.signed_data import SignedData, claimed_date

CHAIN, OTHER = make(), make()
FIRST, LAST = (int((START + days * DAY).timestamp()) * 1000 for days in YEARS[2])
NOW = (FIRST + LAST) // 2


def fault(
    chain: Signed = CHAIN, header: dict[str, t.Any] | None = None, signed_date: t.Any = NOW, bad: str = ""
) -> str:
    """The reason for a payload; ``header``: what differs in it. ``bad``: what to put in place of its signature."""
    head = {"alg": "ES256", "x5c": chain.x5c, **(header or {})}
    payload = {"signedDate": signed_date}
    text = chain.sign(payload)
    if bad:
        text = f"{text.rpartition('.')[0]}.{bad}"
    return fault_of(head, payload, CHAIN.root, text)


def odd(*certificates: t.Any) -> dict[str, t.Any]:
    """A header with other certificates."""
    return {"x5c": list(certificates)}


LEAF, MIDDLE, ROOT = CHAIN.x5c
HEADERS: dict[str, tuple[dict[str, t.Any], str]] = {
    "no chain": ({"x5c": None}, "missing_chain"),
    "an empty chain": (odd(), "missing_chain"),
    "a text": ({"x5c": LEAF}, "missing_chain"),
    "another algorithm": ({"alg": "none"}, "wrong_algorithm"),
    "two": (odd(LEAF, MIDDLE), "wrong_chain_length"),
    "four": (odd(LEAF, MIDDLE, ROOT, ROOT), "wrong_chain_length"),
    "no certificate": (odd("AAAA", MIDDLE, ROOT), "unreadable_certificate"),
    "no text": (odd(7, MIDDLE, ROOT), "unreadable_certificate"),
    "a break inside": (odd(f"{LEAF[:8]}\n{LEAF[8:]}", MIDDLE, ROOT), "unreadable_certificate"),
    "another root": ({"x5c": OTHER.x5c}, "wrong_root"),
    # Which root the chain itself names says nothing.
    "another root named": (odd(LEAF, MIDDLE, OTHER.x5c[2]), "unsuitable_chain"),
    "another's leaf": (odd(OTHER.x5c[0], MIDDLE, ROOT), "broken_chain"),
}


@pytest.mark.parametrize("case", HEADERS)
def test_faults_of_the_chain(case: str) -> None:
    header, reason = HEADERS[case]
    assert fault(header=header) == reason


@pytest.mark.parametrize(
    ("signed_date", "reason"),
    [
        (FIRST - 1, "not_yet_valid"),
        (FIRST, "unsuitable_chain"),
        (LAST, "unsuitable_chain"),
        # Certificates count in seconds.
        (LAST + 999, "unsuitable_chain"),
        (LAST + 1000, "expired"),
        (0, "not_yet_valid"),
        (10**30, "verification_failed"),
        # What is no date can't be why, and such a payload is nobody's to judge further.
        (None, "tampered"),
        (True, "tampered"),
        ("x", "tampered"),
    ],
)
def test_faults_of_the_date(signed_date: t.Any, reason: str) -> None:
    assert fault(signed_date=signed_date) == reason


@pytest.mark.parametrize(("leaf", "middle"), [(None, "x"), ("x", None), (None, None)])
def test_a_certificate_without_apples_mark(leaf: str | None, middle: str | None) -> None:
    marks: dict[str, t.Any] = {"leaf_oid": None} if leaf is None else {}
    marks |= {"intermediate_oid": None} if middle is None else {}
    made = make(**marks)
    payload = {"signedDate": NOW}
    assert fault_of({"alg": "ES256", "x5c": made.x5c}, payload, made.root, made.sign(payload)) == "missing_oid"


def test_a_signature_that_does_not_fit() -> None:
    assert fault() == "unsuitable_chain"
    assert fault(bad="A" * 86) == "tampered" and fault(bad="A") == "tampered"
    assert fault(replace(CHAIN, key=OTHER.key)) == "tampered"


def reason(status: VerificationStatus, payload: dict[str, t.Any], environment: t.Any = "production") -> str:
    """The reason for a payload that Apple's library refused with a status."""
    made = SignedData(apple_root(), environment, "com.example.one", 7)
    return made._reason(jws(payload), status)


MINE = {"bundleId": "com.example.one", "environment": "Production"}
STRANGER = {"bundleId": "com.example.two", "environment": "Production"}
APPS: dict[str, tuple[dict[str, t.Any], str]] = {
    "another app": ({"data": STRANGER}, "wrong_bundle_id"),
    "another Apple ID": ({"data": MINE}, "wrong_apple_id"),
    "another Apple ID, and the sandbox": ({"data": {**MINE, "environment": "Sandbox"}}, "wrong_environment"),
    "no environment": ({"data": {"bundleId": "com.example.one"}}, "wrong_environment"),
    "no app": ({"data": {"a": 1}}, "unexpected_fields"),
    "no object": ({"data": 7}, "unexpected_fields"),
    "nothing": ({}, "unexpected_fields"),
    "a transaction": (STRANGER, "wrong_bundle_id"),
    "a transaction of this app": (MINE, "wrong_apple_id"),
    # The first that is there counts.
    "a summary": ({"data": {}, "summary": STRANGER, "appData": MINE}, "wrong_bundle_id"),
    "data before a summary": ({"data": MINE, "summary": STRANGER}, "wrong_apple_id"),
    "app data": ({"appData": STRANGER}, "wrong_bundle_id"),
    "a token of the sandbox": (
        {"externalPurchaseToken": {"bundleId": "com.example.one", "externalPurchaseId": "SANDBOX_1"}},
        "wrong_environment",
    ),
    "a token": (
        {"externalPurchaseToken": {"bundleId": "com.example.one", "externalPurchaseId": "1_SANDBOX"}},
        "wrong_apple_id",
    ),
    "a token without an ID": ({"externalPurchaseToken": {"bundleId": "com.example.one"}}, "wrong_apple_id"),
}


@pytest.mark.parametrize("case", APPS)
def test_payloads_of_another_app(case: str) -> None:
    payload, wanted = APPS[case]
    assert reason(VerificationStatus.INVALID_APP_IDENTIFIER, payload) == wanted


@pytest.mark.parametrize("environment", ["production", "sandbox"])
@pytest.mark.parametrize("named", ["Production", "Sandbox"])
def test_payloads_of_the_other_environment(environment: str, named: str) -> None:
    data = {"bundleId": "com.example.one", "environment": named}
    wanted = "wrong_apple_id" if named.lower() == environment else "wrong_environment"
    assert reason(VerificationStatus.INVALID_APP_IDENTIFIER, {"data": data}, environment) == wanted
    token = {"bundleId": "com.example.one", "externalPurchaseId": "SANDBOX" if named == "Sandbox" else "1"}
    assert reason(VerificationStatus.INVALID_APP_IDENTIFIER, {"externalPurchaseToken": token}, environment) == wanted
    assert reason(VerificationStatus.INVALID_ENVIRONMENT, {"data": data}, environment) == "wrong_environment"


def test_whatever_else_apples_library_says_is_looked_for_in_the_signature() -> None:
    assert reason(VerificationStatus.VERIFICATION_FAILURE, {"data": MINE}) == "missing_chain"
    made = SignedData(CHAIN.root, "production", "com.example.one", 7)
    text = CHAIN.sign({"signedDate": FIRST - 1})
    assert made._reason(text, VerificationStatus.INVALID_CHAIN) == "not_yet_valid"
    assert made._reason("x", VerificationStatus.INVALID_CHAIN) == "undecodable"


@pytest.mark.parametrize(
    ("payload", "wanted"),
    [
        (jws({"signedDate": DATE}), DATE),
        (jws({"signedDate": True}), None),
        (jws({"signedDate": "1"}), None),
        (jws({}), None),
        ("x", None),
        (None, None),
        ({"signedDate": DATE}, None),
        ([jws({"signedDate": DATE})], None),
    ],
)
def test_the_date_that_a_payload_claims(payload: object, wanted: int | None) -> None:
    assert claimed_date(payload) == wanted
