# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which apps a task reads: the one that it names, or its list."""

from __future__ import annotations

from dataclasses import dataclass

from ..._context import Params
from ..._declaration.apps import App
from ..._declaration.declaration import declare, declare_one, has_lists
from ..._declaration.keys import KeySource, key_source
from ..._model.integration import Identity


@dataclass(frozen=True)
class Wanted:
    """One app. ``source``: the key that the task gives for it, if any."""

    identity: Identity
    app_apple_id: int | None
    source: KeySource
    is_absent: bool = False


def wanted_apps(params: Params) -> list[Wanted]:
    """Return the apps in the order of the list. Raises RefundsError that names every entry with a fault."""
    # Refunds are kept in the ledger; what other trackers hold of the app has no part in it.
    if not has_lists(params):
        return [_wanted(declare_one(params), params)]
    apps = declare(params).require().apps
    return list({(app.bundle_id, app.environment): _wanted(app, params) for app in apps}.values())


def _wanted(app: App, params: Params) -> Wanted:
    identity = Identity("ledger", "", app.environment, app.bundle_id)
    return Wanted(identity, app.app_apple_id, app.key or key_source(params), app.is_absent)
