# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of app_store_notification_url: those that it uses."""

from __future__ import annotations

from ... import _argument_spec
from ..._argument_spec import Spec


def notification_url() -> Spec:
    """Return the options of app_store_notification_url."""
    key = ("issuer_id", "key_id", "private_key_path", "private_key_content", "private_key_file_policy")
    calls = (
        "app_store_server_url",
        "root_certificate_path",
        "ca_path",
        "request_timeout",
        "deadline",
        "wait_timeout",
        "concurrency",
    )
    every = _argument_spec.shared()
    urls: Spec = {"production_url": {"type": "str"}, "sandbox_url": {"type": "str"}}
    choices: Spec = {"type": "str", "choices": ["keep", "replace", "fail"], "default": "keep"}
    return {
        **{name: every[name] for name in ("bundle_id", *key, "ledger", *calls)},
        **_argument_spec.connect_api(),
        **urls,
        "apps": {
            "type": "list",
            "elements": "dict",
            "options": {"bundle_id": {"type": "str", "required": True}, **urls},
            # Ansible masks no text of several lines inside a list when it logs to syslog.
            "no_log": True,
        },
        "on_other_url": choices,
        "on_version_1": choices,
        "verify": {"type": "bool", "default": False},
    }
