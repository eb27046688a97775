# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys that several apps share by name (``keys``), each read once."""

from __future__ import annotations

import os
import typing as t

from .._argument_spec import KEY_FIELDS
from .._context import Params
from .._model.errors import InputError
from .._model.identifiers import shown
from .options import KeySource, key_source


def check_keys(keys: t.Any) -> dict[str, dict[str, t.Any]]:
    """Return the mapping of named keys. Raises InputError for an entry that is no mapping of the known fields."""
    keys = keys or {}
    for name, fields in keys.items():
        option = f"keys.{name}"
        if not isinstance(fields, dict):
            raise InputError(option, "is no mapping.", f"Its fields are {', '.join(KEY_FIELDS)}.")
        for field, value in fields.items():
            if field not in KEY_FIELDS:
                raise InputError(
                    option,
                    f"has an unknown field {shown(str(field))}.",
                    f"Known: {', '.join(KEY_FIELDS)}.",
                )
            _check_field(f"{option}.{field}", value, KEY_FIELDS[field])
    return {name: {field: _expanded(field, value) for field, value in fields.items()} for name, fields in keys.items()}


def _expanded(field: str, value: t.Any) -> t.Any:
    """Do for paths what Ansible does for options of the type path."""
    if KEY_FIELDS[field]["type"] != "path" or not isinstance(value, str):
        return value
    return os.path.expanduser(os.path.expandvars(value))


def _check_field(option: str, value: t.Any, spec: t.Mapping[str, t.Any]) -> None:
    if value is None:
        return
    if spec["type"] == "bool" and not isinstance(value, bool):
        raise InputError(option, "is no boolean.")
    if spec["type"] != "bool" and not isinstance(value, str):
        raise InputError(option, "is no text.", "Put it in quotes.")
    if "choices" in spec and value not in spec["choices"]:
        raise InputError(option, f"{shown(value)} is none of {', '.join(spec['choices'])}.")


def app_key_source(app: Params, index: int, keys: t.Mapping[str, Params], params: Params) -> KeySource:
    """Return an app's key: its own fields, over those of its named key, over the task's. Raises InputError."""
    name = app.get("key")
    if name and name not in keys:
        known = ", ".join(sorted(keys)) or "none"
        problem = f"{shown(name)} is no entry of keys (there are: {known}), so {app['bundle_id']} has no key."
        raise InputError(f"apps[{index}].key", problem)
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
    return key_source(merged, f"apps[{index}] ({app['bundle_id']}): ")
