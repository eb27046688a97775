# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which options a default of an action group may set."""

from __future__ import annotations

import typing as t

from . import _argument_spec

# The action groups of `meta/runtime.yml`, each with the options that a default of the group may set: every member has
# them, since Ansible refuses a default that a member lacks.
GROUPS: t.Mapping[str, tuple[str, ...]] = {
    "http": tuple(_argument_spec.HTTP),
    "keys": ("issuer_id", "private_key_file_policy"),
    "apple": ("environment", "app_store_server_url"),
    "app_store_server": ("app_store_server_url",),
    "ledger": ("ledger",),
    "trackers": ("tracker", "revenuecat", "qonversion", "devtodev", "credential_check", "wait_timeout"),
    "refunds": tuple(_argument_spec.ROOT),
    "app_store_connect": tuple(_argument_spec.SESSION),
    "app_store_connect_api": tuple(_argument_spec.CONNECT_API),
}
