# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of every module, once."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.parameters import env_fallback

Spec = dict[str, t.Any]

# What to do where a tracker can't show what it holds and the ledger doesn't know either.
ON_UNKNOWN: Spec = {"type": "str", "choices": ["keep", "replace", "fail"], "default": "keep"}

# One mapping of options per tracker, under the tracker's name. `apply_defaults` makes the environment fallbacks of
# secrets work when the mapping is left out; `no_log` as a whole keeps a misspelt field out of syslog.
TRACKERS: Spec = {
    "ledger": {
        "type": "dict",
        "apply_defaults": True,
        "no_log": True,
        "options": {"url": {"type": "str", "no_log": True, "fallback": (env_fallback, ["STOREOPS_LEDGER_URL"])}},
    },
    "revenuecat": {
        "type": "dict",
        "apply_defaults": True,
        "no_log": True,
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
        "no_log": True,
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
        "no_log": True,
        "options": {
            "mode": {"type": "str", "choices": ["browser", "handoff"]},
            "url": {"type": "str"},
            "project": {"type": "str"},
            "session": {"type": "str", "no_log": True, "fallback": (env_fallback, ["STOREOPS_DEVTODEV_SESSION"])},
            "session_path": {"type": "path", "no_log": False},
            "browser_path": {"type": "path"},
            "confirmed": {"type": "bool", "default": False},
            "on_unknown": ON_UNKNOWN,
            "active_texts": {"type": "list", "elements": "str"},
            "waiting_texts": {"type": "list", "elements": "str"},
            "failed_texts": {"type": "list", "elements": "str"},
            # Its fields are checked by `_trackers/page_elements.py`: nine elements with five ways each.
            "elements": {"type": "dict"},
        },
    },
}

# Fields of an entry of `keys`: Ansible has no specification for a mapping with free names, so
# `_tasks/shared/named_keys.py` checks them.
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
        **connect_api(),
        "root_certificate_path": {"type": "path"},
        "ca_path": {"type": "path"},
        "request_timeout": {"type": "float", "default": 15.0},
        "deadline": {"type": "float", "default": 120.0},
        "concurrency": {"type": "int", "default": 64},
    }


def iap_key() -> Spec:
    one = {
        "backup": {"type": "bool", "default": True},
        "mode": {"type": "raw", "default": "0600"},
        "name": {"type": "str"},
        "regenerate": {"type": "str", "choices": ["never", "if_lost", "always"], "default": "never"},
        "revoke": {"type": "bool", "default": False},
        "team_id": {"type": "int"},
    }
    return {**shared(), **one, **_session(), "keys": _key_list(one)}


def _key_list(one: Spec) -> Spec:
    """Return ``keys`` as a list: ``one``: the options of a single key, which count where an entry says nothing."""
    fields: Spec = {
        "key": {"type": "str", "required": True, "no_log": False},
        **{name: field for name, field in KEY_FIELDS.items() if name != "key_predicted"},
        **{name: {**option, "default": None} for name, option in one.items()},
        "owner": {"type": "str"},
        "group": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"]},
        "apps": {"type": "list", "elements": "raw"},
    }
    return {"type": "list", "elements": "dict", "options": fields, "no_log": False}


def iap_key_info() -> Spec:
    return {**shared(), "name": {"type": "str"}, "team_id": {"type": "int"}, **_session()}


def _session() -> Spec:
    return {
        "session": {"type": "str", "no_log": True},
        "session_path": {"type": "path", "no_log": False},
        "app_store_connect_url": {"type": "str"},
    }


def connect_api() -> Spec:
    """Return the options of what calls the App Store Connect API; its key is no In-App Purchase key."""
    return {
        **{
            name: {
                "type": kind,
                "no_log": False,
                "fallback": (env_fallback, [f"STOREOPS_APP_STORE_CONNECT_{name.upper()}"]),
            }
            for name, kind in (("api_issuer_id", "str"), ("api_key_id", "str"), ("api_private_key_path", "path"))
        },
        "api_private_key_content": {
            "type": "str",
            "no_log": True,
            "fallback": (env_fallback, ["STOREOPS_APP_STORE_CONNECT_API_PRIVATE_KEY_CONTENT"]),
        },
        "app_store_connect_api_url": {"type": "str"},
    }


def connect_apps() -> Spec:
    """Return the options of the inventory plugin that its work takes."""
    taken = ("private_key_file_policy", "ca_path", "request_timeout", "deadline", "wait_timeout")
    every = shared()
    return {
        **connect_api(),
        **{name: every[name] for name in taken},
        "bundle_ids": {"type": "list", "elements": "str"},
        "query_released": {"type": "bool", "default": False},
    }


def key_predicted() -> Spec:
    return {"key_predicted": {"type": "bool", "default": False, "no_log": False}}


def credential_check_info() -> Spec:
    return {**shared(), **key_predicted(), **_apps({})}


def _apps(more: Spec, **settings: t.Any) -> Spec:
    """Return ``keys`` and ``apps``. ``more``: fields of an app beside those of its key; ``settings``: of the list."""
    app = {
        "bundle_id": {"type": "str", "required": True},
        "key": {"type": "str", "no_log": False},
        "environment": {"type": "str", "choices": ["production", "sandbox"]},
        **KEY_FIELDS,
        **more,
    }
    return {
        "keys": {"type": "dict", "no_log": True},
        # no_log as a whole: Ansible masks no text of several lines inside a list when it logs to syslog.
        "apps": {"type": "list", "elements": "dict", "options": app, "no_log": True, **settings},
    }


def integration() -> Spec:
    return {**shared(), **key_predicted()}


def integrations() -> Spec:
    own = {
        "app_apple_id": {"type": "int"},
        "state": {"type": "str", "choices": ["present", "absent"]},
    }
    return {
        **shared(),
        **key_predicted(),
        **_apps(own, required=True),
        "purge": {"type": "bool", "default": False},
        "purge_limit": {"type": "str", "default": "10%"},
    }


def integration_info() -> Spec:
    return shared()


def audit_report() -> Spec:
    # Not required and without choices here: what is missing or wrong in a waiver is named with its position.
    waiver = {name: {"type": "str"} for name in ("bundle_id", "cause", "reason", "until")}
    return {
        **shared(),
        "results": {"type": "list", "elements": "dict", "required": True},
        "refunds": {"type": "list", "elements": "dict"},
        **{name: {"type": "path"} for name in ("path", "html_path", "json_path", "junit_path")},
        "title": {"type": "str"},
        "waivers": {"type": "list", "elements": "dict", "options": waiver},
        "fail_on": {
            "type": "list",
            "elements": "str",
            "choices": ["refused", "drift", "unknown"],
            "default": ["refused", "drift", "unknown"],
        },
    }


_GROUP_KEYS = ("bundle_id", "environment", "product_id", "day", "month", "reason")


def _refund_question() -> Spec:
    """Return the options that say which refunds of the ledger are meant."""
    return {
        **{name: {"type": "list", "elements": "str"} for name in ("bundle_ids", "product_ids", "currencies")},
        **{name: {"type": "str"} for name in ("since", "until", "source")},
        "last_days": {"type": "int"},
        "reasons": {"type": "list", "elements": "int"},
        "include_reversed": {"type": "bool", "default": True},
    }


def refund_ledger_copy() -> Spec:
    place = {"type": "dict", "required": True, "options": {"url": {"type": "str", "required": True, "no_log": True}}}
    return {"from_ledger": place, "to_ledger": place, "deadline": {"type": "float", "default": 3600.0}}


def refund_info() -> Spec:
    return {
        **shared(),
        **_refund_question(),
        "transaction_id": {"type": "str"},
        "group_by": {"type": "list", "elements": "str", "choices": list(_GROUP_KEYS), "default": []},
        "limit": {"type": "int", "default": 1000},
        "after": {"type": "str"},
        "unread": {"type": "str", "choices": ["warn", "ignore"], "default": "warn"},
    }


def refund_export() -> Spec:
    sums_by = {"type": "list", "elements": "str", "choices": list(_GROUP_KEYS), "default": ["bundle_id", "month"]}
    return {**shared(), **_refund_question(), "path": {"type": "path", "required": True}, "sums_by": sums_by}


def refund_ledger() -> Spec:
    own: Spec = {"app_apple_id": {"type": "int"}, "state": {"type": "str", "choices": ["present", "absent"]}}
    # So that the list of the role refund_tracking can be given as it is.
    unused: Spec = {
        "tracker": {"type": "str"},
        "trackers": {"type": "list", "elements": "str"},
        "credential_check": {"type": "str"},
    }
    return {**shared(), **_apps({**own, **unused}), "retention_days": {"type": "int"}}
