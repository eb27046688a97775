# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked of the App Store Server API, with which token, and what counts as a page. No call is made."""

from __future__ import annotations

import typing as t

import jwt
import pytest
from unit_support import BUNDLE_ID, ISSUER, KEY_ID

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_server import (
    Answer,
    AppStoreServer,
    Hosts,
    answer,
    is_page_token,
    page_of,
)
from ansible_collections.storeops.refunds.plugins.module_utils._apple.token import (
    ConnectApiCredentials,
    sign_for_connect_api,
)
from ansible_collections.storeops.refunds.plugins.module_utils._http import Call, Reply
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Credentials
from ansible_collections.storeops.refunds.plugins.module_utils._model.private_key import parse_content

NOW = 1_800_000_000


def read(token: str) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """What a token claims, and its header."""
    return jwt.decode(token, options={"verify_signature": False}), jwt.get_unverified_header(token)


@pytest.mark.parametrize(
    ("options", "offset"), [({}, 0), ({"clock_offset": -90.0}, -90), ({"clock_offset": 400.4}, 400)]
)
def test_a_transaction_is_asked_for_with_a_token_of_the_app(pem: str, options: dict[str, float], offset: int) -> None:
    asked: list[tuple[str, str]] = []

    class Transport:
        def send(self, call: Call) -> Reply:
            asked.append((call.url, call.headers()["Authorization"].removeprefix("Bearer ")))
            return Reply(404, {"date": "today", "content-type": "application/json"}, b'{"errorCode": 4040010}')

    server = AppStoreServer(t.cast(t.Any, Transport()), Hosts(), lambda: NOW + 0.5)
    credentials = Credentials(ISSUER, KEY_ID, parse_content(pem))
    found = server.get_transaction_info(credentials, BUNDLE_ID, "sandbox", **t.cast(t.Any, options))
    assert found == Answer(404, {"errorCode": 4040010}, "application/json", "today", None) and found.proves_acceptance
    ((url, token),) = asked
    assert url == "https://api.storekit-sandbox.apple.com/inApps/v1/transactions/1000000000000001"
    times = {"iat": NOW + offset - 60, "exp": NOW + offset + 300}
    claims = {"iss": ISSUER, "bid": BUNDLE_ID, "aud": "appstoreconnect-v1", **times}
    assert read(token) == (claims, {"alg": "ES256", "kid": KEY_ID, "typ": "JWT"})


@pytest.mark.parametrize(("issuer", "whose"), [(ISSUER, {"iss": ISSUER}), (None, {"sub": "user"})])
def test_a_token_of_the_app_store_connect_api(pem: str, issuer: str | None, whose: dict[str, str]) -> None:
    token = sign_for_connect_api(ConnectApiCredentials(KEY_ID, issuer, parse_content(pem)), NOW + 0.5).reveal()
    times = {"iat": NOW - 60, "exp": NOW + 600}
    assert read(token) == (
        {**whose, "aud": "appstoreconnect-v1", **times},
        {"alg": "ES256", "kid": KEY_ID, "typ": "JWT"},
    )


def test_an_answer_without_a_date_has_none() -> None:
    assert answer(Reply(200, {}, b"")) == Answer(200, None, "", "", None)


@pytest.mark.parametrize(
    ("token", "wanted"),
    [("a", True), ("~!" * 2048, True), ("a" * 4097, False), ("", False), ("a b", False), ("a\n", False)]
    + [(odd, False) for odd in (None, 7, True, ["a"], b"a", "\u00e9", "a\x7f")],
)
def test_the_name_of_a_next_page_fits_into_a_url(token: object, wanted: bool) -> None:
    assert is_page_token(token) is wanted


@pytest.mark.parametrize(
    ("document", "items"),
    [
        ({"hasMore": False, "list": [1, 2]}, [1, 2]),
        ({"hasMore": True, "list": [1]}, [1]),
        ({"hasMore": True, "list": []}, []),
        # Only the last page may leave an empty list out.
        ({"hasMore": False}, []),
        ({"hasMore": True}, None),
        ({"hasMore": False, "list": [0] * 100}, [0] * 100),
        ({"hasMore": False, "list": [0] * 101}, None),
        ({"hasMore": False, "list": {}}, None),
        ({"hasMore": False, "list": None}, None),
        ({"hasMore": False, "list": "abc"}, None),
        # An error, or a proxy's JSON.
        ({"hasMore": False, "list": [1], "errorCode": 4040010}, None),
        ({"errorCode": 4040010}, None),
        ({"list": [1]}, None),
        ({"hasMore": "no", "list": [1]}, None),
        ({"hasMore": 0, "list": [1]}, None),
        ({"HasMore": False, "list": [1]}, None),
        ({}, None),
        (None, None),
    ],
)
def test_only_a_page_of_the_list_counts_as_one(document: t.Any, items: list[int] | None) -> None:
    found = page_of(Answer(200, document, "application/json", "", None), "list")
    assert found == (None if items is None else {**document, "list": items})


@pytest.mark.parametrize(
    ("override", "url", "other", "has_both"),
    [
        (None, "https://api.storekit-sandbox.apple.com", "", True),
        ("https://api.storekit.apple.com", "https://api.storekit.apple.com", "", False),
        ("http://127.0.0.1:8765/a", "http://127.0.0.1:8765/a", "127.0.0.1:8765", False),
        ("http://127.0.0.1:1/{environment}", "http://127.0.0.1:1/sandbox", "127.0.0.1:1", True),
    ],
)
def test_an_own_url_is_known_as_somebody_elses(override: str | None, url: str, other: str, has_both: bool) -> None:
    hosts = Hosts(override)
    assert (hosts.url("sandbox"), hosts.other_than_apple("sandbox"), hosts.has_both) == (url, other, has_both)
