# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Identifiers and URLs: what is cleaned, what is refused, and that nothing else is ever raised."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit_support import ISSUER, new_pem

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._model.identifiers import (
    is_loopback,
    parse_bundle_id,
    parse_issuer_id,
    parse_key_id,
    parse_service_url,
    refuse_no_path,
    shown,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.masking import MASK

ANY_TEXT = st.text(st.characters(categories=("L", "M", "N", "P", "S", "Z", "C")), max_size=300)
PASTED = (
    "{}",
    " {} ",
    "\t{}\r\n",
    "\u00a0{}\u00a0",
    "\u200b{}",
    "{}\ufeff",
    "\u2060{}\u200d",
    "\u202a{}\u202c",
    "\u3000{}",
)
PARSERS: tuple[t.Callable[[str], str], ...] = (parse_issuer_id, parse_key_id, parse_bundle_id)


@pytest.mark.parametrize("frame", PASTED)
@pytest.mark.parametrize(
    ("parse", "clean"),
    [(parse_issuer_id, ISSUER), (parse_key_id, "2X9R4HXF34"), (parse_bundle_id, "com.Example.my-Game")],
)
def test_pasted_white_space_is_dropped(parse: t.Callable[[str], str], clean: str, frame: str) -> None:
    assert parse(frame.format(clean)) == clean


def test_white_space_inside_is_dropped_too() -> None:
    assert parse_issuer_id("57246542-96fe-1a63-\ne053-0824d011072a") == ISSUER
    assert parse_key_id("2X9R4\u00adHXF34") == "2X9R4HXF34"


@pytest.mark.parametrize("kept", [60, 10_000], ids=["its beginning", "all of it"])
def test_the_body_of_a_private_key_is_no_bundle_id(kept: int) -> None:
    """One in thirty has neither + nor / in its base64, and its padding may have got lost: letters and digits."""
    body = "+"
    while not body[:kept].isalnum():
        body = "".join(new_pem().splitlines()[1:-1]).rstrip("=")
    with pytest.raises(InputError) as error:
        parse_bundle_id(body[:kept])
    assert MASK in f"{error.value}" and body[:12] not in f"{error.value}"


@pytest.mark.parametrize("text", ["com.example app", "com.exam\nple.app", "com.example.\u00a0app"])
def test_white_space_inside_a_bundle_id_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="isn't a bundle ID"):
        parse_bundle_id(text)


def test_case() -> None:
    assert parse_issuer_id(ISSUER.upper()) == ISSUER
    assert parse_bundle_id("com.example.One") != parse_bundle_id("com.example.one")
    with pytest.raises(InputError, match="upper case"):
        parse_key_id("2x9r4hxf34")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "2X9R4HXF34",
        ISSUER[:-1],
        ISSUER + "0",
        ISSUER.replace("-", ""),
        ISSUER.replace("-", "\u2010"),
        ISSUER.replace("5", "g"),
        f"{{{ISSUER}}}",
        f"urn:uuid:{ISSUER}",
        ISSUER.replace("0", "\u0660"),
        ISSUER + "\x00",
    ],
)
def test_no_issuer_id(text: str) -> None:
    with pytest.raises(InputError, match=r"^issuer_id: .*Issuer ID.* Copy it from"):
        parse_issuer_id(text)


@pytest.mark.parametrize("text", ["", "-", "ABC-123", "A" * 33, "ABC.P8", "ÄBC", "\uff21BC", "ABC\x1b[2J", ISSUER])
def test_no_key_id(text: str) -> None:
    with pytest.raises(InputError, match=r"^keys\.a\.key_id: .*Key ID.* Copy it from"):
        parse_key_id(text, "keys.a.key_id")


def test_that_a_private_key_without_special_characters_is_no_bundle_id() -> None:
    dashes = "-" * 5
    text = f"{dashes}BEGIN PRIVATE KEY{dashes}\n{'Mi9x' * 46}\n{dashes}END PRIVATE KEY{dashes}\n"
    with pytest.raises(InputError, match=r"^bundle_id: .*\*\*\*.* isn't a bundle ID") as refused:
        parse_bundle_id(text)
    assert "Mi9x" not in str(refused.value)


@pytest.mark.parametrize("length", [1, 10, 12, 32])
def test_key_ids_of_other_lengths(length: int) -> None:
    assert parse_key_id("A" * length) == "A" * length


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "com.",
        ".com",
        "com..example",
        "com.example_1",
        "com/example",
        "com.exämple",
        "*",
        "a" * 256,
        "com.a\0b",
    ],
)
def test_no_bundle_id(text: str) -> None:
    with pytest.raises(InputError, match=r"^apps\[3\]\.bundle_id: .*bundle ID.* Copy it from"):
        parse_bundle_id(text, "apps[3].bundle_id")


@pytest.mark.parametrize("text", ["a", "com.example.game", "COM.Example-1.2", "a" * 255, "-", "1.2"])
def test_bundle_id(text: str) -> None:
    assert parse_bundle_id(text) == text


@given(ANY_TEXT)
def test_any_text_is_an_identifier_or_an_input_error(text: str) -> None:
    for parse in PARSERS:
        try:
            result = parse(text)
        except InputError as error:
            assert str(error).isascii() or "…" in str(error)
            assert len(str(error)) < 1200
        else:
            assert result.isascii() and result.isprintable()
            assert parse(result) == result


@given(ANY_TEXT)
def test_shown_is_short_and_harmless(text: str) -> None:
    assert shown(text).isascii() and shown(text).isprintable()
    assert len(shown(text)) <= 80 * 10 + 2


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
    "path",
    [
        "/tmp/build-d06389cd/examples/examples1/keys/AuthKey_9XK2M4N6P8.p8",
        "/builds/Ab12Cd34/group/project/keys/SubscriptionKey_2X9R4HXF34.p8",
        "~/ci/Ab12Cd34Ef56/Gh78Ij90Kl12/Mn34Op56Qr78/key.p8",
    ],
)
def test_a_path_is_judged_name_by_name(path: str) -> None:
    """Joined by its slashes it looks like base64."""
    refuse_no_path(path, "private_key_path")


@pytest.mark.parametrize("text", ["aB3dE6gH9" * 8, "/aB3dE6gH9" + "aB3dE6gH9" * 8, "aB3dE6/gH9" * 8])
def test_what_looks_like_a_key_is_no_path(text: str) -> None:
    with pytest.raises(InputError) as caught:
        refuse_no_path(text, "private_key_path")
    assert "aB3" not in f"{caught.value}"
