# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Identifiers: what is cleaned, what is refused, and that nothing else is ever raised."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit_support import ISSUER, new_pem

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._model.identifiers import (
    parse_app_apple_id,
    parse_bundle_id,
    parse_issuer_id,
    parse_key_id,
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


def test_a_token_is_no_bundle_id() -> None:
    with pytest.raises(InputError, match=r"^bundle_id: 'aB3dE6\.\.\. \(36 characters\)' isn't a bundle ID"):
        parse_bundle_id("aB3dE6gH9" * 4)


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


@pytest.mark.parametrize("number", [None, 1, 1_000_000_000, 10**18 - 1])
def test_apple_id(number: int | None) -> None:
    assert parse_app_apple_id(number) == number


@pytest.mark.parametrize("number", [0, -1, 10**18])
def test_no_apple_id(number: int) -> None:
    with pytest.raises(InputError) as caught:
        parse_app_apple_id(number, "apps[3].app_apple_id")
    assert str(caught.value) == (
        f"apps[3].app_apple_id: {number} isn't an Apple ID (a number of about 10 digits, such as 1000000000). "
        "Copy it from App Store Connect, App Information, General Information, Apple ID."
    )
    with pytest.raises(InputError, match=r"^app_apple_id: "):
        parse_app_apple_id(number)
