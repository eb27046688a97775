# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each declared app at each of its trackers, on its way from what is held to a decision."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._context import Context
from ..._declaration.apps import App
from ..._declaration.declaration import Declaration
from ..._http_errors import NotAsked
from ..._model.errors import RefundsError, unforeseen
from ..._model.integration import Identity, Integration
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
    wrong is raised: no app can be done then.
    """
    places: dict[Settings, Place] = {}
    sound = [target for target in targets if not target.app.fault]
    is_only = is_strict and len({target.settings for target in sound}) == 1
    failed: dict[Settings, RefundsError] = {}
    for target in sound:
        if target.settings not in places and target.settings not in failed:
            try:
                tracker = trackers.open(target.settings)
                # What other trackers list may keep a key from being removed.
                is_for_one = len(sound) == 1 and isinstance(tracker, LedgerTracker)
                places[target.settings] = Place(tracker, Holdings(tracker, is_for_one), Writer(tracker, context))
            except RefundsError as error:
                if is_only:
                    raise
                failed[target.settings] = error
        if target.settings in places:
            _look_up(target, places[target.settings].holdings, context, is_only)
        else:
            target.fail(f"{failed[target.settings]}")
    return places


def _look_up(target: Target, holdings: Holdings, context: Context, is_only: bool) -> None:
    is_listable = holdings.tracker.is_listable
    if not is_listable and context.transport.remaining() <= 0:
        target.fail(not_tried(target.app.bundle_id, context), is_untried=True)
        return
    try:
        target.current = holdings.find(target.identity)
        target.is_read = True
    except RefundsError as error:
        if is_listable and is_only and not holdings.is_ambiguous(target.identity):
            raise
        target.fail(f"{error}", isinstance(error, NotAsked))
    except Exception as error:
        if is_listable and is_only:
            raise
        target.fail(unforeseen(error, ONE_APP))
