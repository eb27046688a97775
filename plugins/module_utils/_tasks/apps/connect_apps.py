# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory's apps: what the App Store Connect API lists for an API key."""

from __future__ import annotations

import typing as t

from ... import _argument_spec
from ..._apple.app_store_connect_api import AppRecord
from ..._context import Context, Params, Results, Task
from ..shared.connect_api import open_connect_api
from ..shared.services import CALL_LIBRARIES
from .apps_request import apps_request

_SHOWN = 10


def run(params: Params, context: Context) -> Results:
    asked = apps_request(params)
    api = open_connect_api(asked.connect_api, context)
    apps = api.apps(asked.wanted, with_released=asked.with_released)
    _warn_about_absent(asked.wanted, apps, context)
    return {"apps": [_result(app) for app in apps], "http": context.transport.counters.as_result()}


def _warn_about_absent(wanted: t.Sequence[str], apps: list[AppRecord], context: Context) -> None:
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
