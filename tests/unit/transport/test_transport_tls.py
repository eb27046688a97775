# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS: a private CA works through ca_path only, and what fails names it."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import typing as t
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from transport_support import Clock, failed, get
from unit_servers import Scripted, scripted
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


def _issue(folder: Path, name: x509.GeneralName = ADDRESS, ends: datetime.datetime = NOW + DAY) -> Issued:
    ca_key, ca = _authority()
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder(ca.subject, _name("server"), key.public_key(), 2, NOW - 3 * DAY, ends)
    builder = builder.add_extension(x509.SubjectAlternativeName([name]), False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    certificate = builder.add_extension(issuer, False).sign(ca_key, hashes.SHA256())
    for file, content in (("server.pem", certificate), ("ca.pem", ca)):
        (folder / file).write_bytes(content.public_bytes(serialization.Encoding.PEM))
    write_key(folder / "server.key", as_pem(key))
    return Issued(str(folder / "server.pem"), str(folder / "server.key"), str(folder / "ca.pem"))


def _over_tls(server: Scripted, issued: Issued) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server.url.replace("http://", "https://")


def test_a_private_ca_works_through_ca_path(tmp_path: Path) -> None:
    issued = _issue(tmp_path)
    with scripted() as server:
        url = _over_tls(server, issued)
        error = failed(Clock().transport(), url, "tls")
        assert "ca_path" in error.next_step and "certificate" in str(error).lower()
        assert server.requests == [], "the token went nowhere"
        assert get(Clock().transport(ca_path=issued.ca), url).status == 200


def test_tls_failures_are_not_repeated(tmp_path: Path) -> None:
    clock = Clock()
    with scripted() as server:
        failed(clock.transport(), _over_tls(server, _issue(tmp_path)), "tls")
    assert clock.slept == []


BAD: dict[str, dict[str, t.Any]] = {
    "another name": {"name": x509.DNSName("other.example.com")},
    "expired": {"ends": NOW - 2 * DAY},
}


@pytest.mark.parametrize("case", BAD)
def test_certificates_that_do_not_fit(tmp_path: Path, case: str) -> None:
    issued = _issue(tmp_path, **BAD[case])
    with scripted() as server:
        failed(Clock().transport(ca_path=issued.ca), _over_tls(server, issued), "tls")
        assert server.requests == []


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\xff\0"])
def test_a_useless_ca_path(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with scripted() as server:
        url = _over_tls(server, _issue(tmp_path / ".."))
        error = failed(Clock().transport(ca_path=str(path)), url, "tls")
        assert "ca_path" in error.next_step


def test_plain_http_behind_an_https_url() -> None:
    with scripted() as server:
        failed(Clock().transport(attempts=1), server.url.replace("http://", "https://"), "tls")
