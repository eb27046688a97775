# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""In-app purchases, whom they belong to, and what became of them: refunded, reversed, refunded again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Wire = Mapping[str, str | int]
"""Fields as Apple signs them: wire names, dates in UNIX ms, money in thousandths of the currency."""


@dataclass(frozen=True)
class Revocation:
    """One refund, or one loss of family sharing."""

    date: int
    fields: Wire
    """The revocation fields of the wire, `revocationDate` among them."""
    reversed_at: int | None = None
    """From then on the fields are gone again."""


@dataclass(frozen=True)
class Transaction:
    """One in-app purchase; `fields` are the wire fields without those of a revocation."""

    transaction_id: str
    environment: str
    fields: Wire
    customer: str | None = None
    """Who bought it; None is someone with no other purchase than those of this original transaction."""
    revocations: tuple[Revocation, ...] = ()
    """Ascending by date."""

    def fields_at(self, now_ms: int) -> Wire:
        """Give the wire fields as Apple would sign them at that moment."""
        past = [each for each in self.revocations if each.date <= now_ms]
        if not past or (past[-1].reversed_at is not None and past[-1].reversed_at <= now_ms):
            return self.fields
        return {**self.fields, **past[-1].fields}

    @property
    def owner(self) -> str:
        """Name the customer; made-up names cannot meet given ones, which have no colon in front."""
        return self.customer or f":{self.fields['originalTransactionId']}"

    @property
    def ids(self) -> Iterable[str]:
        """Give every ID under which Apple finds it or its customer."""
        names = ("transactionId", "originalTransactionId", "appTransactionId")
        return {str(self.fields[name]) for name in names if name in self.fields}


@dataclass
class Purchases:
    """Transactions by their IDs and by their customers; a bundle ID and an environment are one shop."""

    _by_id: dict[tuple[str, str], tuple[str, Transaction]] = field(default_factory=dict)
    _owners: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _of_owner: dict[tuple[str, str, str], list[Transaction]] = field(default_factory=dict)

    def add(self, bundle_id: str, transaction: Transaction) -> None:
        """Add one transaction of an app."""
        environment, owner = transaction.environment, transaction.owner
        self._by_id[environment, transaction.transaction_id] = (bundle_id, transaction)
        for any_id in transaction.ids:
            self._owners[bundle_id, environment, any_id] = owner
        self._of_owner.setdefault((bundle_id, environment, owner), []).append(transaction)

    def find(self, environment: str, transaction_id: str) -> tuple[str, Transaction] | None:
        """Find a transaction and the bundle ID of its app."""
        return self._by_id.get((environment, transaction_id))

    def owner(self, bundle_id: str, environment: str, any_id: str) -> str | None:
        """Find the customer by any ID of any of their transactions."""
        return self._owners.get((bundle_id, environment, any_id))

    def of(self, bundle_id: str, environment: str, owner: str) -> list[Transaction]:
        """Give all transactions of a customer."""
        return self._of_owner.get((bundle_id, environment, owner), [])
