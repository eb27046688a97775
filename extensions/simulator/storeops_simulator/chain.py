# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's own certificate chain, in the shape of the one that signs App Store data.

Three certificates (leaf, intermediate, root); the leaf and the intermediate carry the two
object identifiers that Apple's app-store-server-library looks for
(github.com/apple/app-store-server-library-python, signed_data_verifier.py).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.x509.oid import NameOID, ObjectIdentifier

from . import jws

_INTERMEDIATE_OID = ObjectIdentifier("1.2.840.113635.100.6.2.1")
_LEAF_OID = ObjectIdentifier("1.2.840.113635.100.6.11.1")
_ASN1_NULL = b"\x05\x00"
_YEAR = timedelta(days=365)
# Offline verification checks the chain at the payload's signedDate, so the chain has to be
# older than any payload that a world may ask for.
_VALID_BEFORE_START = 5 * _YEAR
_VALID_AFTER_START = 5 * _YEAR


@dataclass(frozen=True)
class Chain:
    """A ready chain; the private keys of root and intermediate are not kept."""

    leaf: x509.Certificate
    intermediate: x509.Certificate
    root: x509.Certificate
    leaf_key: ec.EllipticCurvePrivateKey = field(repr=False)
    x5c: tuple[str, str, str]

    def sign(self, payload: Mapping[str, object]) -> str:
        """Sign a payload like the App Store: compact JWS, ES256, x5c of exactly three."""
        header = {"alg": "ES256", "typ": "JWT", "x5c": list(self.x5c)}
        return jws.sign(header, payload, self.leaf_key)

    def root_der(self) -> bytes:
        """Give the root certificate as DER, as Apple publishes its own."""
        return self.root.public_bytes(serialization.Encoding.DER)

    def root_pem(self) -> bytes:
        """Give the root certificate as PEM."""
        return self.root.public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True)
class _Issuer:
    name: x509.Name
    key: ec.EllipticCurvePrivateKey


def make_chain(now: datetime | None = None) -> Chain:
    """Make a new chain, valid from five years before `now` to five years after it."""
    start = now or datetime.now(UTC)
    root_key = ec.generate_private_key(ec.SECP384R1())
    middle_key = ec.generate_private_key(ec.SECP384R1())
    leaf_key = ec.generate_private_key(ec.SECP256R1())
    root_issuer = _Issuer(_name("Root"), root_key)
    middle_issuer = _Issuer(_name("Intermediate"), middle_key)
    root = _certificate(root_issuer.name, root_key, root_issuer, start, path_length=1)
    middle = _certificate(middle_issuer.name, middle_key, root_issuer, start, 0, _INTERMEDIATE_OID)
    leaf = _certificate(_name("Leaf"), leaf_key, middle_issuer, start, None, _LEAF_OID)
    return Chain(leaf, middle, root, leaf_key, (_x5c(leaf), _x5c(middle), _x5c(root)))


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: _Issuer,
    start: datetime,
    path_length: int | None,
    marker: ObjectIdentifier | None = None,
) -> x509.Certificate:
    """Make one certificate that OpenSSL's X509_STRICT accepts; no path length makes a leaf."""
    public_key = key.public_key()
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    is_ca = path_length is not None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.name)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - _VALID_BEFORE_START)
        .not_valid_after(start + _VALID_AFTER_START)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=path_length), critical=True)
        .add_extension(_key_usage(is_ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(authority, critical=False)
    )
    if marker is not None:
        builder = builder.add_extension(x509.UnrecognizedExtension(marker, _ASN1_NULL), critical=False)
    return builder.sign(issuer.key, SHA384() if is_ca else SHA256())


def _key_usage(is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )


def _name(role: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, f"storeops simulator {role} (not Apple)"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "storeops.refunds simulator"),
        ]
    )


def _x5c(certificate: x509.Certificate) -> str:
    # RFC 7515 section 4.1.6: standard base64, not base64url.
    der = certificate.public_bytes(serialization.Encoding.DER)
    return base64.b64encode(der).decode("ascii")
