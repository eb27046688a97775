# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each declared app at each of its trackers, on its way from what is held to a decision."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, replace

from ..._context import Context
from ..._declaration.apps import App
from ..._declaration.declaration import Declaration
from ..._http_errors import NotAsked
from ..._model.errors import RefundsError, unforeseen
from ..._model.integration import Identity, Integration
from ..._trackers.protocol import Tracker
from ..._trackers.settings import Settings
from ..shared.stored_key import stored_credentials
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
    key = reader.load(app.key)
    return Target(app, settings, key, error=key.fault, is_of_key=bool(key.fault))


def open_places(
    targets: t.Sequence[Target], trackers: Trackers, context: Context, is_strict: bool
) -> dict[Settings, Place]:
    """Return the trackers of all targets.

    One that can't be opened is the error of its targets; where there is no other and ``is_strict``, it is raised.
    """
    places: dict[Settings, Place] = {}
    failed: dict[Settings, RefundsError] = {}
    wanted = list(dict.fromkeys(target.settings for target in targets))
    for settings in wanted:
        try:
            tracker = trackers.open(settings)
            places[settings] = Place(tracker, Holdings(tracker), Writer(tracker, context))
        except RefundsError as error:
            if is_strict and len(wanted) == 1:
                raise
            failed[settings] = error
    for target in targets:
        if target.settings in failed:
            target.error = naming(target.app.bundle_id, f"{failed[target.settings]}")
    return places


def look_up(target: Target, place: Place, context: Context, is_only: bool) -> None:
    """Find out what the tracker holds. Raises what spoils its list where it ``is_only``: no app can be done then."""
    holdings, bundle_id = place.holdings, target.app.bundle_id
    if target.error:
        _complete(target, holdings)
        return
    is_listable = holdings.tracker.is_listable
    if not is_listable and context.transport.remaining() <= 0:
        target.error, target.is_untried = not_tried(bundle_id, context), True
        return
    try:
        target.current = holdings.find(target.identity)
        target.is_read = True
    except RefundsError as error:
        if is_listable and is_only and not holdings.is_ambiguous(target.identity):
            raise
        target.error, target.is_untried = naming(bundle_id, f"{error}"), isinstance(error, NotAsked)
    except Exception as error:
        if is_listable and is_only:
            raise
        target.error = naming(bundle_id, unforeseen(error, ONE_APP))


def _complete(target: Target, holdings: Holdings) -> None:
    """Give a key that lacks IDs those of the tracker's entry of the same key, if there is one."""
    source = target.app.key
    if not target.is_of_key or source is None or not source.is_given or (source.issuer_id and source.key_id):
        return
    with contextlib.suppress(RefundsError):
        current = holdings.find(target.identity)
        # The declared key alone: another one at the stored path proves nothing about it.
        asked = replace(current, private_key_path=None) if current else None
        credentials = stored_credentials(asked, source) if asked else None
        if credentials:
            target.key = LoadedKey(source, credentials)
            target.current, target.error, target.is_read, target.is_of_key = current, "", True, False
