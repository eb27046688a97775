# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The status that a verdict allows, given what was proven of the same key before."""

from __future__ import annotations

import typing as t

from .._model.integration import Credentials, Identity, Integration, Status
from .._model.verdict import LOCAL_CAUSES, UNDECIDED_CAUSES, Verdict


def proven_status(current: Integration | None, credentials: Credentials | None) -> Status | None:
    """Return the status that was found for exactly these credentials before; None when there is none to keep.

    Of what a tracker calls by a word of its own, only Active is known to be Apple's verdict, too.
    """
    if current is None or credentials is None or not current.has_key(credentials):
        return None
    if current.word or current.is_only_shown:
        return "Active" if current.is_accepted else None
    return current.status if current.status in ("Active", "Pending", "Failed") else None


def best_status(verdict: Verdict, policy: str, proven: Status | None = None) -> Status | None:
    """Return the status to store, None when the item fails. ``proven``: the one of the same key before.

    What Apple didn't decide takes nothing away that was proven.
    """
    if verdict.accepted:
        return "Active"
    if verdict.cause in ("app_not_released", "key_not_yet_created"):
        return "Pending"
    if verdict.cause in LOCAL_CAUSES or policy == "required":
        return None
    # With Apple's time, the key is accepted: the clock of this machine says nothing about it.
    is_undecided = verdict.cause in UNDECIDED_CAUSES or verdict.cause == "clock_skew"
    return proven or "Pending" if is_undecided else "Failed"


def warn_about_verdict(wanted: Identity, verdict: Verdict, policy: str, warn: t.Callable[[str], None]) -> None:
    is_tolerated = policy == "advisory" and not verdict.accepted and verdict.cause != "key_not_yet_created"
    if verdict.cause == "app_not_released" or is_tolerated:
        warn(f"{wanted.bundle_id}: credential check: {verdict.cause}. {verdict.hint}")
