# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""appstore_credential_check_info: does Apple accept a key for an app, and if not, why."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .. import _argument_spec
from .._apple import hints
from .._apple.credential_check import CredentialCheck, infer_across_apps
from .._context import Context, Params, Results, Task
from .._model.errors import InputError
from .._model.identifiers import Environment, parse_bundle_id
from .._model.integration import Credentials
from .._model.private_key import KeyProblem
from .._model.verdict import Verdict
from .concurrent import each
from .named_keys import app_key_source, check_keys
from .options import KeySource, environment, identity, key_source, load_credentials, warn_about_name
from .services import CALL_LIBRARIES, credential_check


@dataclass(frozen=True)
class _App:
    bundle_id: str
    environment: Environment
    source: KeySource
    credentials: Credentials | None
    problem: KeyProblem | None


def run(params: Params, context: Context) -> Results:
    check = credential_check(params, context)
    apps = _apps(params, context)
    is_skipped = params["credential_check"] == "skip"
    verdicts = each(apps, lambda app: _verdict(app, check, is_skipped))
    sharpened = infer_across_apps([(_key(app), verdict) for app, verdict in zip(apps, verdicts, strict=True)])
    return {
        "changed": False,
        "credential_checks": [_result(app, verdict) for app, verdict in zip(apps, sharpened, strict=True)],
        "http": context.transport.counters.as_result(),
    }


def _apps(params: Params, context: Context) -> list[_App]:
    keys = check_keys(params.get("keys"))
    if params.get("apps") is None:
        return _loaded([(identity(params).bundle_id, environment(params), key_source(params))], context)
    wanted = []
    seen: dict[tuple[str, str], int] = {}
    for index, app in enumerate(params["apps"]):
        bundle_id = parse_bundle_id(app["bundle_id"], f"apps[{index}].bundle_id")
        place = t.cast(Environment, app.get("environment") or params["environment"])
        first = seen.setdefault((bundle_id, place), index)
        if first != index:
            raise InputError(f"apps[{index}]", f"{bundle_id} ({place}) stands in apps[{first}] already.")
        wanted.append((bundle_id, place, app_key_source(app, index, keys, params)))
    return _loaded(wanted, context)


def _loaded(wanted: t.Sequence[tuple[str, Environment, KeySource]], context: Context) -> list[_App]:
    """Read each key once, however many apps share it."""
    read: dict[t.Hashable, tuple[Credentials | None, KeyProblem | None]] = {}
    apps = []
    for bundle_id, place, source in wanted:
        key = (
            source.issuer_id,
            source.key_id,
            source.path,
            source.content,
            source.policy,
            source.is_predicted,
        )
        if key not in read:
            read[key] = _load(source, context)
        apps.append(_App(bundle_id, place, source, *read[key]))
    return apps


def _load(source: KeySource, context: Context) -> tuple[Credentials | None, KeyProblem | None]:
    try:
        credentials = load_credentials(source, context.check_mode)
    except KeyProblem as problem:
        return None, problem
    warn_about_name(source, context)
    return credentials, None


def _verdict(app: _App, check: CredentialCheck, is_skipped: bool) -> Verdict:
    if app.problem:
        return check.local(app.problem, app.environment)
    if is_skipped or app.credentials is None:
        return Verdict("not_checked", hints.NOT_CHECKED, app.environment)
    return check.check(app.credentials, app.bundle_id, app.environment)


def _key(app: _App) -> tuple[str, ...]:
    if app.credentials is None:
        return (app.source.issuer_id or "", app.source.key_id or "", "", app.bundle_id)
    return (
        app.credentials.issuer_id,
        app.credentials.key_id,
        app.credentials.private_key.fingerprint,
    )


def _result(app: _App, verdict: Verdict) -> Results:
    credentials = app.credentials
    return {
        "bundle_id": app.bundle_id,
        "issuer_id": credentials.issuer_id if credentials else app.source.issuer_id,
        "key_id": credentials.key_id if credentials else app.source.key_id,
        "key_fingerprint": credentials.private_key.fingerprint if credentials else None,
        **verdict.as_result(),
    }


TASK = Task(_argument_spec.credential_check_info(), run, CALL_LIBRARIES)
