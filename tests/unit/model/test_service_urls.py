# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""URLs of services: what is cleaned, what is refused, and that nothing else is ever raised."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._model.identifiers import (
    is_loopback,
    parse_secret_url,
    parse_service_url,
    refuse_header,
)

ANY_TEXT = st.text(st.characters(categories=("L", "M", "N", "P", "S", "Z", "C")), max_size=300)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://example.com", "https://example.com"),
        ("https://vault_server:8200", "https://vault_server:8200"),
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
        f"o: {said} Give https://host[:port][/path], or http:// for a service on this machine."
    )


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (" https://chat.example.com/hooks/a?token=b&c=d \n", "https://chat.example.com/hooks/a?token=b&c=d"),
        ("HTTPS://vault.example.com:8200/", "HTTPS://vault.example.com:8200/"),
        ("http://127.0.0.1:8200", "http://127.0.0.1:8200"),
        ("http://localhost/a?b", "http://localhost/a?b"),
    ],
)
def test_a_url_for_secrets(text: str, url: str) -> None:
    assert parse_secret_url(text, "o") == url


@pytest.mark.parametrize("text", ["", " \n"])
def test_that_a_url_for_secrets_is_not_set_is_said(text: str) -> None:
    with pytest.raises(InputError, match=r"^o: isn't set\. Give https://"):
        parse_secret_url(text, "o")


# Each with what requests or urllib would show, or with where they would send it.
@pytest.mark.parametrize(
    "text",
    [
        "hooks.example.com/hunter2",
        "https://hooks.example.com/hunter2 x",
        "https://hooks.example.com/a\nhunter2",
        "https://hooks.example.com/a?b=\x7fhunter2",
        "https://hooks.example.com/hunter2\u00e9",
        "https://hooks.example.com:hunter2/a",
        "https://me:hunter2@hooks.example.com/a",
        "https://[hunter2/a",
        "https:///hunter2",
        "ftp://hooks.example.com/hunter2",
        "http://hooks.example.com/hunter2",
        "http://vault.corp:8200/hunter2",
        "http://127.0.0.1.example.com/hunter2",
        "http://example.com?@127.0.0.1/hunter2",
        "https://hooks.example.com/a#hunter2",
    ],
)
def test_what_is_no_url_for_secrets_is_not_shown(text: str) -> None:
    with pytest.raises(InputError, match=r"^o: .* Give https://host") as caught:
        parse_secret_url(text, "o")
    assert "hunter2" not in str(caught.value) and "example" not in str(caught.value)


@given(ANY_TEXT)
def test_any_text_is_a_url_for_secrets_or_an_input_error(text: str) -> None:
    for url in (text, f"https://example.com/{text}", f"http://127.0.0.1/{text}"):
        with contextlib.suppress(InputError):
            kept = parse_secret_url(url, "o")
            assert kept.isascii() and kept.isprintable() and " " not in kept


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("Authorization", "Token hunter2\n", "the header 'Authorization' has a line break"),
        ("Authorization", "Token hunter2\r\nX: y", "the header 'Authorization' has a line break"),
        ("Authorization", "\u201chunter2\u201d", "the header 'Authorization' has a line break or another character"),
        ("Authorization", "", "the header 'Authorization' is empty."),
        ("Token hunter2", "x", "a header's name has a character that no name has."),
        ("X:", "x", "a header's name has a character that no name has."),
    ],
)
def test_a_header_that_cannot_be_sent_is_not_shown(name: str, value: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        refuse_header(name, value, "o")
    assert str(caught.value).startswith(f"o: {said}") and "hunter2" not in str(caught.value)
    refuse_header("X-Vault-Token", "hvs.abc-DEF_123 ~", "o")
