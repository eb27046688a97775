# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked about keys: one key or a list of them, and which of a team's keys or which file to show."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from ..._context import Params
from ..._declaration.keys import KeySource, identifiers, key_source
from ..._declaration.meant_key import MeantKey
from ..._model.errors import RefundsError
from ..shared.session import SessionOptions, session_options

Regenerate = t.Literal["never", "if_lost", "always"]
State = t.Literal["present", "absent"]
_SHARED = ("team_id", "state", "regenerate", "revoke", "backup", "mode", "owner", "group")
# What an entry takes over from the task where it is silent; never a key's own ID, name and file.
_INHERITED = ("issuer_id", "private_key_file_policy", *_SHARED)


@dataclass(frozen=True)
class KeyRequest:
    """What one key is to be. ``name``: at App Store Connect, as it was typed. ``team_id``: None for the session's own.

    ``mode``, ``owner``, ``group``: of its file, as they were typed. ``fault``: what is wrong with its options; of
    ``source`` only short name and path are of use then. ``staying``: other entries of the list that are to be there,
    none of whose keys is revoked with it.
    """

    source: KeySource
    name: str | None = None
    fault: RefundsError | None = None
    team_id: int | None = None
    state: State = "present"
    regenerate: Regenerate = "never"
    revoke: bool = False
    backup: bool = True
    mode: str | int | None = None
    owner: str | None = None
    group: str | None = None
    staying: tuple[MeantKey, ...] = ()


@dataclass(frozen=True)
class KeysRequest:
    """``one``: the key of the task's own options; None where it has a list.

    ``only_state``: those of the other state are compared with, and left as they are.
    """

    session: SessionOptions
    one: KeyRequest | None
    listed: tuple[KeyRequest, ...] = ()
    only_state: State | None = None


@dataclass(frozen=True)
class InfoRequest:
    """``source``: the file to show; its IDs and ``name`` choose among the keys of the team."""

    source: KeySource
    session: SessionOptions
    name: str | None
    team_id: int | None


def keys_request(params: Params) -> KeysRequest:
    """Return which keys are to be there or gone. Raises InputError for the session; each key has its own ``fault``."""
    session, entries = session_options(params), params.get("keys")
    if entries is None:
        return KeysRequest(session, _key_request(params))
    return KeysRequest(
        session, None, tuple(_key_request(_merged(entry, params)) for entry in entries), params.get("only_state")
    )


def info_request(params: Params) -> InfoRequest:
    """Return what is to be shown. Raises InputError. IDs that contradict each other are a finding, no fault."""
    return InfoRequest(key_source(params), session_options(params), params.get("name") or None, params.get("team_id"))


def _key_request(fields: Params) -> KeyRequest:
    fault: RefundsError | None = None
    try:
        source = key_source(fields)
        identifiers(source)
    except RefundsError as error:
        path, fault = fields.get("private_key_path"), error
        # Nothing but the path: what was taken for an ID may be a secret.
        source = KeySource(None, None, path and os.path.abspath(path), None, "strict", name=fields.get("key") or "")
    said: dict[str, t.Any] = {name: fields.get(name) for name in _SHARED}
    return KeyRequest(source, fields.get("name"), fault, **said)


def _merged(entry: Params, params: Params) -> Params:
    given = {name: value for name, value in entry.items() if value is not None}
    return {**{name: params.get(name) for name in _INHERITED}, **given}
