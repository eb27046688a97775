# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""appstore_iap_key: a key exists at App Store Connect and as a sound .p8 file, or is revoked and gone."""

from __future__ import annotations

import os
import typing as t
from dataclasses import replace

from ... import _argument_spec
from ..._context import Context, Params, Results, Task, TaskFailed
from ..._files import refuse_unwritable, remove_key_file, what_is_near
from ..._model.errors import FileError, InputError
from ..._model.private_key import KeyProblem, PrivateKey, parse_content
from ..shared.options import KeySource, identifiers, key_source, warn_about_name
from ..shared.services import KEY_LIBRARIES, SESSION_LIBRARIES
from ..shared.session import given_session
from .key_file import Found, backup_path, described, look, put
from .remote_key import settle_remote
from .remote_revocation import revoke_key


def run(params: Params, context: Context) -> Results:
    source = key_source(params)
    if not source.path and params["state"] == "present":
        raise InputError("private_key_path", "is required.", "Give the path where the .p8 lies or shall lie.")
    try:
        # A contradiction is told before anything is done.
        identifiers(source)
        if params["state"] == "absent":
            return _absent(source, params, context)
        if params.get("name") and not source.content and given_session(params, context):
            return settle_remote(source, params, context)
        return _present(source, params, context)
    except KeyProblem as problem:
        raise TaskFailed(f"{problem}", {"changed": False, "cause": problem.cause}) from None


def _absent(source: KeySource, params: Params, context: Context) -> Results:
    if not source.path and not params["revoke"]:
        raise InputError("private_key_path", "is required.", "Give the path of the .p8 to remove, or set revoke.")
    path = source.path or ""
    is_there = bool(path) and os.path.lexists(path)
    if is_there:
        refuse_unwritable(path)
    before: dict[str, t.Any] = {}
    if params["revoke"]:
        revoked = revoke_key(source, params, context)
        before |= {"key_id": revoked.key_id, "active": True} if revoked.was_active else {}
        source = replace(source, key_id=revoked.key_id or source.key_id)
    if is_there:
        before |= described(path, look(path, "own").fingerprint)
    results = _results(source, None, bool(before), {"before": before, "after": {}}, params, context)
    if is_there and not context.check_mode:
        try:
            remove_key_file(path)
        except FileError as error:
            raise TaskFailed(f"{error}", {**results, "changed": "active" in before}) from None
    return results


def _present(source: KeySource, params: Params, context: Context) -> Results:
    path = str(source.path)
    wanted = parse_content(source.content.reveal()) if source.content else None
    is_mounted = source.policy == "mounted" and wanted is None
    # Without a key to write, a path that leads nowhere is a wrong one, and no folder that has to be made.
    if not is_mounted and (wanted or os.path.lexists(path)):
        refuse_unwritable(path)
    found = look(path, "mounted" if is_mounted else "own", wanted)
    key = _settled(found, wanted, path, params)
    warn_about_name(source, context)
    diff = {
        "before": described(path, found.fingerprint) if found.is_there else {},
        "after": described(path, key.fingerprint),
    }
    writes = found.fingerprint != key.fingerprint
    backup = backup_path(found, path, params, context) if writes else None
    attributes = None if is_mounted else context.file_attributes
    # Before the write: check mode has the same diff then, and a backup, which is the old file itself, is as private.
    changed = bool(attributes and found.is_there and attributes.apply(path, diff)) or writes
    if writes and not context.check_mode:
        put(path, key, backup)
        if attributes:
            attributes.apply(path, {})
    results = _results(source, key, changed, diff, params, context)
    results["iap_key"]["predicted"] = changed and context.check_mode
    return {**results, "backup_file": backup} if backup else results


def _settled(found: Found, wanted: PrivateKey | None, path: str, params: Params) -> PrivateKey:
    if wanted:
        return wanted
    if found.key:
        return found.key
    if found.problem:
        raise found.problem
    next_step = (
        "Correct private_key_path, or give the key's text in private_key_content (from a vault); "
        "App Store Connect offers it for download once."
    )
    if params.get("name"):
        next_step += " To make the key now, give a signed-in session (session, session_path or FASTLANE_SESSION)."
    message = f"{path} does not exist, and private_key_content is not given. {what_is_near(path)}"
    raise KeyProblem("key_unreadable", message, next_step)


def _results(
    source: KeySource,
    key: PrivateKey | None,
    changed: bool,
    diff: dict[str, t.Any],
    params: Params,
    context: Context,
) -> Results:
    issuer_id, key_id = identifiers(source)
    return {
        "changed": changed,
        "diff": diff,
        "iap_key": {
            "name": params.get("name"),
            "key_id": key_id,
            "issuer_id": issuer_id,
            "private_key_path": source.path,
            "key_fingerprint": key.fingerprint if key else None,
            "predicted": False,
        },
        "http": context.transport.counters.as_result(),
    }


TASK = Task(_argument_spec.iap_key(), run, KEY_LIBRARIES + SESSION_LIBRARIES, has_file_attributes=True)
