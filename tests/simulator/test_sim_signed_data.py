# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof, second half: Apple's own verifier takes what the simulator signs, and nothing else."""

from __future__ import annotations

import base64
import json
import time

import pytest
from appstoreserverlibrary.models.Environment import Environment
from appstoreserverlibrary.models.RevocationType import RevocationType
from appstoreserverlibrary.signed_data_verifier import (
    SignedDataVerifier,
    VerificationException,
    VerificationStatus,
)
from sim_support import (
    APPLE_ID,
    BUNDLE_ID,
    PRODUCTION_ID,
    REFUND_DATE,
    SANDBOX_ID,
    KeyPair,
    Running,
    new_token,
)
from storeops_simulator.chain import make_chain

_TWO_YEARS_MS = 2 * 365 * 24 * 3600 * 1000


def read_signed(sim: Running, pair: KeyPair, transaction_id: str, environment: str) -> str:
    """Fetch one signed transaction."""
    answer = sim.session.get(
        sim.transaction_url(transaction_id, environment),
        headers={"Authorization": f"Bearer {new_token(pair.private_pem)}"},
        timeout=120,
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["signedTransactionInfo"])


def verifier(
    root: bytes, environment: Environment = Environment.PRODUCTION, bundle_id: str = BUNDLE_ID
) -> SignedDataVerifier:
    """Make Apple's verifier in offline mode."""
    return SignedDataVerifier([root], False, environment, bundle_id, APPLE_ID)


def status_of(made: SignedDataVerifier, signed: str) -> VerificationStatus:
    """Verify, and give the reason of the refusal."""
    with pytest.raises(VerificationException) as caught:
        made.verify_and_decode_signed_transaction(signed)
    return caught.value.status


def test_production(sim: Running, pair: KeyPair) -> None:
    signed = read_signed(sim, pair, PRODUCTION_ID, "production")
    decoded = verifier(sim.root_der()).verify_and_decode_signed_transaction(signed)
    assert decoded.transactionId == decoded.originalTransactionId == PRODUCTION_ID
    assert decoded.bundleId == BUNDLE_ID
    assert (decoded.price, decoded.currency, decoded.quantity) == (990000, "USD", 1)
    assert decoded.rawType == "Consumable"
    assert decoded.revocationDate == REFUND_DATE
    assert decoded.revocationType is RevocationType.REFUND_FULL
    assert (decoded.rawRevocationReason, decoded.revocationPercentage) == (0, 100000)
    assert decoded.signedDate is not None
    assert abs(decoded.signedDate - time.time() * 1000) < 3_600_000


def test_sandbox(sim: Running, pair: KeyPair) -> None:
    signed = read_signed(sim, pair, SANDBOX_ID, "sandbox")
    made = SignedDataVerifier([sim.root_der()], False, Environment.SANDBOX, BUNDLE_ID)
    decoded = made.verify_and_decode_signed_transaction(signed)
    assert decoded.environment is Environment.SANDBOX
    assert decoded.revocationDate is None


def test_a_chain_of_exactly_three(sim: Running, pair: KeyPair) -> None:
    signed = read_signed(sim, pair, PRODUCTION_ID, "production")
    header = json.loads(_decode(signed.split(".", maxsplit=1)[0]))
    assert header["alg"] == "ES256"
    assert len(header["x5c"]) == 3
    assert base64.b64decode(header["x5c"][2], validate=True) == sim.root_der()


def test_a_changed_payload_is_refused(sim: Running, pair: KeyPair) -> None:
    header, payload, signature = read_signed(sim, pair, PRODUCTION_ID, "production").split(".")
    changed = json.loads(_decode(payload)) | {"price": 1}
    encoded = base64.urlsafe_b64encode(json.dumps(changed).encode()).decode().rstrip("=")
    status = status_of(verifier(sim.root_der()), f"{header}.{encoded}.{signature}")
    assert status is VerificationStatus.VERIFICATION_FAILURE


def test_another_root_is_refused(sim: Running, pair: KeyPair) -> None:
    signed = read_signed(sim, pair, PRODUCTION_ID, "production")
    status = status_of(verifier(make_chain().root_der()), signed)
    assert status is VerificationStatus.VERIFICATION_FAILURE


def test_another_bundle_id_is_refused(sim: Running, pair: KeyPair) -> None:
    signed = read_signed(sim, pair, PRODUCTION_ID, "production")
    status = status_of(verifier(sim.root_der(), bundle_id="com.example.else"), signed)
    assert status is VerificationStatus.INVALID_APP_IDENTIFIER


def test_another_environment_is_refused(sim: Running, pair: KeyPair) -> None:
    signed = read_signed(sim, pair, PRODUCTION_ID, "production")
    status = status_of(verifier(sim.root_der(), Environment.SANDBOX), signed)
    assert status is VerificationStatus.INVALID_ENVIRONMENT


@pytest.mark.parametrize("age_ms", [0, _TWO_YEARS_MS])
def test_old_payloads_verify_offline(age_ms: int) -> None:
    chain = make_chain()
    payload = {
        "bundleId": BUNDLE_ID,
        "environment": "Production",
        "signedDate": int(time.time() * 1000) - age_ms,
    }
    made = verifier(chain.root_der())
    decoded = made.verify_and_decode_signed_transaction(chain.sign(payload))
    assert decoded.signedDate == payload["signedDate"]


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
