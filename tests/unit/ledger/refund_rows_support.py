# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refunds of all kinds in a ledger, and what plain Python says about them."""

from __future__ import annotations

import typing as t
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy
from hypothesis import strategies as st
from ledger_support import NOW

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App, Changes, Step, put
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.schema import refunds
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Refund
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund_period import Period
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund_rows import Question

DAY = 86_400_000
START = 1_793_491_200_000  # 2026-11-01T00:00:00Z
APPS = ("com.example.B", "com.example.a", "com.example-x")
Sum = tuple[int, int | None, int]


@dataclass(frozen=True)
class Placed:
    """A refund and whose it is."""

    app: App
    refund: Refund

    def value(self, key: str) -> t.Any:
        """Give a group key's value."""
        date = datetime.fromtimestamp(self.refund.revocation_date / 1000, UTC)
        return {
            "bundle_id": self.app.bundle_id,
            "environment": self.app.environment,
            "product_id": self.refund.product_id,
            "day": f"{date:%Y-%m-%d}",
            "month": f"{date:%Y-%m}",
            "reason": self.refund.revocation_reason,
        }[key]


def refund(number: int, date: int = START, **fields: t.Any) -> Refund:
    """Make a refund of 4.99 EUR."""
    made: dict[str, t.Any] = {
        "transaction_id": str(number),
        "revocation_date": date,
        "original_transaction_id": None,
        "product_id": "gold",
        "product_type": None,
        "quantity": 1,
        "purchase_date": None,
        "price": 4990,
        "currency": "EUR",
        "percentage": None,
        "revocation_reason": 0,
        "revocation_type": None,
        "ownership": None,
        "storefront": None,
        "first_notification_uuid": f"uuid {number}",
        "first_signed_date": date,
    }
    return Refund(**{**made, **fields})


def placed() -> st.SearchStrategy[Placed]:
    """Draw a refund; few different values, so that they meet."""
    app = st.builds(
        App,
        st.sampled_from(["apple", "apple", "other:0123456789abcdef"]),
        st.sampled_from(["production", "production", "sandbox"]),
        st.sampled_from(APPS),
    )
    fields = st.fixed_dictionaries(
        {
            "number": st.integers(1, 40),
            "date": st.integers(0, 40 * 24).map(lambda hours: START + hours * 3_600_000),
            "product_id": st.sampled_from([None, "gold", "gems"]),
            "price": st.sampled_from([None, 0, 1, 999, 4990, 2**63 - 1]),
            "currency": st.sampled_from([None, "EUR", "JPY"]),
            "percentage": st.sampled_from([None, 0, 15, 33333, 100000]),
            "revocation_reason": st.sampled_from([None, 0, 1]),
            "ownership": st.sampled_from([None, "PURCHASED", "PURCHASED", "FAMILY_SHARED"]),
            "reversed_at": st.sampled_from([None, None, START + 50 * DAY]),
        }
    )
    return st.builds(lambda app, made: Placed(app, refund(**made)), app, fields)


def questions() -> st.SearchStrategy[Question]:
    """Draw a question."""

    def some(*values: t.Any) -> st.SearchStrategy[t.Any]:
        return st.none() | st.lists(st.sampled_from(values), min_size=1, unique=True).map(tuple)

    hours = st.sampled_from([0, 24, 24 * 29, 24 * 30 + 1, 24 * 35]).map(lambda hour: START + hour * 3_600_000)
    ends = st.none() | hours
    periods = st.tuples(ends, ends).filter(lambda ends: None in ends or ends[0] < ends[1])
    return st.builds(
        Question,
        st.just("apple"),
        st.just("production"),
        some(*APPS, "com.example.none"),
        periods.map(lambda ends: Period(*ends)),
        some("gold", "gems"),
        some("EUR", "JPY"),
        some(0, 1),
        st.booleans(),
    )


def fill(ledger: Ledger, given: t.Iterable[Placed]) -> list[Placed]:
    """Put refunds in place of all that the ledger holds; the last of equal ones stays. Give what is there then."""
    there = {(one.app, one.refund.key): one for one in given}
    with ledger.writing() as connection:
        connection.execute(sqlalchemy.delete(refunds()))
        for one in there.values():
            put(connection, one.app, Changes((Step(None, one.refund),), ()), NOW)
    return list(there.values())


def wanted(given: t.Iterable[Placed], question: Question) -> list[Placed]:
    """Answer a question without SQL, in the order of pages."""

    def fits(one: Placed) -> bool:
        made, period = one.refund, question.period
        chosen = (
            (question.bundle_ids, one.app.bundle_id),
            (question.product_ids, made.product_id),
            (question.currencies, made.currency),
            (question.reasons, made.revocation_reason),
        )
        return (
            (one.app.source, one.app.environment) == (question.source, question.environment)
            and all(values is None or value in values for values, value in chosen)
            and (period.since is None or made.revocation_date >= period.since)
            and (period.until is None or made.revocation_date < period.until)
            and (question.include_reversed or made.reversed_at is None)
        )

    found = filter(fits, given)
    return sorted(found, key=lambda one: (one.refund.revocation_date, one.app.bundle_id, one.refund.transaction_id))


def sums(given: t.Iterable[Placed], group_by: t.Sequence[str]) -> dict[tuple[t.Any, ...], Sum]:
    """Add up refunds that stand: count, amount (None when none is known), how many are unknown."""
    amounts: dict[tuple[t.Any, ...], list[int | None]] = defaultdict(list)
    for one in given:
        if one.refund.reversed_at is None and not one.refund.is_family_shared:
            amounts[(*map(one.value, group_by), one.refund.currency)].append(one.refund.amount)
    return {key: (len(found), _total(found), found.count(None)) for key, found in amounts.items()}


def _total(amounts: t.Sequence[int | None]) -> int | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None
