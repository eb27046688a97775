# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Products, currencies and attempts of generated purchases. All numbers are made up, but plausible."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from .notifications import MOST_ATTEMPTS, SEND_RESULTS, SendAttempt

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
SUBSCRIPTION: Final = "Auto-Renewable Subscription"
CONSUMABLE: Final = "Consumable"
_TYPES: Final = (SUBSCRIPTION, CONSUMABLE, "Non-Consumable", "Non-Renewing Subscription")
_TYPE_WEIGHTS: Final = (5, 4, 2, 1)

_RETRY_HOURS: Final = (0, 1, 12, 24, 48, 72)
"""Hours after the attempt before (responding-to-app-store-server-notifications)."""
_AT_ONCE: Final = 0.88
_NEVER: Final = 0.01


@dataclass(frozen=True)
class Shop:
    """A storefront; prices in thousandths of its currency."""

    currency: str
    storefront: str
    storefront_id: str
    prices: tuple[int, ...]


SHOPS: Final = (
    Shop("USD", "USA", "143441", (990, 1_990, 4_990, 9_990, 99_990)),
    Shop("EUR", "DEU", "143443", (1_190, 2_290, 5_990, 119_990)),
    Shop("GBP", "GBR", "143444", (790, 1_790, 4_490, 99_990)),
    Shop("CHF", "CHE", "143459", (1_000, 2_000, 5_000)),
    Shop("BRL", "BRA", "143503", (4_900, 12_900, 29_900)),
    Shop("MXN", "MEX", "143468", (19_000, 39_000, 99_000)),
    Shop("INR", "IND", "143467", (89_000, 199_000, 8_900_000)),
    Shop("TRY", "TUR", "143480", (29_990, 69_990, 149_990)),
    # Currencies without minor units, and one with three digits of them.
    Shop("JPY", "JPN", "143462", (160_000, 480_000, 1_500_000)),
    Shop("KRW", "KOR", "143466", (1_100_000, 4_400_000, 14_000_000)),
    Shop("VND", "VNM", "143471", (25_000_000, 129_000_000)),
    Shop("KWD", "KWT", "143493", (305, 1_525, 3_055)),
)


def make_product(rng: random.Random, kind: str | None = None) -> dict[str, str | int]:
    """Give type and product of a purchase."""
    made = kind or rng.choices(_TYPES, _TYPE_WEIGHTS)[0]
    if made == SUBSCRIPTION:
        return {
            "type": made,
            "productId": rng.choice(("premium.monthly", "premium.yearly")),
            "subscriptionGroupIdentifier": "20611111",
            "transactionReason": rng.choice(("PURCHASE", "RENEWAL")),
        }
    products = ("coins.small", "coins.large") if made == CONSUMABLE else ("unlock.everything", "season.pass")
    return {"type": made, "productId": rng.choice(products), "transactionReason": "PURCHASE"}


def make_attempts(rng: random.Random, environment: str, first: int) -> tuple[SendAttempt, ...]:
    """Give the attempts to deliver: mostly one, in production up to six; the sandbox tries once."""
    chance = rng.random()
    if chance < _AT_ONCE:
        return (SendAttempt(first, "SUCCESS"),)
    failure = rng.choice(SEND_RESULTS[1:])
    if environment == "Sandbox":
        return (SendAttempt(first, failure),)
    never = chance > 1 - _NEVER
    failures = MOST_ATTEMPTS if never else rng.randrange(1, MOST_ATTEMPTS)
    dates: list[int] = []
    for hours in _RETRY_HOURS[: failures + (not never)]:
        dates.append((dates[-1] if dates else first) + hours * HOUR_MS)
    results = [failure] * failures + ([] if never else ["SUCCESS"])
    return tuple(SendAttempt(date, result) for date, result in zip(dates, results, strict=True))
