# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""appstore_credential_check_info: does Apple accept a key for an app, and if not, why."""

from __future__ import annotations

from ... import _argument_spec
from ..._apple import hints
from ..._apple.credential_check import CredentialCheck, infer_across_apps
from ..._context import Context, Params, Results, Task
from ..._model.verdict import Verdict
from ..shared.concurrent import each
from ..shared.options import environment, identity, key_source
from ..shared.services import CALL_LIBRARIES, credential_check
from .listed_apps import KeyReader, ListedApp, LoadedKey, listed_apps


def run(params: Params, context: Context) -> Results:
    check = credential_check(params, context)
    apps = _apps(params, context)
    verdicts = each(apps, lambda app: _verdict(app[0], app[1], check), context.transport.flow)
    sharpened = infer_across_apps(
        [(key.group(app.bundle_id), verdict) for (app, key), verdict in zip(apps, verdicts, strict=True)]
    )
    return {
        "changed": False,
        "credential_checks": [_result(app, key, verdict) for (app, key), verdict in zip(apps, sharpened, strict=True)],
        "http": context.transport.counters.as_result(),
    }


def _apps(params: Params, context: Context) -> list[tuple[ListedApp, LoadedKey]]:
    if params.get("apps") is not None:
        return [(app, app.key) for app in listed_apps(params, context) if app.key]
    bundle_id = identity(params).bundle_id
    key = KeyReader(context).load(key_source(params))
    return [(ListedApp(bundle_id, environment(params), key, params), key)]


def _verdict(app: ListedApp, key: LoadedKey, check: CredentialCheck) -> Verdict:
    if key.problem:
        return check.local(key.problem, app.environment)
    if key.credentials is None:
        return Verdict("not_checked", hints.NOT_CHECKED, app.environment)
    return check.check(key.credentials, app.bundle_id, app.environment)


def _result(app: ListedApp, key: LoadedKey, verdict: Verdict) -> Results:
    credentials = key.credentials
    return {
        "bundle_id": app.bundle_id,
        "issuer_id": credentials.issuer_id if credentials else key.source.issuer_id,
        "key_id": credentials.key_id if credentials else key.source.key_id,
        "key_fingerprint": credentials.private_key.fingerprint if credentials else None,
        **verdict.as_result(),
    }


TASK = Task(_argument_spec.credential_check_info(), run, CALL_LIBRARIES)
