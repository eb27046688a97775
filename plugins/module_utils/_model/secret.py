# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A text that must never be shown, and its forms. `masking` removes them from whatever is shown."""

from __future__ import annotations

import base64
import re
import typing as t
from urllib.parse import unquote

from .secret_marks import is_plain, is_wrapped

# Shorter texts are left alone: masking every "a" would destroy the message and protects nothing.
SHORTEST_MASKED = 4
# A line of base64 in a .p8 has 64 characters; its last one may be short and says little by itself.
SHORTEST_FRAGMENT = 12
# What "-----BEGIN" takes in base64.
_SHORTEST_BASE64 = 14


class Secret:
    """A text whose ``repr``, ``str`` and ``format`` are ``***``; ``reveal()`` gives it out."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __bool__(self) -> bool:
        """An empty one is none, as an empty text is."""
        return bool(self._text)

    def __repr__(self) -> str:
        return "***"

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _memo: object) -> Secret:
        return self

    def __reduce_ex__(self, _protocol: t.SupportsIndex) -> t.NoReturn:
        raise TypeError("a secret is never pickled")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


def forms(text: str) -> set[str]:
    """Return the shapes in which a secret may turn up: as given, unescaped, by line, joined, and out of base64."""
    found = {text, text.strip()}
    queue = [text, text.replace("\\n", "\n").replace("\\r", "")]
    decoded = _from_base64(text)
    if decoded:
        queue.append(decoded)
    for variant in queue:
        found |= {variant, variant.strip(), variant.replace("\r\n", "\n").strip()}
        lines = [line.strip() for line in variant.splitlines() if line.strip() and "-----" not in line]
        if len(lines) > 1 or "-----" in variant:
            found |= {line for line in lines if len(line) >= SHORTEST_FRAGMENT}
            found.add("".join(lines))
    if is_wrapped(text):
        found |= {"".join(text.split()), *(piece for piece in text.split() if len(piece) >= SHORTEST_FRAGMENT)}
    found |= _url_password(text)
    return {form for form in found if len(form) >= SHORTEST_MASKED}


def _from_base64(text: str) -> str:
    # Most texts are no base64 by a look at them: lists of a thousand apps have many.
    if len(text) < _SHORTEST_BASE64 or "." in text:
        return ""
    compact = re.sub(r"\s", "", text)
    try:
        decoded = base64.b64decode(compact, validate=True).decode("ascii")
    except (ValueError, UnicodeError):
        return ""
    return decoded if "-----BEGIN" in decoded else ""


def _url_password(text: str) -> set[str]:
    """Return what may be a password before the last @ of a URL, also where it was not escaped as it should be."""
    found = re.match(r"\s*[a-z][a-z0-9+.-]*://(.*)@", text, re.IGNORECASE)
    if not found or ":" not in found.group(1):
        return set()
    password = found.group(1).partition(":")[2]
    pieces = {piece for piece in re.split(r"[@/?#:\[\]]", password) if len(piece) >= SHORTEST_MASKED}
    return {password, unquote(password), *pieces}


def looks_secret(text: str) -> bool:
    """Tell whether a text is a private key or a web session, whatever option it was given in."""
    return is_plain(text) or is_wrapped(text)


def worth_masking(cookie: str) -> bool:
    """Tell whether a cookie's value may be a secret: masking ``en`` or ``true`` would blot out the results."""
    return len(cookie) >= 8 and not cookie.isalpha()
