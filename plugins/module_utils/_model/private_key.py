# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The private key of an In-App Purchase key (.p8): parsing and fingerprint; `key_text` reads its many shapes.

An Apple .p8 is one PEM block "PRIVATE KEY" (PKCS#8) with an unencrypted EC key on P-256. The content does not tell an
In-App Purchase key from an App Store Connect API key; only the file name and Apple's answer do.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
import traceback
import typing as t
from dataclasses import dataclass

from . import key_problem
from .errors import InputError
from .identifiers import parse_key_id
from .key_text import SEC1, Source, body_of
from .secret import Secret

KeyProblem = key_problem.KeyProblem

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

# The algorithm's object identifier 1.2.840.10045.2.1: PKCS#8 names it, SEC 1 doesn't.
_EC_PUBLIC_KEY = bytes.fromhex("06072a8648ce3d0201")
# Browsers and file managers number a second download or a copy: "… (1)", "…-2", "… copy", "… copy 2", "… - Copy (2)".
_COPY = r"(?: ?\(\d{1,3}\)|-\d{1,3}|(?: -)? copy(?: \d{1,3}| \(\d{1,3}\))?)?"
_NAME = re.compile(rf"(SubscriptionKey|AuthKey)_([A-Za-z0-9]+)(?i:{_COPY})\.p8", re.ASCII)


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

    Raises KeyProblem (key_id_mismatch) when they differ, InputError when the option isn't a Key ID.
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
    """Parse the bytes of a .p8 file. Raises KeyProblem that names the damage and ``path``."""
    repair = (
        f"Put the .p8's text into {path} again from where it is kept (a vault, a backup): "
        "App Store Connect offers the download of a key once."
    )
    return _parse(data, Source(path, repair, path))


def parse_content(content: str, option: str = "private_key_content") -> PrivateKey:
    """Parse a key that was given as text, in any shape of `key_text`. Raises KeyProblem that names ``option``."""
    return _parse(content.encode("utf-8", "surrogatepass"), Source(option, "Give the .p8 file's text, or its base64."))


# The tasks of a loop use few keys for many apps, and parsing one takes as long as signing with it.
@functools.lru_cache(maxsize=8)
def _parse(data: bytes, source: Source) -> PrivateKey:
    body = body_of(data, source)
    try:
        der = base64.b64decode(body, validate=True)
        handle = serialization.load_der_private_key(der, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise source.unreadable("holds no complete PKCS#8 private key (truncated or altered)") from None
    if not isinstance(handle, EllipticCurvePrivateKey) or not isinstance(handle.curve, SECP256R1):
        kind = handle.curve.name if isinstance(handle, EllipticCurvePrivateKey) else type(handle).__name__.strip("_")
        raise source.wrong_kind(f"a key of another kind ({kind}); Apple's In-App Purchase keys are EC P-256")
    if _EC_PUBLIC_KEY not in der:
        raise source.wrong_kind(SEC1)
    return _sound(handle)


def _sound(handle: ec.EllipticCurvePrivateKey) -> PrivateKey:
    pem = handle.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = handle.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return PrivateKey(Secret(pem.decode("ascii")), hashlib.sha256(public).hexdigest(), handle)


def require_pair(issuer_id: str | None, key_id: str | None) -> None:
    """Raise InputError that names what is missing to sign for a key."""
    if not issuer_id:
        raise InputError("issuer_id", "is required.", "It stands above the list of In-App Purchase keys.")
    if not key_id:
        raise InputError("key_id", "is required when the file is not named SubscriptionKey_<Key ID>.p8.")
