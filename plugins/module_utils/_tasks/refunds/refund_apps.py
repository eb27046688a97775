# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which apps a task reads: the one that it names, or its list."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass, replace

from ..._context import Params
from ..._fields import place, together
from ..._model.errors import InputError, RefundsError
from ..._model.identifiers import parse_bundle_id
from ..._model.integration import Identity
from ..shared.named_keys import app_key_source, check_keys
from ..shared.options import KeySource, environment, identity, key_source

# Fields of a key that the role refund_tracking takes on top of those of a module.
_MAKING = frozenset({"name", "regenerate", "team_id", "mode", "owner", "group"})


@dataclass(frozen=True)
class Wanted:
    """One app. ``source``: the key that the task gives for it, if any."""

    identity: Identity
    app_apple_id: int | None
    source: KeySource
    is_absent: bool = False


def wanted_apps(params: Params) -> list[Wanted]:
    """Return the apps in the order of the list. Raises RefundsError that names every entry with a fault."""
    if params.get("apps") is None:
        # Refunds are kept in the ledger; what other trackers hold of the app has no part in it.
        one = replace(identity({**params, "tracker": "ledger"}), project="")
        return [Wanted(one, params.get("app_apple_id"), key_source(params))]
    keys = check_keys(_for_reading(params.get("keys")))
    found: list[Wanted] = []
    faults: list[str] = []
    for index, app in enumerate(params["apps"]):
        try:
            found.append(_wanted(app, index, keys, params))
        except InputError as error:
            faults.append(str(error))
    counted = Counter(one.identity for one in found)
    faults += [
        f"apps: {one.bundle_id} ({one.environment}) is listed {count} times."
        for one, count in counted.items()
        if count > 1
    ]
    if faults:
        raise RefundsError(together("apps", faults))
    return found


def _for_reading(keys: t.Any) -> t.Any:
    """Return named keys without the fields that make a key; a reader has no use for them."""
    if not isinstance(keys, dict) or not all(isinstance(fields, dict) for fields in keys.values()):
        return keys
    return {
        name: {field: value for field, value in fields.items() if field not in _MAKING} for name, fields in keys.items()
    }


def _wanted(app: Params, index: int, keys: t.Mapping[str, Params], params: Params) -> Wanted:
    where = place("apps", index, app["bundle_id"])
    bundle_id = parse_bundle_id(app["bundle_id"], f"{where}: bundle_id")
    one = Identity(
        "ledger", "", environment({"environment": app.get("environment") or params["environment"]}), bundle_id
    )
    is_absent = (app.get("state") or params["state"]) == "absent"
    return Wanted(one, app.get("app_apple_id"), app_key_source(app, index, keys, params), is_absent)
