# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of a task's apps: whatever is wrong in it is named before anything is done; each key is read once."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ..._argument_spec import KEY_FIELDS
from ..._context import Context, Params
from ..._fields import place, together
from ..._model.errors import InputError, RefundsError
from ..._model.identifiers import Environment, parse_bundle_id
from ..._model.integration import Credentials
from ..._model.private_key import KeyProblem
from ..shared.named_keys import app_key_source, check_keys
from ..shared.options import KeySource, load_credentials, warn_about_name


@dataclass(frozen=True)
class LoadedKey:
    """A key as it was given, and what came of reading it: credentials, or the problem."""

    source: KeySource
    credentials: Credentials | None
    problem: KeyProblem | None

    def group(self, bundle_id: str) -> tuple[str, ...]:
        """Return what apps have in common whose key is the same; ``bundle_id`` is that of the app."""
        credentials, source = self.credentials, self.source
        if credentials is None:
            return (source.issuer_id or "", source.key_id or "", "", bundle_id)
        return (credentials.issuer_id, credentials.key_id, credentials.private_key.fingerprint)


@dataclass(frozen=True)
class ListedApp:
    """One entry of ``apps``. ``key`` is None for an app that needs none; ``fields`` are the entry's own options.

    ``fault``: what is wrong with the entry. It then has no key, and may have its place
    for a name. ``unfinished``: its key where only IDs are missing, which the ledger may know.
    """

    bundle_id: str
    environment: Environment
    key: LoadedKey | None
    fields: Params
    fault: str = ""
    unfinished: KeySource | None = None


@dataclass
class KeyReader:
    """Reads each key once, however many apps share it."""

    context: Context
    _read: dict[t.Hashable, LoadedKey] = field(default_factory=dict)

    def load(self, source: KeySource) -> LoadedKey:
        """Return the key. Raises InputError for options; what is wrong with the key itself is its ``problem``."""
        identity = replace(source, where="")
        if identity not in self._read:
            self._read[identity] = self._load(source)
        return self._read[identity]

    def _load(self, source: KeySource) -> LoadedKey:
        try:
            credentials = load_credentials(source, self.context.check_mode)
        except KeyProblem as problem:
            return LoadedKey(source, None, problem)
        except InputError as error:
            if str(error).startswith(source.where):
                raise
            reason = error.message.removeprefix(f"{error.option}: ")
            raise InputError(f"{source.where}{error.option}", reason, error.next_step) from None
        warn_about_name(source, self.context)
        return LoadedKey(source, credentials, None)


def listed_apps(
    params: Params,
    context: Context,
    needs_key: t.Callable[[Params], bool] = lambda app: True,
    keeps_faulty: bool = False,
) -> list[ListedApp]:
    """Return the apps in the order of ``apps``, their keys read.

    ``keeps_faulty``: an entry that can't be used is returned with its ``fault``, so that it stops no other. Without it,
    raises RefundsError that names all such entries at once.
    """
    keys = check_keys(params.get("keys"))
    reader = KeyReader(context)
    found: dict[t.Hashable, LoadedKey] = {}
    seen: dict[tuple[str, str], int] = {}
    apps: list[ListedApp] = []
    errors: list[RefundsError] = []
    for index, app in enumerate(params["apps"]):
        try:
            bundle_id, environment = _identified(app, index, seen, params)
            key = _key(app, index, keys, params, reader, found) if needs_key(app) else None
            apps.append(ListedApp(bundle_id, environment, key, app))
        except InputError as error:
            errors.append(error)
            apps.append(_faulty(app, index, params, str(error), _unfinished(app, index, keys, params)))
    if errors and not keeps_faulty:
        raise errors[0] if len(errors) == 1 else RefundsError(together("apps", [f"{error}" for error in errors]))
    return apps


def _unfinished(app: Params, index: int, keys: t.Mapping[str, Params], params: Params) -> KeySource | None:
    """Return the key of an entry that lacks IDs: App Store Connect made it, and nobody wrote them down."""
    try:
        source = app_key_source(app, index, keys, params)
    except InputError:
        return None
    is_unfinished = source.is_given and (source.issuer_id is None or source.key_id is None)
    return source if is_unfinished else None


def _faulty(app: Params, index: int, params: Params, fault: str, unfinished: KeySource | None) -> ListedApp:
    try:
        name = parse_bundle_id(app["bundle_id"])
    except InputError:
        name = f"apps[{index}]"
    environment = t.cast(Environment, app.get("environment") or params["environment"])
    return ListedApp(name, environment, None, app, fault, unfinished)


def _identified(app: Params, index: int, seen: dict[tuple[str, str], int], params: Params) -> tuple[str, Environment]:
    bundle_id = parse_bundle_id(app["bundle_id"], f"apps[{index}].bundle_id")
    environment = t.cast(Environment, app.get("environment") or params["environment"])
    first = seen.setdefault((bundle_id, environment), index)
    if first != index:
        problem = f"stands in apps[{first}] already, for {environment} as well."
        raise InputError(place("apps", index, bundle_id), problem)
    return bundle_id, environment


def _key(
    app: Params,
    index: int,
    keys: t.Mapping[str, Params],
    params: Params,
    reader: KeyReader,
    found: dict[t.Hashable, LoadedKey],
) -> LoadedKey:
    """Return the app's key. Apps that say the same about their key share the work of finding it."""
    said = (app.get("key"), *(app.get(name) for name in KEY_FIELDS))
    if said not in found:
        found[said] = reader.load(app_key_source(app, index, keys, params))
    return found[said]
