# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of each tracker, under the tracker's name."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.parameters import env_fallback

Spec = dict[str, t.Any]

# What to do where a tracker can't show what it holds and the ledger doesn't know either.
ON_UNKNOWN: Spec = {"type": "str", "choices": ["keep", "replace", "fail"], "default": "keep"}

# One mapping of options per tracker, under the tracker's name. `apply_defaults` makes the environment fallbacks of
# secrets work when the mapping is left out. `no_log` sits on the secret fields alone: `_run._Module` keeps what a
# misspelt field holds out of results and syslog.
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
            # Free: nine elements with five ways each, a menu and words, which `_trackers/page_elements.py` checks.
            "page": {"type": "dict"},
        },
    },
}
