# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of Apple's payloads that can't be used, by the reasons of ``Rejected``."""

from __future__ import annotations

import typing as t

from .refund import reason_name

# What the user can do about payloads that could not be verified for such a reason.
_ADVICE = {
    "wrong_apple_id": "Compare app_apple_id with the number in the app's App Store Connect page.",
    "wrong_root": "wrong_root: they were signed under another root certificate than Apple's, or than the one at "
    "root_certificate_path where that is set. A simulator has a root of its own.",
    "unsuitable_chain": "unsuitable_chain: the signature is sound, but a certificate breaks a rule of X.509, such as a "
    "missing Authority Key Identifier.",
}
# What was verified before it was found to be of no use.
_VERIFIED = frozenset({"unexpected_fields", "wrong_type", "missing_transaction"})


def quarantine_faults(quarantined: t.Mapping[str, int]) -> list[str]:
    """Return in words what is missing because of payloads in quarantine (how many by reason)."""
    faults = []
    read = {reason: count for reason, count in quarantined.items() if reason_name(reason) in _VERIFIED}
    if read:
        faults.append(
            f"{sum(read.values())} of Apple's payloads are sound, but hold something else than Apple documents, and "
            f"are in quarantine ({counted(read)}); the next run tries them again. Look for a newer version of "
            "storeops.refunds."
        )
    others = {reason: count for reason, count in quarantined.items() if reason not in read}
    if others:
        faults.append(
            f"{sum(others.values())} of Apple's payloads could not be verified and are in quarantine "
            f"({counted(others)}); the next run tries them again."
        )
    return [*faults, *advice(others)]


def counted(reasons: t.Mapping[str, int]) -> str:
    """Return how many there are by reason."""
    return ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))


def advice(reasons: t.Iterable[str]) -> list[str]:
    """Return what the user can do about payloads that can't be used for these reasons."""
    names = set(map(reason_name, reasons))
    return [text for name, text in _ADVICE.items() if name in names]
