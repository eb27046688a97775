# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps the old key of a rotation from being revoked, beside what isn't proven of a moved integration."""

from __future__ import annotations

import typing as t

from .._model.integration import Identity, Integration, app_in
from .._model.text import few
from .decision import Decision
from .rotation import PREDICTED, Known, Place, awaits_person, named, place_of
from .rotation_words import count_of

_AGAIN = "run storeops.refunds.rotate_key again"
_OPTIONS = " Give the options of these trackers (in keys, apps or the task),"
_MENDED = f" Mend what this run says of each, then {_AGAIN}."
_SITE = " Run storeops.refunds.site with on_unknown: replace for these trackers."

# Entries that one sentence is about, its beginning, and the step.
_Group = tuple[list[Integration], str, str]


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
        found.append(f"Not Active with {new} yet: {named(late)}. Once the tracker shows Active, {_AGAIN}.")
    waiting = [one.held for one in decisions if awaits_person(one)]
    if waiting:
        begin, key = ("Once the new key is made, ", "the new key") if new == PREDICTED else ("", new)
        found.append(
            f"{begin}{count_of(len(waiting))} must be entered by hand: {named(waiting)}. Enter {key} there, as the "
            "warning says. Once the page shows Active, run storeops.refunds.rotate_key again with devtodev.confirmed: "
            "true, for that run only."
        )
    may_use = {one.identity for one in (*known.using(old), *known.hidden)} - known.unnoted
    told = {place_of(identity) for identity in decided | may_use}
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
    groups: tuple[_Group, ...] = (
        (
            [one for one in left if one.identity in decided],
            f"Still with {old}, as they could not be moved",
            _MENDED,
        ),
        (
            [one for one in left if one.identity not in decided],
            f"Still with {old}",
            f"{_OPTIONS} or move them there yourself.",
        ),
        *_hiding(old, hidden, known, decided),
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
            f"On {new}, but not known to be Active",
            f"{_OPTIONS} and {_AGAIN} once they are Active.",
        ),
    )
    return (f"{begin}: {named(entries)}.{step}" for entries, begin, step in groups if entries)


def _hiding(old: str, hidden: t.Sequence[Integration], known: Known, decided: set[Identity]) -> t.Iterator[_Group]:
    """Yield what hides its key."""
    hides = f"May still use {old}, because the tracker doesn't show its key"
    # Of what is declared with the old key and held nowhere, another sentence tells.
    by_site = known.others.keys() | (known.unnoted - known.declared_old)
    yield [one for one in hidden if one.identity in decided], hides, _MENDED
    left = [one for one in hidden if one.identity not in decided]
    step = (
        " Declare these apps with the new key and run storeops.refunds.site, with on_unknown: replace if it asks for "
        f"it. Then {_AGAIN}."
    )
    yield [one for one in left if one.identity not in by_site], hides, step
    not_applied = [one for one in left if one.identity in by_site]
    yield not_applied, f"{hides} and no run is known to have applied the declared one", f"{_SITE} Then {_AGAIN}."


def _declared_only(old: str, known: Known, told: t.Container[Place]) -> t.Iterator[str]:
    """Yield what is declared with the old key, and was not moved. ``told``: apps that were, or are an obstacle."""
    new_key = "Declare these apps with the new key, or with state: absent."
    for identities, key in (
        (known.declared_old, old),
        (known.declared_unknown, "a key whose key_id isn't known"),
    ):
        rest = sorted({place_of(identity) for identity in identities} - known.places)
        nowhere = [place for place in rest if place not in told]
        if nowhere:
            unseen = "in no ledger or tracker that this run can see"
            yield f"Declared with {key}, but {unseen}: {_named_apps(nowhere)}. {new_key}"
    other = sorted({place_of(identity) for identity in known.declared_old} & known.places)
    unlike = [place for place in other if place not in told]
    if unlike:
        yield f"Declared with {old}, but a ledger or tracker has another key for them: {_named_apps(unlike)}. {new_key}"


def _named_apps(places: t.Iterable[Place]) -> str:
    return few([app_in(*place) for place in places])
