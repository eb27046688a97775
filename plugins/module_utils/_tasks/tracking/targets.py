# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each declared app at each of its trackers, on its way from what is held to a decision."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..._context import Context
from ..._declaration.apps import App
from ..._declaration.declaration import Declaration
from ..._http_errors import NotAsked
from ..._ledger.explained import Passing
from ..._model.errors import LedgerError, RefundsError, unforeseen
from ..._model.integration import Identity, Integration
from ..._tracker_spec import TRACKERS
from ..._trackers.ledger import LedgerTracker
from ..._trackers.protocol import Tracker
from ..._trackers.settings import Settings
from ..shared.trackers import Trackers
from .holdings import Holdings
from .loaded_keys import KeyReader, LoadedKey
from .writing import ONE_APP, Writer, naming, not_tried


@dataclass
class Target:
    """One app at one tracker. ``key``: None where none is needed. ``error``: why nothing can be decided about it.

    ``is_untried``: because no time was left for it, or because the service had been silent for long. ``is_read``: what
    the tracker holds is known. ``is_of_key``: what is wrong is the key, not this app.
    """

    app: App
    settings: Settings
    key: LoadedKey | None
    current: Integration | None = None
    error: str = ""
    is_untried: bool = False
    is_read: bool = False
    is_of_key: bool = False

    @property
    def identity(self) -> Identity:
        return self.app.identity(self.settings)

    def fail(self, message: str, is_untried: bool = False) -> None:
        """Note why nothing can be decided, unless something else was wrong before."""
        if not self.error:
            self.error, self.is_untried = naming(self.app.bundle_id, message), is_untried


@dataclass
class Place:
    """One tracker, as one set of settings opens it."""

    tracker: Tracker
    holdings: Holdings
    writer: Writer


def targets_of(declaration: Declaration, reader: KeyReader) -> list[Target]:
    """Return the targets in the order of the declaration, their keys read."""
    return [_target(app, settings, reader) for app in declaration.apps for settings in app.settings]


def _target(app: App, settings: Settings, reader: KeyReader) -> Target:
    if app.fault or app.is_absent or app.key is None:
        return Target(app, settings, None, error=app.fault)
    return Target(app, settings, reader.load(app.key))


def settle_keys(
    targets: t.Sequence[Target],
    declaration: Declaration,
    reader: KeyReader,
    held: t.Callable[[], t.Iterable[Integration]],
) -> None:
    """Complete keys that lack IDs by what is held. What is still wrong with a key is told before all else."""
    sources = (*declaration.keys.values(), *(target.key.source for target in targets if target.key))
    reader.complete(dict.fromkeys(sources), held)
    for target in targets:
        if target.key is not None:
            target.key = reader.load(target.key.source)
            if target.key.fault:
                target.error, target.is_untried, target.is_of_key = target.key.fault, False, True


def open_places(
    targets: t.Sequence[Target], trackers: Trackers, context: Context, is_strict: bool
) -> dict[Settings, Place]:
    """Return the trackers of all targets without a fault, and look up what each holds.

    One that can't be opened or listed is the error of its targets. Where there is no other and ``is_strict``, what is
    wrong is raised: no app can be done then. Else each tracker beside the ledger has its share of the time that is
    left, so that an outage of one, or many pages to load, leave time for the others and for Apple.
    """
    sound = [target for target in targets if not target.app.fault]
    is_only = len({target.settings for target in sound}) == 1
    look_ups = _LookUps(trackers, context, is_strict and is_only, len(sound) == 1)
    # In the order of the options: the ledger first, and last what loads a page for each app.
    names = [name for name in TRACKERS if any(target.settings.tracker == name for target in sound)]
    for waiting, name in zip(range(len(names), 0, -1), names, strict=True):
        is_whole = name == "ledger" or len(sound) == 1 or (is_only and name != "devtodev")
        # What comes after the look-ups has as much as each of those that are still to come.
        with context.transport.sharing(1 if is_whole else 1 / (waiting + 1), f"{name}'s"):
            for target in sound:
                if target.settings.tracker == name:
                    look_ups.of(target)
    return look_ups.places


@dataclass
class _LookUps:
    """``is_only``: what is wrong with the only tracker is raised. ``is_one``: there is but one target."""

    trackers: Trackers
    context: Context
    is_only: bool
    is_one: bool
    places: dict[Settings, Place] = field(default_factory=dict, init=False)
    _failed: dict[Settings, RefundsError] = field(default_factory=dict, init=False)
    _ledger_fault: LedgerError | None = field(default=None, init=False)

    def of(self, target: Target) -> None:
        """Look a target up, its tracker opened."""
        settings = target.settings
        if settings not in self.places and settings not in self._failed:
            try:
                self.places[settings] = self._opened(settings)
            except RefundsError as error:
                if self.is_only:
                    raise
                self._failed[settings] = error
        if settings in self._failed:
            target.fail(f"{self._failed[settings]}")
        else:
            self._look_up(target, self.places[settings].holdings)

    def _opened(self, settings: Settings) -> Place:
        tracker = self.trackers.open(settings)
        # What other trackers list may keep a key from being removed.
        is_for_one = self.is_one and isinstance(tracker, LedgerTracker)
        return Place(tracker, Holdings(tracker, is_for_one), Writer(tracker, self.context))

    def _look_up(self, target: Target, holdings: Holdings) -> None:
        is_listable = holdings.tracker.is_listable
        if not is_listable and self.context.transport.remaining() <= 0:
            target.fail(not_tried(target.app.bundle_id, self.context), is_untried=True)
            return
        try:
            if self._ledger_fault:
                raise self._ledger_fault.with_traceback(None)
            target.current = holdings.find(target.identity)
            target.is_read = True
        except RefundsError as error:
            is_left = self.context.transport.remaining() > 0
            if isinstance(error, LedgerError) and not isinstance(error, Passing) and is_left:
                # All trackers need the ledger, and each would wait for it anew.
                self._ledger_fault = error
            if is_listable and self.is_only and not holdings.is_ambiguous(target.identity):
                raise
            target.fail(f"{error}", isinstance(error, NotAsked))
        except Exception as error:
            if is_listable and self.is_only:
                raise
            target.fail(unforeseen(error, ONE_APP))
