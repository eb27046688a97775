# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a tracker holds, listed once for a whole list of apps."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..._model.identifiers import Environment
from ..._model.integration import Identity, Integration
from ..._trackers.protocol import Tracker


@dataclass
class Holdings:
    """Asks for the list when it is needed first. Where a list tells too little, each app is looked up by itself.

    ``is_for_one``: a list is more than a task with one app needs.
    """

    tracker: Tracker
    is_for_one: bool = False
    _listed: dict[Environment, dict[Identity, Integration]] = field(default_factory=dict, init=False)
    _names: dict[Environment, dict[str, Integration]] = field(default_factory=dict, init=False)
    _ambiguous: set[Identity] = field(default_factory=set, init=False)

    def find(self, identity: Identity) -> Integration | None:
        """Return what the tracker holds for one app. Raises RefundsError."""
        if self.is_for_one or not self.tracker.is_listable:
            return self.tracker.find(identity)
        found = self.listed(identity.environment).get(identity)
        # The tracker says in its own words what is wrong with it.
        return self.tracker.find(identity) if self.is_ambiguous(identity) else found

    def is_ambiguous(self, identity: Identity) -> bool:
        """Tell whether the tracker has several entries for one app."""
        return identity in self._ambiguous

    def listed(self, environment: Environment) -> dict[Identity, Integration]:
        if environment not in self._listed:
            listed: dict[Identity, Integration] = {}
            for entry in self.tracker.list(environment):
                if entry.identity in listed:
                    self._ambiguous.add(entry.identity)
                listed[entry.identity] = entry
            self._listed[environment] = listed
        return self._listed[environment]

    def known(self) -> list[Integration]:
        """Return what was listed so far, without asking."""
        return [entry for listed in self._listed.values() for entry in listed.values()]

    def names(self, environment: Environment) -> t.Mapping[str, Integration]:
        """Return what is held by its bundle ID without capitals."""
        if environment not in self._names:
            # Of names that differ in their capitals alone, the first counts.
            listed = reversed(self.listed(environment).values())
            self._names[environment] = {entry.identity.bundle_id.casefold(): entry for entry in listed}
        return self._names[environment]
