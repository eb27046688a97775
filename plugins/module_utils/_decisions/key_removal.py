# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the keys that are declared absent may go: only when no declared app may still need one of them."""

from __future__ import annotations

import typing as t

from .._model.integration import CONFIRMED, Integration
from .._model.text import few
from .decision import Decision


def waiting(decisions: t.Iterable[Decision], check_mode: bool) -> list[str]:
    """Return the bundle IDs of apps that are to be Active and aren't: there, the key of before may be in use.

    An app that isn't released yet can't be Active, but a person may have to enter its key all the same. What check mode
    only predicts counts as it is predicted.
    """
    harmless = {"app_not_released"} | ({"key_not_yet_created"} if check_mode else set())
    open_ones = (one for one in decisions if not one.is_absent and one.held.status not in ("Active", "Absent"))
    found = (
        one.held.identity.bundle_id for one in open_ones if one.verdict.cause not in harmless or not _has_key(one.held)
    )
    return list(dict.fromkeys(found))


def _has_key(held: Integration) -> bool:
    """Tell whether what can't be Active has its key: Unknown and Failed are what the tracker says, not the release."""
    return held.status == "Pending" and (held.identity.tracker != "devtodev" or bool(held.word))


def users(key_ids: t.Collection[str | None], held: t.Iterable[Integration]) -> list[str]:
    """Return the places of integrations that may use one of these keys. None is a Key ID that nobody knows.

    Until a tracker is known to have taken over the key that was last given, the one of before may be in use.
    """
    may = (one for one in held if one.key_id in (*key_ids, None) or None in key_ids or not _is_taken_over(one))
    return list(dict.fromkeys(one.identity.place for one in may))


def _is_taken_over(held: Integration) -> bool:
    # At these two, a save that isn't proven leaves no Key ID: LastApplied.begin.
    is_proven = held.identity.tracker in ("ledger", "revenuecat", "qonversion") and held.key_id is not None
    return is_proven or held.status == "Active" or held.word == CONFIRMED


def in_use(held: t.Sequence[str], it: str = "it") -> str:
    """Return the sentence about what may still use what is to be absent. ``held``: of ``users``."""
    are, them = ("isn't", "it") if len(held) == 1 else ("aren't", "them")
    step = f"Declare {them} for the same tracker, below another key or with state: absent."
    by_hand = "What a tracker can't remove, remove there by hand."
    return f"{few(held)} may still use {it} and {are} declared. {step} {by_hand}"


def nobody_knows(place: str, it: str, step: str) -> str:
    """Return the sentence about a run that began without a ledger. ``place``: where it was looked for."""
    return (
        f"{place} had nothing before this run, so nobody knows what else uses {it}. Correct it, or {step} if it is "
        "your first ledger. If no app was ever in one, use storeops.refunds.appstore_iap_key."
    )


def still_held(kept: t.Mapping[str, str], it: str = "it") -> str:
    """Return the sentence about what is declared absent, wasn't removed, and may use what is to be absent.

    ``kept``: why it can't be removed and what to do, by its place; empty where that is told elsewhere.
    """
    has, they_are = ("has", "it is") if len(kept) == 1 else ("have", "they are")
    step = " ".join(filter(None, dict.fromkeys(kept.values()))) or f"Run again once {they_are} removed there."
    return f"{few(list(kept))}, which still {has} to be removed, may use {it}. {step}"


def left(
    keys: t.Sequence[str],
    trouble: str,
    apps: t.Sequence[str],
    held: t.Sequence[str],
    check_mode: bool,
    kept: t.Sequence[str] = (),
) -> str:
    """Return the sentence about keys that stay; empty when they may go.

    ``trouble``: what the task came to, in a few words, if to any. ``apps``: of ``waiting``. ``held``: of ``users``,
    and ``kept`` those of them that are declared absent and couldn't be removed.
    """
    if not keys or not (trouble or apps or held or kept):
        return ""
    it = "it" if len(keys) == 1 else "them"
    reason = trouble.rstrip(".") or f"{few(apps)} {'isn' if len(apps) == 1 else 'aren'}'t Active yet"
    if not trouble and not apps:
        reason = in_use(held, it).rstrip(".")
    if kept and not trouble and not apps:
        # A warning has told how each can be removed.
        reason = still_held(dict.fromkeys(kept, ""), it).rstrip(".")
    noun, verb = ("key", "was") if len(keys) == 1 else ("keys", "were")
    verb = "would not be" if check_mode else f"{verb} not"
    return f"The {noun} {few(keys)} {verb} removed or revoked: {reason}."
