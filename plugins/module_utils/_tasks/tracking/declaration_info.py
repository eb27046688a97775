# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_tracking_declaration_info: whether keys and apps can be used, before anything is asked or done."""

from __future__ import annotations

import os
import typing as t

from ... import _argument_spec
from ..._context import Context, Params, Results, Task
from ..._declaration.apps import App
from ..._declaration.declaration import Declaration, refuse
from ..._declaration.keys import Entry
from ..._declaration.meant_key import TWIN_STEP, MeantKey
from ..._declaration.variables import meant_as_defaults, misspelt, of_others
from ..._declared_spec import expanded_path
from ..._model.identifiers import ENVIRONMENTS, shown
from ..._model.key_name import is_same_name
from ..._model.text import few
from .request import declaration_request

_EMPTY = (
    "No keys and no apps are declared, so there is nothing to do. Check the names of the variables, such as "
    "refund_tracking_keys."
)
_RELATIVE = "is relative. Give an absolute path, or one from ~."


def run(params: Params, context: Context) -> Results:
    asked = declaration_request(params)
    declaration = asked.declaration
    of_apps = {app.fault for app in declaration.apps if app.fault}
    faults = [
        *(fault for fault in declaration.faults if asked.is_strict or fault not in of_apps),
        *_keys(asked.keys, declaration),
    ]
    variables = [
        *misspelt(asked.variables),
        *([] if declaration.keys or declaration.apps or declaration.faults or not asked.needs_some else [_EMPTY]),
        *(f"{name}: {path} {_RELATIVE}" for name, path in asked.paths.items() if _is_relative(path)),
    ]
    refuse(faults, variables)
    aside = (*meant_as_defaults(asked.variables), *of_others(asked.variables, asked.prefix))
    for text in (*declaration.unusual(), *aside):
        context.warn(text)
    sound = [app for app in declaration.apps if not app.fault]
    return {
        "changed": False,
        "declaration": {
            "key_names": list(declaration.keys),
            "absent_keys": [name for name, key in declaration.keys.items() if key.is_absent],
            "apps": {
                place: _names(app.bundle_id for app in sound if app.environment == place) for place in ENVIRONMENTS
            },
            "trackers": _names(one.tracker for app in sound for one in app.settings),
            "default_tracker": asked.default_tracker,
            "notification_urls": _notification_urls(sound),
        },
    }


def _notification_urls(apps: t.Iterable[App]) -> list[dict[str, str]]:
    """Return the apps that declare where Apple sends their notifications, as app_store_notification_url takes them."""
    found: dict[str, dict[str, str]] = {}
    for app in apps:
        if app.notification_url and not app.is_absent:
            entry = found.setdefault(app.bundle_id, {"bundle_id": app.bundle_id})
            entry[f"{app.environment}_url"] = app.notification_url
    return list(found.values())


def _names(names: t.Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _keys(entries: t.Sequence[Entry], declaration: Declaration) -> t.Iterator[str]:
    """Yield what is wrong with a key in a role: there, a relative path would be one in the collection's folder."""
    present: list[MeantKey] = []
    for one in entries:
        if one.fields.get("state") != "absent":
            meant = _meant(one, declaration)
            twin = next(filter(meant.is_twin, present), None)
            if twin:
                yield f"{one.place}: name {shown(str(meant.name))} is that of {twin.place}, too. {TWIN_STEP}"
            present.append(meant)
    for one in entries:
        where, entry = one.place, one.fields
        path = entry.get("private_key_path")
        if _is_relative(path):
            yield f"{where}: private_key_path {path} {_RELATIVE}"
        if entry.get("name") and not path and not entry.get("private_key_content"):
            yield f"{where}: has a name and no private_key_path. Say where its .p8 file is to lie."
        if entry.get("state") != "absent":
            continue
        users = _users(declaration, entry.get("key"))
        if users:
            step = "Give them another key, or state: absent."
            yield f"{where}: is to be absent, and apps are declared with it ({users}). {step}"
        told = next(filter(None, (_same(_meant(one, declaration), other) for other in present)), "")
        if told:
            yield f"{where}: is to be absent, and {told}"


def _users(declaration: Declaration, name: t.Any) -> str:
    """Return the apps that are to be there with a key, the first few of them."""
    apps = [app.bundle_id for app in declaration.apps if app.key and app.key.name == name and not app.is_absent]
    return few(apps)


def _meant(entry: Entry, declaration: Declaration) -> MeantKey:
    fields = entry.fields
    return MeantKey.of(entry.place, declaration.keys.get(entry.name), fields.get("name"), fields.get("team_id"))


def _same(gone: MeantKey, present: MeantKey) -> str:
    """Return that the other entry means the same key, and what to do; empty where that isn't known."""
    if gone.key_id:
        same = f"{present.place} has the same key_id. Correct one of them."
        return same if gone.key_id == present.key_id else ""
    # By its name, a key is found that has it, whichever of the two was meant.
    same = f"{present.place} has the same name. Correct one of them, or give the key_id of the one that is to go."
    return same if is_same_name(gone.name, present.name) and gone.may_share_team(present) else ""


def _is_relative(path: str | None) -> bool:
    return bool(path) and not os.path.isabs(expanded_path(path))


TASK = Task(_argument_spec.declaration_info(), run)
