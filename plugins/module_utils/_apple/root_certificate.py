# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The root that Apple's signed data is verified against, and how another one is named.

Apple Root CA - G3 (P-384, valid 2014-04-30 to 2039-04-30) from apple.com/certificateauthority. It is Python because a
module that Ansible packs carries no data files.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
from dataclasses import dataclass, field

from .._model.errors import InputError
from .._model.refund import APPLE

# Without cryptography, a task that calls this has failed before.
with contextlib.suppress(ImportError):
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

APPLE_ROOT_SHA256 = "63343abfb89a6a03ebb57e9b3f5fa7be7c4f5c756f3017b3a8c488c3653e9179"
_APPLE_ROOT_CA_G3 = (
    "MIICQzCCAcmgAwIBAgIILcX8iNLFS5UwCgYIKoZIzj0EAwMwZzEbMBkGA1UEAwwSQXBwbGUgUm9vdCBDQSAtIEczMSYwJAYDVQQL"
    "DB1BcHBsZSBDZXJ0aWZpY2F0aW9uIEF1dGhvcml0eTETMBEGA1UECgwKQXBwbGUgSW5jLjELMAkGA1UEBhMCVVMwHhcNMTQwNDMw"
    "MTgxOTA2WhcNMzkwNDMwMTgxOTA2WjBnMRswGQYDVQQDDBJBcHBsZSBSb290IENBIC0gRzMxJjAkBgNVBAsMHUFwcGxlIENlcnRp"
    "ZmljYXRpb24gQXV0aG9yaXR5MRMwEQYDVQQKDApBcHBsZSBJbmMuMQswCQYDVQQGEwJVUzB2MBAGByqGSM49AgEGBSuBBAAiA2IA"
    "BJjpLz1AcqTtkyJygRMc3RCV8cWjTnHcFBbZDuWmBSp3ZHtfTjjTuxxEtX/1H7YyYl3J6YRbTzBPEVoA/VhYDKX1DyxNB0cTddqX"
    "l5dvMVztK517IDvYuVTZXpmkOlEKMaNCMEAwHQYDVR0OBBYEFLuw3qFYM4iapIqZ3r6966/ayySrMA8GA1UdEwEB/wQFMAMBAf8w"
    "DgYDVR0PAQH/BAQDAgEGMAoGCCqGSM49BAMDA2gAMGUCMQCD6cHEFl4aXTQY2e3v9GwOAEZLuN+yRhHFD/3meoyhpmvOwgPUnPWT"
    "xnS4at+qIxUCMG1mihDK1A3UT82NQz60imOlM27jbdoXt2QfyFMm+YhidDkLF1vLUagM6BgD56KyKA=="
)


@dataclass(frozen=True)
class Root:
    """A root certificate (DER). ``source`` is what the ledger's rows are marked with."""

    der: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.der).hexdigest()

    @property
    def source(self) -> str:
        """Return ``apple`` for Apple's own root, ``other:<first 16 digits of its SHA-256>`` for any other."""
        return APPLE if self.sha256 == APPLE_ROOT_SHA256 else f"other:{self.sha256[:16]}"


def apple_root() -> Root:
    return Root(base64.b64decode(_APPLE_ROOT_CA_G3))


def parse_root(text: bytes, path: str, option: str) -> Root:
    """Return the one certificate in a file's content, PEM or DER. Raises InputError."""
    if text.count(b"-----BEGIN CERTIFICATE-----") > 1:
        raise InputError(option, f"{path} holds several certificates.", "Give a file with the root alone.")
    is_pem = b"-----BEGIN" in text
    try:
        certificate = x509.load_pem_x509_certificate(text) if is_pem else x509.load_der_x509_certificate(text)
    except (ValueError, x509.InvalidVersion):
        raise InputError(option, f"{path} isn't a certificate.", "Give a root certificate in PEM or DER.") from None
    return Root(certificate.public_bytes(Encoding.DER))
