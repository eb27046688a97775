# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every tracker holds: the ledger in both environments, what it knows of others, and those that can be asked."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..._decisions.rotation import Known
from ..._declaration.apps import App
from ..._declaration.declaration import Declaration
from ..._declaration.keys import key_id_of
from ..._ledger.integrations import list_elsewhere, list_integrations
from ..._model.errors import RefundsError, unforeseen
from ..._model.identifiers import ENVIRONMENTS
from ..._model.integration import Identity, Integration
from ..._trackers.protocol import Tracker
from ..._trackers.settings import LedgerSettings, Settings
from ..shared.trackers import Trackers

# What a fault of ours spoils when it meets one tracker.
_NOT_READ = "this tracker was not read"


@dataclass
class Reading:
    """``held``: what is held, by identity. ``_whole``: trackers and projects whose list tells all that they hold."""

    declaration: Declaration
    extra: t.Sequence[Settings]
    held: dict[Identity, Integration] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    _settings: dict[Identity, Settings] = field(default_factory=dict)
    _asked: set[Identity] = field(default_factory=set)
    _whole: set[tuple[str, str]] = field(default_factory=set)

    def read(self, trackers: Trackers) -> Reading:
        """Ask all of them. What can't be asked is ``unread``; raises LedgerError for the ledger itself."""
        for settings, apps in self._places().items():
            try:
                self._ask(settings, apps, trackers.open(settings))
            except RefundsError as error:
                self.unread.append(f"{settings.tracker}: {error}")
            except Exception as error:
                self.unread.append(f"{settings.tracker}: {unforeseen(error, _NOT_READ)}")
        for environment in ENVIRONMENTS:
            for row in list_integrations(trackers.ledger, "ledger", "", environment):
                self._note(row, LedgerSettings())
            for row in list_elsewhere(trackers.ledger, environment):
                is_stale = (row.identity.tracker, row.identity.project) in self._whole or row.identity in self._asked
                if not is_stale:
                    self.held.setdefault(row.identity, row)
        return self

    def known(self, keys: t.Container[str], old_key_id: str, new_keys: t.Container[str]) -> Known:
        """Return what is known. ``keys``: short names and Key IDs of the old and the new key; ``new_keys``: of that."""
        found: dict[str, set[Identity]] = {"other": set(), "old": set(), "unknown": set()}
        for app in self.declaration.apps:
            if app.key is None:
                continue
            identities = {app.identity(settings) for settings in app.settings}
            key_id = key_id_of(app.key)
            if app.key.is_given and app.key.name not in keys and app.key.key_id not in keys:
                found["other"] |= identities
            if app.is_absent or app.key.name in new_keys:
                continue
            if key_id in (None, old_key_id):
                found["old" if key_id else "unknown"] |= identities
        return Known(
            tuple(self.held.values()),
            tuple(self.unread),
            frozenset(found["other"]),
            frozenset(found["old"]),
            frozenset(found["unknown"]),
        )

    def settings(self, identity: Identity) -> Settings | None:
        """Return the options with which an integration can be moved; None where nobody gave any."""
        if identity in self._settings:
            return self._settings[identity]
        # A project of Qonversion is one app: its label alone doesn't tell which.
        same = (
            settings
            for settings in self._places()
            if (settings.tracker, settings.project) == (identity.tracker, identity.project)
            and settings.tracker != "qonversion"
        )
        return next(same, None)

    def _places(self) -> dict[Settings, list[App]]:
        found: dict[Settings, list[App]] = {settings: [] for settings in self.extra}
        for app in self.declaration.apps:
            for settings in app.settings:
                if settings.tracker != "ledger":
                    found.setdefault(settings, []).append(app)
        return found

    def _ask(self, settings: Settings, apps: t.Sequence[App], tracker: Tracker) -> None:
        if tracker.is_listable:
            for entry in tracker.list("production"):
                self._note(entry, settings)
            if tracker.name != "qonversion":
                self._whole.add((tracker.name, tracker.project))
            return
        for app in apps:
            identity = app.identity(settings)
            try:
                found = tracker.find(identity)
            except RefundsError as error:
                self.unread.append(f"{settings.tracker}: {error}")
                continue
            self._asked.add(identity)
            if found:
                self._note(found, settings)

    def _note(self, entry: Integration, settings: Settings) -> None:
        self.held[entry.identity] = entry
        self._settings[entry.identity] = settings
