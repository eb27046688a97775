# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a tracker holds, listed once for a whole list of apps."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..._ledger.explained import Passing
from ..._model.errors import RefundsError
from ..._model.identifiers import Environment
from ..._model.integration import Identity, Integration
from ..._trackers.protocol import Tracker


@dataclass
class Holdings:
    """Asks for the list when it is needed first. Where a list tells too little, each app is looked up by itself.

    A list that failed isn't asked for again: each app would wait as long as the first one.
    ``is_for_one``: a list is more than a task with one app needs.
    """

    tracker: Tracker
    is_for_one: bool = False
    _listed: dict[Environment, dict[Identity, Integration]] = field(default_factory=dict, init=False)
    _failed: dict[Environment, RefundsError] = field(default_factory=dict, init=False)
    _names: dict[Environment, dict[str, Integration]] = field(default_factory=dict, init=False)
    _broken_off: set[Environment] = field(default_factory=set, init=False)
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
        if environment in self._failed:
            raise self._failed[environment].with_traceback(None)
        if environment not in self._listed:
            self._listed[environment] = self._asked(environment)
        return self._listed[environment]

    def _asked(self, environment: Environment) -> dict[Identity, Integration]:
        listed: dict[Identity, Integration] = {}
        try:
            entries = self.tracker.list(environment)
        except RefundsError as error:
            # What may pass by itself is asked for once more.
            if not isinstance(error, Passing) or environment in self._broken_off:
                self._failed[environment] = error
            self._broken_off.add(environment)
            raise
        for entry in entries:
            if entry.identity in listed:
                self._ambiguous.add(entry.identity)
            listed[entry.identity] = entry
        return listed

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
