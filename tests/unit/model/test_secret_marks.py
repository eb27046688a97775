# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The marks by which a wrapped key or session is known: they are in whatever base64 makes of it, wherever it stands."""

from __future__ import annotations

import base64

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model import secret_marks


def test_the_marks_are_made_by_this_code() -> None:
    assert secret_marks._marks() == secret_marks._ENCODED and len(secret_marks._ENCODED) > 20


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("code", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("word", ["PRIVATE KEY", "myacinfo"])
@pytest.mark.parametrize("before", range(6))
def test_a_word_is_known_behind_base64(word: str, code: str, layers: int, before: int) -> None:
    data = b"x" * before + word.encode(code) + b"yz" * 20
    for _layer in range(layers):
        data = base64.b64encode(data)
    text = data.decode()
    assert secret_marks.is_wrapped(text) and any(mark in text for mark in secret_marks._marks())
    assert any(mark in text for mark in secret_marks._ENCODED)


@pytest.mark.parametrize("before", range(6))
def test_the_curve_of_a_key_is_known_behind_base64(before: int) -> None:
    text = base64.b64encode(b"\xff" * before + bytes.fromhex("06082a8648ce3d030107") + b"\xff" * 9).decode()
    assert secret_marks.is_wrapped(text)
    pieces = secret_marks._pieces(bytes.fromhex("06082a8648ce3d030107"))
    assert len(pieces) == 3 and sum(piece in text for piece in pieces) == 1 and min(map(len, pieces)) >= 11


@pytest.mark.parametrize(
    ("text", "generated", "random"),
    [
        ("aB3dE6gH9j", True, False),
        # Nine characters are too few to tell.
        ("aB3dE6gH9", False, False),
        # Each kind of character has to be there, and they have to change quickly.
        ("aB-dE-gH-j", False, False),
        ("a3-d6-g9-j", False, False),
        ("A3-D6-G9-J", False, False),
        ("Monday2026", False, False),
        # Four changes in twelve characters are no more than a third.
        ("aaaBBB333a1", True, False),
        ("aaaaBBB333a1", False, False),
        ("aB3" * 11, True, True),
        ("aaaBBB333" * 4, False, False),
        ("a" + "BBB333aaa" * 3 + "BBB33", False, False),
        # Signs are no kind of their own, but part two kinds.
        ("aB3" * 10 + "+/", True, True),
        ("aB3" * 10 + "-_", True, False),
    ],
)
def test_what_no_person_named(text: str, generated: bool, random: bool) -> None:
    assert secret_marks.looks_generated(text) is generated
    assert secret_marks.looks_random(text) is secret_marks.looks_random(f"x {text} y") is random


MARK = base64.b64encode(b"xx PRIVATE KEY xx").decode()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (MARK, True),
        (MARK[:23], False),
        (f"{MARK[:12]} \t{MARK[12:]}", True),
        (f"{MARK[:12]}\\n{MARK[12:]}", True),
        (f"{MARK[:12]}\\\\r\\\\n{MARK[12:]}", True),
        (f"{MARK[:12]}%0A{MARK[12:]}", True),
        (f"{MARK[:12]}!{MARK[12:]}", False),
        ("06082a8648ce3d0301070000", True),
        ("06082A8648CE3D0301070000", True),
        ("06082a8648ce3d030107000", False),
        ("06082a8648ce3d0301080000", False),
        (MARK.lower(), False),
    ],
)
def test_what_a_key_is_wrapped_in(text: str, wanted: bool) -> None:
    assert secret_marks.is_wrapped(text) is wanted


CURVE = base64.b64encode(b"\xff" * 3 + bytes.fromhex("06082a8648ce3d030107") + b"\xff" * 20).decode()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("the key com.example.one is 2X9R4HXF34", "the key com.example.one is 2X9R4HXF34"),
        (f"is '{CURVE}' here", "is '#' here"),
        # Its rest is enough.
        (f"is -----BEGIN PRIVATE KEY-----\n{'A' * 16}B here", "is -----BEGIN PRIVATE KEY-----\n# here"),
        (f"is -----BEGIN EC PRIVATE KEY-----\\n{'a1' * 8} here", "is -----BEGIN EC PRIVATE # here"),
        (f"is -----BEGIN PRIVATE KEY-----{'A' * 15} here", f"is -----BEGIN PRIVATE KEY-----{'A' * 15} here"),
        (f"is '{'A' * 40}' here", f"is '{'A' * 40}' here"),
    ],
)
def test_the_last_net(text: str, wanted: str) -> None:
    assert secret_marks.blotted(text, "#") == wanted


@pytest.mark.parametrize(
    "text",
    [
        "x -----BEGIN PUBLIC KEY",
        "the end of one PRIVATE KEY-----",
        "myacinfo=a",
        "myacinfo\ta",
        "'myacinfo': 'a'",
        '"name": "myacinfo"',
        "name: myacinfo",
        # Escaped for a URL, and in UTF-16.
        "%2d-----BEGIN",
        "%2D%2D%2D%2D%2DBEGIN+PRIVATE",
        "%6dyacinfo=a",
        "name%3Dmyacinfo",
        "%22name%22:+%22myacinfo%22",
        "".join(f"{char}\0" for char in "-----BEGIN"),
        "".join(f"{char}\0" for char in "myacinfo=a"),
    ],
)
def test_a_key_or_a_session_in_plain_sight(text: str) -> None:
    assert secret_marks.is_plain(text)


@pytest.mark.parametrize(
    "text", ["", "PRIVATE KEY", "BEGIN", "----BEGIN", "myacinfo", "/a/myacinfo.txt", "100 % of it", "a\0b", "name=x"]
)
def test_what_only_resembles_them(text: str) -> None:
    assert not secret_marks.is_plain(text)
