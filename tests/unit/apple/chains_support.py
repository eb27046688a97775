# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chains of three certificates, sound ones and others, and payloads signed with them."""

from __future__ import annotations

import base64
import json
import typing as t
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from ansible_collections.storeops.refunds.plugins.module_utils._apple.root_certificate import Root
from ansible_collections.storeops.refunds.plugins.module_utils._apple.signature_faults import (
    INTERMEDIATE_OID,
    LEAF_OID,
)

START = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
# Years of validity of root, intermediate and leaf, each within the one before.
YEARS = ((0, 3650), (100, 3000), (200, 600))


@dataclass(frozen=True)
class Signed:
    """A chain: DER from the leaf to the root, and the leaf's key."""

    certificates: list[bytes]
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def root(self) -> Root:
        return Root(self.certificates[-1])

    @property
    def x5c(self) -> list[str]:
        return [base64.b64encode(one).decode() for one in self.certificates]

    def sign(self, payload: t.Any, header: t.Mapping[str, t.Any] | None = None) -> str:
        """Sign a payload (an object, or a text as it is)."""
        head = {"alg": "ES256", "typ": "JWT", "x5c": self.x5c, **(header or {})}
        content = payload if isinstance(payload, str) else json.dumps(payload)
        signing_input = f"{part(json.dumps(head).encode())}.{part(content.encode())}"
        numbers = decode_dss_signature(self.key.sign(signing_input.encode(), ec.ECDSA(SHA256())))
        return f"{signing_input}.{part(b''.join(number.to_bytes(32, 'big') for number in numbers))}"


def part(content: bytes) -> str:
    """Encode a segment."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def make(
    leaf_oid: str | None = LEAF_OID,
    intermediate_oid: str | None = INTERMEDIATE_OID,
    has_authority: bool = True,
    curve: ec.EllipticCurve | None = None,
) -> Signed:
    """Make a chain; ``has_authority`` is the Authority Key Identifier of leaf and intermediate."""
    keys = [ec.generate_private_key(one) for one in (ec.SECP384R1(), ec.SECP384R1(), curve or ec.SECP256R1())]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("Root", "Middle", "Leaf")]
    made: list[bytes] = []
    for rank, (name, key, oid) in enumerate(zip(names, keys, (None, intermediate_oid, leaf_oid), strict=True)):
        issuer = max(0, rank - 1)
        first, last = YEARS[rank]
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(names[issuer])
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(START + first * DAY)
            .not_valid_after(START + last * DAY)
            .add_extension(x509.BasicConstraints(ca=rank < 2, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(_usage(rank < 2), critical=True)
        )
        if has_authority:
            identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[issuer].public_key())
            builder = builder.add_extension(identifier, critical=False)
        if oid:
            mark = x509.UnrecognizedExtension(ObjectIdentifier(oid), b"\x05\x00")
            builder = builder.add_extension(mark, critical=False)
        made.insert(0, builder.sign(keys[issuer], SHA256()).public_bytes(Encoding.DER))
    return Signed(made, keys[2])


def _usage(is_issuer: bool) -> x509.KeyUsage:
    rest = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only"), False
    )
    return x509.KeyUsage(
        digital_signature=not is_issuer,
        key_cert_sign=is_issuer,
        crl_sign=is_issuer,
        decipher_only=False,
        **rest,
    )
