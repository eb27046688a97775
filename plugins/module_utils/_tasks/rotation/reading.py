# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every tracker holds: the ledger in both environments, what it knows of others, and those that can be asked."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..._decisions.rotation import Known
from ..._declaration.apps import App
from ..._declaration.declaration import Declaration
from ..._declaration.keys import ids_of
from ..._ledger.integrations import list_all
from ..._model.errors import RefundsError, unforeseen
from ..._model.integration import Identity, Integration
from ..._trackers.options import Options
from ..._trackers.protocol import Tracker
from ..._trackers.settings import LedgerSettings, Settings, for_others
from ..shared.trackers import Trackers

# What a fault of ours spoils when it meets one tracker.
_NOT_READ = "this tracker was not read"


@dataclass
class Reading:
    """``options``: the task's own, by tracker. ``held``: what is held, by identity.

    ``_whole``: trackers and projects whose list tells all that they hold.

    ``_own``: the options with which an app is declared. ``_listed``: of what nobody declares, those that found it.

    ``unnoted``: what is declared at a tracker that can't be asked, and no run has told a person yet.
    """

    declaration: Declaration
    extra: t.Sequence[Settings]
    options: t.Mapping[str, Options]
    held: dict[Identity, Integration] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    unnoted: set[Identity] = field(default_factory=set)
    _own: dict[Identity, Settings] = field(init=False)
    _listed: dict[Identity, Settings] = field(default_factory=dict)
    _asked: set[Identity] = field(default_factory=set)
    _whole: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._own = {app.identity(settings): settings for app in self.declaration.apps for settings in app.settings}

    def read(self, trackers: Trackers) -> Reading:
        """Ask all of them. What can't be asked is ``unread``; raises LedgerError for the ledger itself."""
        # At first: without the ledger, none of them can be read either, each after a wait.
        rows = list_all(trackers.ledger)
        for settings, apps in self._places().items():
            try:
                self._ask(settings, apps, trackers.open(settings))
            except RefundsError as error:
                self.unread.append(f"{settings.tracker}: {error}")
            except Exception as error:
                self.unread.append(f"{settings.tracker}: {unforeseen(error, _NOT_READ)}")
        for row in rows:
            if row.identity.tracker == "ledger":
                self._note(row, LedgerSettings())
            elif (row.identity.tracker, row.identity.project) not in self._whole and row.identity not in self._asked:
                self.held.setdefault(row.identity, row)
        return self

    def known(self, old_key_id: str, new_key_id: str | None, new_keys: t.Container[str]) -> Known:
        """Return what is known, but for the old key's teams. ``new_keys``: short names of entries at the new path."""
        others: dict[Identity, str | None] = {}
        found: dict[str, set[Identity]] = {"old": set(), "unknown": set(), "absent": set()}
        for app in self.declaration.apps:
            identities = {app.identity(settings) for settings in app.settings}
            issuer_id, key_id = ids_of(app.key)
            # What is written over the new path may still name the old key.
            is_new = app.key is None or (app.key.name in new_keys and key_id != old_key_id)
            if app.is_absent:
                found["absent"] |= identities
            elif is_new or (key_id and key_id == new_key_id):
                continue
            elif key_id == old_key_id:
                found["old"] |= identities
            else:
                others |= dict.fromkeys(identities, issuer_id)
                found["unknown"] |= set() if key_id else identities
        return Known(
            tuple(self.held.values()),
            tuple(self.unread),
            others,
            frozenset(found["old"]),
            frozenset(found["unknown"]),
            frozenset(found["absent"]),
            frozenset(self.unnoted),
        )

    def settings(self, identity: Identity) -> Settings | None:
        """Return the options with which an integration can be moved; None where nobody gave any."""
        known = self._own.get(identity) or self._listed.get(identity)
        if known is not None:
            return known
        # A project of Qonversion is one app: its label alone doesn't tell which.
        same = (
            self._of_nobody(settings)
            for settings in self._places()
            if (settings.tracker, settings.project) == (identity.tracker, identity.project)
            and settings.tracker != "qonversion"
        )
        return next(same, None)

    def _of_nobody(self, settings: Settings) -> Settings:
        """Return the options for what nobody declares: the task's, else another app's with the task's permissions."""
        return settings if settings in self.extra else for_others(settings, self.options.get(settings.tracker) or {})

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
            if tracker.has_no_api:
                unnoted = {app.identity(settings) for app in apps if not app.is_absent} - self.held.keys()
                self.unnoted |= unnoted
            return
        for app in apps:
            identity = app.identity(settings)
            try:
                found = tracker.find(identity)
            except RefundsError as error:
                self.unread.append(f"{settings.tracker}: {error}")
                continue
            doubt = "" if found else tracker.doubt(identity)
            if doubt:
                self.unread.append(f"{settings.tracker}: {identity.bundle_id}: {doubt}")
                continue
            self._asked.add(identity)
            if found:
                self._note(found, settings)
            else:
                self.held.pop(identity, None)

    def _note(self, entry: Integration, settings: Settings) -> None:
        identity = entry.identity
        is_own = self._own.get(identity, settings) == settings
        # The list that another app's options gave has the ledger's word, which a look at the app's own page replaces.
        if is_own or (identity not in self.held and identity not in self._asked):
            self.held[identity] = entry
        self._listed.setdefault(identity, self._of_nobody(settings))
