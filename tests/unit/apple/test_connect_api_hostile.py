# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client of the App Store Connect API against answers that Apple never gave."""

from __future__ import annotations

import json
import typing as t

import pytest
from connect_api_support import client, entry, listed
from unit_servers import Canned, scripted

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import RefundsError

ODD_ENTRIES: list[t.Any] = [
    None,
    "app",
    {"type": "builds", "id": "1", "attributes": {"bundleId": "com.example.a1"}},
    {"type": "apps", "id": 1, "attributes": {"bundleId": "com.example.a1"}},
    {"type": "apps", "id": "0x1", "attributes": {"bundleId": "com.example.a1"}},
    {"type": "apps", "id": "9" * 400, "attributes": {"bundleId": "com.example.a1"}},
    {"type": "apps", "id": "1", "attributes": None},
    {"type": "apps", "id": "1", "attributes": {"bundleId": ["com.example.a1"]}},
    {"type": "apps", "id": "1", "attributes": {"bundleId": "{{ lookup('pipe','id') }}"}},
    {"type": "apps", "id": "1", "attributes": {"bundleId": "com.example.a1\n"}},
]


@pytest.mark.parametrize("odd", ODD_ENTRIES, ids=repr)
def test_an_entry_that_is_no_app_is_left_out_with_a_warning(pem: str, odd: t.Any) -> None:
    with scripted(listed(odd, entry(7))) as server:
        made = client(pem, server.url)
        assert [app.bundle_id for app in made.api.apps()] == ["com.example.a7"]
    assert len(made.warnings) == 1 and "1 entries" in made.warnings[0]


def test_attributes_of_a_wrong_type_are_unknown(pem: str) -> None:
    odd = entry(1, name=7, sku={"a": 1}, subscriptionStatusUrl=True, subscriptionStatusUrlVersion="V3")
    with scripted(listed(odd)) as server:
        (app,) = client(pem, server.url).api.apps()
    assert (app.name, app.sku, app.notification_url, app.notification_url_version) == (None, None, None, None)


@pytest.mark.parametrize(
    "following",
    [
        "https://attacker.example/v1/apps?cursor=x",
        "http://127.0.0.1:{other}/v1/apps?cursor=x",
        "http://localhost:{port}/v1/apps?cursor=x",
        "https://127.0.0.1:{port}/v1/apps?cursor=x",
        "http://127.0.0.1:{port}/v1/users?cursor=x",
        "http://127.0.0.1:{port}@attacker.example/v1/apps",
        "http://user@127.0.0.1:{port}/v1/apps?cursor=x",
        "http://127.0.0.1:{port}/v1/apps?cursor=x\r\nHost: attacker.example",
        "//attacker.example/v1/apps",
        "/v1/apps?cursor=x",
        "http://127.0.0.1:notaport/v1/apps",
        {"href": "https://attacker.example"},
        7,
    ],
    ids=repr,
)
def test_a_next_page_elsewhere_never_gets_the_token(pem: str, following: t.Any) -> None:
    with scripted() as server, scripted() as other:
        port, foreign = server.server_address[1], other.server_address[1]
        if isinstance(following, str):
            following = following.replace("{port}", str(port)).replace("{other}", str(foreign))
        server.answers = [listed(entry(1), following=following)]
        with pytest.raises(RefundsError, match="at another place") as caught:
            client(pem, server.url).api.apps()
        assert len(server.requests) == 1 and other.requests == []
        assert server.requests[0]["authorization"].removeprefix("Bearer ") not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_plain_http_page_of_a_secure_service_is_refused(pem: str) -> None:
    api = client(pem, None).api
    assert api._is_own("https://api.appstoreconnect.apple.com/v1/apps?cursor=x")
    assert api._is_own("https://API.appstoreconnect.apple.com:443/v1/apps?cursor=x")
    assert not api._is_own("http://api.appstoreconnect.apple.com/v1/apps?cursor=x")
    assert not api._is_own("https://api.appstoreconnect.apple.com:8443/v1/apps?cursor=x")
    assert not api._is_own("https://api.appstoreconnect.apple.com.attacker.example/v1/apps")


def test_pages_that_go_in_a_circle_end(pem: str) -> None:
    with scripted() as server:
        second = f"{server.url}/v1/apps?cursor=b"
        server.answers = [listed(entry(1), following=second), listed(entry(2), following=second)]
        with pytest.raises(RefundsError, match="has no end"):
            client(pem, server.url).api.apps()
        assert len(server.requests) == 2


def test_pages_without_end_are_bounded(pem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{client(pem, None).api.__module__}._MOST_PAGES", 5)
    with scripted() as server:
        server.answers = [listed(entry(i + 1), following=f"{server.url}/v1/apps?cursor={i}") for i in range(9)]
        with pytest.raises(RefundsError, match="has no end"):
            client(pem, server.url).api.apps()
        assert len(server.requests) == 5


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Canned(200, {}, b"[]"), "instead of JSON"),
        (Canned(200, {"Content-Type": "text/html"}, b"<html>Sign in</html>"), "text/html"),
        (Canned(200, {}, b'{"a":' * 100_000), "instead of JSON"),
        (Canned(200, {}, b"{}"), "no list of apps"),
        (Canned(200, {}, b'{"data": {}}'), "no list of apps"),
        (Canned(302, {"Location": "https://attacker.example/"}), "redirect"),
        (Canned(404, {}, b""), "app_store_connect_api_url"),
        (Canned(403, {}, b"{}"), "revoked"),
        (Canned(400, {}, b'{"errors": "no"}'), "HTTP 400"),
        (Canned(400, {}, b'{"errors": [7, {"code": 1}]}'), "HTTP 400"),
        (Canned(503, {}, b""), "system status"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.status}",
)
def test_answers_that_are_no_list(pem: str, answer: Canned, words: str) -> None:
    with scripted(answer) as server, pytest.raises(RefundsError, match=words):
        client(pem, server.url).api.apps()


def test_an_agreement_is_named(pem: str) -> None:
    error = {"status": "403", "code": "FORBIDDEN.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED", "title": "A", "detail": "B"}
    answer = Canned(403, {}, json.dumps({"errors": [error]}).encode())
    with scripted(answer) as server, pytest.raises(RefundsError, match="Account Holder accepts it"):
        client(pem, server.url).api.apps()


def test_a_token_that_comes_back_is_not_shown(pem: str) -> None:
    class Echo(list[Canned]):
        def __getitem__(self, _index: t.Any) -> t.Any:
            detail = f"bad: {server.requests[-1]['authorization']}"
            return Canned(401, {}, json.dumps({"errors": [{"code": "NOT_AUTHORIZED", "detail": detail}]}).encode())

    with scripted() as server:
        server.answers = Echo([Canned()])
        with pytest.raises(RefundsError, match="NOT_AUTHORIZED") as caught:
            client(pem, server.url).api.apps()
        token = server.requests[-1]["authorization"].removeprefix("Bearer ")
    assert token[:30] not in str(caught.value) and "bad:" in str(caught.value)


@pytest.mark.parametrize(
    "header", ["", "user-hour-lim:3500;", "user-hour-lim:x;user-hour-rem:y;", "user-hour-rem:1", ";;;"]
)
def test_an_odd_quota_says_nothing(pem: str, header: str) -> None:
    page = listed(entry(1))
    page.headers["X-Rate-Limit"] = header
    with scripted(page) as server:
        made = client(pem, server.url)
        assert len(made.api.apps()) == 1
    assert made.warnings == []
