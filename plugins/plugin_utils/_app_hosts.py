# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apps as hosts: names, variables and groups. What comes from the service stays an untrusted text."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import typing as t
from dataclasses import dataclass

from ansible_collections.storeops.refunds.plugins.module_utils._declared_spec import expanded_path

# One of the results of `_tasks/apps/connect_apps.py`.
App = dict[str, t.Any]

_PREFIX = re.compile(r"[A-Za-z0-9._-]{0,100}")
# Names that mean something else: groups that are always there, and this machine.
_RESERVED = frozenset(("all", "ungrouped", "app_store_released", "app_store_not_released", "localhost", "127.0.0.1"))
_FIELDS: dict[str, tuple[type, ...]] = {
    "bundle_id": (str,),
    "apple_id": (int,),
    "name": (str, type(None)),
    "sku": (str, type(None)),
    "released": (bool, type(None)),
}


@dataclass(frozen=True)
class AppHosts:
    """How the inventory's options want apps to be shown."""

    environment: str
    hostname: str
    prefix: str
    is_local: bool
    has_interpreter: bool

    @property
    def has_sound_prefix(self) -> bool:
        return bool(_PREFIX.fullmatch(self.prefix))

    def name(self, app: App) -> str:
        return f"{self.prefix}{app[self.hostname]}"

    def is_safe(self, name: str) -> bool:
        """Tell whether a name from the service can be a host's.

        Names of groups have no period as a rule: a bundle ID without one could make its app the target of a play for a
        group, or for this machine. With a prefix, the person who writes the inventory decides.
        """
        is_given = bool(self.prefix) or self.hostname == "apple_id"
        return name not in _RESERVED and (is_given or "." in name)

    def variables(self, app: App) -> dict[str, t.Any]:
        """Return the host's variables; ``name`` and ``environment`` alone would be reserved words of Ansible."""
        found = {
            "app_bundle_id": app["bundle_id"],
            "app_apple_id": app["apple_id"],
            "app_name": app["name"],
            "app_sku": app["sku"],
            "app_environment": str(self.environment),
        }
        if app["released"] is not None:
            found["app_released"] = app["released"]
        if self.is_local:
            found["ansible_connection"] = "local"
        if self.has_interpreter:
            # Not {{ ansible_playbook_python }}: templates of inventory plugins are not evaluated.
            found["ansible_python_interpreter"] = sys.executable
        return found

    def groups(self, app: App) -> list[str]:
        if app["released"] is None:
            return []
        return ["app_store_released" if app["released"] else "app_store_not_released"]


def left_out(app: App) -> str:
    return (
        f"the app {app['bundle_id']} (Apple ID {app['apple_id']}) is left out: as a host it would have the name of a "
        "group or of this machine. Set hostname_prefix, or hostname: apple_id."
    )


def as_ascii(text: str) -> str:
    """Return a message that looks the same on every terminal and in every log that Ansible writes it to."""
    return text.replace("\N{HORIZONTAL ELLIPSIS}", "...").encode("ascii", "backslashreplace").decode()


def is_sound(held: t.Any) -> bool:
    """Tell whether a cache's entry is what this plugin wrote; anything else is asked for again."""
    return isinstance(held, list) and all(
        isinstance(app, dict)
        and app.keys() == _FIELDS.keys()
        and all(isinstance(app[name], kinds) for name, kinds in _FIELDS.items())
        for app in held
    )


def absolute(path: t.Any, inventory_path: str) -> str | None:
    """Return an option's path, ``~`` and variables replaced, relative to the folder of the inventory file."""
    if not path:
        return None
    folder = os.path.dirname(os.path.abspath(inventory_path))
    return os.path.join(folder, expanded_path(path))


def digest(asked: t.Any) -> str:
    """Return a short name for what was asked, so that a changed inventory file never reads another one's answer."""
    text = json.dumps(asked, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
