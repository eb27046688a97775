# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The private key of an In-App Purchase key (.p8): strict parsing, normalising of pasted content, fingerprint.

An Apple .p8 is one PEM block "PRIVATE KEY" (PKCS#8) with an unencrypted EC key on P-256. The content does not tell an
In-App Purchase key from an App Store Connect API key; only the file name and Apple's answer do.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import traceback
import typing as t
from dataclasses import dataclass

from .errors import InputError, RefundsError
from .identifiers import parse_key_id
from .secret import Secret

if t.TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

try:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
except ImportError:
    CRYPTOGRAPHY_ERROR: str | None = traceback.format_exc()
else:
    CRYPTOGRAPHY_ERROR = None

# Apple's files have about 260 bytes; more than this is some other file.
LARGEST = 8192
_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_BLOCK = re.compile(r"-----BEGIN PRIVATE KEY-----\n((?:[A-Za-z0-9+/=]{1,76}\n)+)-----END PRIVATE KEY-----\n?")
# The algorithm's object identifier 1.2.840.10045.2.1: PKCS#8 names it, SEC 1 doesn't.
_EC_PUBLIC_KEY = bytes.fromhex("06072a8648ce3d0201")
# Browsers and file managers number a second download or a copy: "… (1)", "…-2", "… copy", "… copy 2", "… - Copy (2)".
_COPY = r"(?: ?\(\d{1,3}\)|-\d{1,3}|(?: -)? copy(?: \d{1,3}| \(\d{1,3}\))?)?"
_NAME = re.compile(rf"(SubscriptionKey|AuthKey)_([A-Za-z0-9]+)(?i:{_COPY})\.p8", re.ASCII)

KeyCause = t.Literal["key_unreadable", "key_wrong_kind", "key_id_mismatch", "key_not_yet_created"]


class KeyProblem(RefundsError):
    """A private key can't be used. ``cause`` is the verdict that a credential check gives for it."""

    def __init__(self, cause: KeyCause, message: str, next_step: str = "") -> None:
        super().__init__(message, next_step)
        self.cause = cause


@dataclass(frozen=True)
class PrivateKey:
    """A sound private key.

    ``pem``: PKCS#8 PEM with LF line ends, secret. ``fingerprint``: SHA-256 over the SubjectPublicKeyInfo DER of the
    public part, lower-case hexadecimal. ``handle``: the parsed key for signing.
    """

    pem: Secret
    fingerprint: str
    handle: ec.EllipticCurvePrivateKey

    def __repr__(self) -> str:
        return f"PrivateKey(fingerprint={self.fingerprint!r})"


@dataclass(frozen=True)
class KeyFileName:
    """What the name of a .p8 file says: its Key ID, and whether it names an App Store Connect API key (AuthKey_)."""

    key_id: str | None
    is_api_key: bool


def read_file_name(name: str) -> KeyFileName:
    """Return what Apple's download names (SubscriptionKey_<Key ID>.p8, AuthKey_<Key ID>.p8) say, copies included."""
    found = _NAME.fullmatch(name)
    if not found:
        return KeyFileName(None, False)
    return KeyFileName(found.group(2), found.group(1) == "AuthKey")


def settle_key_id(option: str | None, file_name: KeyFileName, path: str) -> str | None:
    """Return the Key ID from the option or the file name.

    Raises KeyProblem (key_id_mismatch) when they differ, InputError when the option is no Key ID.
    """
    key_id = parse_key_id(option) if option else None
    named = file_name.key_id
    if named and key_id and named != key_id:
        raise KeyProblem(
            "key_id_mismatch",
            f"key_id is {key_id}, but the file name {path} says {named}.",
            "Correct key_id, or rename the file if its name is wrong.",
        )
    return key_id or (parse_key_id(named, f"key_id (from the file name {path})") if named else None)


def parse_file(data: bytes, path: str) -> PrivateKey:
    """Parse the bytes of a .p8 file strictly. Raises KeyProblem that names the damage and ``path``."""
    return _parse(_text_of(data, path), path, repair=f"Download or restore {path} again")


def parse_content(content: str) -> PrivateKey:
    """Parse pasted content: a PEM, a PEM with literal ``\\n`` or CRLF, or the base64 of a PEM. Raises KeyProblem."""
    source = "private_key_content"
    text = _text_of(content.encode("utf-8", "surrogatepass"), source)
    return _parse(_normalise(text), source, repair="Store the .p8 file's text as it was downloaded")


def _text_of(data: bytes, source: str) -> str:
    if not data.strip():
        raise KeyProblem("key_unreadable", f"{source} is empty.", "Give the .p8 file of an In-App Purchase key.")
    if len(data) > LARGEST:
        raise KeyProblem("key_unreadable", f"{source} has more than {LARGEST} bytes; a .p8 file has about 260.")
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        text = ""
    if not text or any(ord(char) < 32 and char not in "\r\n\t" for char in text):
        raise KeyProblem("key_unreadable", f"{source} is binary or not plain ASCII; a .p8 file is a PEM text.")
    return text


def _normalise(text: str) -> str:
    text = text.strip().strip("\"'")
    if "-----BEGIN" not in text:
        compact = re.sub(r"\s", "", text)
        try:
            decoded = base64.b64decode(compact, validate=True).decode("ascii")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return text
        text = decoded if "-----BEGIN" in decoded else text
    text = text.replace("\\r", "").replace("\\n", "\n").replace("\r\n", "\n")
    return "\n".join(line.strip() for line in text.split("\n") if line.strip()) + "\n"


def _parse(text: str, source: str, repair: str) -> PrivateKey:
    _check_blocks(text, source)
    block = _BLOCK.fullmatch(text)
    if not block:
        raise KeyProblem("key_unreadable", f"{source} is damaged: {_damage(text)}.", f"{repair}.")
    try:
        der = base64.b64decode(block.group(1).replace("\n", ""), validate=True)
        handle = serialization.load_der_private_key(der, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyProblem(
            "key_unreadable",
            f"{source} holds no complete PKCS#8 private key (truncated or altered).",
            f"{repair}.",
        ) from None
    if not isinstance(handle, EllipticCurvePrivateKey) or not isinstance(handle.curve, SECP256R1):
        kind = handle.curve.name if isinstance(handle, EllipticCurvePrivateKey) else type(handle).__name__.strip("_")
        raise KeyProblem(
            "key_wrong_kind",
            f"{source} holds a key of another kind ({kind}); Apple's In-App Purchase keys are EC P-256.",
            "Give the SubscriptionKey_….p8 that App Store Connect offered for download.",
        )
    if _EC_PUBLIC_KEY not in der:
        raise KeyProblem("key_wrong_kind", f"{source} holds {_OTHER_KINDS['EC PRIVATE KEY']}.", f"{repair}.")
    return _sound(handle)


def _sound(handle: ec.EllipticCurvePrivateKey) -> PrivateKey:
    pem = handle.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = handle.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return PrivateKey(Secret(pem.decode("ascii")), hashlib.sha256(public).hexdigest(), handle)


_OTHER_KINDS = {
    "ENCRYPTED PRIVATE KEY": "an encrypted private key; Apple's .p8 files are not encrypted",
    "EC PRIVATE KEY": "an EC key in SEC 1 form, not PKCS#8 as Apple's .p8 files",
    "RSA PRIVATE KEY": "an RSA key; Apple's In-App Purchase keys are EC P-256",
    "PUBLIC KEY": "a public key; the private one is needed",
    "CERTIFICATE": "a certificate; the private key is needed",
}


def _check_blocks(text: str, source: str) -> None:
    labels = _BEGIN.findall(text)
    next_step = "Give the SubscriptionKey_….p8 that App Store Connect offered for download."
    if len(labels) > 1:
        raise KeyProblem(
            "key_unreadable",
            f"{source} holds {len(labels)} PEM blocks; one is expected.",
            next_step,
        )
    if labels and labels[0] != "PRIVATE KEY":
        kind = _OTHER_KINDS.get(labels[0], f"a PEM block named {labels[0][:40]}")
        raise KeyProblem("key_wrong_kind", f"{source} holds {kind}.", next_step)


def _damage(text: str) -> str:
    if "-----BEGIN PRIVATE KEY-----" not in text:
        return "the line -----BEGIN PRIVATE KEY----- is missing"
    if "-----END PRIVATE KEY-----" not in text:
        return "the line -----END PRIVATE KEY----- is missing (truncated)"
    if "\\n" in text:
        return "its line ends are the two characters \\n instead of line breaks"
    if "\r" in text:
        return "it has Windows line ends (CRLF)"
    if text.strip().count("\n") < 2:
        return "its lines were folded into one"
    if not text.startswith("-----BEGIN") or not text.rstrip().endswith("-----END PRIVATE KEY-----"):
        return "there is text before or after the PEM block"
    return "there are characters or line lengths that no PEM block has"


def require_pair(issuer_id: str | None, key_id: str | None) -> None:
    """Raise InputError that names what is missing to sign for a key."""
    if not issuer_id:
        raise InputError("issuer_id", "is required.", "It stands above the list of In-App Purchase keys.")
    if not key_id:
        raise InputError("key_id", "is required when the file is not named SubscriptionKey_<Key ID>.p8.")
