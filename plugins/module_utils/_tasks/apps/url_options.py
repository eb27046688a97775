# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of app_store_notification_url: those that it uses."""

from __future__ import annotations

from ... import _argument_spec, _declared_spec
from ..._argument_spec import Spec


def notification_url() -> Spec:
    """Return the options of app_store_notification_url."""
    urls: Spec = {"production_url": {"type": "str"}, "sandbox_url": {"type": "str"}}
    choices: Spec = {"type": "str", "choices": ["keep", "replace", "fail"], "default": "keep"}
    return {
        "bundle_id": {"type": "str"},
        **_declared_spec.KEY,
        **_argument_spec.LEDGER,
        **_argument_spec.CONNECT_API,
        **_argument_spec.ROOT,
        "app_store_server_url": _argument_spec.APPLE["app_store_server_url"],
        "wait_timeout": _argument_spec.TRACKER["wait_timeout"],
        **_argument_spec.HTTP,
        **urls,
        "apps": {
            "type": "list",
            "elements": "dict",
            "options": {"bundle_id": {"type": "str", "required": True}, **urls},
        },
        "on_other_url": choices,
        "on_version_1": choices,
        "verify": {"type": "bool", "default": False},
    }
