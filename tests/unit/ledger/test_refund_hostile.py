# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that no App Store sends: refused by name, never a fault of the collection."""

from __future__ import annotations

import base64
import json
import typing as t
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from refund_support import Desk
from unit_servers import Canned, Simulator, scripted
from unit_support import BUNDLE_ID, Outcome, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._apple import signature_faults
from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_server import is_page_token
from ansible_collections.storeops.refunds.plugins.module_utils._apple.refund_fields import (
    UnexpectedFields,
    notification_of,
)
from ansible_collections.storeops.refunds.plugins.module_utils._apple.root_certificate import apple_root
from ansible_collections.storeops.refunds.plugins.module_utils._apple.signed_data import SignedData
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Rejected
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_info

HALF = "\ud800"
TRANSACTION = {"transactionId": "1", "revocationDate": 1, "productId": "coins", "price": 1, "currency": "EUR"}
PAYLOAD = {"notificationType": "REFUND", "notificationUUID": "a-b", "signedDate": 1}


@pytest.fixture
def desk(sim: Simulator, tmp_path: Path) -> Desk:
    """An app with an Active integration."""
    made = Desk(sim, tmp_path, f"sqlite:///{tmp_path}/ledger.db")
    made.prepare()
    return made


def certificate(version: int = 2) -> bytes:
    """Make a certificate (DER) that says it was issued by Apple's root; X.509 knows the versions 0 and 2."""
    issuer = x509.load_der_x509_certificate(apple_root().der).subject
    key, start = ec.generate_private_key(ec.SECP256R1()), datetime(2024, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(issuer, x509.Name([]), key.public_key(), 5, start, start.replace(year=2034))
    made = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    head = bytes.fromhex("a0030201")
    return made.replace(head + b"\x02", head + bytes([version]), 1)


def signed_by(chain: list[bytes]) -> str:
    """Make a JWS whose header holds the chain; its signature is none."""
    header = {"alg": "ES256", "x5c": [base64.b64encode(one).decode() for one in chain]}
    parts = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in (header, PAYLOAD)]
    return ".".join([*parts, "AAAA"])


@pytest.mark.parametrize(("place", "versions"), [("leaf", (7, 2)), ("intermediate", (2, 7)), ("none", (2, 2))])
def test_a_certificate_of_a_version_that_is_none(place: str, versions: tuple[int, int]) -> None:
    chain = [*map(certificate, versions), apple_root().der]
    found = SignedData(apple_root(), "production", "com.example.one", 1).notification(signed_by(chain), "REFUND")
    assert isinstance(found, Rejected)
    assert found.reason == ("wrong_root" if place == "none" else "unreadable_certificate")


def test_whatever_a_certificate_makes_the_library_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(*_given: object) -> t.NoReturn:
        raise LookupError("what nobody thought of")

    monkeypatch.setattr(signature_faults, "_is_issued_by", raises)
    text = signed_by([certificate(), certificate(), apple_root().der])
    found = SignedData(apple_root(), "production", "com.example.one", 1).notification(text, "REFUND")
    assert isinstance(found, Rejected) and found.reason == "verification_failed"


def test_a_root_certificate_of_a_version_that_is_none(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "odd.der").write_bytes(certificate(7))
    outcome = desk.run(root_certificate_path=str(tmp_path / "odd.der"))
    assert outcome.results["failed"] and "odd.der isn't a certificate" in outcome.message


@pytest.mark.parametrize("field", ["productId", "transactionId", "storefront", "currency"])
def test_a_text_that_no_database_takes(field: str) -> None:
    with pytest.raises(UnexpectedFields):
        notification_of(PAYLOAD, {**TRANSACTION, field: f"a{HALF}"})
    with pytest.raises(UnexpectedFields):
        notification_of({**PAYLOAD, "notificationUUID": f"a{HALF}"}, TRANSACTION)
    assert notification_of(PAYLOAD, {**TRANSACTION, "productId": "Münzen 🪙"}).refunds


@pytest.mark.parametrize("token", [f"a{HALF}", "", "a\nb", "a b", "x" * 5000, 7, None])
def test_a_token_that_fits_in_no_url(token: object) -> None:
    assert not is_page_token(token)


def test_histories_with_such_a_token(desk: Desk) -> None:
    more = {"hasMore": True, "notificationHistory": [], "signedTransactions": []}
    for name, options in (("paginationToken", {}), ("revision", {"transaction_id": "1"})):
        body = json.dumps({**more, name: HALF}).encode()
        with scripted(Canned(body=body)) as server:
            outcome = _ask(desk, server.url, options) if options else desk.run(app_store_server_url=server.url)
        assert outcome.results["failed"] and "says that there is more, but not where" in outcome.message, (
            outcome.message
        )


def _ask(desk: Desk, url: str, options: dict[str, str]) -> Outcome:
    given = {"bundle_id": BUNDLE_ID, "app_store_server_url": url, "ledger": {"url": desk.url}, **options}
    return run_task(refund_info.TASK, given)
