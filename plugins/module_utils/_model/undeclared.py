# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is set up for a declared team, and declared by nobody: how it is named, and what removes it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .integration import Identity, Integration
from .text import few, held_in_other_capitals, other_capitals


@dataclass(frozen=True, order=True)
class Undeclared:
    """An integration in the ledger, or one that was last applied at another tracker.

    ``label`` names it: by the bundle ID alone where `state: absent` alone removes it, else by its place too.
    """

    bundle_id: str
    environment: str
    tracker: str
    label: str

    @property
    def is_plain(self) -> bool:
        return self.label == self.bundle_id

    @property
    def removal(self) -> str:
        """The fields of an entry that removes it."""
        place = "" if self.is_plain else f" and trackers: [{self.tracker}]"
        return f"state: absent{place}{' and environment: sandbox' if place and self.environment == 'sandbox' else ''}"


def undeclared_of(entries: t.Iterable[Integration], declared: t.Iterable[Identity]) -> list[Undeclared]:
    """Return integrations that nobody declares, named. ``declared``: all that somebody does."""
    known = list(declared)
    names = {identity.bundle_id for identity in known}
    # Where nothing is declared at the ledger, an entry without trackers would be one of another tracker.
    is_ledger_usual = not known or any(identity.tracker == "ledger" for identity in known)
    return [_named(entry.identity, is_ledger_usual and entry.identity.bundle_id not in names) for entry in entries]


def _named(identity: Identity, is_new: bool) -> Undeclared:
    label = identity.bundle_id if is_new and identity.tracker == "ledger" else identity.place
    return Undeclared(identity.bundle_id, identity.environment, identity.tracker, label)


def held_undeclared(entries: t.Iterable[Undeclared], declared: t.Iterable[str]) -> str:
    """Say what is set up and nobody declares, and what to do; empty for nothing. ``declared``: bundle IDs."""
    entries = list(entries)
    twins = other_capitals([entry.bundle_id for entry in entries], declared)
    others = [entry for entry in entries if entry.bundle_id not in twins]
    plain = _told("Held in the ledger and not declared", "", [entry for entry in others if entry.is_plain])
    placed = _told("Set up and not declared there", " there", [entry for entry in others if not entry.is_plain])
    return " ".join(filter(None, (held_in_other_capitals(twins), plain, placed)))


def _told(title: str, there: str, entries: t.Sequence[Undeclared]) -> str:
    labels = list(dict.fromkeys(entry.label for entry in entries))
    them = "it" if len(labels) == 1 else "them"
    ways = ", or ".join(sorted({entry.removal for entry in entries}))
    return f"{title}: {few(labels)}. Declare {them}{there}, or remove {them} with {ways}." if labels else ""
