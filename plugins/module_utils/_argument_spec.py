# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of every module, once."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.parameters import env_fallback

from ._declared_spec import KEY, KEY_ENTRY, MADE, STATE
from ._tracker_spec import TRACKERS

Spec = dict[str, t.Any]

# The options that several modules have in common, by what they are about. One name means one thing everywhere.
KEY_PREDICTED: Spec = {"key_predicted": {"type": "bool", "default": False, "no_log": False}}
ENVIRONMENT: Spec = {"environment": {"type": "str", "choices": ["production", "sandbox"], "default": "production"}}
HTTP: Spec = {
    "ca_path": {"type": "path"},
    "request_timeout": {"type": "float", "default": 15.0},
    "deadline": {"type": "float", "default": 120.0},
    "concurrency": {"type": "int", "default": 64},
}
# What calls the App Store Server API.
APPLE: Spec = {**ENVIRONMENT, "app_store_server_url": {"type": "str"}, **HTTP}
LEDGER: Spec = {"ledger": TRACKERS["ledger"]}
TRACKER: Spec = {
    "tracker": {"type": "str", "choices": list(TRACKERS), "default": "ledger"},
    **TRACKERS,
    "credential_check": {"type": "str", "choices": ["required", "advisory", "skip"], "default": "required"},
    "wait_timeout": {"type": "float", "default": 60.0},
}
# What verifies Apple's signed data, or chooses by what it was verified against.
ROOT: Spec = {"root_certificate_path": {"type": "path"}}
# A signed-in web session of App Store Connect.
SESSION: Spec = {
    "session": {"type": "str", "no_log": True},
    "session_path": {"type": "path", "no_log": False},
    "app_store_connect_url": {"type": "str"},
}


def _connect_api() -> Spec:
    """Return the options of what calls the App Store Connect API; its key is no In-App Purchase key."""
    kinds = {"api_issuer_id": "str", "api_key_id": "str", "api_private_key_path": "path"}
    public: Spec = {name: {"type": kind, "no_log": False} for name, kind in kinds.items()}
    options = {**public, "api_private_key_content": {"type": "str", "no_log": True}}
    for name, option in options.items():
        option["fallback"] = (env_fallback, [f"STOREOPS_APP_STORE_CONNECT_{name.upper()}"])
    return {**options, "app_store_connect_api_url": {"type": "str"}}


CONNECT_API: Spec = _connect_api()


ON_FAULTY_APP: Spec = {"type": "str", "choices": ["refuse", "report"], "default": "refuse"}
# What keys and apps are, in every module and role alike. Ansible converts nothing in them, since an app may be a bundle
# ID alone, and since every fault is to be told at once: `_declaration` reads them.
DECLARATION: Spec = {
    "keys": {"type": "list", "elements": "raw", "no_log": False},
    "apps": {"type": "list", "elements": "raw"},
    "iap_keys": {"type": "list", "elements": "dict", "no_log": False},
}


def iap_key() -> Spec:
    keys: Spec = {"type": "list", "elements": "dict", "options": KEY_ENTRY, "no_log": False}
    only: Spec = {"only_state": {"type": "str", "choices": ["present", "absent"]}}
    return {**KEY, **STATE, **MADE, "keys": keys, **only, **SESSION, **HTTP}


def iap_key_rotation() -> Spec:
    return {
        "stage": {"type": "str", "choices": ["plan", "move"], "required": True},
        "old_key_id": {"type": "str", "required": True, "no_log": False},
        "new_key": {"type": "dict", "required": True, "no_log": False},
        "revoke": {"type": "bool", "default": False},
        "wait": {"type": "float", "default": 120.0},
        "hook": {"type": "path"},
        "variables": {"type": "list", "elements": "str", "default": []},
        "team_id": {"type": "int"},
        **{name: KEY[name] for name in ("issuer_id", "private_key_file_policy")},
        **TRACKER,
        **APPLE,
        # Waiting for Apple comes on top of the calls.
        "deadline": {"type": "float", "default": 600.0},
        **DECLARATION,
        **SESSION,
    }


def iap_key_info() -> Spec:
    return {**KEY, "name": {"type": "str"}, "team_id": {"type": "int"}, **SESSION, **HTTP}


def connect_apps() -> Spec:
    """Return the options of the inventory plugin that its work takes."""
    return {
        **CONNECT_API,
        "private_key_file_policy": KEY["private_key_file_policy"],
        **{name: HTTP[name] for name in ("ca_path", "request_timeout", "deadline")},
        "bundle_ids": {"type": "list", "elements": "str"},
        "query_released": {"type": "bool", "default": False},
    }


def credential_check_info() -> Spec:
    return {"bundle_id": {"type": "str"}, **KEY, **APPLE, **KEY_PREDICTED, **DECLARATION}


def integration() -> Spec:
    app: Spec = {"bundle_id": {"type": "str"}, "app_apple_id": {"type": "int"}}
    return {**app, **KEY, **KEY_PREDICTED, **STATE, **TRACKER, **APPLE}


def integrations() -> Spec:
    return {
        **KEY,
        **TRACKER,
        **APPLE,
        **DECLARATION,
        "on_faulty_app": ON_FAULTY_APP,
        "purge": {"type": "bool", "default": False},
        "purge_limit": {"type": "str", "default": "10%"},
    }


def integration_info() -> Spec:
    return {"bundle_id": {"type": "str"}, **KEY, **TRACKER, **APPLE}


def audit_report() -> Spec:
    # Not required and without choices here: what is missing or wrong in a waiver is named with its position.
    waiver = {name: {"type": "str"} for name in ("bundle_id", "cause", "reason", "until")}
    return {
        "results": {"type": "list", "elements": "dict", "required": True},
        # Names and sentences; Ansible takes whatever is called a key for a secret.
        "absent_keys": {"type": "list", "elements": "dict", "no_log": False},
        "refunds": {"type": "list", "elements": "dict"},
        "declaration_faults": {"type": "list", "elements": "dict"},
        **{
            name: {"type": "path"}
            for name in ("path", "html_path", "json_path", "junit_path", "markdown_path", "csv_path")
        },
        "title": {"type": "str"},
        "stage": {"type": "str", "choices": ["begun", "stopped", "finished"], "default": "finished"},
        "waivers": {"type": "list", "elements": "dict", "options": waiver},
        "fail_on": {
            "type": "list",
            "elements": "str",
            "choices": ["refused", "drift", "unknown"],
            "default": ["refused", "drift", "unknown"],
        },
    }


_GROUP_KEYS = ("bundle_id", "environment", "product_id", "day", "month", "reason")


# What reads a whole ledger, and calls nobody else.
_LEDGER_DEADLINE: Spec = {"deadline": {"type": "float", "default": 3600.0}}


def _refund_question() -> Spec:
    """Return the options that say which refunds of the ledger are meant."""
    return {
        "bundle_id": {"type": "str"},
        **ENVIRONMENT,
        **LEDGER,
        **ROOT,
        **{name: {"type": "list", "elements": "str"} for name in ("bundle_ids", "product_ids", "currencies")},
        **{name: {"type": "str"} for name in ("since", "until", "source")},
        "last_days": {"type": "int"},
        "reasons": {"type": "list", "elements": "int"},
        "include_reversed": {"type": "bool", "default": True},
    }


def refund_ledger_copy() -> Spec:
    place = {"type": "dict", "required": True, "options": {"url": {"type": "str", "required": True, "no_log": True}}}
    return {"from_ledger": place, "to_ledger": place, **_LEDGER_DEADLINE}


def refund_info() -> Spec:
    return {
        **_refund_question(),
        "app_apple_id": {"type": "int"},
        **KEY,
        **APPLE,
        "transaction_id": {"type": "str"},
        "group_by": {"type": "list", "elements": "str", "choices": list(_GROUP_KEYS), "default": []},
        "limit": {"type": "int", "default": 1000},
        "after": {"type": "str"},
        "unread": {"type": "str", "choices": ["warn", "ignore"], "default": "warn"},
    }


def refund_export() -> Spec:
    sums_by = {"type": "list", "elements": "str", "choices": list(_GROUP_KEYS), "default": ["bundle_id", "month"]}
    return {**_refund_question(), "path": {"type": "path", "required": True}, "sums_by": sums_by, **_LEDGER_DEADLINE}


def refund_ledger() -> Spec:
    base: Spec = {"bundle_id": {"type": "str"}, "app_apple_id": {"type": "int"}, **KEY, **KEY_PREDICTED, **STATE}
    reads: Spec = {**LEDGER, **CONNECT_API, **ROOT, **APPLE, "retention_days": {"type": "int"}}
    default: Spec = {"default_tracker": {"type": "str", "choices": list(TRACKERS)}}
    return {**base, **reads, **DECLARATION, **default}


def declaration_info() -> Spec:
    trackers = {name: option for name, option in TRACKER.items() if name != "ledger"}
    return {
        **KEY,
        **ENVIRONMENT,
        "app_store_server_url": APPLE["app_store_server_url"],
        **trackers,
        **DECLARATION,
        "on_faulty_app": ON_FAULTY_APP,
        "variables": {"type": "list", "elements": "str", "default": []},
        "prefix": {"type": "str", "default": ""},
        "paths": {"type": "dict"},
    }
