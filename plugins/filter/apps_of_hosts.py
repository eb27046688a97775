# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a list of apps of hosts that stand for apps."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping

from ansible.errors import AnsibleError

from ansible_collections.storeops.refunds.plugins.module_utils._declared_spec import OF_HOSTS

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
  - An entry has what the host's variables C(app_bundle_id), C(app_apple_id), C(app_name) and C(app_environment) say.
    C(refund_audit_key) is the short name of its key, and C(refund_audit_trackers) are its trackers.
    C(refund_audit_revenuecat), C(refund_audit_qonversion) and C(refund_audit_devtodev) are their options for this app.
  - C(state), C(credential_check) and C(notification_url) of an app have no such variable. They need an entry in a list.
  - C(host) of an entry is the host's name. If an entry of a list, beside the keys or below one, has the same
    bundle ID and environment, that one counts, and the host's is left out.
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
      - The declared keys. A host without C(refund_audit_key) has the only one there is, not counting those with
        C(state=absent).
      - Without them, entries name no key, for a task that has no C(keys) either.
    type: list
    elements: dict
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


def apps_of_hosts(
    hosts: t.Iterable[str], hostvars: Mapping[str, t.Any], keys: t.Sequence[t.Any] | None = None
) -> list[dict[str, t.Any]]:
    """Return an entry for each host that stands for an app. Never raises for what a host's variables are."""
    present = [key for key in keys or () if not isinstance(key, Mapping) or key.get("state") != "absent"]
    only = present[0].get("key") if len(present) == 1 and isinstance(present[0], Mapping) else None
    found = [_app(str(host), hostvars, {"key": only} if only else {}) for host in hosts]
    # A task without keys has none by that name.
    left_out = {"key"} if keys is None else set()
    return [{field: app[field] for field in app if field not in left_out} for app in found if app]


def _app(host: str, hostvars: Mapping[str, t.Any], otherwise: dict[str, t.Any]) -> dict[str, t.Any]:
    try:
        own = hostvars[host]
        if "app_bundle_id" not in own:
            return {}
        said = {field: own[name] for field, name in OF_HOSTS.items() if own.get(name) not in (None, "")}
    except AnsibleError as error:
        return {"host": host, "bundle_id": f"{host} ({' '.join(str(error).split())})"}
    return {"host": host, **otherwise, **said}


class FilterModule:
    """Ansible's way to find it."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        return {"apps_of_hosts": apps_of_hosts}
