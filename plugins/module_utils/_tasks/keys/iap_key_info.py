# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""appstore_iap_key_info: the keys of a team at App Store Connect, and what a .p8 file is."""

from __future__ import annotations

import os
from dataclasses import replace

from ... import _argument_spec
from ..._apple.app_store_connect import RemoteKey, Team, is_active
from ..._context import Context, Params, Results, Task
from ..._declaration.keys import KeySource, identifiers, ids_of
from ..._files.reading import Policy
from ..._model.errors import InputError
from ..._model.private_key import KeyProblem, read_file_name, settle_key_id
from ..shared.options import load_key
from ..shared.services import KEY_LIBRARIES, SESSION_LIBRARIES
from ..shared.session import Connection
from .key_file import look
from .remote_key_plan import refuse_nameless
from .request import InfoRequest, info_request


def run(params: Params, context: Context) -> Results:
    asked = info_request(params)
    source, connection = asked.source, Connection(asked.session, context)
    if not connection.is_given and not source.is_given:
        step = "Say which team's keys or which file to show."
        raise InputError("session", "this or private_key_path is required.", step)
    return {
        "changed": False,
        "iap_keys": _team_keys(asked, connection) if connection.is_given else [],
        "file": _file(source) if source.is_given else None,
        "http": context.transport.counters.as_result(),
    }


def _team_keys(asked: InfoRequest, connection: Connection) -> list[Results]:
    connect = connection.open()
    issuer_id, key_id = identifiers(replace(asked.source, path=None))
    # Where the name of the file says another one, `_file` tells.
    key_id = key_id or ids_of(asked.source)[1]
    team = connect.team(asked.team_id, issuer_id)
    keys = sorted(connect.list_keys(), key=lambda key: (not is_active(key), key.name or "", key.key_id))
    if asked.name and not key_id:
        # One of those without a name may be it.
        refuse_nameless([key for key in keys if is_active(key)])
    same = [key for key in keys if key_id in (None, key.key_id)]
    if asked.name:
        same = [key for key in same if key.has_name(asked.name) or (key_id and key.name is None)]
    return [_remote(key, team) for key in same]


def _remote(key: RemoteKey, team: Team) -> Results:
    return {
        "name": key.name,
        "key_id": key.key_id,
        "issuer_id": team.issuer_id,
        "team_id": team.provider_id,
        "active": is_active(key),
        "downloadable": key.can_download,
        "last_used": key.last_used,
        "revoked_at": key.revoked_at,
    }


def _file(source: KeySource) -> Results:
    """Say what a file (or pasted content) is; a problem is a result here, no failure."""
    name = read_file_name(os.path.basename(source.path or ""))
    problem: KeyProblem | None = None
    fingerprint = None
    try:
        settle_key_id(source.key_id, name, source.path or "")
        fingerprint = load_key(source).fingerprint
    except KeyProblem as found:
        problem = found
        policy: Policy = "mounted" if source.is_mounted else "own"
        fingerprint = look(str(source.path), policy).fingerprint if source.path and not source.content else None
    return {
        "private_key_path": source.path,
        "sound": problem is None,
        "cause": problem.cause if problem else None,
        "hint": str(problem) if problem else None,
        "key_id": name.key_id,
        "named_as_api_key": name.is_api_key,
        "key_fingerprint": fingerprint,
    }


TASK = Task(_argument_spec.iap_key_info(), run, KEY_LIBRARIES + SESSION_LIBRARIES)
