# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens the tracker that a task names, and names the libraries that it needs."""

from __future__ import annotations

import typing as t

from .._context import Context, Library, Params
from .._ledger.ledger import Ledger
from .._ledger.place import SQLALCHEMY_ERROR, find_place
from .._trackers.last_applied import LastApplied
from .._trackers.ledger import LedgerTracker
from .._trackers.protocol import Tracker

LEDGER_LIBRARIES = (Library("SQLAlchemy", SQLALCHEMY_ERROR),)


def open_tracker(params: Params, context: Context, for_writing: bool) -> Tracker:
    """Return the tracker that a task names. ``for_writing`` is false for tasks that never write (info)."""
    place = find_place((params.get("ledger") or {}).get("url"), context.environ)
    read_only = context.check_mode or not for_writing
    ledger = Ledger(place, read_only, context.warn, min(30.0, context.transport.remaining()))
    if for_writing:
        ledger.check_place()
    last_applied = LastApplied(ledger, context.timestamp)
    return _OPENERS[params["tracker"]](params, context, last_applied)


def _open_ledger(params: Params, context: Context, last_applied: LastApplied) -> Tracker:
    return LedgerTracker(last_applied.ledger, context.timestamp)


_OPENERS: dict[str, t.Callable[[Params, Context, LastApplied], Tracker]] = {
    "ledger": _open_ledger,
}
