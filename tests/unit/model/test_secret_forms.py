# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms in which a secret may turn up, all of which are masked."""

from __future__ import annotations

import base64

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model.secret import forms, looks_secret

DASHES = "-" * 5
ONE, TWO = "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbb"
PEM = f"{DASHES}BEGIN X{DASHES}\n{ONE}\n{TWO}\nshort\n{DASHES}END X{DASHES}\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", set()),
        ("abc", set()),
        ("abcd", {"abcd"}),
        (" abcd ", {" abcd ", "abcd"}),
        (" abc ", {" abc "}),
        ("one line only", {"one line only"}),
        # Literal line breaks, and real ones.
        ("secret1\\nsecret2", {"secret1\\nsecret2", "secret1\nsecret2", "secret1secret2"}),
        ("secret1\\r\\nsecret2", {"secret1\\r\\nsecret2", "secret1\nsecret2", "secret1secret2"}),
        ("s1s1\r\ns2s2", {"s1s1\r\ns2s2", "s1s1\ns2s2", "s1s1s2s2"}),
        # A line by itself, from twelve characters on.
        (f"{TWO}\nshort", {f"{TWO}\nshort", TWO, f"{TWO}short"}),
        (f"{DASHES}X{DASHES}\n{ONE}\n", {f"{DASHES}X{DASHES}\n{ONE}\n", f"{DASHES}X{DASHES}\n{ONE}", ONE}),
        (PEM, {PEM, PEM.strip(), ONE, TWO, f"{ONE}{TWO}short"}),
    ],
)
def test_forms_of_a_text(text: str, wanted: set[str]) -> None:
    assert forms(text) == wanted


def test_what_is_wrapped_in_base64_is_known_too() -> None:
    encoded = base64.b64encode(PEM.encode()).decode()
    assert forms(encoded) == {encoded} | forms(PEM)
    wrapped = f"{encoded[:40]}\n{encoded[40:]}"
    assert forms(wrapped) >= {wrapped, encoded, encoded[:40], encoded[40:]} | forms(PEM)
    # A body in pieces: all of it, and each piece from twelve characters on.
    body = base64.b64encode(b"x" * 9 + bytes.fromhex("06082a8648ce3d030107") + b"x" * 9).decode()
    spaced = f"{body[:12]} {body[12:35]} {body[35:]}"
    assert forms(spaced) == {spaced, body, body[:12], body[12:35]}
    # A text that only looks like base64 is no more than itself.
    other = base64.b64encode(b"no key in it at all").decode()
    assert forms(other) == {other}


@pytest.mark.parametrize(
    ("url", "passwords"),
    [
        ("postgresql://u:pass%20word@h/d", {"pass%20word", "pass word"}),
        ("  HTTPS://u:password@h", {"password"}),
        # One that was not escaped as it should be: each piece may be shown by itself.
        ("https://u:pass@word/more?x@h", {"pass@word/more?x", "pass", "word", "more"}),
        ("https://:password@h", {"password"}),
        ("https://user@h", set()),
        ("https://h:8443/a", set()),
        ("u:password@h", set()),
    ],
)
def test_the_password_of_a_url(url: str, passwords: set[str]) -> None:
    assert forms(url) == {url, url.strip()} | passwords


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (PEM, True),
        (base64.b64encode(b"x PRIVATE KEY and more of it").decode(), True),
        ("myacinfo=abc", True),
        ("myacinfo", False),
        ("com.example.one", False),
    ],
)
def test_what_looks_like_a_key_or_a_session(text: str, wanted: bool) -> None:
    assert looks_secret(text) is wanted
