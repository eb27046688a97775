# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fields of declared keys and apps."""

from __future__ import annotations

import os
import typing as t

from ._tracker_spec import TRACKERS

Spec = dict[str, t.Any]

KEY: Spec = {
    "issuer_id": {"type": "str"},
    "key_id": {"type": "str", "no_log": False},
    "private_key_path": {"type": "path", "no_log": False},
    "private_key_content": {"type": "str", "no_log": True},
    "private_key_file_policy": {
        "type": "str",
        "choices": ["strict", "mounted"],
        "default": "strict",
        "no_log": False,
    },
}
STATE: Spec = {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}
# What an In-App Purchase key is at App Store Connect, and how its file is to lie.
MADE: Spec = {
    "name": {"type": "str"},
    "regenerate": {"type": "str", "choices": ["never", "if_lost", "always"], "default": "never"},
    "revoke": {"type": "bool", "default": False},
    "backup": {"type": "bool", "default": True},
    "mode": {"type": "raw", "default": "0600"},
    "team_id": {"type": "int"},
}


def _without_defaults(options: Spec) -> Spec:
    return {name: {**option, "default": None} for name, option in options.items()}


# One declared key.
KEY_ENTRY: Spec = {
    "key": {"type": "str", "required": True, "no_log": False},
    **_without_defaults({**KEY, **MADE, **STATE}),
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "apps": {"type": "list", "elements": "raw"},
}
# One declared app. `_trackers/settings.py` reads a tracker's own options.
APP: Spec = {
    "bundle_id": {"type": "str", "required": True},
    "key": {"type": "str", "no_log": False},
    "name": {"type": "str"},
    "app_apple_id": {"type": "int"},
    "environment": {"type": "str", "choices": ["production", "sandbox"]},
    "state": {"type": "str", "choices": ["present", "absent"]},
    "trackers": {"type": "list", "elements": "str", "choices": list(TRACKERS)},
    "credential_check": {"type": "str", "choices": ["required", "advisory", "skip"]},
    "notification_url": {"type": "str"},
    "host": {"type": "str"},
    **{name: {"type": "dict"} for name in TRACKERS if name != "ledger"},
}
# Fields of an app, by the variable of a host that stands for it.
OF_HOSTS = {
    "bundle_id": "app_bundle_id",
    "app_apple_id": "app_apple_id",
    "name": "app_name",
    "environment": "app_environment",
    "key": "refund_audit_key",
    "trackers": "refund_audit_trackers",
    **{name: f"refund_audit_{name}" for name in TRACKERS if name != "ledger"},
}


def fields_of(name: str, option: t.Mapping[str, t.Any]) -> Spec:
    """Return the fields of an option's mappings: its own, or those of declared keys and apps and of their trackers."""
    if "options" in option:
        return dict(option["options"])
    if option.get("elements") == "raw":
        return {"keys": KEY_ENTRY, "apps": APP}.get(name, {})
    return dict(TRACKERS[name]["options"]) if name in TRACKERS else {}


def expanded(name: str, value: t.Any, fields: Spec) -> t.Any:
    """Return the value of one of ``fields`` in an entry, a text or a path as Ansible makes it of an option."""
    kind = fields.get(name, {}).get("type")
    if isinstance(value, (dict, list)) or kind not in ("str", "path"):
        return value
    return expanded_path(value) if kind == "path" else str(value)


def expanded_path(path: object) -> str:
    """Return a path as Ansible makes it of an option of type path."""
    return os.path.expanduser(os.path.expandvars(str(path)))
