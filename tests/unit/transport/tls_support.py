# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates of a private CA."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import typing as t
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from unit_support import as_pem, write_key

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
ADDRESS = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _authority() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Test CA")
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW - DAY, NOW + DAY)
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    builder = builder.add_extension(x509.BasicConstraints(True, None), True).add_extension(usage, True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return key, builder.add_extension(identifier, False).sign(key, hashes.SHA256())


class Issued(t.NamedTuple):
    """Where a server's certificate, its key and the CA lie."""

    certificate: str
    key: str
    ca: str


def issue(
    folder: Path,
    name: x509.GeneralName = ADDRESS,
    ends: datetime.datetime = NOW + DAY,
    begins: datetime.datetime = NOW - 3 * DAY,
) -> Issued:
    """Issue a certificate for ``name`` by a CA of its own, into ``folder``."""
    ca_key, ca = _authority()
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder(ca.subject, _name("server"), key.public_key(), 2, begins, ends)
    builder = builder.add_extension(x509.SubjectAlternativeName([name]), False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    certificate = builder.add_extension(issuer, False).sign(ca_key, hashes.SHA256())
    for file, content in (("server.pem", certificate), ("ca.pem", ca)):
        (folder / file).write_bytes(content.public_bytes(serialization.Encoding.PEM))
    write_key(folder / "server.key", as_pem(key))
    return Issued(str(folder / "server.pem"), str(folder / "server.key"), str(folder / "ca.pem"))


def serving(issued: Issued) -> ssl.SSLContext:
    """Give what a server with that certificate speaks TLS by."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    return context
