# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refunds of all kinds in a ledger, and what plain Python says about them."""

from __future__ import annotations

import random
import typing as t
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy
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


# Where days and periods end, and one hour before and after.
HOURS = (0, 1, 23, 24, 25, 24 * 29 - 1, 24 * 29, 24 * 30, 24 * 30 + 1, 24 * 35 - 1, 24 * 35)
ENDS = (0, 24, 24 * 29, 24 * 30 + 1, 24 * 35)


def made_up(seed: int) -> tuple[list[Placed], Question]:
    """Make up refunds and a question: few different values, so that they meet, and most of them are asked for."""
    chance = random.Random(seed)
    return [_placed(chance) for _row in range(chance.choice([0, 30, 60, 120]))], _question(chance)


def there_of(given: t.Iterable[Placed]) -> list[Placed]:
    """Leave out what another one takes the place of."""
    return list({(one.app, one.refund.key): one for one in given}.values())


def _placed(chance: random.Random) -> Placed:
    one = chance.choice
    source, environment = one(["apple"] * 4 + ["other:0123456789abcdef"]), one(["production"] * 4 + ["sandbox"])
    number = chance.randint(1, 4)
    made = refund(
        number,
        START + one(HOURS) * 3_600_000,
        product_id=one([None, "gold", "gems"]),
        # Most transactions have one price, so that several refunds may be of more.
        price={1: 4990, 2: 999, 3: 2**63 - 1}.get(number, one([None, 0, 1, 4990])),
        currency=one(["EUR", "EUR", "EUR", "JPY", "JPY", None]),
        percentage=one([None, 0, 33333, 60000, 60000, 100000]),
        revocation_reason=one([None, 0, 1]),
        ownership=one([None, "PURCHASED", "PURCHASED", "FAMILY_SHARED"]),
        reversed_at=one([None, None, None, START + 50 * DAY]),
        # Where Apple itself names the sum, a transaction need not have a price.
        refunded=one([None, None, None, None, 1]),
    )
    return Placed(App(source, environment, one(APPS)), made)


def _question(chance: random.Random) -> Question:
    def some(*values: t.Any) -> t.Any:
        return chance.choice([None] * 4 + [tuple(chance.sample(values, chance.randint(1, len(values))))])

    since, until = sorted(chance.sample(ENDS, 2))
    period = Period(*(chance.choice([None, None, None, START + hour * 3_600_000]) for hour in (since, until)))
    chosen = some(*APPS, "com.example.none"), period, some("gold", "gems"), some("EUR", "JPY"), some(0, 1)
    return Question("apple", "production", *chosen, chance.choice([True, False]))


def fill(ledger: Ledger, given: t.Iterable[Placed]) -> list[Placed]:
    """Put refunds in place of all that the ledger holds; the last of equal ones stays. Give what is there then."""
    there = there_of(given)
    with ledger.writing() as connection:
        connection.execute(sqlalchemy.delete(refunds()))
        for app in {one.app for one in there}:
            steps = tuple(Step(None, one.refund) for one in there if one.app == app)
            put(connection, app, Changes(steps, ()), NOW)
    return there


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
