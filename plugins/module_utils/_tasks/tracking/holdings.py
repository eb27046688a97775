# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a tracker holds, listed once for a whole list of apps; and whether the tracker can hold such a list."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..._context import Params
from ..._model.errors import InputError
from ..._model.identifiers import Environment
from ..._model.integration import Identity, Integration
from ..._trackers.protocol import Tracker
from .assessment import folded
from .listed_apps import ListedApp


@dataclass
class Holdings:
    """Asks for the list when it is needed first. Where a list tells too little, each app is looked up by itself."""

    tracker: Tracker
    _listed: dict[Environment, dict[Identity, Integration]] = field(default_factory=dict, init=False)
    _names: dict[Environment, dict[str, str]] = field(default_factory=dict, init=False)
    _ambiguous: set[Identity] = field(default_factory=set, init=False)

    def find(self, identity: Identity) -> Integration | None:
        """Return what the tracker holds for one app. Raises RefundsError."""
        if not self.tracker.is_listable:
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

    def names(self, environment: Environment) -> t.Mapping[str, str]:
        """Return the bundle IDs that are held, by themselves without capitals."""
        if environment not in self._names:
            self._names[environment] = folded(self.listed(environment).values())
        return self._names[environment]


def check_fit(apps: t.Sequence[ListedApp], params: Params) -> None:
    """Raise InputError for a list that the tracker has no room for."""
    tracker = params["tracker"]
    if tracker == "qonversion" and len(apps) > 1:
        raise InputError(
            "apps",
            f"names {len(apps)} apps, and a Qonversion project has one.",
            "Run one task per app, each with the qonversion.api_key of its own project.",
        )
    for index, app in enumerate(apps):
        if tracker != "ledger" and app.environment != "production":
            raise InputError(
                f"apps[{index}].environment",
                f"{app.bundle_id}: {tracker} has one key for an app, which serves production and sandbox alike.",
                "Leave environment at production for this tracker.",
            )
