# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What private keys and web sessions are recognised by, however they are wrapped.

Whatever stands around it (quotes, ``NAME=``, ``data:…``, a folder, another text), the base64 of a text contains one of
three fixed pieces for every piece of the text. So a few literals find the base64 of a PEM or of a DER key, also in
UTF-16, and base64 of base64.
"""

from __future__ import annotations

import base64
import re
import typing as t
from itertools import pairwise
from urllib.parse import unquote

# Every key on P-256 names its curve: object identifier 1.2.840.10045.3.1.7 (RFC 5480).
_P256 = bytes.fromhex("06082a8648ce3d030107")
_KEY, _COOKIE = "PRIVATE KEY", "myacinfo"
_LAYERS = 2
_URL_SAFE = str.maketrans("-_", "+/")
# How people and tools write a cookie with its value; the name alone may be a file's.
_SESSION = re.compile(r"myacinfo[\"']?\s*[=:,\t]\s*\S|name[\"']?\s*[:=]\s*[\"']?myacinfo")
# With a value that is long enough for one: a sentence may name the cookie.
_SESSION_VALUE = re.compile(
    r"myacinfo\\*[\"']?\s*[=:,\t]\s*\\*[\"']?[A-Za-z0-9+/=_%.~-]{16}|name\\*[\"']?\s*[:=]\s*\\*[\"']?myacinfo"
)
_ESCAPED_BLANK = re.compile(r"\s|\\+[nrt]|\\(?=/)")
_SHORTEST_GENERATED = 10
# The shortest text in which any of these marks is more than a mark.
_SHORTEST = 24
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?:\s|\\+[nr])*[A-Za-z0-9+/=]{16}")
_RUN = re.compile(r"[A-Za-z0-9+/=]{32,}")
_PIECE = re.compile(r"[A-Za-z0-9+/=_%\\-]{16,}")


def _pieces(mark: bytes) -> set[str]:
    """Return what the base64 of any text with ``mark`` in it contains: one of three texts."""
    found = set()
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + mark + b"\0\0").decode()
        # Only whole characters that nothing but the mark decides.
        found.add(encoded[-(-8 * offset // 6) : 8 * (offset + len(mark)) // 6])
    return found


def _marks(words: t.Sequence[str] = (_KEY, _COOKIE)) -> tuple[str, ...]:
    layer = {_P256, *(word.encode(code) for word in words for code in ("utf-8", "utf-16-le", "utf-16-be"))}
    found: set[str] = set()
    for _number in range(_LAYERS):
        pieces = {piece for mark in layer for piece in _pieces(mark)}
        found |= pieces
        layer = {piece.encode() for piece in pieces}
    return tuple(sorted(found))


_ENCODED = _marks()
_ENCODED_KEY = _marks([_KEY])


def may_hold_key(data: bytes) -> bool:
    """Tell whether bytes may hold a private key: as text, in UTF-16, as DER, in base64 or in hexadecimal."""
    text = data.decode("latin-1").replace("\0", "")
    return _P256 in data or _KEY in text or is_wrapped(text, _ENCODED_KEY)


def is_wrapped(text: str, marks: t.Sequence[str] = _ENCODED) -> bool:
    """Tell whether a text holds a key or a session in base64, in hexadecimal or as a bare body."""
    if len(text) < _SHORTEST:
        return False
    if _P256.hex() in text.lower():
        return True
    # Base64 has capitals; most IDs and paths have none.
    if text.islower():
        return False
    compact = _ESCAPED_BLANK.sub("", unquote(text) if "%" in text else text).translate(_URL_SAFE)
    return any(mark in compact for mark in marks)


def looks_random(text: str) -> bool:
    """Tell whether a text has a long run that no person named: capitals, small letters and digits in quick change."""
    return any(_changes(run) * 3 > len(run) for run in _RUN.findall(text))


def looks_generated(text: str) -> bool:
    """Tell whether capitals, small letters and digits change too quickly for a name that a person chose."""
    return len(text) >= _SHORTEST_GENERATED and _changes(text) * 3 > len(text)


def _changes(run: str) -> int:
    kinds = ["A" if char.isupper() else "a" if char.islower() else "1" if char.isdigit() else "" for char in run]
    return sum(one != other for one, other in pairwise(kinds)) if {"A", "a", "1"} <= set(kinds) else 0


def is_plain(text: str) -> bool:
    """Tell whether a text is, or has in it, a PEM block or a cookie of a signed-in session."""
    if "-----BEGIN" in text or "PRIVATE KEY-----" in text or _SESSION.search(text):
        return True
    plain = unquote(text).replace("+", " ").replace("\0", "") if "%" in text or "\0" in text else ""
    return "-----BEGIN" in plain or bool(plain and _SESSION.search(plain))


def blotted(text: str, mask: str) -> str:
    """Return a message without the pieces of a key or session in it: the last net, where a value was cut or altered."""
    if is_wrapped(text) or _PEM.search(text) or _SESSION_VALUE.search(unquote(text)):
        return _PIECE.sub(mask, text)
    return text
