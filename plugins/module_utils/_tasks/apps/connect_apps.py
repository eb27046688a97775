# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory's apps: what the App Store Connect API lists for an API key."""

from __future__ import annotations

from ... import _argument_spec
from ..._apple.app_store_connect_api import AppRecord
from ..._context import Context, Params, Results, Task
from ..._model.errors import InputError
from ..._model.identifiers import parse_bundle_id
from ..shared.connect_api import connect_api_options, open_connect_api
from ..shared.services import CALL_LIBRARIES

_SHOWN = 10


def run(params: Params, context: Context) -> Results:
    wanted = [parse_bundle_id(text, f"bundle_ids[{index}]") for index, text in enumerate(params["bundle_ids"] or [])]
    if params["bundle_ids"] is not None and not wanted:
        raise InputError("bundle_ids", "is empty.", "Name the apps, or leave it out for all of the team.")
    api = open_connect_api(connect_api_options(params), context)
    apps = api.apps(wanted, with_released=params["query_released"])
    _warn_about_absent(wanted, apps, context)
    return {"apps": [_result(app) for app in apps], "http": context.transport.counters.as_result()}


def _warn_about_absent(wanted: list[str], apps: list[AppRecord], context: Context) -> None:
    absent = sorted(set(wanted) - {app.bundle_id for app in apps})
    if absent:
        more = f" and {len(absent) - _SHOWN} more" if len(absent) > _SHOWN else ""
        context.warn(
            f"App Store Connect shows this API key no app with the bundle ID {', '.join(absent[:_SHOWN])}{more}: "
            "look at the capitals, the team, and the apps that the key may see."
        )
    elif not apps:
        context.warn("App Store Connect shows this API key no app: look at the team and at the key's role.")


def _result(app: AppRecord) -> Results:
    return {
        "bundle_id": app.bundle_id,
        "apple_id": app.apple_id,
        "name": app.name,
        "sku": app.sku,
        "released": app.is_released,
    }


TASK = Task(_argument_spec.connect_apps(), run, CALL_LIBRARIES)
