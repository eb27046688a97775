# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a task's revenuecat or qonversion options to its tracker."""

from __future__ import annotations

from ..._context import Context, Params
from ..._model.errors import InputError
from ..._model.identifiers import parse_service_url
from ..._trackers import qonversion, revenuecat
from ..._trackers.json_api import JsonApi, Service, require_api_key
from ..._trackers.last_applied import LastApplied
from ..._trackers.protocol import Tracker
from .options import tracker_project


def open_revenuecat(params: Params, context: Context, last_applied: LastApplied) -> Tracker:
    options = _of_both_environments(params, revenuecat.SERVICE)
    api = _json_api(revenuecat.SERVICE, options, revenuecat.HOST, "/v2", context)
    settings = revenuecat.Settings(
        create_app=bool(options.get("create_app")),
        app_name=(options.get("app_name") or "").strip() or None,
        delete_app=bool(options.get("delete_app")),
    )
    project = revenuecat.parse_project_id(tracker_project(params))
    return revenuecat.RevenueCat(api, last_applied, project, settings, options.get("on_unknown") or "keep")


def open_qonversion(params: Params, context: Context, last_applied: LastApplied) -> Tracker:
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
