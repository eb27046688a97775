# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of a web session in the shapes in which people copy it, brought down to a list of cookies or a document.

Read: a variable's line (``export FASTLANE_SESSION='…'``), kept quotes, a byte order mark, base64, literal ``\\n`` also
where real line breaks stand beside them, a Cookie header, and Netscape's cookies.txt.
"""

from __future__ import annotations

import base64
import re
import typing as t

# A cookie's name is not written in capitals alone, a variable's is.
_VARIABLE = re.compile(r"(?:export\s+|set\s+)?[A-Z][A-Z0-9_]*\s*=\s*(?=\S)")
_HEADER = re.compile(r"(?:-H\s*['\"]?)?(?:[Cc]ookie:\s*)?([!#$%&'*+.^_`|~0-9A-Za-z-]+=[^;\r\n]*(?:;\s*|$))+['\"]?")
_BEFORE_COOKIES = re.compile(r"(?:-H\s*(['\"]?))?(?:[Cc]ookie:\s*)?")
_HTTP_ONLY = "#HttpOnly_"
_FIELDS = 7
_APPLE = "apple.com"


def unwrapped(text: str, mark: str) -> str:
    """Return a session's text without what stands around it. ``mark``: what every such session contains."""
    text = text.strip("\ufeff \t\r\n")
    text = _VARIABLE.sub("", text, count=1) if _VARIABLE.match(text) else text
    text = text.removeprefix("$") if text.startswith("$'") else text
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    if mark in text:
        return text
    try:
        decoded = base64.b64decode("".join(text.split()), validate=True).decode("utf-8-sig")
    except (ValueError, UnicodeError):
        return text
    return decoded.strip() if mark in decoded else text


def unescaped(text: str) -> str:
    """Return a text with line breaks for literal ``\\n``, and quotes for escaped ones."""
    return re.sub(r"\\+(?:r\\+)?n", "\n", text).replace('\\"', '"') if "\\n" in text else text


def listed(text: str) -> list[dict[str, t.Any]] | None:
    """Return the cookies of a Cookie header or of Netscape's cookies.txt; None when it is neither."""
    lines = [line for line in text.splitlines() if line.strip()]
    rows = [_row(line) for line in lines if not line.startswith("#") or line.startswith(_HTTP_ONLY)]
    if rows and all(rows):
        return [row for row in rows if row]
    header = lines[0].strip() if len(lines) == 1 else ""
    before = _BEFORE_COOKIES.match(header)
    if before and _HEADER.fullmatch(header):
        # A value may have quotes of its own.
        pairs = header[before.end() :].removesuffix(before[1] or "").split(";")
        found = [pair.strip().partition("=") for pair in pairs if pair.strip()]
        return [{"name": name, "value": value, "domain": _APPLE} for name, _sign, value in found]
    return None


def _row(line: str) -> dict[str, t.Any] | None:
    fields = line.removeprefix(_HTTP_ONLY).split("\t")
    if len(fields) != _FIELDS:
        return None
    domain, for_subdomains, _path, _secure, _expires, name, value = fields
    return {"name": name, "value": value.strip(), "domain": domain, "for_domain": for_subdomains.upper() == "TRUE"}
