# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refunds of one customer, read by Apple's own client and verified by Apple's own verifier."""

from __future__ import annotations

from typing import Any

import pytest
from appstoreserverlibrary.api_client import APIError, APIException
from history_support import (
    DAY,
    NOW,
    app_of,
    apples_client,
    apples_verifier,
    history_world,
    purchase,
    put,
    refunded,
    set_clock,
)
from sim_support import APPLE_ID, BUNDLE_ID, SANDBOX_ID, KeyPair, Running

ANNS = 45


def world_of(sim: Running, pair: KeyPair, transactions: list[dict[str, Any]]) -> dict[str, Any]:
    """Put a world with these transactions."""
    world = history_world(pair)
    app_of(world)["transactions"] += transactions
    put(sim, world)
    return world


def anns(count: int = ANNS) -> list[dict[str, Any]]:
    """Make refunds of one customer, the newest first, and one of someone else."""
    hers = [refunded(number, NOW - number * DAY, customer="ann") for number in range(count)]
    return [*hers, refunded(900, NOW, customer="bob")]


def refunds(
    sim: Running, pair: KeyPair, any_id: str, revision: str | None = None
) -> tuple[list[int | None], str, list[int]]:
    """Read all pages; give revocation dates, the last revision, and the sizes of the pages."""
    made, verifier = apples_client(sim, pair), apples_verifier(sim)
    dates: list[int | None] = []
    sizes = []
    while True:
        page = made.get_refund_history(any_id, revision)
        signed = page.signedTransactions or []
        dates += [verifier.verify_and_decode_signed_transaction(each).revocationDate for each in signed]
        sizes.append(len(signed))
        revision = page.revision
        assert revision
        if not page.hasMore:
            return dates, revision, sizes


def error_of(sim: Running, pair: KeyPair, any_id: str, revision: str | None = None, **client: Any) -> APIError | None:
    """Call in vain."""
    with pytest.raises(APIException) as caught:
        apples_client(sim, pair, **client).get_refund_history(any_id, revision)
    return caught.value.api_error


def test_pages_of_twenty_by_revocation_date(sim: Running, pair: KeyPair) -> None:
    world_of(sim, pair, anns())
    dates, _revision, sizes = refunds(sim, pair, "3000007")
    assert (dates, sizes) == ([NOW - number * DAY for number in reversed(range(ANNS))], [20, 20, 5])


def test_a_full_last_page_is_the_last(sim: Running, pair: KeyPair) -> None:
    world_of(sim, pair, anns(40))
    assert refunds(sim, pair, "3000007")[2] == [20, 20]


def test_the_last_revision_gives_what_is_new(sim: Running, pair: KeyPair) -> None:
    world_of(sim, pair, [*anns(3), purchase(500, customer="ann")])
    _dates, revision, _sizes = refunds(sim, pair, "3000000")
    assert refunds(sim, pair, "3000000", revision) == ([], revision, [0])
    later = refunded(500, NOW, customer="ann")
    assert sim.control("POST", f"/apps/{BUNDLE_ID}/transactions", later).status_code == 201
    assert refunds(sim, pair, "3000000", revision)[0] == [NOW]


def test_any_id_of_the_customer(sim: Running, pair: KeyPair) -> None:
    family = {"original_transaction_id": "3000001", "app_transaction_id": "704000000000000001"}
    world_of(sim, pair, [purchase(1), refunded(2, NOW, **family), refunded(3, NOW)])
    for any_id in ("3000001", "3000002", "704000000000000001"):
        assert refunds(sim, pair, any_id)[0] == [NOW]


def test_only_refunds_that_are_in_force(sim: Running, pair: KeyPair) -> None:
    hers = {"customer": "ann"}
    world_of(
        sim,
        pair,
        [
            purchase(1, **hers),
            refunded(2, NOW - 2 * DAY, reversal_date=NOW, **hers),
            refunded(3, NOW + 1, **hers),
            refunded(4, NOW, revocation_type="FAMILY_REVOKE", in_app_ownership_type="FAMILY_SHARED", **hers),
            refunded(5, NOW, revocation_type="OF_LATER_YEARS", **hers),
        ],
    )
    assert refunds(sim, pair, "3000001")[0] == [NOW]
    set_clock(sim, frozen_at_ms=NOW - 1)
    assert refunds(sim, pair, "3000001")[0] == [NOW - 2 * DAY]


def test_a_customer_without_refunds_has_an_empty_list(sim: Running, pair: KeyPair) -> None:
    world_of(sim, pair, [purchase(1)])
    assert refunds(sim, pair, "3000001")[::2] == ([], [0])


def test_errors(sim: Running, pair: KeyPair) -> None:
    world_of(sim, pair, anns(1))
    assert error_of(sim, pair, "x") is APIError.INVALID_TRANSACTION_ID
    assert error_of(sim, pair, "1") is APIError.TRANSACTION_ID_NOT_FOUND
    assert error_of(sim, pair, SANDBOX_ID) is APIError.TRANSACTION_ID_NOT_FOUND
    for revision in ("nonsense", "", "é", "A" * 300):
        assert error_of(sim, pair, "3000000", revision) is APIError.INVALID_REQUEST_REVISION
    assert apples_client(sim, pair, "sandbox").get_refund_history(SANDBOX_ID, None).signedTransactions == []


def test_the_verifier_takes_them_for_this_app_only(sim: Running, pair: KeyPair) -> None:
    world_of(sim, pair, anns(1))
    (signed,) = apples_client(sim, pair).get_refund_history("3000000", None).signedTransactions or []
    transaction = apples_verifier(sim, apple_id=APPLE_ID).verify_and_decode_signed_transaction(signed)
    assert (transaction.bundleId, transaction.signedDate) == (BUNDLE_ID, NOW)
