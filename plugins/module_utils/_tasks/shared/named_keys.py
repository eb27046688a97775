# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys that several apps share by name (``keys``), each read once."""

from __future__ import annotations

import os
import typing as t

from ..._argument_spec import KEY_FIELDS
from ..._context import Params
from ..._fields import is_shown_key, place, together, unknown_fields
from ..._model.errors import InputError, RefundsError
from ..._model.identifiers import shown
from .options import KeySource, key_source


def check_keys(keys: t.Any) -> dict[str, dict[str, t.Any]]:
    """Return the mapping of named keys. Raises RefundsError that names every entry with a fault."""
    keys = keys or {}
    faults = [fault for number, (name, fields) in enumerate(keys.items()) for fault in _faults(name, number, fields)]
    if faults:
        raise RefundsError(together("keys", faults))
    return {name: {field: _expanded(field, value) for field, value in fields.items()} for name, fields in keys.items()}


def _faults(name: str, number: int, fields: t.Any) -> list[str]:
    """Return a message about an entry of ``keys``, if anything is wrong with it."""
    option = f"keys.{name}" if is_shown_key(name, fields) else f"keys (entry {number})"
    if not isinstance(fields, dict):
        return [f"{option}: isn't a mapping. Its fields are {', '.join(KEY_FIELDS)}."]
    found = unknown_fields(KEY_FIELDS, fields)
    for field, value in fields.items():
        if field in KEY_FIELDS:
            found += _value_faults(field, value, KEY_FIELDS[field])
    return [f"{option}: {' '.join(found)}"] if found else []


def _expanded(field: str, value: t.Any) -> t.Any:
    """Do for paths what Ansible does for options of the type path."""
    if KEY_FIELDS[field]["type"] != "path" or not isinstance(value, str):
        return value
    return os.path.expanduser(os.path.expandvars(value))


def _value_faults(field: str, value: t.Any, spec: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    if value is None:
        return
    if spec["type"] == "bool" and not isinstance(value, bool):
        yield f"{field} is neither true nor false."
    elif spec["type"] != "bool" and not isinstance(value, str):
        yield f"{field} isn't text; put it in quotes."
    elif "choices" in spec and value not in spec["choices"]:
        yield f"{field} is none of {', '.join(spec['choices'])}."


def app_key_source(app: Params, index: int, keys: t.Mapping[str, Params], params: Params) -> KeySource:
    """Return an app's key: its own fields, over those of its named key, over the task's. Raises InputError."""
    name, where = app.get("key"), f"{place('apps', index, app['bundle_id'])}: "
    if name and name not in keys:
        known = ", ".join(sorted(each for each, fields in keys.items() if is_shown_key(each, fields))) or "none"
        raise InputError(f"{where}key", f"{shown(name)} isn't an entry of keys (there are: {known}).")
    inherited: Params = params
    if name:
        # Issuer ID and policy are usually the same for all keys; a key's ID and file are never another key's.
        shared = {field: params.get(field) for field in ("issuer_id", "private_key_file_policy")}
        inherited = {
            **shared,
            **{field: value for field, value in keys[name].items() if value is not None},
        }
    own = {field: app[field] for field in KEY_FIELDS if app.get(field) is not None}
    merged = {**inherited, **own}
    # An app's own private key replaces an inherited one whole, wherever that one came from.
    if "private_key_path" in own and "private_key_content" not in own:
        merged["private_key_content"] = None
    if "private_key_content" in own and "private_key_path" not in own:
        merged["private_key_path"] = None
    return key_source(merged, where)
