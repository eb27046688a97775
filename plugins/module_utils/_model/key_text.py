# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of a .p8 file in the shapes in which people have it; what is in none of them is named.

Read: byte order mark, CRLF, blanks and blank lines, the body in one line or all of it in one line, quotes, literal
``\\n`` (escaped several times, too), base64 of any of these. None of it leaves a choice of what the key is.
"""

from __future__ import annotations

import base64
import json
import re
import typing as t
import unicodedata

from .key_problem import KeyProblem

# Apple's files have about 260 bytes; more than this is some other file.
LARGEST = 8192
BEGIN, END = "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"
_LABEL = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_BLOCK = re.compile(rf"{BEGIN}([A-Za-z0-9+/=\s]*){END}")
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_PREFIX = re.compile(r"(?:export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*=|data:[a-z]")
_MARKS = (b"-----BEGIN", b"PRIVATE KEY", b"$ANSIBLE_VAULT", b"private_key")
_URL_SAFE = str.maketrans("-_", "+/")
_MOST_LAYERS = 2
_RIGHT_FILE = "Give the SubscriptionKey_….p8 that App Store Connect offered for download."
# What an EC key in this form is called, whatever its PEM block is named.
SEC1 = "an EC key in SEC 1 form, not PKCS#8 as Apple's .p8 files"
_OTHER_KINDS = {
    "ENCRYPTED PRIVATE KEY": "an encrypted private key; Apple's .p8 files are not encrypted",
    "EC PRIVATE KEY": SEC1,
    "RSA PRIVATE KEY": "an RSA key; Apple's In-App Purchase keys are EC P-256",
    "PUBLIC KEY": "a public key; the private one is needed",
    "CERTIFICATE": "a certificate; the private key is needed",
}
# A label of other words isn't repeated: it may be a part of the key that got there.
_PLAIN_LABEL = re.compile(
    "(?: ?(?:BLOCK|CERTIFICATE|DSA|EC|KEY|MESSAGE|OPENSSH|PARAMETERS|PGP|PKCS7|PRIVATE|PUBLIC|REQUEST|RSA|X509))+"
)


class Source(t.NamedTuple):
    """Where a text comes from, for messages: ``name`` of the file or option, and how to ``repair`` it."""

    name: str
    repair: str
    path: str = ""

    def unreadable(self, what: str, next_step: str = "") -> KeyProblem:
        return KeyProblem("key_unreadable", f"{self.name} {what}.", next_step or self.repair)

    def wrong_kind(self, what: str, next_step: str = _RIGHT_FILE) -> KeyProblem:
        return KeyProblem("key_wrong_kind", f"{self.name} holds {what}.", next_step)


def body_of(data: bytes, source: Source) -> str:
    """Return the base64 body of the one PEM block "PRIVATE KEY". Raises KeyProblem that names what is in the way."""
    if len(data) > LARGEST:
        raise source.unreadable(f"has more than {LARGEST} bytes; a .p8 file has about 260", _RIGHT_FILE)
    text = _unwrapped(data, source, _MOST_LAYERS)
    _check_label(text, source)
    block = _BLOCK.fullmatch(text)
    if not block:
        raise source.unreadable(f"is damaged: {_damage(text)}")
    return "".join(block.group(1).split())


def _unwrapped(data: bytes, source: Source, layers: int) -> str:
    """Return the plain text, out of up to ``layers`` layers of base64."""
    text = _unquoted(_decoded(data, source), source)
    inner = from_base64(text) if layers and "-----BEGIN" not in text else b""
    if not _leads_to_key(inner, layers - 1):
        return text
    return _unwrapped(inner, source._replace(name=f"{source.name} (out of its base64)"), layers - 1)


def _leads_to_key(data: bytes, layers: int) -> bool:
    """Tell whether a layer of base64 is worth taking off: many a word is base64 by accident."""
    plain = data.replace(b"\0", b"")
    if any(mark in plain for mark in _MARKS):
        return True
    return bool(data and layers) and _leads_to_key(from_base64(data.decode("latin-1")), layers - 1)


def from_base64(text: str) -> bytes:
    """Return what a text is the base64 of (either alphabet, padded or not), or nothing."""
    compact = "".join(text.split()).translate(_URL_SAFE).rstrip("=")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except ValueError:
        return b""


def _decoded(data: bytes, source: Source) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or 3 * data.count(b"\0") > len(data):
        raise source.unreadable("is in UTF-16, as Windows' editors and PowerShell write", "Save it as UTF-8.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if any(ord(char) < 32 and char not in "\r\n\t" for char in text):
        raise source.unreadable("is binary; a .p8 file is a PEM text", _RIGHT_FILE)
    return text


def _unquoted(text: str, source: Source) -> str:
    text = text.strip("\ufeff\r\n\t ").strip("\"'").strip("\r\n\t ")
    if not text:
        raise source.unreadable("is empty", _RIGHT_FILE)
    if text.startswith("$ANSIBLE_VAULT"):
        raise _vaulted(source)
    if text.startswith("{"):
        raise source.wrong_kind(_json_kind(text))
    if not text.isascii():
        raise _not_ascii(text, source)
    text = re.sub(r"\\+([nr/])", lambda found: {"n": "\n", "r": "\r", "/": "/"}[found.group(1)], text)
    text = re.sub(r"\r+\n", "\n", text)
    if "\r" in text.strip("\r"):
        raise source.unreadable("has line ends of CR alone", "Save it with line ends of LF or CRLF.")
    return text.strip()


def _vaulted(source: Source) -> KeyProblem:
    place = source.path or "/path/to/key.p8"
    return source.unreadable(
        "is encrypted with ansible-vault, which a module can't decrypt",
        "Let Ansible decrypt it: key_id, and private_key_content: "
        f"\"{{{{ lookup('ansible.builtin.file', '{place}') }}}}\", in the task or the key's entry in the list of keys, "
        "in place of the encrypted file.",
    )


def _json_kind(text: str) -> str:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return "JSON or a template, and no PEM text"
    if document.get("type") == "service_account":
        return "the JSON key of a Google service account, not an In-App Purchase key of Apple's"
    if {"key_id", "key"} <= set(document):
        return "fastlane's JSON of an API key; what is needed is the .p8 file of an In-App Purchase key"
    return "a JSON document, the key of another service or a secret store's answer; the PEM text alone is needed"


def _not_ascii(text: str, source: Source) -> KeyProblem:
    dash = _DASHES.search(text)
    if dash and ("BEGIN" in text or "PRIVATE" in text):
        name = unicodedata.name(dash.group())
        return source.unreadable(f"has dashes of another kind ({name}) where a PEM has hyphens (-----)")
    char = next(char for char in text if not char.isascii())
    name = unicodedata.name(char, "no character of any language")
    return source.unreadable(f"is not plain ASCII: it has the character U+{ord(char):04X} ({name})")


def _check_label(text: str, source: Source) -> None:
    labels = _LABEL.findall(text)
    if len(labels) > 1:
        raise source.unreadable(f"holds {len(labels)} PEM blocks; one is expected", _RIGHT_FILE)
    if labels and labels[0] != "PRIVATE KEY":
        plain = _PLAIN_LABEL.fullmatch(labels[0])
        other = f"a PEM block named {labels[0][:40]}" if plain else "a PEM block of another kind"
        raise source.wrong_kind(_OTHER_KINDS.get(labels[0], other))


def _damage(text: str) -> str:
    if _PREFIX.match(text):
        return "it begins with a name or a type (NAME=… or data:…); give what follows alone"
    for line, missing in ((BEGIN, "is missing"), (END, "is missing (truncated)")):
        if line not in text:
            # Without its hyphens: with them the message would be masked as a key wherever it is passed on.
            name = line.strip("-")
            return f"the line {name} {'is not written with five hyphens on each side' if name in text else missing}"
    if not text.startswith(BEGIN) or not text.endswith(END):
        return "there is text before or after the PEM block"
    return "there are characters that no PEM block has"
