# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a list of apps of hosts that stand for apps."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping

from ansible.errors import AnsibleError

DOCUMENTATION = r"""
name: apps_of_hosts
short_description: Hosts that stand for apps, as a list of apps
version_added: 0.1.0
author:
  - storeops.refunds contributors (@storeops)
description:
  - Turns the hosts that P(storeops.refunds.app_store_connect#inventory) makes into a list for the option C(apps) of
    M(storeops.refunds.refund_tracking_integrations), so that one task handles all of them.
  - A host without C(app_bundle_id) is left out. A host whose variables can't be read becomes an entry that says so.
    No module takes it for an app.
positional: hostvars
options:
  _input:
    description: Names of hosts.
    type: list
    elements: str
    required: true
  hostvars:
    description: The variable C(hostvars).
    type: dict
    required: true
  keys:
    description:
      - The declared keys. A host without C(refund_audit_key) has the only one there is.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Track the refunds of all apps of the account
  storeops.refunds.refund_tracking_integrations:
    keys: "{{ refund_tracking_keys }}"
    apps: "{{ groups['app_store_released'] | storeops.refunds.apps_of_hosts(hostvars, refund_tracking_keys) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: The apps.
  type: list
  elements: dict
"""

_FIELDS = {
    "bundle_id": "app_bundle_id",
    "app_apple_id": "app_apple_id",
    "name": "app_name",
    "environment": "app_environment",
    "key": "refund_audit_key",
}


def apps_of_hosts(
    hosts: t.Iterable[str], hostvars: Mapping[str, t.Any], keys: t.Sequence[t.Any] = ()
) -> list[dict[str, t.Any]]:
    """Return an entry for each host that stands for an app. Never raises for what a host's variables are."""
    only = keys[0].get("key") if len(keys) == 1 and isinstance(keys[0], Mapping) else None
    found = [_app(str(host), hostvars, only) for host in hosts]
    return [app for app in found if app]


def _app(host: str, hostvars: Mapping[str, t.Any], only: str | None) -> dict[str, t.Any]:
    try:
        own = hostvars[host]
        if "app_bundle_id" not in own:
            return {}
        app = {field: own[name] for field, name in _FIELDS.items() if own.get(name) not in (None, "")}
    except AnsibleError as error:
        return {"bundle_id": f"{host} ({' '.join(str(error).split())})"}
    return {"key": only, **app} if only else app


class FilterModule:
    """Ansible's way to find it."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        return {"apps_of_hosts": apps_of_hosts}
