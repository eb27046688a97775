# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""URLs of services: what is cleaned, what is refused, and that nothing else is ever raised."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._model.identifiers import is_loopback, parse_service_url

ANY_TEXT = st.text(st.characters(categories=("L", "M", "N", "P", "S", "Z", "C")), max_size=300)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://example.com", "https://example.com"),
        (" https://example.com/ \n", "https://example.com"),
        ("https://example.com:8443/a/b///", "https://example.com:8443/a/b"),
        ("https://example.com/X", "https://example.com/X"),
        ("HTTPS://Example.com", "HTTPS://Example.com"),
        ("http://127.0.0.1:8765", "http://127.0.0.1:8765"),
        ("http://127.200.3.4", "http://127.200.3.4"),
        ("http://localhost:1/x", "http://localhost:1/x"),
        ("http://LOCALHOST", "http://LOCALHOST"),
        ("http://[::1]:8765/a", "http://[::1]:8765/a"),
        ("http://127.0.0.1:1/app-store-server/{environment}", "http://127.0.0.1:1/app-store-server/{environment}"),
    ],
)
def test_service_url(text: str, url: str) -> None:
    assert parse_service_url(text, "app_store_server_url") == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "//example.com",
        "https://",
        "https:///path",
        "ftp://example.com",
        "file:///etc/passwd",
        "https://example.com:port",
        "https://example.com:99999",
        "https://[::1",
        "https://example.com/?a=b",
        "https://example.com/#a",
        "https://user@example.com",
        "https://user:hunter2@example.com",
        "https://:@example.com",
        "https://exa mple.com",
        "https://example.com/a\nb",
        "https://example.com/\x00",
        "https://example\u00a0.com",
        "http://example.com",
        "http://10.0.0.1",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://example.com/127.0.0.1",
        "http://127.0.0.1@example.com",
        "http://127.0.0.1\\@example.com",
        "http://localhost\\.example.com",
        "http://0.0.0.0",
        "http://[::2]",
        "https://evil.example\\.apple.com",
        "https://evil.example\\@appstoreconnect.apple.com",
        "https://evil.example\\/appstoreconnect.apple.com",
        "https:\\\\evil.example",
        "https://appstoreconnect.apple.com\\",
        "https://example.com/a\\b",
        "https://appstoreconnect.apple.com@evil.example",
        "https://appstoreconnect.apple.com:443@evil.example",
        "https://appstoreconnect.apple.com%40evil.example",
        "https://@evil.example",
        "https://hunter2%00@evil.example",
        "https://evil.example%2f.apple.com",
        "https://evil.example;.apple.com",
        "https://evil.example,.apple.com",
        "https://ev\u0131l.example",
        "https://.apple.com",
        "https://apple.com.",
        "http://127.999.1.1",
        "http://127.1",
        "http://127.0.0.\u0661",
        "http://\u0661\u0662\u0667.\u0660.\u0660.\u0661",
        "http://localhost@evil.example",
        "http://[::1]@evil.example",
        "http://[::1].evil.example",
        "http://evil.example[::1]",
    ],
)
def test_no_service_url(text: str) -> None:
    with pytest.raises(InputError, match=r"^app_store_server_url: .* Give https://") as caught:
        parse_service_url(text, "app_store_server_url")
    assert "hunter2" not in str(caught.value)


@given(st.one_of(ANY_TEXT, ANY_TEXT.map("https://{}".format), ANY_TEXT.map("http://{}".format)))
def test_any_text_is_a_url_or_an_input_error(text: str) -> None:
    with contextlib.suppress(InputError):
        url = parse_service_url(text, "app_store_server_url")
        assert url.lower().startswith(("https://", "http://localhost", "http://127.", "http://[::1]"))
        assert not any(char.isspace() for char in url) and "?" not in url and "#" not in url


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.0.0.1", True), ("::1", True), ("LocalHost", True), ("127.1.2.3", True)]
    + [("LOCALHOST", True), ("127.255.255.255", True)]
    + [(host, False) for host in (None, "", "localhost.", "127.0.0.1.nip.io", "128.0.0.1", "::", "0.0.0.0")]
    + [(host, False) for host in ("127.999.1.1", "127.0.0.256", "127.0.0.\u0661", "\u0661\u0662\u0667.0.0.1")]
    + [(host, False) for host in ("127.1", "127.0.0.01", "127.0.0.1 ", "127.0.0.1\n", "localhost\n")],
)
def test_is_loopback(host: str | None, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    "url", ["https://u:pass-word@exa mple", "ftp://u:pass-word@example.com", "https://u:pass-word@[x"]
)
def test_a_password_in_a_wrong_url_is_not_repeated(url: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_service_url(url, "app_store_server_url")
    assert "pass-word" not in str(caught.value) and "app_store_server_url" in str(caught.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://[::1", "'https://[::1' isn't a URL."),
        ("https://u@[::1", "this isn't a URL."),
        ("ftp://example.com", "'ftp://example.com' isn't an http(s) URL."),
        ("ftp://u:p@example.com", "this isn't an http(s) URL."),
        ("https://example.com?a", "a base URL takes no user, password, query or fragment."),
        ("http://example.com", "credentials are sent over https only; plain http is for loopback."),
    ],
)
def test_what_is_wrong_with_a_url(url: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_service_url(url, "o")
    assert str(caught.value) == (
        f"o: {said} Give https://host[:port][/path], or http:// for a simulator on this machine."
    )
