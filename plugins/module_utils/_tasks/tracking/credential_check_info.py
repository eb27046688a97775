# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""appstore_credential_check_info: does Apple accept a key for an app, and if not, why."""

from __future__ import annotations

from ... import _argument_spec
from ..._context import Context, Params, Results, Task
from ..._decisions.refusal import infer_across_apps
from ..._declaration.apps import App
from ..._declaration.declaration import Declaration, refuse
from ..._model.verdict import Verdict
from ..shared.concurrent import each
from ..shared.services import CALL_LIBRARIES, credential_check
from .loaded_keys import KeyReader, LoadedKey
from .request import check_request


def run(params: Params, context: Context) -> Results:
    asked = check_request(params)
    check = credential_check(asked.app_store_server_url, context)
    apps = _apps(asked.declaration, KeyReader(context))
    verdicts = each(apps, lambda app: app[1].check(check, app[0].bundle_id, app[0].environment), context.transport.flow)
    sharpened = infer_across_apps(
        [(key.id(app.bundle_id), verdict) for (app, key), verdict in zip(apps, verdicts, strict=True)]
    )
    return {
        "changed": False,
        "credential_checks": [_result(app, key, verdict) for (app, key), verdict in zip(apps, sharpened, strict=True)],
        "http": context.transport.counters.as_result(),
    }


def _apps(declaration: Declaration, reader: KeyReader) -> list[tuple[App, LoadedKey]]:
    """Return the apps with their keys. Raises RefundsError for all that can't be used at once."""
    # An app may have an entry for each of its trackers.
    apps = {(app.bundle_id, app.environment, app.key): app for app in declaration.apps if not app.is_absent}
    loaded = [(app, reader.load(app.key)) for app in apps.values() if app.key]
    refuse(key.fault for _app, key in loaded if key.fault)
    return loaded


def _result(app: App, key: LoadedKey, verdict: Verdict) -> Results:
    return {"bundle_id": app.bundle_id, **key.declared, **verdict.as_result()}


TASK = Task(_argument_spec.credential_check_info(), run, CALL_LIBRARIES)
