# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens the tracker that a task names, and names the libraries that it needs."""

from __future__ import annotations

import typing as t

from ..._context import Context, Library, Params
from ..._ledger.integrations import list_elsewhere
from ..._ledger.ledger import Ledger
from ..._ledger.place import SQLALCHEMY_ERROR, find_place
from ..._model.integration import Integration
from ..._trackers.last_applied import LastApplied
from ..._trackers.ledger import LedgerTracker
from ..._trackers.protocol import Tracker

LEDGER_LIBRARIES = (Library("SQLAlchemy", SQLALCHEMY_ERROR),)


def applied_elsewhere(params: Params, context: Context) -> list[Integration]:
    """Return what the ledger knows of integrations at other trackers, in the task's environment."""
    ledger = open_ledger(params, context, for_writing=False)
    try:
        return list_elsewhere(ledger, params["environment"])
    finally:
        ledger.close()


def open_tracker(params: Params, context: Context, for_writing: bool) -> Tracker:
    """Return the tracker that a task names. ``for_writing`` is false for tasks that never write (info)."""
    ledger = open_ledger(params, context, for_writing)
    if for_writing:
        ledger.check_place()
    last_applied = LastApplied(ledger, context.timestamp)
    return _OPENERS[params["tracker"]](params, context, last_applied)


def open_ledger(params: Params, context: Context, for_writing: bool) -> Ledger:
    """Return the task's ledger; it is opened when first used. The caller closes it."""
    place = find_place((params.get("ledger") or {}).get("url"), context.environ)
    read_only = context.check_mode or not for_writing
    remaining = context.transport.remaining
    return Ledger(place, read_only, context.warn, min(30.0, remaining()), remaining)


def _open_ledger(params: Params, context: Context, last_applied: LastApplied) -> Tracker:
    return LedgerTracker(last_applied.ledger, context.timestamp)


# Imported when used: Ansible compiles a collection's files anew in every process, and most tasks need none of these.


def _open_revenuecat(params: Params, context: Context, last_applied: LastApplied) -> Tracker:
    from .api_trackers import open_revenuecat

    return open_revenuecat(params, context, last_applied)


def _open_qonversion(params: Params, context: Context, last_applied: LastApplied) -> Tracker:
    from .api_trackers import open_qonversion

    return open_qonversion(params, context, last_applied)


def _open_devtodev(params: Params, context: Context, last_applied: LastApplied) -> Tracker:
    from .devtodev import open_devtodev

    return open_devtodev(params, context, last_applied)


_OPENERS: dict[str, t.Callable[[Params, Context, LastApplied], Tracker]] = {
    "ledger": _open_ledger,
    "revenuecat": _open_revenuecat,
    "qonversion": _open_qonversion,
    "devtodev": _open_devtodev,
}
