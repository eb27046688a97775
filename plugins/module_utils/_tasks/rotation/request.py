# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rotation is asked: which key goes, which one takes its place, and the declaration."""

from __future__ import annotations

import contextlib
import os
import typing as t
from dataclasses import dataclass, replace

from ..._context import Params
from ..._declaration.declaration import Declaration, declare, refuse
from ..._declaration.keys import KeySource, key_entries, key_id_of, key_source, names_of
from ..._declaration.variables import misspelt
from ..._declared_spec import expanded_path
from ..._model.errors import InputError, RefundsError
from ..._model.identifiers import parse_issuer_id, parse_key_id, shown
from ..._tracker_spec import TRACKERS
from ..._trackers.options import Options, SettingsError
from ..._trackers.settings import Settings, parse
from ..shared.session import SessionOptions, session_options
from ..tracking.request import Services, services_of
from .at_hand import declared_with


@dataclass(frozen=True)
class RotationRequest:
    """``old``: the declared old key; None where it isn't declared, or no longer. Names are those at App Store Connect.

    ``default_issuer``: the Issuer ID of keys that say none of their own, which the old key may not be one of.

    ``settings``: of trackers whose options the task itself gives, so that apps that nobody declares are found there.
    ``options``: those options as they are given, by tracker: they may need an app's to be of use.
    ``wait``: seconds until Apple has to accept the new key.
    """

    stage: t.Literal["plan", "move"]
    declaration: Declaration
    old_key_id: str
    old: KeySource | None
    old_name: str
    default_issuer: str | None
    new: KeySource
    new_name: str
    settings: tuple[Settings, ...]
    options: t.Mapping[str, Options]
    services: Services
    session: SessionOptions
    team_id: int | None
    wait: float
    revoke: bool


def rotation_request(params: Params, warn: t.Callable[[str], None]) -> RotationRequest:
    """Return what a task asks for. ``warn`` is told what is unusual in the declaration. Raises RefundsError."""
    declaration = declare(params)
    refuse((*misspelt(params["variables"]), *declaration.faults))
    for text in declaration.unusual():
        warn(text)
    if "revoke_old" in params["variables"] and not params["revoke"]:
        warn("revoke_old: no such variable is read, and the old key stays. Did you mean iap_key_rotation_revoke_old?")
    old_key_id, old = _old_key(params["old_key_id"], declaration)
    said = next((entry.fields for entry in key_entries(params) if old and entry.name == old.name), {})
    new = _new_key(params, declaration)
    if new.key_id == old_key_id:
        raise InputError("new_key", f"is {old_key_id}, which is to be replaced.", "Give the new key a name of its own.")
    return RotationRequest(
        stage=params["stage"],
        declaration=declaration,
        old_key_id=old_key_id,
        old=replace(old, issuer_id=_issuer_id(said.get("issuer_id"), f"{old.where}issuer_id")) if old else None,
        old_name=(said.get("name") or "").strip(),
        default_issuer=_issuer_id(params.get("issuer_id"), "issuer_id"),
        new=new,
        new_name=str(params["new_key"].get("name") or "").strip(),
        settings=tuple(_settings(params)),
        options={name: params.get(name) or {} for name in TRACKERS},
        session=session_options(params),
        services=services_of(params),
        team_id=params.get("team_id"),
        wait=float(params["wait"]),
        revoke=params["revoke"],
    )


def _issuer_id(text: str | None, option: str) -> str | None:
    return parse_issuer_id(text, option) if text else None


def _old_key(text: str, declaration: Declaration) -> tuple[str, KeySource | None]:
    source = declaration.keys.get(text)
    if source is not None:
        key_id = key_id_of(source)
        if key_id is None:
            problem = f"the key {shown(text)} is declared without a key_id."
            raise InputError("old_key_id", problem, "Write it there, or give the Key ID itself.")
        return key_id, source
    try:
        key_id = parse_key_id(text, "old_key_id")
    except InputError as error:
        names = f"It isn't the short name of a declared key either (there are: {names_of(declaration.keys)})."
        raise RefundsError(f"{error}", names) from None
    return key_id, next((one for one in declaration.keys.values() if key_id_of(one) == key_id), None)


def _new_key(params: Params, declaration: Declaration) -> KeySource:
    given = params["new_key"]
    path = given.get("private_key_path")
    if not path and params["stage"] == "move":
        declared = declared_with(declaration, given.get("key_id"))
        if declared:
            return replace(declared, key_id=key_id_of(declared))
    if not path:
        raise InputError("new_key.private_key_path", "is required.", "Say where the new key's .p8 lies or shall lie.")
    path = expanded_path(path)
    if not os.path.isabs(path):
        raise InputError("new_key.private_key_path", f"{path} is relative.", "Give an absolute path, or one from ~.")
    policies = (one.policy for one in declaration.keys.values() if one.path == os.path.abspath(path))
    fields = {
        "issuer_id": given.get("issuer_id") or None,
        "key_id": given.get("key_id") or None,
        "private_key_path": path,
        "private_key_file_policy": next(policies, params["private_key_file_policy"]),
        "key_predicted": given.get("predicted"),
    }
    source = key_source(fields, "new_key: ")
    issuer_id = _issuer_id(source.issuer_id, "new_key.issuer_id")
    key_id = key_id_of(source) or source.key_id
    return replace(source, fingerprint=given.get("key_fingerprint"), issuer_id=issuer_id, key_id=key_id)


def _settings(params: Params) -> t.Iterator[Settings]:
    for name in TRACKERS:
        if name != "ledger" and _is_given(name, params):
            # What can't be used is completed by the options of the apps, or of no use.
            with contextlib.suppress(SettingsError):
                yield parse(name, params.get(name) or {})


def _is_given(name: str, params: Params) -> bool:
    defaults = {option: field.get("default") for option, field in TRACKERS[name]["options"].items()}
    given = params.get(name) or {}
    return bool(params.get("tracker") == name or any(given.get(option) != defaults[option] for option in defaults))
