# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key takes another one's place: what uses the old key, what is moved, and what is proven with the new one."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .._model.integration import Identity, Integration
from .._model.key_name import is_same_name
from .._model.text import few
from .._model.verdict import Verdict
from .decision import Decision
from .refusal import of_released

# What stands for the Key ID of a key that check mode only predicts: no Key ID of Apple's has small letters.
PREDICTED = "predicted"
# An app in an environment.
Place = tuple[str, str]


def place_of(identity: Identity) -> Place:
    """Return whose integration it is, at whichever tracker."""
    return identity.bundle_id, identity.environment


def named(entries: t.Iterable[Integration]) -> str:
    """Return the first few integrations by app and tracker, and how many more there are."""
    return few([one.identity.place for one in entries])


@dataclass(frozen=True)
class Known:
    """What is known of integrations, at all trackers and in both environments.

    ``unread``: why a tracker, or an app at it, could not be asked. ``others``: declared with a key that isn't known to
    be the old or the new one, with its Issuer ID. ``declared_old``: declared with the old one. ``declared_unknown``:
    declared with one whose Key ID nobody knows. ``declared_absent``: whatever their key. ``unnoted``: declared at a
    tracker that can't be asked, and never noted, so that nobody knows what a person entered there. ``issuers``: the
    teams that the old key is said to belong to.
    """

    held: tuple[Integration, ...]
    unread: tuple[str, ...] = ()
    others: t.Mapping[Identity, str | None] = field(default_factory=dict)
    declared_old: frozenset[Identity] = frozenset()
    declared_unknown: frozenset[Identity] = frozenset()
    declared_absent: frozenset[Identity] = frozenset()
    unnoted: frozenset[Identity] = frozenset()
    issuers: frozenset[str] = frozenset()

    def using(self, key_id: str) -> tuple[Integration, ...]:
        return tuple(one for one in self.held if one.key_id == key_id and one.status != "Absent")

    @property
    def hidden(self) -> tuple[Integration, ...]:
        """Integrations that may have the old key: their tracker doesn't show which one it holds.

        With which key they are declared proves nothing about it, unless that is another team's.
        """
        unnoted = sorted(self.unnoted - {one.identity for one in self.held})
        every = (*self.held, *(Integration(identity, None, None, None, "Unknown") for identity in unnoted))
        hidden = (one for one in every if one.key_id is None and one.status != "Absent")
        return tuple(one for one in hidden if not is_foreign(self.others.get(one.identity), self.issuers))

    @property
    def unconfirmed(self) -> tuple[Integration, ...]:
        """What a person was asked to enter, and nobody said so: the tracker may work with the key of before."""
        asked = (one for one in self.held if one.identity.tracker == "devtodev" and one.is_only_asked)
        return tuple(one for one in asked if not is_foreign(one.issuer_id, self.issuers))

    @property
    def places(self) -> frozenset[Place]:
        """Apps that are held somewhere."""
        return frozenset(place_of(one.identity) for one in self.held if one.status != "Absent")

    def movable(self, old: str, new: str, declared: t.Container[Identity]) -> list[Integration]:
        """Return the integrations of both keys, and those declared that hide theirs and aren't declared with another.

        What nobody noted is among them for an app that is held elsewhere: another ledger may know of other apps. What
        is declared absent is to go, not to be moved.
        """
        hidden = (
            one
            for one in self.hidden
            if one.identity in declared
            and one.identity not in self.others
            and (one.identity not in self.unnoted or place_of(one.identity) in self.places)
        )
        entries = (*self.using(old), *self.using(new), *hidden)
        return [one for one in entries if one.identity not in self.declared_absent]

    @property
    def released(self) -> frozenset[str]:
        """Bundle IDs that production accepted once, with whichever key."""
        return frozenset(
            one.identity.bundle_id for one in self.held if one.identity.environment == "production" and one.was_accepted
        )

    def after(self, decisions: t.Iterable[Decision]) -> Known:
        """Return what would be known once these were carried out."""
        held = {one.identity: one for one in self.held}
        for decision in decisions:
            is_moved = not decision.error and decision.step.action in ("create", "update")
            key_id = decision.held.key_id or (PREDICTED if is_moved else None)
            held[decision.held.identity] = replace(decision.held, key_id=key_id)
        return replace(self, held=tuple(held.values()))


@dataclass(frozen=True)
class Request:
    """What is asked for. ``old_path`` and ``old_name``: of the declared old key. Empty is not known.

    ``named_key_id``: of the active key that has the new key's name at App Store Connect. ``has_new``: something of
    the new key is there, so that a rotation was begun. ``new_issuer`` and ``old_issuers``: the teams, by Issuer ID.
    ``is_default_issuer``: nothing but the default for all keys tells the new one's.
    """

    old_key_id: str
    new_path: str
    new_name: str = ""
    old_path: str = ""
    old_name: str = ""
    named_key_id: str = ""
    has_new: bool = False
    new_issuer: str = ""
    old_issuers: frozenset[str] = frozenset()
    is_default_issuer: bool = False


def chosen_new_key(key_id: str | None, named: t.Sequence[str]) -> str:
    """Return the new key's ID: the one that is given, else that of the only active key with its name; else empty."""
    return key_id or (named[0] if len(named) == 1 else "")


def is_foreign(issuer_id: str | None, issuers: t.Collection[str]) -> bool:
    """Tell whether a key is known to be another team's than the old one's."""
    return bool(issuer_id and issuers) and issuer_id not in issuers


def faults(asked: Request, known: Known) -> list[str]:
    """Return why no key may be made, empty when one may."""
    old = asked.old_key_id
    found = list(known.unread)
    used = known.using(old)
    paths = {asked.old_path, *(one.private_key_path for one in used)}
    if asked.new_path and asked.new_path in paths:
        found.append(
            f"new_key.private_key_path: {asked.new_path} is the file of the key {old}, which is to be replaced. Give "
            "the new key's file a path of its own. If the new key is declared already, give the old key's Key ID."
        )
    if asked.named_key_id == old or (asked.new_name and is_same_name(asked.new_name, asked.old_name)):
        found.append(
            f"new_key.name: {asked.new_name!r} is the name of {old} itself. Give the new key a name of its own."
        )
    if is_foreign(asked.new_issuer, asked.old_issuers):
        option, step = "new_key.issuer_id", "Leave iap_key_rotation_issuer_id out, or correct it."
        if asked.is_default_issuer:
            option, step = (
                "refund_tracking_defaults.issuer_id",
                "Correct it, or give the old key's entry its issuer_id.",
            )
        found.append(
            f"{option}: {asked.new_issuer} is another team's. The key {old} belongs to "
            f"{' and '.join(sorted(asked.old_issuers))}, and a key of another team is refused for its apps. {step}"
        )
    if not used and not asked.has_new and not known.unread:
        found.append(
            f"No integration uses {old}, and the new key isn't there yet, so there is nothing to rotate. Check "
            "old_key_id, and check that ledger.url names the right ledger."
        )
    elif not asked.has_new and used and all(one.identity in known.declared_absent for one in used):
        found.append(
            f"Only what is declared absent uses {old}: {named(used)}. Run storeops.refunds.site, which removes it or "
            "says how. There is nothing to rotate."
        )
    return found


def judged(verdict: Verdict, is_released: bool) -> Verdict:
    """Return the verdict about the new key, which is refused for an app that production accepted before."""
    return of_released(verdict, False) if is_released else verdict


def is_accepted(verdict: Verdict) -> bool:
    """Tell whether an app may be moved to the new key: Apple accepts it, or can't yet, as the app isn't released."""
    return verdict.accepted or verdict.cause == "app_not_released"


def unproven(decision: Decision, is_released: bool) -> str:
    """Return why an integration isn't proven to work with the new key; empty when it is, or would be."""
    verdict, held = judged(decision.verdict, is_released), decision.held
    if decision.error:
        return decision.error
    if decision.step.action == "unknown":
        return f"{held.identity.tracker} doesn't show which key it holds. Set its option on_unknown: replace."
    if verdict.cause == "key_not_yet_created":
        return ""
    if not is_accepted(verdict):
        return f"{verdict.cause}: {verdict.hint}"
    if held.status not in ("Active", "Pending"):
        return f"its status at {held.identity.tracker} is {held.status}, not Active."
    return ""


def awaits_person(decision: Decision) -> bool:
    """Tell whether a person has yet to enter the new key, or to say so: until then, the tracker works with the old."""
    return bool(decision.next_step) and not decision.error
