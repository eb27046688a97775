# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is set up for a declared team, and declared by nobody: how it is named, and what removes it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .integration import Identity, Integration, app_in
from .text import few, other_capitals


@dataclass(frozen=True, order=True)
class Undeclared:
    """An integration in the ledger, or one that was last applied at another tracker.

    ``label`` names it: without its place where no entry names this app at all.
    """

    bundle_id: str
    environment: str
    tracker: str
    label: str

    @property
    def is_new(self) -> bool:
        return self.label == app_in(self.bundle_id, self.environment)


def undeclared_of(
    entries: t.Iterable[Integration], declared: t.Iterable[Identity], absent: t.Container[Identity] = ()
) -> list[Undeclared]:
    """Return ``entries``, which nobody declares, named. ``declared``: all that somebody does, ``absent`` among them.

    Of what was last applied at another tracker, only what is declared to be there in no project: one that has another
    name now may be the same. What is declared absent in another project says nothing about this one.
    """
    known = list(declared)
    names = {identity.bundle_id for identity in known}
    there = {(one.tracker, one.environment, one.bundle_id) for one in known if one not in absent}
    found = []
    for identity in (entry.identity for entry in entries):
        name, tracker, environment = identity.bundle_id, identity.tracker, identity.environment
        if tracker != "ledger" and (tracker, environment, name) in there:
            continue
        is_new = tracker == "ledger" and name not in names
        label = app_in(name, environment) if is_new else identity.place
        found.append(Undeclared(name, environment, tracker, label))
    return found


class Group(t.NamedTuple):
    """What is set up and has one and the same step. ``names``: each once, all of them."""

    title: str
    names: list[str]
    step: str


def held_undeclared(entries: t.Iterable[Undeclared], declared: t.Iterable[str]) -> str:
    """Say what is set up and nobody declares, and what to do; empty for nothing. ``declared``: bundle IDs."""
    return " ".join(f"{title}: {few(names)}. {step}" for title, names, step in groups(entries, declared))


def groups(entries: t.Iterable[Undeclared], declared: t.Iterable[str]) -> list[Group]:
    """Return what `held_undeclared` says, with every name."""
    entries = list(entries)
    twins = other_capitals([entry.bundle_id for entry in entries], declared)
    others = [entry for entry in entries if entry.bundle_id not in twins]
    new = [entry for entry in others if entry.is_new]
    here = [entry for entry in others if not entry.is_new and entry.tracker == "ledger"]
    there = [entry for entry in others if not entry.is_new and entry.tracker != "ledger"]
    found = (
        _in_other_capitals(twins),
        _group("Held in the ledger and not declared", new, f"Declare {{them}}, {_ABSENT}"),
        _group("Held in the ledger, and declared only for another tracker or environment", _bare(here), _HERE),
        *(
            _group(f"Set up at {name}, and not declared for it", [one for one in there if one.tracker == name], _THERE)
            for name in sorted({entry.tracker for entry in there})
        ),
    )
    return [group for group in found if group.names]


# With its place: state: absent alone would be done at the tracker that is the default, which may be another.
_ABSENT = "or remove {them} with state: absent, {places}."
_HERE = f"Declare {{them}} for the ledger {{environments}}, too, {_ABSENT}"
_THERE = (
    "A key was applied at this tracker and may still be there. Declare {app} for this tracker, or remove {its} "
    "on the tracker's page and then declare {app}, for one run, with state: absent, {places}, and the same "
    "options of the tracker, such as project and mode (at devtodev by hand, for a second run with "
    "devtodev.confirmed: true, too)."
)
_ENVIRONMENTS = {"production": "in production", "sandbox": "in the sandbox"}


def _in_other_capitals(twins: t.Mapping[str, str]) -> Group:
    """Return which are most likely declared ones, so that nobody removes them."""
    pairs = [f"{held} (declared: {declared})" for held, declared in twins.items()]
    one = len(pairs) == 1
    app = "This is most likely the same app: keep it" if one else "These are most likely the same apps: keep them"
    step = f"{app}, and write the bundle ID in the declaration as App Store Connect shows it."
    return Group("Held with other capitals than declared", pairs, step)


def _bare(entries: t.Iterable[Undeclared]) -> list[Undeclared]:
    """Return entries without the place in their names, where the title has it."""
    return [replace(entry, label=app_in(entry.bundle_id, entry.environment)) for entry in entries]


def _group(title: str, entries: t.Sequence[Undeclared], step: str) -> Group:
    labels = list(dict.fromkeys(entry.label for entry in entries))
    is_one_app = len({entry.bundle_id for entry in entries}) == 1
    them, kind = ("it", "integration") if len(labels) == 1 else ("them", "integrations")
    app, its = ("the app", f"its {kind}") if is_one_app else ("the apps", f"their {kind}")
    pairs = sorted({(entry.tracker, entry.environment) for entry in entries})
    places = " and ".join(f"trackers: [{tracker}], environment: {environment}" for tracker, environment in pairs)
    environments = " and ".join(
        _ENVIRONMENTS.get(name, f"in {name}") for name in sorted({entry.environment for entry in entries})
    )
    told = step.format(them=them, app=app, its=its, places=places, environments=environments)
    return Group(title, labels, told)
