# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens the tracker that a task names, and names the libraries that it needs."""

from __future__ import annotations

import typing as t

from .._context import Context, Library, Params
from .._ledger.integrations import list_elsewhere
from .._ledger.ledger import Ledger
from .._ledger.place import SQLALCHEMY_ERROR, find_place
from .._model.errors import InputError
from .._model.identifiers import parse_service_url
from .._model.integration import Integration
from .._trackers import qonversion, revenuecat
from .._trackers.json_api import JsonApi, Service, require_api_key
from .._trackers.last_applied import LastApplied
from .._trackers.ledger import LedgerTracker
from .._trackers.protocol import Tracker
from .devtodev import open_devtodev
from .options import tracker_project

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
    return Ledger(place, read_only, context.warn, min(30.0, context.transport.remaining()))


def _open_ledger(params: Params, context: Context, last_applied: LastApplied) -> Tracker:
    return LedgerTracker(last_applied.ledger, context.timestamp)


def _open_revenuecat(params: Params, context: Context, last_applied: LastApplied) -> Tracker:
    options = _of_both_environments(params, revenuecat.SERVICE)
    api = _json_api(revenuecat.SERVICE, options, revenuecat.HOST, "/v2", context)
    settings = revenuecat.Settings(
        create_app=bool(options.get("create_app")),
        app_name=(options.get("app_name") or "").strip() or None,
        delete_app=bool(options.get("delete_app")),
    )
    project = revenuecat.parse_project_id(tracker_project(params))
    return revenuecat.RevenueCat(api, last_applied, project, settings, options.get("on_unknown") or "keep")


def _open_qonversion(params: Params, context: Context, last_applied: LastApplied) -> Tracker:
    options = _of_both_environments(params, qonversion.SERVICE)
    api = _json_api(qonversion.SERVICE, options, qonversion.HOST, "/v4", context)
    return qonversion.Qonversion(
        api,
        last_applied,
        tracker_project(params),
        bool(options.get("replace_bundle")),
        options.get("on_unknown") or "keep",
    )


def _of_both_environments(params: Params, service: Service) -> Params:
    """Return a service's options. Raises InputError where an environment of its own is asked for."""
    if params["environment"] != "production":
        raise InputError(
            "environment",
            f"{service.title} has one key for an app, which serves production and sandbox alike.",
            "Leave environment at production for this tracker.",
        )
    options: Params = params.get(service.tracker) or {}
    return options


def _json_api(service: Service, options: Params, host: str, version: str, context: Context) -> JsonApi:
    api_key = require_api_key(service, options.get("api_key"))
    url = parse_service_url(options["url"], f"{service.tracker}.url") if options.get("url") else host
    return JsonApi(context.transport, service, url.removesuffix(version), api_key)


_OPENERS: dict[str, t.Callable[[Params, Context, LastApplied], Tracker]] = {
    "ledger": _open_ledger,
    "revenuecat": _open_revenuecat,
    "qonversion": _open_qonversion,
    "devtodev": open_devtodev,
}
