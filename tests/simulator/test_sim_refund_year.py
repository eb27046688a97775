# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A generated year of refunds, and that its truth is the truth."""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from appstoreserverlibrary.models.JWSTransactionDecodedPayload import JWSTransactionDecodedPayload
from appstoreserverlibrary.models.NotificationTypeV2 import NotificationTypeV2
from history_support import (
    DAY,
    NOW,
    apples_client,
    apples_verifier,
    history_world,
    pages,
    put,
    request,
    set_clock,
)
from sim_support import ISSUER, KeyPair, Running
from storeops_simulator.refund_year import RefundYear, make_refund_year
from storeops_simulator.refund_year_cases import UNKNOWN_TYPE, refunded_amount
from storeops_simulator.refund_year_spec import RefundYearSpec
from storeops_simulator.world_input import read_world

BUNDLE = "com.example.refunds0001"
START = NOW - 365 * DAY


def spec(apps: int = 50, refunds: int = 300, seed: int = 1) -> RefundYearSpec:
    """Specify a year."""
    bundle_ids = tuple(f"com.example.refunds{number:04d}" for number in range(1, apps + 1))
    return RefundYearSpec(ISSUER, bundle_ids, START, seed=seed, refunds_per_app=refunds)


@pytest.fixture(scope="module")
def year() -> RefundYear:
    """The year of fifty apps."""
    return make_refund_year(spec())


def everything(year: RefundYear) -> list[Any]:
    """Give all notifications."""
    return [each for place in year.notifications.values() for each in place]


@pytest.mark.parametrize(
    ("price", "percentage", "amount"),
    [
        (990, 100_000, -990),
        (9_990, 33_333, -3_330),
        (305, 50_000, -153),
        (1, 50_000, -1),
        (1, 49_999, 0),
        (9_990, 15, -1),
        (99_990, 1, -1),
        (49_999, 1, 0),
        (0, 100_000, 0),
        (10**15, 12_345, -123_450_000_000_000),
    ],
)
def test_rounding(price: int, percentage: int, amount: int) -> None:
    assert refunded_amount(price, percentage) == amount
    # At most half a thousandth away, and away from zero where both neighbours are as near.
    exact = Fraction(-price * percentage, 100_000)
    assert abs(amount - exact) < Fraction(1, 2) or amount - exact == Fraction(-1, 2)


def test_the_same_seed_makes_the_same_year() -> None:
    def tell(seed: int) -> list[tuple[object, ...]]:
        made = make_refund_year(spec(2, 40, seed))
        return [(each.uuid, each.signed_date, each.transaction, each.send_attempts) for each in everything(made)]

    assert tell(3) == tell(3) != tell(4)


def test_everything_is_in_it(year: RefundYear) -> None:
    notifications = everything(year)
    assert len(notifications) > 15_000
    assert len({each.uuid for each in notifications}) == len(notifications)
    kinds = {"REFUND", "REFUND_REVERSED", "REFUND_DECLINED", "CONSUMPTION_REQUEST", "REVOKE"}
    assert set(Counter(each.notification_type for each in notifications)) == kinds
    refunds = [each.transaction for each in notifications if each.notification_type == "REFUND"]
    assert len({each["currency"] for each in refunds}) == 12
    assert {each["type"] for each in refunds} >= {"Auto-Renewable Subscription", "Consumable"}
    types = {"REFUND_FULL", "REFUND_PRORATED", "FAMILY_REVOKE", UNKNOWN_TYPE, None}
    assert {each.get("revocationType") for each in refunds} == types
    assert {33_333, 15, 1} <= {each.get("revocationPercentage") for each in refunds}
    assert any("price" not in each for each in refunds)
    assert any(each["quantity"] > 1 for each in refunds)
    told = Counter((each["transactionId"], each["environment"], each["revocationDate"]) for each in refunds)
    assert max(told.values()) > 1
    assert any("revocationDate" in each.transaction for each in notifications if each.notification_type == "REVOKE")
    dates = defaultdict(set)
    for transaction_id, environment, date in told:
        dates[transaction_id, environment].add(date)
    assert max(len(each) for each in dates.values()) == 2
    assert {len(each.send_attempts) for each in notifications} == {1, 2, 3, 4, 5, 6}
    sandbox = [each for each in notifications if each.environment == "Sandbox"]
    assert sandbox and {len(each.send_attempts) for each in sandbox} == {1}
    assert min(each.signed_date for each in notifications if each.notification_type == "REFUND") >= START


def test_the_truth_follows_the_time(year: RefundYear) -> None:
    def count(at: int, name: str) -> int:
        return sum(int(str(row[name])) for row in year.truth(at))

    assert year.truth(START) == []
    ends = [START + quarter * 90 * DAY for quarter in range(1, 6)]
    assert all(count(before, "count") < count(after, "count") for before, after in pairwise(ends))
    keys = [(row["bundle_id"], row["environment"], row["currency"]) for row in year.truth(NOW)]
    assert keys == sorted(set(keys))
    assert {row["environment"] for row in year.truth(NOW)} == {"Production", "Sandbox"}
    assert all(count(NOW, name) > 0 for name in ("amount_unknown_count", "reversed_count", "family_count"))


def test_the_world_makes_the_apps(pair: KeyPair) -> None:
    world = history_world(pair)
    world["generated_refunds"] = {"apps": 3, "refunds_per_app": 2, "start": START}
    read = read_world(world).world
    assert [app.bundle_id for app in read.teams[0].apps][-3:] == list(spec(3).bundle_ids)
    assert read.apps[BUNDLE].app.has_v2_url("production") and read.apps[BUNDLE].app.has_v2_url("sandbox")
    assert len({held.app.apple_id for held in read.apps.values()}) == len(read.apps)
    assert read.refund_year is not None and read.refund_year.spec == spec(3, 2)


class Books:
    """The simplest ledger that is right: refunds by transaction and date, the last word by signed date."""

    def __init__(self) -> None:
        self.refunds: dict[tuple[str, int], JWSTransactionDecodedPayload] = {}
        self.reversals: list[tuple[str, int]] = []
        self.uuids: set[str] = set()

    def add(self, kind: str, signed_date: int, transaction: JWSTransactionDecodedPayload) -> None:
        """Take one notification, in any order."""
        assert transaction.transactionId is not None
        if kind == "REFUND":
            assert transaction.revocationDate is not None
            self.refunds[transaction.transactionId, transaction.revocationDate] = transaction
        elif kind == "REFUND_REVERSED":
            assert transaction.revocationDate is None and transaction.revocationPercentage is None
            self.reversals.append((transaction.transactionId, signed_date))

    def sums(self) -> dict[str, tuple[int, int, int]]:
        """Give count, amount and number of unknown amounts by currency."""
        for transaction_id, at in self.reversals:
            del self.refunds[max(key for key in self.refunds if key[0] == transaction_id and key[1] < at)]
        totals: dict[str, tuple[int, int, int]] = {}
        for each in self.refunds.values():
            if each.rawInAppOwnershipType == "FAMILY_SHARED":
                continue
            percentage = 100_000 if each.revocationPercentage is None else each.revocationPercentage
            amount = 0 if each.price is None else -((each.price * percentage * 2 + 100_000) // 200_000)
            count, total, unknown = totals.get(str(each.currency), (0, 0, 0))
            totals[str(each.currency)] = (count + 1, total + amount, unknown + (each.price is None))
        return totals


@pytest.mark.parametrize("order", ["oldest_first", "newest_first"])
def test_a_year_read_in_windows_comes_to_the_truth(sim: Running, pair: KeyPair, order: str) -> None:
    world = history_world(pair)
    world["generated_refunds"] = {"apps": 1, "refunds_per_app": 250, "start": START, "seed": 11}
    world["server_notifications"] = {"order": order}
    put(sim, world)
    made = apples_client(sim, pair, bundle_id=BUNDLE)
    verifier = apples_verifier(sim, bundle_id=BUNDLE, apple_id=6_700_000_001)
    verifier._chain_verifier.verify_chain = _remembered(verifier._chain_verifier.verify_chain)  # type: ignore[method-assign]
    books = Books()
    for end in range(START + 120 * DAY, START + 481 * DAY, 120 * DAY):
        set_clock(sim, frozen_at_ms=end)
        for page in pages(made, request(end - 121 * DAY, end)):
            for item in page.notificationHistory or []:
                assert item.signedPayload is not None
                told = verifier.verify_and_decode_notification(item.signedPayload)
                assert told.data is not None and told.data.signedTransactionInfo is not None
                transaction = verifier.verify_and_decode_signed_transaction(told.data.signedTransactionInfo)
                assert told.signedDate is not None and told.rawNotificationType is not None
                books.add(told.rawNotificationType, told.signedDate, transaction)
    truth = sim.control("GET", "/truth/refunds").json()
    assert (truth["at"], truth["start"]) == (START + 480 * DAY, START)
    mine = [row for row in truth["sums"] if row["environment"] == "Production"]
    expected = {row["currency"]: (row["count"], row["amount"], row["amount_unknown_count"]) for row in mine}
    assert len(expected) == 12
    assert books.sums() == {currency: sums for currency, sums in expected.items() if sums[0]}


def _remembered(verify: Any) -> Any:
    """Check every chain once: the same three certificates need not be checked 500 times."""
    known: dict[tuple[str, ...], str] = {}

    def verify_chain(certificates: list[str], online: bool, at: int) -> str:
        key = tuple(certificates)
        if key not in known:
            known[key] = verify(certificates, online, at)
        return known[key]

    return verify_chain


def test_refund_history_and_notifications_tell_the_same(sim: Running, pair: KeyPair) -> None:
    world = history_world(pair)
    world["generated_refunds"] = {"apps": 1, "refunds_per_app": 250, "start": START}
    put(sim, world)
    held = read_world(world).world.refund_year
    assert held is not None
    customers = Counter(
        case.customer for case in _transactions(held) if case.environment == "Production" and case.revocations
    )
    (heavy, count) = customers.most_common(1)[0]
    assert count > 20
    owned = [each for each in _transactions(held) if (each.customer, each.environment) == (heavy, "Production")]
    made = apples_client(sim, pair, bundle_id=BUNDLE)
    verifier = apples_verifier(sim, bundle_id=BUNDLE, apple_id=6_700_000_001)
    signed: list[str] = []
    revision = None
    while True:
        page = made.get_refund_history(owned[0].transaction_id, revision)
        signed += page.signedTransactions or []
        revision = page.revision
        if not page.hasMore:
            break
    dates = [verifier.verify_and_decode_signed_transaction(each).revocationDate for each in signed]
    now = [each.fields_at(NOW) for each in owned]
    assert dates == sorted(
        int(each["revocationDate"])
        for each in now
        if "revocationDate" in each and each.get("revocationType") != "FAMILY_REVOKE"
    )
    # The same customer in the notification history.
    asked = request(transactionId=owned[0].transaction_id)
    for page_of in pages(made, asked):
        for item in page_of.notificationHistory or []:
            assert item.signedPayload is not None
            told = verifier.verify_and_decode_notification(item.signedPayload)
            assert told.notificationType in set(NotificationTypeV2)


def _transactions(year: RefundYear) -> list[Any]:
    return [transaction for _bundle_id, transaction in year.purchases._by_id.values()]
