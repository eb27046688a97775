# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of every module, once."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.parameters import env_fallback

Spec = dict[str, t.Any]

# What to do where a tracker can't show what it holds and the ledger doesn't know either.
ON_UNKNOWN: Spec = {"type": "str", "choices": ["keep", "replace", "fail"], "default": "keep"}

# How an element of a web page is recognised.
_ELEMENT: Spec = {
    "type": "dict",
    "no_log": False,
    "options": {name: {"type": "str"} for name in ("label", "placeholder", "role", "name", "css")},
}
_ELEMENTS = ("bundle_id", "issuer_id", "key_id", "private_key", "submit", "status", "edit", "remove", "remove_confirm")

# One mapping of options per tracker, under the tracker's name. `apply_defaults` makes the environment fallbacks of
# secrets work when the mapping is left out.
TRACKERS: Spec = {
    "ledger": {
        "type": "dict",
        "apply_defaults": True,
        "options": {"url": {"type": "str", "no_log": True, "fallback": (env_fallback, ["STOREOPS_LEDGER_URL"])}},
    },
    "revenuecat": {
        "type": "dict",
        "apply_defaults": True,
        "options": {
            "api_key": {"type": "str", "no_log": True, "fallback": (env_fallback, ["STOREOPS_REVENUECAT_API_KEY"])},
            "project_id": {"type": "str"},
            "url": {"type": "str"},
            "create_app": {"type": "bool", "default": False},
            "app_name": {"type": "str"},
            "delete_app": {"type": "bool", "default": False},
            "on_unknown": ON_UNKNOWN,
        },
    },
    "qonversion": {
        "type": "dict",
        "apply_defaults": True,
        "options": {
            "api_key": {"type": "str", "no_log": True, "fallback": (env_fallback, ["STOREOPS_QONVERSION_API_KEY"])},
            "project": {"type": "str"},
            "url": {"type": "str"},
            "replace_bundle": {"type": "bool", "default": False},
            "on_unknown": ON_UNKNOWN,
        },
    },
    "devtodev": {
        "type": "dict",
        "apply_defaults": True,
        "options": {
            "mode": {"type": "str", "choices": ["browser", "handoff"]},
            "url": {"type": "str"},
            "project": {"type": "str"},
            "session": {"type": "str", "no_log": True, "fallback": (env_fallback, ["STOREOPS_DEVTODEV_SESSION"])},
            "session_path": {"type": "path", "no_log": False},
            "browser_path": {"type": "path"},
            "confirmed": {"type": "bool", "default": False},
            "on_unknown": ON_UNKNOWN,
            "active_texts": {"type": "list", "elements": "str", "default": ["Active"]},
            "elements": {
                "type": "dict",
                "options": {
                    **{name: _ELEMENT for name in _ELEMENTS},
                    "menu": {"type": "list", "elements": "str"},
                },
            },
        },
    },
}

# Fields of an entry of `keys`: Ansible has no specification for a mapping with free names, so
# `_tasks/named_keys.py` checks them.
KEY_FIELDS: Spec = {
    "issuer_id": {"type": "str"},
    "key_id": {"type": "str", "no_log": False},
    "private_key_path": {"type": "path", "no_log": False},
    "private_key_content": {"type": "str", "no_log": True},
    "private_key_file_policy": {"type": "str", "choices": ["strict", "mounted"], "no_log": False},
    "key_predicted": {"type": "bool", "no_log": False},
}


def shared() -> Spec:
    """Return the options that every module of the action group takes, so that group defaults never break a task."""
    return {
        "bundle_id": {"type": "str"},
        "app_apple_id": {"type": "int"},
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
        "environment": {"type": "str", "choices": ["production", "sandbox"], "default": "production"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "tracker": {"type": "str", "choices": list(TRACKERS), "default": "ledger"},
        **TRACKERS,
        "credential_check": {"type": "str", "choices": ["required", "advisory", "skip"], "default": "required"},
        "wait_timeout": {"type": "float", "default": 60.0},
        "app_store_server_url": {"type": "str"},
        "ca_path": {"type": "path"},
        "request_timeout": {"type": "float", "default": 15.0},
        "deadline": {"type": "float", "default": 120.0},
    }


def iap_key() -> Spec:
    return {
        **shared(),
        "backup": {"type": "bool", "default": True},
        "mode": {"type": "raw", "default": "0600"},
        "name": {"type": "str"},
        "regenerate": {"type": "str", "choices": ["never", "if_lost", "always"], "default": "never"},
        "revoke": {"type": "bool", "default": False},
        **_session(),
    }


def iap_key_info() -> Spec:
    return {**shared(), "name": {"type": "str"}, **_session()}


def _session() -> Spec:
    return {
        "session": {"type": "str", "no_log": True},
        "session_path": {"type": "path", "no_log": False},
        "team_id": {"type": "int"},
        "app_store_connect_url": {"type": "str"},
    }


def key_predicted() -> Spec:
    return {"key_predicted": {"type": "bool", "default": False, "no_log": False}}


def credential_check_info() -> Spec:
    app = {
        "bundle_id": {"type": "str", "required": True},
        "key": {"type": "str", "no_log": False},
        "environment": {"type": "str", "choices": ["production", "sandbox"]},
        **KEY_FIELDS,
    }
    return {
        **shared(),
        **key_predicted(),
        "keys": {"type": "dict", "no_log": True},
        # no_log as a whole: Ansible masks no text of several lines inside a list when it logs to syslog.
        "apps": {"type": "list", "elements": "dict", "options": app, "no_log": True},
    }


def integration() -> Spec:
    return {**shared(), **key_predicted()}


def integration_info() -> Spec:
    return shared()
