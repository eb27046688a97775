# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private key files: the damage is named, and what is no In-App Purchase key is told apart."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa, x25519
from unit_support import as_pem, fingerprint_of, new_pem, public_pem

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._model.private_key import (
    KeyFileName,
    KeyProblem,
    parse_file,
    read_file_name,
    require_pair,
    settle_key_id,
)

PATH = "/keys/a.p8"


def _loaded(pem: str) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def _encrypted(pem: str) -> str:
    how = serialization.BestAvailableEncryption(b"hunter2")
    kind = serialization.PrivateFormat.PKCS8
    return _loaded(pem).private_bytes(serialization.Encoding.PEM, kind, how).decode()


def _sec1(pem: str) -> str:
    kind, how = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    return _loaded(pem).private_bytes(serialization.Encoding.PEM, kind, how).decode()


def _certificate(pem: str) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, _loaded(pem).public_key(), 1, start, start.replace(year=2027))
    return builder.sign(_loaded(pem), hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def _rsa(_pem: str) -> str:
    return as_pem(rsa.generate_private_key(65537, 1024))


def _rsa_pkcs1(_pem: str) -> str:
    kind, how = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    return rsa.generate_private_key(65537, 1024).private_bytes(serialization.Encoding.PEM, kind, how).decode()


WRONG_KIND: dict[str, tuple[t.Callable[[str], str], str]] = {
    "encrypted": (_encrypted, "an encrypted private key"),
    "SEC 1": (_sec1, "SEC 1"),
    "public": (public_pem, "a public key"),
    "certificate": (_certificate, "a certificate"),
    "RSA": (_rsa, "another kind (RSAPrivateKey)"),
    "RSA in PKCS#1": (_rsa_pkcs1, "an RSA key"),
    "P-384": (lambda pem: new_pem(ec.SECP384R1()), "another kind (secp384r1)"),
    "secp256k1": (lambda pem: new_pem(ec.SECP256K1()), "another kind (secp256k1)"),
    "Ed25519": (lambda pem: as_pem(ed25519.Ed25519PrivateKey.generate()), "another kind (Ed25519PrivateKey)"),
    "X25519": (lambda pem: as_pem(x25519.X25519PrivateKey.generate()), "another kind (X25519PrivateKey)"),
    "DSA": (lambda pem: as_pem(dsa.generate_private_key(1024)), "another kind (DSAPrivateKey)"),
    "OpenSSH": (lambda pem: pem.replace("PRIVATE", "OPENSSH PRIVATE"), "named OPENSSH PRIVATE KEY"),
    "PGP": (lambda pem: pem.replace("PRIVATE KEY", "PGP MESSAGE"), "named PGP MESSAGE"),
}


@pytest.mark.parametrize("case", WRONG_KIND)
def test_keys_of_another_kind(case: str, pem: str) -> None:
    make, expected = WRONG_KIND[case]
    with pytest.raises(KeyProblem) as caught:
        parse_file(make(pem).encode(), PATH)
    assert caught.value.cause == "key_wrong_kind"
    assert expected in str(caught.value) and PATH in str(caught.value)
    assert "SubscriptionKey_….p8" in caught.value.next_step


def _without_line(pem: str, number: int) -> str:
    lines = pem.splitlines(keepends=True)
    del lines[number]
    return "".join(lines)


DAMAGED: dict[str, tuple[t.Callable[[str], bytes], str]] = {
    "empty": (lambda pem: b"", "is empty"),
    "blank": (lambda pem: b" \r\n\n", "is empty"),
    "huge": (lambda pem: b"a" * 8193, "more than 8192 bytes"),
    "binary": (lambda pem: bytes(range(256)), "binary"),
    "NUL": (lambda pem: pem.encode() + b"\0", "binary"),
    "UTF-16": (lambda pem: pem.encode("utf-16"), "UTF-16"),
    "UTF-16 without a mark": (lambda pem: pem.encode("utf-16-be"), "UTF-16"),
    "non-ASCII": (lambda pem: pem.encode().replace(b"M", b"\xc3\x84", 1), "not plain ASCII"),
    "DER": (lambda pem: b"0" + _loaded(pem).private_numbers().private_value.to_bytes(32, "big") + b"\xff", "binary"),
    "two blocks": (lambda pem: (pem + pem).encode(), "2 PEM blocks"),
    "key and certificate": (lambda pem: (pem + _certificate(pem)).encode(), "2 PEM blocks"),
    "CR alone": (lambda pem: pem.replace("\n", "\r").encode(), "CR alone"),
    "text before": (lambda pem: b"Key:\n" + pem.encode(), "text before or after"),
    "text after": (lambda pem: pem.encode() + b"-- \nMe\n", "text before or after"),
    "a character that none has": (lambda pem: pem.replace("M", "!", 1).encode(), "characters that no PEM block has"),
    "cut in the header": (lambda pem: pem[:20].encode(), "BEGIN PRIVATE KEY is missing"),
    "cut after the header": (lambda pem: pem[:28].encode(), "(truncated)"),
    "cut in the body": (lambda pem: pem[:120].encode(), "(truncated)"),
    "cut in the end line": (lambda pem: pem[:-10].encode(), "(truncated)"),
    "cut in front": (lambda pem: pem[5:].encode(), "five hyphens on each side"),
    "first line lost": (lambda pem: _without_line(pem, 0).encode(), "BEGIN PRIVATE KEY is missing"),
    "body line lost": (lambda pem: _without_line(pem, 2).encode(), "no complete PKCS#8"),
    "no body": (lambda pem: (pem[:28] + pem[-26:]).encode(), "no complete PKCS#8"),
    "four characters lost": (lambda pem: (pem[:60] + pem[64:]).encode(), "no complete PKCS#8"),
    "one character lost": (lambda pem: (pem[:60] + pem[61:]).encode(), "no complete PKCS#8"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_files(case: str, pem: str) -> None:
    make, expected = DAMAGED[case]
    with pytest.raises(KeyProblem) as caught:
        parse_file(make(pem), PATH)
    assert caught.value.cause == "key_unreadable"
    assert expected in str(caught.value) and PATH in str(caught.value)


def test_a_sound_file_with_or_without_its_last_line_end(pem: str) -> None:
    for text in (pem, pem.rstrip("\n")):
        key = parse_file(text.encode(), PATH)
        assert (key.pem.reveal(), key.fingerprint) == (pem, fingerprint_of(pem))


def test_another_kind_inside_an_honest_header(pem: str) -> None:
    swapped = _sec1(pem).replace("EC PRIVATE", "PRIVATE")
    with pytest.raises(KeyProblem, match="SEC 1"):
        parse_file(swapped.encode(), PATH)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SubscriptionKey_2X9R4HXF34.p8", KeyFileName("2X9R4HXF34", False)),
        ("AuthKey_2X9R4HXF34.p8", KeyFileName("2X9R4HXF34", True)),
        ("SubscriptionKey_.p8", KeyFileName(None, False)),
        ("SubscriptionKey_2X9R4HXF34 (1).p8", KeyFileName("2X9R4HXF34", False)),
        ("SubscriptionKey_2X9R4HXF34(2).p8", KeyFileName("2X9R4HXF34", False)),
        ("SubscriptionKey_2X9R4HXF34-2.p8", KeyFileName("2X9R4HXF34", False)),
        ("SubscriptionKey_2X9R4HXF34 copy.p8", KeyFileName("2X9R4HXF34", False)),
        ("SubscriptionKey_2X9R4HXF34 copy 2.p8", KeyFileName("2X9R4HXF34", False)),
        ("SubscriptionKey_2X9R4HXF34 - Copy.p8", KeyFileName("2X9R4HXF34", False)),
        ("AuthKey_2X9R4HXF34 - Copy (2).p8", KeyFileName("2X9R4HXF34", True)),
        ("SubscriptionKey_2X9R4HXF34 (a).p8", KeyFileName(None, False)),
        ("SubscriptionKey_2X9R4HXF34-old.p8", KeyFileName(None, False)),
        ("SubscriptionKey_2X9R4HXF34copy.p8", KeyFileName("2X9R4HXF34copy", False)),
        ("SubscriptionKey_2X9R4HXF34.p8.bak", KeyFileName(None, False)),
        ("key.p8", KeyFileName(None, False)),
        ("", KeyFileName(None, False)),
    ],
)
def test_file_names(name: str, expected: KeyFileName) -> None:
    assert read_file_name(name) == expected


def test_the_key_id_comes_from_the_option_or_the_name() -> None:
    named = KeyFileName("ABC", False)
    assert settle_key_id(None, named, "/k") == "ABC"
    assert settle_key_id("ABC", named, "/k") == "ABC"
    assert settle_key_id(" ABC\n", named, "/k") == "ABC"
    assert settle_key_id("XYZ", KeyFileName(None, False), "/k") == "XYZ"
    assert settle_key_id(None, KeyFileName(None, False), "/k") is None


def test_a_contradiction_is_loud() -> None:
    with pytest.raises(KeyProblem, match="key_id is XYZ, but the file name /k says ABC") as caught:
        settle_key_id("XYZ", KeyFileName("ABC", False), "/k")
    assert caught.value.cause == "key_id_mismatch"
    with pytest.raises(InputError, match="from the file name /k"):
        settle_key_id(None, KeyFileName("abc", False), "/k")


def test_what_is_missing_to_sign_is_named() -> None:
    with pytest.raises(InputError, match=r"^issuer_id: "):
        require_pair(None, "ABC")
    with pytest.raises(InputError, match=r"^key_id: "):
        require_pair("a", None)
