# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens a task's ledger and trackers, and names the libraries that it needs."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..._context import Context, Library
from ..._decisions.irreversible import Gate
from ..._ledger.ledger import Ledger
from ..._ledger.place import SQLALCHEMY_ERROR, find_place
from ..._model.secret import Secret
from ..._trackers.last_applied import LastApplied
from ..._trackers.ledger import LedgerTracker
from ..._trackers.protocol import Times, Tracker
from ..._trackers.settings import Settings

if t.TYPE_CHECKING:
    from .api_trackers import Projects
    from .devtodev import Browsers

LEDGER_LIBRARIES = (Library("SQLAlchemy", SQLALCHEMY_ERROR),)


def open_ledger(url: Secret | None, context: Context, for_writing: bool, is_snapshot: bool = False) -> Ledger:
    """Return a task's ledger (``ledger.url``); it is opened when first used. The caller closes it.

    ``for_writing`` is false for tasks that never write (info, audit). Whether the ledger can be written is asked when
    the first change is planned (``Tracker.observe``): with nothing to change, a ledger that can only be read will do.
    """
    place = find_place(None if url is None else url.reveal(), context.environ)
    read_only = context.check_mode or not for_writing
    remaining = context.transport.remaining
    timeout = min(30.0, remaining())
    return Ledger(place, read_only, context.warn, timeout, remaining, for_writing=for_writing, is_snapshot=is_snapshot)


@dataclass
class Trackers:
    """Opens a task's trackers, one for all equal settings, and owns what they share: ledger, browsers, listings, gate.

    Entered by the task; at its end browsers end and the ledger is closed.
    """

    context: Context
    ledger: Ledger
    times: Times
    gate: Gate = field(init=False)
    _opened: dict[t.Hashable, Tracker] = field(default_factory=dict, init=False)
    _browsers: Browsers | None = field(default=None, init=False)
    _projects: Projects | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.gate = Gate(self.context.timestamp, self.context.progress, self.context.check_mode)

    def open(self, settings: Settings) -> Tracker:
        """Return the tracker. Raises RefundsError for a browser or a session that can't be used."""
        if settings not in self._opened:
            self._opened[settings] = self._open(settings)
        return self._opened[settings]

    def __enter__(self) -> Trackers:
        return self

    def __exit__(self, *exc_info: object) -> None:
        try:
            if self._browsers is not None:
                self._browsers.close()
        finally:
            self.ledger.close()

    # Imported when used: Ansible compiles a collection's files anew in every process, and most tasks need none of them.
    def _open(self, settings: Settings) -> Tracker:
        last_applied = LastApplied(self.ledger, self.context.timestamp)
        if settings.tracker == "devtodev":
            from .devtodev import Browsers, open_devtodev

            self._browsers = self._browsers or Browsers(self.context, self.times)
            return open_devtodev(settings, last_applied, self._browsers)
        if settings.tracker in ("revenuecat", "qonversion"):
            from .api_trackers import Projects, open_api_tracker

            self._projects = self._projects or Projects(self.context.transport, self.gate)
            return open_api_tracker(settings, last_applied, self._projects)
        return LedgerTracker(self.ledger, self.context.timestamp)
