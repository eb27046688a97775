# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""appstore_iap_key: a sound .p8 file lies at a path with the wanted mode and owner, or none does."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from .. import _argument_spec
from .._context import Context, Params, Results, Task, TaskFailed
from .._files import Policy, read_key_file, refuse_unwritable, remove_key_file, write_key_file
from .._model.errors import InputError
from .._model.private_key import KeyProblem, PrivateKey, parse_content, parse_file
from .options import KeySource, identifiers, key_source, warn_about_name
from .services import KEY_LIBRARIES


@dataclass(frozen=True)
class _Found:
    """What lies at the path: nothing, a sound key, or something unsound (``problem``)."""

    is_there: bool
    key: PrivateKey | None = None
    problem: KeyProblem | None = None
    is_same_in_other_shape: bool = False


def run(params: Params, context: Context) -> Results:
    source = key_source(params)
    if not source.path:
        raise InputError("private_key_path", "is required.", "Give the path where the .p8 lies or shall lie.")
    if params["state"] == "absent":
        return _absent(source, context)
    try:
        return _present(source, params, context)
    except KeyProblem as problem:
        raise TaskFailed(f"{problem}", {"changed": False, "cause": problem.cause}) from None


def _absent(source: KeySource, context: Context) -> Results:
    path = str(source.path)
    if not os.path.lexists(path):
        return _results(source, None, False, {"before": {}, "after": {}})
    refuse_unwritable(path)
    found = _found(path, None, "own")
    before = {
        "private_key_path": path,
        "key_fingerprint": found.key.fingerprint if found.key else None,
    }
    if not context.check_mode:
        remove_key_file(path)
    return _results(source, None, True, {"before": before, "after": {}})


def _present(source: KeySource, params: Params, context: Context) -> Results:
    path = str(source.path)
    identifiers(source)
    wanted = parse_content(source.content.reveal()) if source.content else None
    is_mounted = source.policy == "mounted" and wanted is None
    if not is_mounted:
        refuse_unwritable(path)
    found = _found(path, wanted, "mounted" if is_mounted else "own")
    key = _settled(found, wanted, path)
    warn_about_name(source, context)
    diff = _diff(found, key, path)
    writes = found.key is None or found.key.fingerprint != key.fingerprint
    backup = _backup_path(path, context) if writes and _is_worth_keeping(found, params) else None
    if writes and not context.check_mode:
        write_key_file(path, key.pem.reveal().encode("ascii"), backup)
    changed = writes
    if context.file_attributes and not is_mounted:
        changed = context.file_attributes.apply(path, diff) or writes
    results = _results(source, key, changed, diff)
    results["iap_key"]["predicted"] = writes and context.check_mode
    return {**results, "backup_file": backup} if backup else results


def _found(path: str, wanted: PrivateKey | None, policy: Policy) -> _Found:
    if not os.path.lexists(path):
        return _Found(False)
    try:
        data = read_key_file(path, policy)
    except KeyProblem as problem:
        return _Found(True, problem=problem)
    try:
        return _Found(True, parse_file(data, path))
    except KeyProblem as problem:
        return _Found(True, problem=problem, is_same_in_other_shape=_is_same(data, wanted))


def _is_same(data: bytes, wanted: PrivateKey | None) -> bool:
    """Tell whether a damaged file holds the wanted key all the same (CRLF, base64, …)."""
    try:
        return wanted is not None and parse_content(data.decode("ascii")).fingerprint == wanted.fingerprint
    except (KeyProblem, UnicodeDecodeError):
        return False


def _settled(found: _Found, wanted: PrivateKey | None, path: str) -> PrivateKey:
    if wanted:
        return wanted
    if found.key:
        return found.key
    if found.problem:
        raise found.problem
    raise KeyProblem(
        "key_unreadable",
        f"{path} does not exist, and private_key_content is not given.",
        "Give the key's text in private_key_content (from a vault), or put the .p8 there; "
        "App Store Connect offers it for download once.",
    )


def _is_worth_keeping(found: _Found, params: Params) -> bool:
    """A file that is replaced may be the only copy of a key that can be downloaded once."""
    return bool(params["backup"]) and found.is_there and not found.is_same_in_other_shape


def _backup_path(path: str, context: Context) -> str:
    stamp = context.timestamp().replace(":", "").replace("-", "")
    name = f"{path}.{stamp}.bak"
    number = 1
    while os.path.lexists(name):
        number += 1
        name = f"{path}.{stamp}-{number}.bak"
    return name


def _diff(found: _Found, key: PrivateKey, path: str) -> dict[str, t.Any]:
    after = {"private_key_path": path, "key_fingerprint": key.fingerprint}
    if not found.is_there:
        return {"before": {}, "after": after}
    before = {
        "private_key_path": path,
        "key_fingerprint": found.key.fingerprint if found.key else None,
    }
    return {"before": before, "after": after}


def _results(source: KeySource, key: PrivateKey | None, changed: bool, diff: dict[str, t.Any]) -> Results:
    issuer_id, key_id = identifiers(source)
    return {
        "changed": changed,
        "diff": diff,
        "iap_key": {
            "key_id": key_id,
            "issuer_id": issuer_id,
            "private_key_path": source.path,
            "key_fingerprint": key.fingerprint if key else None,
            "predicted": False,
        },
    }


TASK = Task(_argument_spec.iap_key(), run, KEY_LIBRARIES, has_file_attributes=True)
