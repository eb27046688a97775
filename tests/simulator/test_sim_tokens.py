# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every refusal, with tokens made by hand; the client learns nothing, the call log everything."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping

import jwt
import pytest
import requests
from sim_support import (
    ASC_KEY_ID,
    BUNDLE_ID,
    ISSUER,
    KEY_ID,
    OTHER_BUNDLE_ID,
    OTHER_ISSUER,
    REVOKED_KEY_ID,
    UNRELEASED,
    KeyPair,
    Running,
    new_token,
    new_world,
)
from storeops_simulator.vendors.app_store_server.token_checks import (
    Refused,
    check_token,
    read_token,
)
from storeops_simulator.world_input import read_world

Claims = Callable[[int], Mapping[str, object]]

BY_CLAIMS: dict[str, tuple[str, Claims]] = {
    "issuer of another team": ("issuer_mismatch", lambda now: {"iss": OTHER_ISSUER}),
    "issuer missing": ("issuer_mismatch", lambda now: {"iss": None}),
    "audience wrong": ("wrong_audience", lambda now: {"aud": "advanced-commerce-api"}),
    "audience missing": ("wrong_audience", lambda now: {"aud": None}),
    "bundle ID missing": ("bundle_id_missing", lambda now: {"bid": None}),
    "bundle ID unknown": ("unknown_bundle_id", lambda now: {"bid": "com.example.nowhere"}),
    "bundle ID in capitals": ("bundle_id_wrong_case", lambda now: {"bid": BUNDLE_ID.upper()}),
    "bundle ID of another team": (
        "bundle_id_of_another_team",
        lambda now: {"bid": OTHER_BUNDLE_ID},
    ),
    "app never released": ("app_not_released", lambda now: {"bid": UNRELEASED}),
    "expired": ("expired", lambda now: {"iat": now - 600, "exp": now - 1}),
    "expired without iat": ("expired", lambda now: {"iat": None, "exp": now - 1}),
    "exp missing": ("exp_missing_or_not_a_number", lambda now: {"exp": None}),
    "exp as text": ("exp_missing_or_not_a_number", lambda now: {"exp": str(now + 300)}),
    "exp not a number": ("exp_missing_or_not_a_number", lambda now: {"exp": float("nan")}),
    "exp true": ("exp_missing_or_not_a_number", lambda now: {"exp": True}),
    "life too long": ("life_too_long", lambda now: {"iat": now - 60, "exp": now - 60 + 3601}),
    "exp too far without iat": ("life_too_long", lambda now: {"iat": None, "exp": now + 3700}),
    "issued in the future": ("issued_in_future", lambda now: {"iat": now + 30}),
    "times in ms": (
        "time_in_milliseconds",
        lambda now: {"iat": now * 1000, "exp": (now + 300) * 1000},
    ),
    "iat in ms": ("time_in_milliseconds", lambda now: {"iat": now * 1000}),
}

BY_HEADER: dict[str, tuple[str, Mapping[str, object]]] = {
    "unknown key": ("unknown_key_id", {"kid": "NOSUCHKEY1"}),
    "revoked key": ("revoked_key", {"kid": REVOKED_KEY_ID}),
    "App Store Connect key": ("app_store_connect_key", {"kid": ASC_KEY_ID}),
    "no Key ID": ("key_id_missing", {"kid": None}),
}

SOUND: dict[str, Claims] = {
    "with iat": lambda now: {},
    "without iat, as Apple's library": lambda now: {"iat": None},
    "exactly one hour": lambda now: {"iat": now - 60, "exp": now - 60 + 3600},
    "extra claims": lambda now: {"nonce": "3c3a0c9f-0b5e-4a0c-8b86-0d1f6d7c1d11"},
}


def ask(sim: Running, authorization: str | None, environment: str = "production") -> requests.Response:
    """Call Get Transaction Info with a made-up ID."""
    headers = {} if authorization is None else {"Authorization": authorization}
    return sim.session.get(sim.transaction_url("1", environment), headers=headers, timeout=120)


def assert_refused(sim: Running, answer: requests.Response, reason: str) -> None:
    """The answer is Apple's 401, and the reason is in the call log only."""
    assert answer.status_code == 401
    assert re.fullmatch(r"Unauthenticated\n\nRequest ID: [A-Z2-7]{26}\.0\.0\n", answer.text)
    assert answer.headers["server"] == "daiquiri/5"
    assert answer.headers["content-type"] != "application/json"
    assert "date" in answer.headers
    assert reason not in answer.text + str(answer.headers)
    call = sim.calls()["calls"][-1]
    assert (call["status"], call["refusal"]) == (401, reason)


@pytest.mark.parametrize("case", BY_CLAIMS)
def test_claims_that_are_refused(sim: Running, pair: KeyPair, case: str) -> None:
    reason, claims = BY_CLAIMS[case]
    token = new_token(pair.private_pem, claims(int(time.time())))
    assert_refused(sim, ask(sim, f"Bearer {token}"), reason)


@pytest.mark.parametrize("case", BY_HEADER)
def test_headers_that_are_refused(sim: Running, pair: KeyPair, case: str) -> None:
    reason, header = BY_HEADER[case]
    if header["kid"] is None:
        claims = {"iss": ISSUER, "bid": BUNDLE_ID, "exp": int(time.time()) + 300}
        token = jwt.encode(claims, pair.private_pem, algorithm="ES256")
    else:
        token = new_token(pair.private_pem, header=header)
    assert_refused(sim, ask(sim, f"Bearer {token}"), reason)


def test_another_algorithm(sim: Running) -> None:
    claims = {"iss": ISSUER, "bid": BUNDLE_ID, "exp": int(time.time()) + 300}
    token = jwt.encode(claims, "s" * 32, algorithm="HS256", headers={"kid": KEY_ID})
    assert_refused(sim, ask(sim, f"Bearer {token}"), "wrong_algorithm")


def test_the_algorithm_none(sim: Running) -> None:
    token = jwt.encode({"iss": ISSUER}, "", algorithm="none", headers={"kid": KEY_ID})
    assert_refused(sim, ask(sim, f"Bearer {token}"), "wrong_algorithm")


def test_a_strange_signature(sim: Running, stranger: KeyPair) -> None:
    token = new_token(stranger.private_pem)
    assert_refused(sim, ask(sim, f"Bearer {token}"), "bad_signature")


def test_a_shortened_signature(sim: Running, pair: KeyPair) -> None:
    token = new_token(pair.private_pem)[:-4]
    assert_refused(sim, ask(sim, f"Bearer {token}"), "bad_signature")


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        (None, "authorization_missing"),
        ("Basic dXNlcjpwYXNz", "not_bearer"),
        ("Bearer", "malformed_token"),
        ("Bearer garbage", "malformed_token"),
        ("Bearer a.b.c", "malformed_token"),
        ("Bearer e30.W10.AA", "malformed_token"),
        ("Bearer ...", "malformed_token"),
    ],
)
def test_headers_without_a_token(sim: Running, authorization: str | None, reason: str) -> None:
    assert_refused(sim, ask(sim, authorization), reason)


@pytest.mark.parametrize("case", SOUND)
def test_sound_tokens_are_accepted(sim: Running, pair: KeyPair, case: str) -> None:
    token = new_token(pair.private_pem, SOUND[case](int(time.time())))
    answer = ask(sim, f"Bearer {token}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"errorCode": 4040010, "errorMessage": "Transaction id not found."}


@pytest.mark.parametrize(
    ("issued", "expires", "reason"),
    [
        (1000, 1001, None),
        (1001, 1300, "issued_in_future"),
        (900, 1000, "expired"),
        (1000, 4600, None),
        (1000, 4601, "life_too_long"),
        (None, 4600, None),
        (None, 4601, "life_too_long"),
    ],
)
def test_the_edges_of_time(pair: KeyPair, issued: int | None, expires: int, reason: str | None) -> None:
    token = read_token(f"Bearer {new_token(pair.private_pem, {'iat': issued, 'exp': expires})}")
    world = read_world(new_world(pair)).world
    if reason is None:
        assert check_token(token, world, "production", 1000.0).app.bundle_id == BUNDLE_ID
        return
    with pytest.raises(Refused, match=reason):
        check_token(token, world, "production", 1000.0)


def test_an_unreleased_app_is_accepted_by_the_sandbox(sim: Running, pair: KeyPair) -> None:
    token = new_token(pair.private_pem, {"bid": UNRELEASED})
    assert ask(sim, f"Bearer {token}", "sandbox").status_code == 404


def test_the_headers_of_an_answer(sim: Running, pair: KeyPair) -> None:
    headers = ask(sim, f"Bearer {new_token(pair.private_pem)}").headers
    assert re.fullmatch(r"[A-Z2-7]{26}", headers["x-apple-jingle-correlation-key"])
    assert re.fullmatch(r"[0-9a-f-]{36}", headers["x-apple-request-uuid"])
    assert headers["apple-originating-system"] == "CommerceGateway"
    assert "date" in headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/production/inApps/v1/unknown", 404),
        ("GET", "/production/inApps/v1/transactions/", 404),
        ("GET", "/staging/inApps/v1/transactions/1", 404),
        ("GET", "/", 404),
        ("POST", "/production/inApps/v1/transactions/1", 405),
    ],
)
def test_unknown_paths_have_no_body(sim: Running, method: str, path: str, status: int) -> None:
    origin = sim.base().removesuffix("/production")
    answer = sim.session.request(method, f"{origin}{path}", timeout=120)
    assert (answer.status_code, answer.content) == (status, b"")
