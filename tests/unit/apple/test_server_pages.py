# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What counts as a page of the App Store Server API, and as the name of the next one. No call is made."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_server import (
    Answer,
    Hosts,
    is_page_token,
    page_of,
)


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
