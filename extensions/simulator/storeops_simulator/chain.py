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
_VALID = _VALID_BEFORE_START + _VALID_AFTER_START
_EXPIRED = timedelta(days=1)


@dataclass(frozen=True)
class Signer:
    """A leaf's private key, and the certificates that go along with what it signs."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    x5c: tuple[str, ...]

    def sign(self, payload: Mapping[str, object]) -> str:
        """Sign a payload like the App Store: compact JWS, ES256, x5c."""
        header = {"alg": "ES256", "typ": "JWT", "x5c": list(self.x5c)}
        return jws.sign(header, payload, self.key)


@dataclass(frozen=True)
class Chain:
    """A ready chain; the private keys of root and intermediate are not kept."""

    root: x509.Certificate
    signer: Signer
    faulty: Mapping[str, Signer]
    """Signers that a client has to refuse, by what is wrong with their certificates."""

    def sign(self, payload: Mapping[str, object], fault: str | None = None) -> str:
        """Sign a payload; `fault` is one of `CHAIN_FAULTS`, and every other one leaves the chain sound."""
        return self.faulty.get(fault or "", self.signer).sign(payload)

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


@dataclass(frozen=True)
class _Wanted:
    """What a certificate is to say; no path length makes a leaf."""

    subject: x509.Name
    key: ec.EllipticCurvePrivateKey
    path_length: int | None
    marker: ObjectIdentifier | None = None
    valid: timedelta = _VALID


@dataclass(frozen=True)
class _Ranks:
    """A root and an intermediate, while their keys are still here."""

    root: x509.Certificate
    root_issuer: _Issuer
    middle: x509.Certificate
    middle_issuer: _Issuer
    start: datetime

    def signer(self, marker: ObjectIdentifier | None = _LEAF_OID, valid: timedelta = _VALID) -> Signer:
        """Make a leaf below the intermediate."""
        key = ec.generate_private_key(ec.SECP256R1())
        wanted = _Wanted(_name("Leaf"), key, None, marker, valid)
        leaf = _certificate(wanted, self.middle_issuer, self.start)
        return Signer(key, (_x5c(leaf), _x5c(self.middle), _x5c(self.root)))

    def unmarked(self) -> _Ranks:
        """Give the same root with an intermediate that lacks Apple's object identifier."""
        middle, issuer = _intermediate(self.root_issuer, self.start, None)
        return _Ranks(self.root, self.root_issuer, middle, issuer, self.start)


def make_chain(now: datetime | None = None) -> Chain:
    """Make a new chain, valid from five years before `now` to five years after it."""
    start = now or datetime.now(UTC)
    ranks = _ranks(start)
    signer = ranks.signer()
    faulty = {
        "wrong_root": _ranks(start).signer(),
        "missing_oid": ranks.signer(marker=None),
        "missing_intermediate_oid": ranks.unmarked().signer(),
        "expired": ranks.signer(valid=_EXPIRED),
        "short_chain": Signer(signer.key, signer.x5c[:2]),
    }
    return Chain(ranks.root, signer, faulty)


def _ranks(start: datetime) -> _Ranks:
    key = ec.generate_private_key(ec.SECP384R1())
    issuer = _Issuer(_name("Root"), key)
    root = _certificate(_Wanted(issuer.name, key, 1), issuer, start)
    middle, middle_issuer = _intermediate(issuer, start, _INTERMEDIATE_OID)
    return _Ranks(root, issuer, middle, middle_issuer, start)


def _intermediate(root: _Issuer, start: datetime, marker: ObjectIdentifier | None) -> tuple[x509.Certificate, _Issuer]:
    issuer = _Issuer(_name("Intermediate"), ec.generate_private_key(ec.SECP384R1()))
    return _certificate(_Wanted(issuer.name, issuer.key, 0, marker), root, start), issuer


def _certificate(wanted: _Wanted, issuer: _Issuer, start: datetime) -> x509.Certificate:
    """Make one certificate that OpenSSL's X509_STRICT accepts."""
    public_key = wanted.key.public_key()
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    is_ca = wanted.path_length is not None
    builder = (
        x509.CertificateBuilder()
        .subject_name(wanted.subject)
        .issuer_name(issuer.name)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - _VALID_BEFORE_START)
        .not_valid_after(start - _VALID_BEFORE_START + wanted.valid)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=wanted.path_length), critical=True)
        .add_extension(_key_usage(is_ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(authority, critical=False)
    )
    if wanted.marker is not None:
        builder = builder.add_extension(x509.UnrecognizedExtension(wanted.marker, _ASN1_NULL), critical=False)
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
