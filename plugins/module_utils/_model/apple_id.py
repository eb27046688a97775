# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An app's Apple ID (app_apple_id), and what Apple's payloads say of it."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from .refund import reason_name


@dataclass(frozen=True)
class ProvenAppleIds:
    """Which Apple IDs verified notifications of production name, by bundle ID.

    ``by_others``: of those verified against another root than Apple's, such as a test's.
    """

    by_apple: t.Mapping[str, set[int]] = field(default_factory=dict)
    by_others: t.Mapping[str, set[int]] = field(default_factory=dict)


def ids_told(apples: object, used: int | None) -> str:
    """Return the detail of ``wrong_apple_id``: the number in a payload, and the one that it was verified against."""
    return f"the payload names {apples if isinstance(apples, int) else 'none'}, declared is {used}"


def _apples(told: str) -> str:
    """Return the first number of `ids_told` in a reason as the ledger keeps it; empty where there is none."""
    found = re.search(r": the payload names ([0-9]+), declared is ", told)
    return found.group(1) if found else ""


def apple_id_fault(
    reasons: t.Iterable[str], number: int | None = None, proven: int | None = None, where: str = ""
) -> str:
    """Return what is to be said of an app's Apple ID that Apple contradicts; empty where nothing does.

    ``reasons``: of payloads in quarantine, as the ledger keeps them. ``number``: what payloads are verified against
    now, which stands ``where``. ``proven``: the number that verified notifications name.
    """
    told = sorted(one for one in reasons if reason_name(one) == "wrong_apple_id")
    if not told:
        return contradicted(number, proven, where)
    others = [one for one in told if _apples(one) != f"{number}"]
    if not others:
        return (
            f"app_apple_id is {number}{where}, as in Apple's payloads, but some were read with another number and "
            f"aren't recorded yet. See that the app is declared with {number}, and run storeops.refunds.refunds."
        )
    numbers = others[0].partition(": ")[2]
    return (
        f"app_apple_id isn't the number in Apple's payloads{f' ({numbers})' if numbers else ''}, so their refunds "
        "aren't recorded. Correct app_apple_id where the app is declared, then run storeops.refunds.site and "
        "storeops.refunds.refunds."
    )


def contradicted(number: int | None, proven: int | None, where: str = "") -> str:
    """Return what is to be said of a number other than the one that Apple's verified notifications name."""
    if number is None or proven is None or number == proven:
        return ""
    return (
        f"app_apple_id is {number}{where}, and verified notifications of this app name {proven}. See that "
        f"{proven} is what is declared, and run storeops.refunds.site."
    )
