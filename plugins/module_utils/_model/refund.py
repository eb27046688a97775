# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refunds as the ledger keeps them, and the rules by which notifications make them.

Source of the fields: developer.apple.com/documentation/appstoreserverapi/jwstransactiondecodedpayload
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

NotificationType = t.Literal["REFUND", "REFUND_REVERSED", "REFUND_DECLINED"]
NOTIFICATION_TYPES: tuple[NotificationType, ...] = ("REFUND", "REFUND_REVERSED", "REFUND_DECLINED")
# The source of what was verified against Apple's own root.
APPLE = "apple"
FULL_PERCENTAGE = 100_000
DAY_MS = 86_400_000
_FAMILY_SHARED = "FAMILY_SHARED"
_FAMILY_REVOKE = "FAMILY_REVOKE"
# Without a percentage, only these words mean that the whole price was paid back. Apple adds others for which nobody is
# paid (an administrator takes an app away, a customer moves to a bundle), and a prorated refund never is all of it.
_TYPES_IN_FULL = (None, "REFUND_FULL")
_REASONS_IN_FULL = (None, 0, 1)


@dataclass(frozen=True)
class Refund:
    """One refund of one transaction. Dates are UNIX milliseconds.

    ``price`` is the total for ``quantity`` in milliunits of ``currency``; ``percentage`` in milliunits of a percent.
    ``refunded`` is the sum that Apple itself names, 0 or more, in milliunits: it does so for Advanced Commerce alone.
    ``first_*`` tell the notification whose word is kept: the earliest of those that know most about the money.
    """

    transaction_id: str
    revocation_date: int
    original_transaction_id: str | None
    product_id: str | None
    product_type: str | None
    quantity: int | None
    purchase_date: int | None
    price: int | None
    currency: str | None
    percentage: int | None
    revocation_reason: int | None
    revocation_type: str | None
    ownership: str | None
    storefront: str | None
    first_notification_uuid: str
    first_signed_date: int
    refunded: int | None = None
    reversed_at: int | None = None

    @property
    def key(self) -> tuple[str, int]:
        return (self.transaction_id, self.revocation_date)

    @property
    def refund_day(self) -> str:
        return day(self.revocation_date)

    @property
    def is_family_shared(self) -> bool:
        """True when access ended that was shared within a family: nobody was paid back."""
        return self.ownership == _FAMILY_SHARED or self.revocation_type == _FAMILY_REVOKE

    @property
    def assumed_full(self) -> bool:
        """True when the amount is the whole price because Apple says nothing else."""
        return self.amount is not None and self.percentage is None and self.refunded is None

    @property
    def amount(self) -> int | None:
        """Return the refunded money in milliunits, 0 or less; None where it is unknown or no money at all.

        A price without a currency is no amount: it could be added to one of another currency.
        """
        if self.currency is None or self.is_family_shared:
            return None
        if self.refunded is not None:
            return -self.refunded
        if self.price is None or (self.percentage is None and not self._is_in_full):
            return None
        return refunded_amount(self.price, self.percentage)

    @property
    def _is_in_full(self) -> bool:
        return self.revocation_type in _TYPES_IN_FULL and self.revocation_reason in _REASONS_IN_FULL


@dataclass(frozen=True)
class Notification:
    """A verified notification. Dates are UNIX milliseconds.

    ``refunds`` is what a REFUND says, empty for the other types: one refund, or several of one transaction in Advanced
    Commerce. ``revocation_date`` is the transaction's, else the date of the last of the refunds.
    """

    uuid: str
    type: NotificationType
    signed_date: int
    transaction_id: str
    revocation_date: int | None
    refunds: tuple[Refund, ...] = ()

    @property
    def date(self) -> int:
        """Return the date that decides whether it is older than the ledger keeps.

        A reversal is as old as itself: it may be of a refund that is younger than its transaction's date.
        """
        if self.revocation_date is None or self.type == "REFUND_REVERSED":
            return self.signed_date
        return self.revocation_date


@dataclass(frozen=True)
class Rejected:
    """A payload that could not be taken. ``reason`` is one of ``_apple.signed_data.REASONS``.

    ``claimed_date``: when it says that it was signed, UNIX milliseconds; nobody vouches for it. ``is_apples``: Apple
    signed the notification for this bundle ID, and only what it says can't be taken. ``detail``: more about the reason.
    """

    payload_sha256: str
    notification_uuid: str | None
    reason: str
    claimed_date: int | None = field(default=None, compare=False)
    is_apples: bool = field(default=False, compare=False)
    detail: str = field(default="", compare=False)

    @property
    def told(self) -> str:
        """The reason as the ledger keeps it."""
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


def reason_name(told: str) -> str:
    """Return the name of a reason as the ledger keeps it."""
    return told.partition(":")[0]


def refunded_amount(price: int, percentage: int | None) -> int:
    """Return -(price * percentage / 100000) in whole milliunits, half away from zero; no percentage is all of it."""
    share = FULL_PERCENTAGE if percentage is None else percentage
    return -((price * share + FULL_PERCENTAGE // 2) // FULL_PERCENTAGE)


def day(milliseconds: int) -> str:
    """Return YYYY-MM-DD (UTC)."""
    return iso_time(milliseconds)[:10]


def iso_time(milliseconds: int) -> str:
    """Return UTC in ISO 8601, whole seconds."""
    # Not strftime: it gives the year 206 three digits, and texts are compared.
    return datetime.fromtimestamp(milliseconds // 1000, UTC).isoformat().replace("+00:00", "Z")


def settle(held: t.Iterable[Refund], notifications: t.Iterable[Notification]) -> list[Refund]:
    """Return the refunds of one transaction, by refund date.

    ``held`` is what the ledger has, ``notifications`` all that are known of the transaction, old and new. What they
    say decides, never the order of arrival: of several notifications of one refund one with money counts before one
    without, then one with a percentage or a sum, then the earliest. A reversal cancels the refund that it names, else
    the last one before it that is still in force (Apple does not say which; unverified).
    """
    known = list(notifications)
    refunds: dict[int, Refund] = {}
    for refund in [*held, *(refund for one in known for refund in one.refunds)]:
        other = refunds.get(refund.revocation_date)
        if other is None or _rank(refund) < _rank(other):
            refunds[refund.revocation_date] = refund
    reversals = reversals_of(refunds, known)
    dates = {date: one.signed_date for date, one in reversals.items()}
    return [replace(refunds[date], reversed_at=dates.get(date)) for date in sorted(refunds)]


def _rank(refund: Refund) -> tuple[bool, bool, int, int, str]:
    knows_no_money = refund.currency is None or (refund.price is None and refund.refunded is None)
    knows_no_share = refund.percentage is None and refund.refunded is None
    # Sums of one date only grow: items that were refunded at the same time may be told one after the other.
    return (
        knows_no_money,
        knows_no_share,
        -(refund.refunded or 0),
        refund.first_signed_date,
        refund.first_notification_uuid,
    )


def reversals_of(refunds: t.Mapping[int, Refund], notifications: t.Iterable[Notification]) -> dict[int, Notification]:
    """Return, by refund date, the reversal that cancels a refund, or names one that isn't there; each cancels one."""
    found: dict[int, Notification] = {}
    undated: list[Notification] = []
    # The date of an item's refund may differ from the transaction's, which a reversal names.
    has_items = any(one.refunded is not None for one in refunds.values())
    for one in notifications:
        if one.type != "REFUND_REVERSED":
            continue
        date = one.revocation_date
        # Apple takes the refund's fields out of a transaction whose refund is reversed.
        if date is None or (has_items and date not in refunds):
            undated.append(one)
        else:
            found[date] = min(one, found.get(date, one), key=_order)
    for one in sorted(undated, key=_order):
        last = max((date for date in refunds if date <= one.signed_date and date not in found), default=None)
        if last is not None:
            found[last] = one
    return found


def _order(one: Notification) -> tuple[int, str]:
    return one.signed_date, one.uuid
