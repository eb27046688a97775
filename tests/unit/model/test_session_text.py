# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A session's text without what people copy along with it, and the lists of cookies that are neither YAML nor JSON."""

from __future__ import annotations

import base64
import typing as t

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model.session_text import listed, unescaped, unwrapped

INNER = "a: myacinfo=b"
ENCODED = base64.b64encode(INNER.encode()).decode()
OTHER = base64.b64encode(b"nothing of the kind").decode()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (INNER, INNER),
        (f"\ufeff \t\r\n{INNER}\n\ufeff", INNER),
        (f"'{INNER}'", INNER),
        (f'" {INNER} "', INNER),
        (f"$'{INNER}'", INNER),
        (f"export FASTLANE_SESSION='{INNER}'", INNER),
        (f"set SESSION_2 = {INNER}", INNER),
        (f"SESSION={INNER}", INNER),
        # A variable's name is written in capitals; only one is taken off.
        (f"A=B={INNER}", f"B={INNER}"),
        (f"session={INNER}", f"session={INNER}"),
        (f"X{INNER}X", f"X{INNER}X"),
        # Quotes that belong together.
        (f"'{INNER}\"", f"'{INNER}\""),
        ("'", "'"),
        ("''", ""),
        ("$", "$"),
        ("", ""),
        (ENCODED, INNER),
        (f"{ENCODED[:5]}\n {ENCODED[5:]}", INNER),
        (f"'{ENCODED}'", INNER),
        (base64.b64encode(b"\xef\xbb\xbf " + INNER.encode() + b"\n").decode(), INNER),
        (base64.b64encode(b"\xff myacinfo").decode(), base64.b64encode(b"\xff myacinfo").decode()),
        (OTHER, OTHER),
        ("no base64!", "no base64!"),
        (f"{ENCODED}!", f"{ENCODED}!"),
    ],
)
def test_what_stands_around_a_session_is_taken_off(text: str, wanted: str) -> None:
    assert unwrapped(text, "myacinfo") == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a\\nb", "a\nb"),
        ("a\\\\nb\\r\\nc\\\\r\\\\nd", "a\nb\nc\nd"),
        ('\\"a\\"\\n', '"a"\n'),
        # Without a literal line break nothing was escaped.
        ('\\"a\\"', '\\"a\\"'),
        ("a\nb", "a\nb"),
    ],
)
def test_literal_line_breaks(text: str, wanted: str) -> None:
    assert unescaped(text) == wanted


def header(*pairs: tuple[str, str]) -> list[dict[str, t.Any]]:
    """Cookies as a header gives them."""
    return [{"name": name, "value": value, "domain": "apple.com"} for name, value in pairs]


def row(name: str, value: str = "v", domain: str = "d", for_domain: bool = True) -> dict[str, t.Any]:
    """A cookie of cookies.txt."""
    return {"name": name, "value": value, "domain": domain, "for_domain": for_domain}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a=b", header(("a", "b"))),
        ("Cookie: a=b; c=d=e;", header(("a", "b"), ("c", "d=e"))),
        ("cookie:a=;b=c", header(("a", ""), ("b", "c"))),
        ("-H 'Cookie: a=b; c=d'", header(("a", "b"), ("c", "d"))),
        ('-H "Cookie: a=b; c=d"', header(("a", "b"), ("c", "d"))),
        ("-H 'Cookie: a=\"b\"'", header(("a", '"b"'))),
        ("-H Cookie:a=b", header(("a", "b"))),
        ("Cookie: a=b; DES1=\"c\"", header(("a", "b"), ("DES1", '"c"'))),
        ("\n  a=b;c=d  \n", header(("a", "b"), ("c", "d"))),
        # In two lines it is something else.
        ("a=b\nc=d", None),
        ("a b=c", None),
        ("a", None),
        ("", None),
        ("- name: a", None),
        ("d\tTRUE\t/\tTRUE\t0\ta\tv", [row("a")]),
        ("d\tTRUE\t/\tTRUE\t0\ta\tv w", [row("a", "v w")]),
        ("# Netscape\n\nd\tFALSE\t/\tTRUE\t0\ta\t v \n#HttpOnly_.e\ttrue\t/\tFALSE\t9\tb\tw",
         [row("a", for_domain=False), row("b", "w", ".e")]),
        # A field more or less is another kind of line, and with one of these it is another kind of text.
        ("d\tTRUE\t/\tTRUE\t0\ta", None),
        ("d\tTRUE\t/\tTRUE\t0\ta\tv\tx", None),
        ("d\tTRUE\t/\tTRUE\t0\ta\tv\nx", None),
        ("# no more than a remark", None),
    ],
)  # fmt: skip
def test_lists_of_cookies(text: str, wanted: list[dict[str, t.Any]] | None) -> None:
    assert listed(text) == wanted
