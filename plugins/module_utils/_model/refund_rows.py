# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refunds as results show them, what may be asked about them, and their sums."""

from __future__ import annotations

import re
import typing as t
from collections import defaultdict
from dataclasses import dataclass, field

from .coverage import time_or_none
from .errors import InputError
from .identifiers import Environment, is_storable, shown
from .money import units
from .refund import Refund, iso_time
from .refund_period import Period

Fields = t.Mapping[str, t.Any]
Row = dict[str, t.Any]
_CURSOR = re.compile(r"(-?\d{1,15})/([A-Za-z0-9.-]{1,255})/([^\x00]{1,1024})", re.DOTALL)


@dataclass(frozen=True)
class Cursor:
    """The last refund of a page: the next page begins after it."""

    revocation_date: int
    bundle_id: str
    transaction_id: str

    def __str__(self) -> str:
        return f"{self.revocation_date}/{self.bundle_id}/{self.transaction_id}"


@dataclass(frozen=True)
class Question:
    """Which refunds are asked for. None: whatever it is. ``bundle_ids`` None: every app of the source and place."""

    source: str
    environment: Environment
    bundle_ids: tuple[str, ...] | None = None
    period: Period = field(default_factory=Period)
    product_ids: tuple[str, ...] | None = None
    currencies: tuple[str, ...] | None = None
    reasons: tuple[int, ...] | None = None
    include_reversed: bool = True


@dataclass(frozen=True)
class Tally:
    """Refunds that have the same group keys, currency, and standing; ``amount`` is None where none is known."""

    keys: tuple[t.Any, ...]
    currency: str | None
    is_reversed: bool
    is_family_shared: bool
    count: int
    known: int
    amount: int | None


def parse_cursor(text: str) -> Cursor:
    """Return the place that ``next_after`` named. Raises InputError."""
    found = _CURSOR.fullmatch(text)
    if found is None or not is_storable(text):
        raise InputError("after", f"{shown(text)} isn't a place in a list of refunds.", "Give next_after of a result.")
    return Cursor(int(found.group(1)), found.group(2), found.group(3))


def row_of(fields: Fields) -> Row:
    """Return a refund of the ledger as results show it. ``fields``: the columns of the table ``refunds``."""
    return {
        "refund_date": iso_time(fields["revocation_date"]),
        "bundle_id": fields["bundle_id"],
        "environment": fields["environment"],
        "source": fields["source"],
        "transaction_id": fields["transaction_id"],
        "original_transaction_id": fields["original_transaction_id"],
        "product_id": fields["product_id"],
        "product_type": fields["product_type"],
        "quantity": fields["quantity"],
        "purchase_date": time_or_none(fields["purchase_date"]),
        "storefront": fields["storefront"],
        "currency": fields["currency"],
        "price": fields["price"],
        "percentage": fields["percentage"],
        "is_assumed_full": bool(fields["assumed_full"]),
        "amount": fields["amount"],
        "amount_units": _units(fields["amount"], fields["currency"]),
        "reason": fields["revocation_reason"],
        "revocation_type": fields["revocation_type"],
        "is_family_shared": bool(fields["is_family_shared"]),
        "is_reversed": fields["reversed_at"] is not None,
        "reversed_at": time_or_none(fields["reversed_at"]),
        "recorded_at": fields["recorded_at"],
    }


def row_from_apple(refund: Refund, source: str, environment: Environment, bundle_id: str) -> Row:
    """Return a refund that Apple just told of in the same shape; nobody recorded it."""
    names = ("assumed_full", "amount", "is_family_shared")
    place = {"source": source, "environment": environment, "bundle_id": bundle_id, "recorded_at": None}
    return row_of({**vars(refund), **{name: getattr(refund, name) for name in names}, **place})


def _units(amount: int | None, currency: str | None) -> str | None:
    return None if amount is None else units(amount, currency)


def tallies_of(rows: t.Iterable[Row], group_by: t.Sequence[str]) -> list[Tally]:
    """Count rows one by one."""
    return [
        Tally(
            keys=tuple(_key(row, name) for name in group_by),
            currency=row["currency"],
            is_reversed=row["is_reversed"],
            is_family_shared=row["is_family_shared"],
            count=1,
            known=int(row["amount"] is not None),
            amount=row["amount"],
        )
        for row in rows
    ]


def _key(row: Row, name: str) -> t.Any:
    return {"day": row["refund_date"][:10], "month": row["refund_date"][:7]}.get(name, row.get(name))


def sums_of(tallies: t.Iterable[Tally], group_by: t.Sequence[str]) -> list[Row]:
    """Return the result ``sums``: what was paid back and not taken back, by the group keys and by currency."""
    counted: dict[tuple[t.Any, ...], Tally] = {}
    for one in tallies:
        if one.is_reversed or one.is_family_shared:
            continue
        place = (*one.keys, one.currency)
        counted[place] = _together(counted[place], one) if place in counted else one
    return [
        {
            **dict(zip(group_by, one.keys, strict=True)),
            "currency": one.currency,
            "count": one.count,
            "amount": one.amount,
            "amount_units": _units(one.amount, one.currency),
            "amount_unknown_count": one.count - one.known,
        }
        for place, one in sorted(counted.items(), key=lambda item: [(value is None, value or 0) for value in item[0]])
    ]


def not_in_sums(tallies: t.Iterable[Tally]) -> Row:
    """Return how many of the refunds are in no sum, and why. One that is both counts as shared within a family."""
    found = {"reversed": 0, "family_shared": 0}
    for one in tallies:
        if one.is_family_shared:
            found["family_shared"] += one.count
        elif one.is_reversed:
            found["reversed"] += one.count
    return found


def count_exceeding(refunds: t.Iterable[Refund]) -> int:
    """Return how many transactions have refunds that add up to more than their price."""
    by_transaction: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for one in refunds:
        if one.price is not None and one.amount is not None and one.reversed_at is None:
            by_transaction[one.transaction_id].append((one.price, one.amount))
    return sum(exceeds(money) for money in by_transaction.values())


def exceeds(money: t.Sequence[tuple[int, int]]) -> bool:
    """Tell whether refunds of one transaction (price, amount) are of more than was paid."""
    # Each amount may be rounded up by half a milliunit.
    return -sum(amount for _price, amount in money) > max(price for price, _amount in money) + len(money)


def _together(one: Tally, other: Tally) -> Tally:
    known = [tally.amount for tally in (one, other) if tally.amount is not None]
    return Tally(
        one.keys,
        one.currency,
        one.is_reversed,
        one.is_family_shared,
        one.count + other.count,
        one.known + other.known,
        sum(known) if known else None,
    )
