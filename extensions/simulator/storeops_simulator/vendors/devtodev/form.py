# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form that was sent: its parts, its CSRF token, and what is wrong with its values."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from ... import keys
from ...devtodev_world import FIELD_LABELS

CSRF_FIELD: Final = "csrf_token"
FILE_FIELD: Final = "private_key"

_SECRET: Final = secrets.token_bytes(32)
_UUID: Final = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_RULES: Final[Mapping[str, tuple[str, str]]] = {
    "bundle_id": (r"[A-Za-z0-9.-]{1,155}", "may have letters, digits, dots and hyphens only"),
    "issuer_id": (_UUID, "has to look like 57246542-96fe-1a63-e053-0824d011072a"),
    "key_id": (r"[A-Za-z0-9]{2,32}", "may have letters and digits only"),
}


@dataclass(frozen=True)
class Upload:
    """One part of the form; `file_name` is None for a plain field."""

    content: bytes = field(repr=False)
    file_name: str | None = None


@dataclass(frozen=True)
class Problem:
    """What is wrong with one field; `reason` goes to the call log."""

    reason: str
    text: str


@dataclass(frozen=True)
class Checked:
    """The values of a form, and its problems by field; the key is there when there are none."""

    values: Mapping[str, str]
    problems: Mapping[str, Problem]
    private_key: ec.EllipticCurvePrivateKey | None = field(default=None, repr=False)


def csrf_token(cookie: str) -> str:
    """Make the token of a session's forms."""
    return hmac.new(_SECRET, cookie.encode(), hashlib.sha256).hexdigest()


def is_own_form(parts: Mapping[str, Upload], cookie: str) -> bool:
    """Tell whether the form has the token of that session."""
    sent = parts.get(CSRF_FIELD, Upload(b""))
    return hmac.compare_digest(sent.content, csrf_token(cookie).encode())


def read_parts(content_type: str, body: bytes) -> dict[str, Upload] | None:
    """Take a multipart/form-data body apart; None when it is none."""
    if not content_type.lower().startswith("multipart/form-data"):
        return None
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    if not message.is_multipart():
        return None
    return {name: upload for name, upload in map(_part, message.iter_parts()) if name}


def _part(part: Message) -> tuple[str, Upload]:
    name = part.get_param("name", "", "content-disposition")
    content = part.get_payload(decode=True)
    return str(name), Upload(content if isinstance(content, bytes) else b"", part.get_filename())


def check(parts: Mapping[str, Upload], labels: Mapping[str, str]) -> Checked:
    """Check the values the way the form's messages say."""
    values = {name: _value(parts.get(name)) for name in _RULES}
    problems: dict[str, Problem] = {}
    for name, (pattern, rule) in _RULES.items():
        if not values[name]:
            problems[name] = Problem(f"missing_{name}", f"Fill in {labels[name]}.")
        elif re.fullmatch(pattern, values[name]) is None:
            problems[name] = Problem(f"bad_{name}", f"{labels[name]} {rule}.")
    private_key, problem = _private_key(parts.get(FILE_FIELD))
    if problem is not None:
        problems[FILE_FIELD] = problem
    # In the order of the form, so that the first one is the one that the log names.
    ordered = {name: problems[name] for name in FIELD_LABELS if name in problems}
    return Checked(values, ordered, private_key)


def _value(part: Upload | None) -> str:
    return part.content.decode("utf-8", "replace").strip() if part else ""


def _private_key(part: Upload | None) -> tuple[ec.EllipticCurvePrivateKey | None, Problem | None]:
    if part is None or not part.file_name or not part.content:
        return None, Problem("missing_private_key", "Choose the .p8 file of the In-App Purchase key.")
    if not part.file_name.lower().endswith(".p8"):
        return None, Problem("not_a_p8_file", "The file has to be a .p8 file.")
    try:
        return keys.read_private_key(part.content), None
    except ValueError:
        return None, Problem("not_a_p8_file", "This is not the .p8 file of an In-App Purchase key.")
