# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What refund_ledger is asked: which apps it reads (the one that it names, or its list), and by which ways."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._context import Params
from ..._declaration.apps import App
from ..._declaration.declaration import declare, declare_one, has_lists
from ..._declaration.keys import KeySource, key_source
from ..._model.integration import Identity
from ..._model.secret import Secret
from ..shared.connect_api import ConnectApiOptions, connect_api_options
from ..shared.options import ledger_url, service_url
from ..shared.root import root_certificate
from .refund_removal import refuse_retention

if t.TYPE_CHECKING:
    from ..._apple.root_certificate import Root


@dataclass(frozen=True)
class Wanted:
    """One app. ``source``: the key that the task gives for it, if any. ``trackers``: those that it is declared for,
    empty where the task doesn't know."""

    identity: Identity
    app_apple_id: int | None
    source: KeySource
    is_absent: bool = False
    trackers: tuple[str, ...] = ()


@dataclass(frozen=True)
class LedgerRequest:
    """``connect_api``: None where the task has no key of that API. ``retention_days``: None keeps everything."""

    apps: tuple[Wanted, ...]
    is_list: bool
    retention_days: int | None
    ledger_url: Secret | None
    app_store_server_url: str | None
    root: Root
    connect_api: ConnectApiOptions | None


def request_of(params: Params) -> LedgerRequest:
    """Return what a task asks. Raises RefundsError."""
    apps, days = _wanted_apps(params), params.get("retention_days")
    refuse_retention(days, (one.identity.environment for one in apps if not one.is_absent))
    has_api_key = params.get("api_private_key_path") or params.get("api_private_key_content")
    return LedgerRequest(
        tuple(apps),
        params.get("apps") is not None,
        days,
        ledger_url(params),
        service_url(params, "app_store_server_url"),
        root_certificate(params.get("root_certificate_path")),
        connect_api_options(params) if has_api_key else None,
    )


def _wanted_apps(params: Params) -> list[Wanted]:
    """Return the apps in the order of the list. Raises RefundsError that names every entry with a fault."""
    if not has_lists(params):
        return [_wanted([declare_one(params)], params)]
    entries: dict[tuple[str, str], list[App]] = {}
    for app in declare(params).require().apps:
        entries.setdefault((app.bundle_id, app.environment), []).append(app)
    return [_wanted(same, params) for same in entries.values()]


def _wanted(entries: t.Sequence[App], params: Params) -> Wanted:
    """Return the app of these entries, which differ in their trackers.

    Refunds are kept in the ledger: the entry for the ledger decides, and without one any that isn't absent.
    """
    default = params.get("default_tracker")
    trackers = [app.trackers or ((default,) if default else ()) for app in entries]
    of_ledger = (app for app, names in zip(entries, trackers, strict=True) if "ledger" in (names or ("ledger",)))
    present = [(app, names) for app, names in zip(entries, trackers, strict=True) if not app.is_absent]
    chosen = next(of_ledger, present[0][0] if present else entries[0])
    known = all(names for _app, names in present)
    return Wanted(
        Identity("ledger", "", chosen.environment, chosen.bundle_id),
        next((app.app_apple_id for app in (chosen, *entries) if app.app_apple_id), None),
        chosen.key or key_source(params),
        chosen.is_absent,
        tuple(dict.fromkeys(name for _app, names in present for name in names)) if known else (),
    )
