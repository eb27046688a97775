# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated purchases of one app and what became of them, with the truth about each kept beside it."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from .notifications import Notification
from .purchases import Revocation, Transaction
from .refund_year_shops import CONSUMABLE, DAY_MS, HOUR_MS, SHOPS, SUBSCRIPTION, make_attempts, make_product
from .refund_year_spec import RefundYearSpec

_ALL: Final = 100_000
_EDGES: Final = (33_333, 66_667, 50_000, 12_345, 99_999, 15, 1)
UNKNOWN_TYPE: Final = "A_TYPE_OF_LATER_YEARS"
_FIRST_ID: Final = 700_000_000_000_000
_IDS_PER_APP: Final = 1_000_000
_HEAVY_PERCENT: Final = 10
_ASKED_PERCENT: Final = 15
_LONGEST_LATENCY_MS: Final = 50 * 60_000


def refunded_amount(price: int, percentage: int) -> int:
    """Give the amount of a refund, negative: half a thousandth is rounded away from zero, in whole numbers."""
    return -((price * percentage + _ALL // 2) // _ALL)


@dataclass(frozen=True)
class Span:
    """One refund from the signed date of its notification to that of its reversal."""

    known_at: int
    amount: int | None
    """None when there is no price."""
    assumed_full: bool = False
    """There is no percentage, and `amount` is all of the price."""
    reversed_at: int | None = None


@dataclass(frozen=True)
class RefundCase:
    """The truth about one purchase."""

    bundle_id: str
    environment: str
    currency: str
    family: bool
    spans: tuple[Span, ...]

    def at(self, now_ms: int) -> Span | None:
        """Give the refund that is in force at that moment."""
        known = [span for span in self.spans if span.known_at <= now_ms]
        if not known or (known[-1].reversed_at is not None and known[-1].reversed_at <= now_ms):
            return None
        return known[-1]


@dataclass
class _Draft:
    """One purchase in the making."""

    environment: str
    wire: dict[str, str | int]
    customer: str
    at: int
    """When its story begins."""
    family: bool = False
    revocations: list[Revocation] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    notes: list[tuple[str, int]] = field(default_factory=list)
    """Types and signed dates of its notifications."""


class AppCases:
    """The purchases of one app."""

    def __init__(self, spec: RefundYearSpec, number: int) -> None:
        self.bundle_id = spec.bundle_ids[number]
        self.transactions: list[Transaction] = []
        self.notifications: list[Notification] = []
        self.cases: list[RefundCase] = []
        self._spec = spec
        self._rng = random.Random(f"{spec.seed}/{self.bundle_id}")
        for index in range(spec.refunds_per_app):
            self._add(_FIRST_ID + number * _IDS_PER_APP + index)

    def _add(self, transaction_id: int) -> None:
        draft = self._draft(str(transaction_id))
        tell, _weight = self._rng.choices(_STORIES, _WEIGHTS)[0]
        tell(self, draft)
        self._finish(draft)

    def _draft(self, transaction_id: str) -> _Draft:
        rng, spec = self._rng, self._spec
        shop = rng.choice(SHOPS)
        at = rng.randrange(spec.start, spec.end)
        purchased = at - rng.randrange(HOUR_MS, 60 * DAY_MS)
        environment = "Sandbox" if rng.randrange(100) < spec.sandbox_percent else "Production"
        heavy = rng.randrange(100) < _HEAVY_PERCENT
        customer = 0 if heavy else rng.randrange(1, spec.refunds_per_app // 3 + 2)
        wire: dict[str, str | int] = {
            "transactionId": transaction_id,
            "originalTransactionId": transaction_id,
            **make_product(rng),
            "environment": environment,
            "purchaseDate": purchased,
            "originalPurchaseDate": purchased,
            "quantity": 1,
            "inAppOwnershipType": "PURCHASED",
            "storefront": shop.storefront,
            "storefrontId": shop.storefront_id,
            "price": rng.choice(shop.prices),
            "currency": shop.currency,
        }
        return _Draft(environment, wire, f"customer-{customer}", at)

    def _finish(self, draft: _Draft) -> None:
        if draft.wire["type"] == SUBSCRIPTION:
            draft.wire["expiresDate"] = int(draft.wire["purchaseDate"]) + 30 * DAY_MS
        transaction = Transaction(
            str(draft.wire["transactionId"]), draft.environment, draft.wire, draft.customer, tuple(draft.revocations)
        )
        self.transactions.append(transaction)
        for kind, signed_date in draft.notes:
            self.notifications.append(self._notification(kind, signed_date, transaction))
        case = RefundCase(
            self.bundle_id, draft.environment, str(draft.wire["currency"]), draft.family, tuple(draft.spans)
        )
        self.cases.append(case)

    def _notification(self, kind: str, signed_date: int, transaction: Transaction) -> Notification:
        asked = kind == "CONSUMPTION_REQUEST"
        return Notification(
            notification_type=kind,
            uuid=str(uuid.UUID(int=self._rng.getrandbits(128), version=4)),
            environment=transaction.environment,
            signed_date=signed_date,
            transaction=transaction.fields_at(signed_date),
            bundle_version="1.0",
            consumption_request_reason="UNINTENDED_PURCHASE" if asked else None,
            send_attempts=make_attempts(self._rng, transaction.environment, signed_date),
        )

    def _later(self) -> int:
        return self._rng.randrange(1_000, _LONGEST_LATENCY_MS)

    def _refund(self, draft: _Draft, kind: str | None, percentage: int | None, note: str = "REFUND") -> int:
        """Refund at `draft.at`; give the signed date of the notification."""
        if self._rng.randrange(100) < _ASKED_PERCENT and draft.wire["inAppOwnershipType"] == "PURCHASED":
            draft.notes.append(("CONSUMPTION_REQUEST", draft.at - self._later()))
        signed = draft.at + self._later()
        fields: dict[str, str | int] = {"revocationDate": draft.at, "revocationReason": self._rng.randrange(2)}
        if kind is not None:
            fields["revocationType"] = kind
        if percentage is not None:
            fields["revocationPercentage"] = percentage
        price = draft.wire.get("price")
        share = _ALL if percentage is None else percentage
        amount = refunded_amount(price, share) if isinstance(price, int) else None
        draft.revocations.append(Revocation(draft.at, fields))
        draft.spans.append(Span(signed, amount, assumed_full=percentage is None))
        draft.notes.append((note, signed))
        return signed

    def _reverse(self, draft: _Draft) -> int:
        """Reverse the last refund; give when."""
        last = draft.revocations[-1]
        reversed_at = last.date + self._rng.randrange(DAY_MS, 30 * DAY_MS)
        signed = reversed_at + self._later()
        draft.revocations[-1] = Revocation(last.date, last.fields, reversed_at)
        draft.spans[-1] = replace(draft.spans[-1], reversed_at=signed)
        draft.notes.append(("REFUND_REVERSED", signed))
        return reversed_at

    def full(self, draft: _Draft) -> None:
        """All of the price."""
        self._refund(draft, "REFUND_FULL", _ALL)

    def prorated(self, draft: _Draft) -> None:
        """A part of a subscription's price."""
        draft.wire.update(make_product(self._rng, SUBSCRIPTION))
        self._refund(draft, "REFUND_PRORATED", self._rng.randrange(1, _ALL))

    def edge(self, draft: _Draft) -> None:
        """A percentage and a price that have to be rounded."""
        draft.wire["price"] = int(draft.wire["price"]) + self._rng.randrange(10)
        self._refund(draft, "REFUND_PRORATED", self._rng.choice(_EDGES))

    def quantity(self, draft: _Draft) -> None:
        """Some of several; the price is that of all, and the percentage refers to all."""
        draft.wire.pop("subscriptionGroupIdentifier", None)
        draft.wire.update(make_product(self._rng, CONSUMABLE))
        count = self._rng.randrange(2, 10)
        draft.wire.update(quantity=count, price=int(draft.wire["price"]) * count)
        self._refund(draft, "REFUND_PRORATED", round(_ALL * self._rng.randrange(1, count) / count))

    def repeated(self, draft: _Draft) -> None:
        """The same refund told again, each time under a new UUID."""
        signed = self._refund(draft, "REFUND_FULL", _ALL)
        for _turn in range(self._rng.randrange(1, 3)):
            signed += self._rng.randrange(HOUR_MS, 10 * DAY_MS)
            draft.notes.append(("REFUND", signed))

    def reversal(self, draft: _Draft) -> None:
        """Refunded, then reversed."""
        self._refund(draft, "REFUND_FULL", _ALL)
        self._reverse(draft)

    def again(self, draft: _Draft) -> None:
        """Refunded, reversed, and refunded again in part."""
        self._refund(draft, "REFUND_FULL", _ALL)
        draft.at = self._reverse(draft) + self._rng.randrange(DAY_MS, 20 * DAY_MS)
        self._refund(draft, "REFUND_PRORATED", self._rng.choice(_EDGES))

    def declined(self, draft: _Draft) -> None:
        """Asked for and declined: no refund."""
        draft.notes.append(("CONSUMPTION_REQUEST", draft.at))
        draft.notes.append(("REFUND_DECLINED", draft.at + self._rng.randrange(HOUR_MS, 3 * DAY_MS)))

    def family(self, draft: _Draft) -> None:
        """Someone lost what a family member had bought: no money went back to them."""
        draft.family = True
        draft.wire["inAppOwnershipType"] = "FAMILY_SHARED"
        self._refund(draft, "FAMILY_REVOKE", None, self._rng.choice(("REVOKE", "REFUND")))

    def without_percentage(self, draft: _Draft) -> None:
        """A refund as it was told before there were types and percentages."""
        self._refund(draft, None, None)

    def without_price(self, draft: _Draft) -> None:
        """A refund of unknown amount."""
        del draft.wire["price"]
        self._refund(draft, "REFUND_FULL", _ALL)

    def unknown_type(self, draft: _Draft) -> None:
        """A refund of a type that no client knows yet."""
        self._refund(draft, UNKNOWN_TYPE, self._rng.choice((_ALL, *_EDGES)))


_STORIES: Final[tuple[tuple[Callable[[AppCases, _Draft], None], int], ...]] = (
    (AppCases.full, 42),
    (AppCases.prorated, 14),
    (AppCases.edge, 8),
    (AppCases.quantity, 6),
    (AppCases.repeated, 5),
    (AppCases.reversal, 6),
    (AppCases.again, 3),
    (AppCases.declined, 6),
    (AppCases.family, 4),
    (AppCases.without_percentage, 2),
    (AppCases.without_price, 2),
    (AppCases.unknown_type, 2),
)
_WEIGHTS: Final = tuple(weight for _story, weight in _STORIES)
