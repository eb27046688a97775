# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key takes another one's place: what uses the old key, what is proven with the new one, what keeps the old one."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .._model.integration import Identity, Integration
from .._model.text import few
from .._model.verdict import Verdict
from .integration import Decision
from .refusal import of_released
from .rotation_words import count_of

# What stands for the Key ID of a key that check mode only predicts: no Key ID of Apple's has small letters.
PREDICTED = "predicted"
_AGAIN = "run storeops.refunds.rotate_key again"
_OPTIONS = " Give the options of these trackers (in keys, apps or the task),"
_SITE = " Run storeops.refunds.site with on_unknown: replace for these trackers."


# An app in an environment.
_Place = tuple[str, str]


def _place_of(identity: Identity) -> _Place:
    return identity.bundle_id, identity.environment


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
    def places(self) -> frozenset[_Place]:
        """Apps that are held somewhere."""
        return frozenset(_place_of(one.identity) for one in self.held if one.status != "Absent")

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
            and (one.identity not in self.unnoted or _place_of(one.identity) in self.places)
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
    if asked.named_key_id == old or (asked.new_name and asked.new_name == asked.old_name):
        found.append(
            f"new_key.name: {asked.new_name!r} is the name of {old} itself. Give the new key a name of its own."
        )
    if is_foreign(asked.new_issuer, asked.old_issuers):
        found.append(
            f"new_key.issuer_id: {asked.new_issuer} is another team's. The key {old} belongs to "
            f"{' and '.join(sorted(asked.old_issuers))}, and a key of another team is refused for its apps. Leave "
            "iap_key_rotation_issuer_id out, or correct it."
        )
    if not used and not asked.has_new and not known.unread:
        found.append(
            f"No integration uses {old}, and the new key isn't there yet, so there is nothing to rotate. Check "
            "old_key_id, and check that ledger.url names the right ledger."
        )
    elif not asked.has_new and used and all(one.identity in known.declared_absent for one in used):
        found.append(
            f"Only what is declared absent uses {old}: {_named(used)}. Run storeops.refunds.site, which removes it or "
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


def _is_waiting(decision: Decision) -> bool:
    """Tell whether a tracker has the new key and isn't Active with it: until then, it may work with the old one.

    An app that isn't released can't be Active anywhere.
    """
    is_late = decision.held.status == "Pending" and decision.verdict.accepted
    return is_late and not decision.next_step and not decision.error


def obstacles(old: str, new: str, known: Known, decisions: t.Sequence[Decision]) -> list[str]:
    """Return what keeps the old key from being revoked, beside what isn't proven. ``known``: after the move."""
    decided = {one.held.identity for one in decisions}
    found = list(_held(old, new, known, decided))
    late = [one.held for one in decisions if _is_waiting(one)]
    if late:
        found.append(f"Not Active with {new} yet: {_named(late)}. Once the tracker shows Active, {_AGAIN}.")
    waiting = [one.held for one in decisions if awaits_person(one)]
    if waiting:
        begin, key = ("Once the new key is made, ", "the new key") if new == PREDICTED else ("", new)
        found.append(
            f"{begin}{count_of(len(waiting))} must be entered by hand: {_named(waiting)}. Enter {key} there, as the "
            "warning says. Once the page shows Active, run storeops.refunds.rotate_key again with devtodev.confirmed: "
            "true, for that run only."
        )
    may_use = {one.identity for one in (*known.using(old), *known.hidden)} - known.unnoted
    told = {_place_of(identity) for identity in decided | may_use}
    found += _declared_only(old, known, told)
    return [*found, *(f"Could not be read: {text}" for text in known.unread)]


def _held(old: str, new: str, known: Known, decided: set[Identity]) -> t.Iterator[str]:
    """Yield what is held and may use the old key. ``decided``: what this run tried to move."""
    idle = [one for one in known.using(new) if one.status != "Active" and one.identity not in decided]
    others = [one for one in known.unconfirmed if one.key_id not in (None, old, new)]
    unconfirmed = [one for one in others if one.identity not in decided]
    every = (known.using(old), known.hidden, unconfirmed, idle)
    absent = [one for some in every for one in some if one.identity in known.declared_absent]
    left, hidden, unconfirmed, idle = ([one for one in some if one not in absent] for some in every)
    # Of what is declared with the old key and held nowhere, another sentence tells.
    by_site = known.others.keys() | (known.unnoted - known.declared_old)
    not_applied = [one for one in hidden if one.identity in by_site - decided]
    hides = f"May still use {old}, because the tracker doesn't show its key"
    groups = (
        ([one for one in left if one.identity in decided], f"Still with {old}, as they could not be moved", ""),
        (
            [one for one in left if one.identity not in decided],
            f"Still with {old}",
            f"{_OPTIONS} or move them there yourself.",
        ),
        ([one for one in hidden if one not in not_applied], hides, ""),
        (not_applied, f"{hides} and no run is known to have applied the declared one", f"{_SITE} Then {_AGAIN}."),
        (
            unconfirmed,
            f"May still use {old}, because nobody confirmed what was to be done by hand",
            " Declare what isn't declared, with state: absent if it is to go, and run storeops.refunds.site. Once it "
            f"is done, run that again with devtodev.confirmed: true. Then {_AGAIN}.",
        ),
        (
            absent,
            "Declared absent and still held",
            f" Run storeops.refunds.site, which removes them or says how. Then {_AGAIN}.",
        ),
        (
            idle,
            f"With {new}, but not Active as far as anyone knows",
            f"{_OPTIONS} and {_AGAIN} once they are Active.",
        ),
    )
    return (f"{begin}: {_named(entries)}.{step}" for entries, begin, step in groups if entries)


def _declared_only(old: str, known: Known, told: t.Container[_Place]) -> t.Iterator[str]:
    """Yield what is declared with the old key, and was not moved. ``told``: apps that were, or are an obstacle."""
    new_key = "Declare these apps with the new key, or with state: absent."
    for identities, key in (
        (known.declared_old, old),
        (known.declared_unknown, "a key whose key_id isn't known"),
    ):
        rest = sorted({_place_of(identity) for identity in identities} - known.places)
        nowhere = [place for place in rest if place not in told]
        if nowhere:
            yield f"Declared with {key} and held nowhere: {_named_apps(nowhere)}. {new_key}"
    other = sorted({_place_of(identity) for identity in known.declared_old} & known.places)
    unlike = [place for place in other if place not in told]
    if unlike:
        yield f"Declared with {old} and held with another key: {_named_apps(unlike)}. {new_key}"


def _named(entries: t.Iterable[Integration]) -> str:
    return few([one.identity.place for one in entries])


def _named_apps(places: t.Iterable[_Place]) -> str:
    return few([f"{app} (sandbox)" if environment == "sandbox" else app for app, environment in places])
