# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notifications that are wrong on purpose: Apple's verifier refuses each of them, for the right reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from appstoreserverlibrary.models.Environment import Environment
from appstoreserverlibrary.signed_data_verifier import SignedDataVerifier, VerificationException, VerificationStatus
from history_support import (
    HOUR,
    NOW,
    app_of,
    apples_client,
    apples_verifier,
    history_world,
    payloads,
    put,
    refund_notice,
    request,
)
from sim_support import BUNDLE_ID, KeyPair, Running
from storeops_simulator.chain import make_chain
from storeops_simulator.notifications import FAULTS

STATUS = {
    "tampered": VerificationStatus.VERIFICATION_FAILURE,
    "wrong_bundle": VerificationStatus.INVALID_APP_IDENTIFIER,
    "wrong_environment": VerificationStatus.INVALID_ENVIRONMENT,
    "wrong_apple_id": VerificationStatus.INVALID_APP_IDENTIFIER,
    "wrong_root": VerificationStatus.VERIFICATION_FAILURE,
    "missing_oid": VerificationStatus.VERIFICATION_FAILURE,
    "missing_intermediate_oid": VerificationStatus.VERIFICATION_FAILURE,
    "expired": VerificationStatus.VERIFICATION_FAILURE,
    "short_chain": VerificationStatus.INVALID_CHAIN_LENGTH,
}


def two(sim: Running, pair: KeyPair, **fault: str) -> list[str]:
    """Give the payloads of a sound notification and of one with a fault."""
    world = history_world(pair)
    notices = [refund_notice(1, NOW - 2 * HOUR), refund_notice(2, NOW - HOUR, **fault)]
    app_of(world)["notifications"] = notices
    put(sim, world)
    return payloads(apples_client(sim, pair), request())


def test_every_fault_is_tried() -> None:
    assert set(STATUS) == set(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_payload(sim: Running, pair: KeyPair, fault: str) -> None:
    sound, faulty = two(sim, pair, fault=fault)
    verifier = apples_verifier(sim)
    assert verifier.verify_and_decode_notification(sound).notificationUUID
    with pytest.raises(VerificationException) as caught:
        verifier.verify_and_decode_notification(faulty)
    assert caught.value.status is STATUS[fault]


@pytest.mark.parametrize("fault", [each for each in FAULTS if each != "wrong_apple_id"])
def test_a_faulty_transaction_in_a_sound_payload(sim: Running, pair: KeyPair, fault: str) -> None:
    _sound, faulty = two(sim, pair, fault=fault, fault_in="transaction")
    verifier = apples_verifier(sim)
    data = verifier.verify_and_decode_notification(faulty).data
    assert data is not None and data.signedTransactionInfo is not None
    with pytest.raises(VerificationException) as caught:
        verifier.verify_and_decode_signed_transaction(data.signedTransactionInfo)
    assert caught.value.status is STATUS[fault]


@pytest.mark.parametrize("fault", ["missing_oid", "missing_intermediate_oid"])
def test_nothing_else_is_wrong_without_an_object_identifier(sim: Running, pair: KeyPair, fault: str) -> None:
    _sound, faulty = two(sim, pair, fault=fault)
    verifier = apples_verifier(sim)
    verifier._chain_verifier.check_oid = lambda *_arguments: None  # type: ignore[method-assign]
    assert verifier.verify_and_decode_notification(faulty).notificationUUID


def test_nothing_else_is_wrong_with_an_expired_leaf() -> None:
    chain, start = make_chain(), datetime.now(UTC)
    verifier = SignedDataVerifier([chain.root_der()], False, Environment.SANDBOX, BUNDLE_ID)

    def signed(at: datetime) -> str:
        payload = {"bundleId": BUNDLE_ID, "environment": "Sandbox", "signedDate": int(at.timestamp() * 1000)}
        return chain.sign(payload, "expired")

    valid = start - timedelta(days=5 * 365) + timedelta(hours=1)
    assert verifier.verify_and_decode_signed_transaction(signed(valid)).bundleId == BUNDLE_ID
    with pytest.raises(VerificationException):
        verifier.verify_and_decode_signed_transaction(signed(valid + timedelta(days=1)))
