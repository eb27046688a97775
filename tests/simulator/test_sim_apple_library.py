# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof, first half: Apple's own client, unchanged but for its base URL."""

from __future__ import annotations

import pytest
from appstoreserverlibrary.api_client import APIError, APIException, AppStoreServerAPIClient
from appstoreserverlibrary.models.Environment import Environment
from sim_support import (
    ASC_KEY_ID,
    BUNDLE_ID,
    ISSUER,
    KEY_ID,
    OTHER_BUNDLE_ID,
    OTHER_ISSUER,
    OTHER_KEY_ID,
    PRODUCTION_ID,
    REVOKED_KEY_ID,
    SANDBOX_ID,
    UNRELEASED,
    KeyPair,
    Running,
    new_world,
)

ENVIRONMENTS = {"production": Environment.PRODUCTION, "sandbox": Environment.SANDBOX}


def client(
    sim: Running,
    pair: KeyPair,
    *,
    key_id: str = KEY_ID,
    issuer_id: str = ISSUER,
    bundle_id: str = BUNDLE_ID,
    environment: str = "production",
) -> AppStoreServerAPIClient:
    """Make Apple's client for the simulator."""
    made = AppStoreServerAPIClient(pair.private_pem.encode(), key_id, issuer_id, bundle_id, ENVIRONMENTS[environment])
    made._base_url = sim.base(environment)
    return made


def failure(made: AppStoreServerAPIClient, transaction_id: str = PRODUCTION_ID) -> APIException:
    """Call, and give the exception that Apple's client raises."""
    with pytest.raises(APIException) as caught:
        made.get_transaction_info(transaction_id)
    return caught.value


@pytest.mark.parametrize(("environment", "transaction_id"), [("production", PRODUCTION_ID), ("sandbox", SANDBOX_ID)])
def test_a_good_key_reads_a_transaction(sim: Running, pair: KeyPair, environment: str, transaction_id: str) -> None:
    answer = client(sim, pair, environment=environment).get_transaction_info(transaction_id)
    assert answer.signedTransactionInfo is not None
    assert answer.signedTransactionInfo.count(".") == 2


@pytest.mark.parametrize(
    ("transaction_id", "error", "message"),
    [
        ("1", APIError.TRANSACTION_ID_NOT_FOUND, "Transaction id not found."),
        (SANDBOX_ID, APIError.TRANSACTION_ID_NOT_FOUND, "Transaction id not found."),
        ("not-a-number", APIError.INVALID_TRANSACTION_ID, "Invalid transaction id."),
        ("12 34", APIError.INVALID_TRANSACTION_ID, "Invalid transaction id."),
        ("٣", APIError.INVALID_TRANSACTION_ID, "Invalid transaction id."),
    ],
)
def test_errors_are_typed(sim: Running, pair: KeyPair, transaction_id: str, error: APIError, message: str) -> None:
    raised = failure(client(sim, pair), transaction_id)
    assert raised.api_error is error
    assert raised.http_status_code == error.value // 10_000
    assert raised.error_message == message


def test_a_transaction_of_another_app_is_not_found(sim: Running, pair: KeyPair) -> None:
    made = client(sim, pair, key_id=OTHER_KEY_ID, issuer_id=OTHER_ISSUER, bundle_id=OTHER_BUNDLE_ID)
    assert failure(made).api_error is APIError.TRANSACTION_ID_NOT_FOUND


@pytest.mark.parametrize("error", [APIError.GENERAL_INTERNAL, APIError.GENERAL_INTERNAL_RETRYABLE])
def test_internal_errors_come_by_fault_only(sim: Running, pair: KeyPair, error: APIError) -> None:
    sim.fault(kind="status", error_code=error.value, times=1)
    raised = failure(client(sim, pair))
    assert (raised.http_status_code, raised.api_error) == (500, error)
    assert client(sim, pair).get_transaction_info(PRODUCTION_ID).signedTransactionInfo


def test_the_rate_limit_is_typed(sim: Running, pair: KeyPair) -> None:
    world = new_world(pair)
    world["rate_limits"] = {"get_transaction_info": 1}
    sim.control("PUT", "/world", world)
    made = client(sim, pair)
    with pytest.raises(APIException) as caught:
        for _turn in range(50):
            made.get_transaction_info(PRODUCTION_ID)
    assert caught.value.api_error is APIError.RATE_LIMIT_EXCEEDED
    assert caught.value.http_status_code == 429


REFUSALS = {
    "unknown_key_id": {"key_id": "NOSUCHKEY1"},
    "revoked_key": {"key_id": REVOKED_KEY_ID},
    "app_store_connect_key": {"key_id": ASC_KEY_ID},
    "issuer_mismatch": {"issuer_id": OTHER_ISSUER},
    "unknown_bundle_id": {"bundle_id": "com.example.nowhere"},
    "bundle_id_wrong_case": {"bundle_id": "com.Example.one"},
    "bundle_id_of_another_team": {"bundle_id": OTHER_BUNDLE_ID},
    "app_not_released": {"bundle_id": UNRELEASED},
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_every_refusal_that_the_client_can_cause(sim: Running, pair: KeyPair, reason: str) -> None:
    raised = failure(client(sim, pair, **REFUSALS[reason]))
    assert (raised.http_status_code, raised.api_error, raised.error_message) == (401, None, None)
    assert sim.calls()["calls"][-1]["refusal"] == reason


def test_a_strange_private_key_is_refused(sim: Running, stranger: KeyPair) -> None:
    assert failure(client(sim, stranger)).http_status_code == 401
    assert sim.calls()["calls"][-1]["refusal"] == "bad_signature"


def test_the_sandbox_accepts_an_app_that_was_never_released(sim: Running, pair: KeyPair) -> None:
    made = client(sim, pair, bundle_id=UNRELEASED, environment="sandbox")
    assert failure(made, "1").api_error is APIError.TRANSACTION_ID_NOT_FOUND
