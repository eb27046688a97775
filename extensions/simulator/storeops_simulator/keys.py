# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Key pairs of both kinds: EC P-256, as .p8 (PKCS#8 PEM) and as SubjectPublicKeyInfo PEM."""

from __future__ import annotations

import hashlib
import secrets
import string

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

_KEY_ID_LETTERS = string.ascii_uppercase + string.digits
_KEY_ID_LENGTH = 10


def new_key_id() -> str:
    """Make a Key ID like Apple's examples: ten capitals and digits."""
    return "".join(secrets.choice(_KEY_ID_LETTERS) for _place in range(_KEY_ID_LENGTH))


def generate() -> tuple[ec.EllipticCurvePublicKey, str]:
    """Make a pair: the public key, and the private key as the text of a .p8 file."""
    private_key = ec.generate_private_key(ec.SECP256R1())
    pem = private_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private_key.public_key(), pem.decode("ascii")


def read_public_pem(text: str) -> ec.EllipticCurvePublicKey:
    """Read a SubjectPublicKeyInfo PEM; ValueError says what is wrong."""
    try:
        key = serialization.load_pem_public_key(text.encode("utf-8"))
    except Exception as error:
        raise ValueError("is not a PEM public key (-----BEGIN PUBLIC KEY-----)") from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("is not an elliptic-curve key")
    return _on_p256(key)


def read_private_pem(content: bytes) -> ec.EllipticCurvePublicKey:
    """Read a .p8 file and give its public key only; ValueError says what is wrong."""
    return read_private_key(content).public_key()


def read_private_key(content: bytes) -> ec.EllipticCurvePrivateKey:
    """Read a .p8 file; ValueError says what is wrong."""
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except Exception as error:
        raise ValueError("is not an unencrypted .p8 file (-----BEGIN PRIVATE KEY-----)") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("is not an elliptic-curve key")
    _on_p256(key.public_key())
    return key


def public_pem(key: ec.EllipticCurvePublicKey) -> str:
    """Write the SubjectPublicKeyInfo PEM."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def fingerprint(key: ec.EllipticCurvePublicKey) -> str:
    """Give the SHA-256 of the SubjectPublicKeyInfo DER, in hex."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def _on_p256(key: ec.EllipticCurvePublicKey) -> ec.EllipticCurvePublicKey:
    if not isinstance(key.curve, ec.SECP256R1):
        raise ValueError(f"is on curve {key.curve.name}; App Store keys are on P-256 (secp256r1)")
    return key
