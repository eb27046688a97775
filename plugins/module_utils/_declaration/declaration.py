# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The declaration of a task: one app with its key, or lists of keys and apps."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._context import Params
from .._fields import together
from .._model.errors import InputError, RefundsError
from .apps import App, AppReader, Entry, entries_of
from .keys import KeySource, declared_keys, has_unusual_id


def refuse(faults: t.Iterable[str], variables: t.Iterable[str] = ()) -> None:
    """Raise RefundsError that names all faults at once, each once; nothing without any.

    ``variables``: faults of what isn't an entry of keys or apps. They are told first, and aren't counted as entries.
    """
    told = together("keys and apps", tuple(dict.fromkeys(faults)))
    text = " ".join(filter(None, (*dict.fromkeys(variables), told)))
    if text:
        raise RefundsError(text)


@dataclass(frozen=True)
class Declaration:
    """``keys`` by short name. ``key_faults``: one text for each entry of ``keys`` that can't be used."""

    keys: t.Mapping[str, KeySource]
    apps: tuple[App, ...]
    key_faults: tuple[str, ...] = ()

    @property
    def faults(self) -> tuple[str, ...]:
        """Return one text for each entry that can't be used, keys before apps."""
        return tuple(dict.fromkeys((*self.key_faults, *(app.fault for app in self.apps if app.fault))))

    def require(self) -> Declaration:
        """Return it. Raises RefundsError that names all faults at once."""
        refuse(self.faults)
        return self

    def unusual(self) -> t.Iterator[str]:
        """Yield what is no fault and should be looked at."""
        for source in self.keys.values():
            if has_unusual_id(source):
                yield (
                    f"{source.where}key_id {source.key_id} isn't 10 capital letters and digits, such as 2X9R4HXF34. "
                    "Compare it with App Store Connect."
                )


def declare(params: Params) -> Declaration:
    """Return the lists ``keys`` and ``apps`` of a task. Never raises: what is wrong are its ``faults``."""
    faults: list[str] = []
    keys = declared_keys(params, faults)
    reader = AppReader(params, keys)
    apps = reader.read_all(entries_of(params))
    return Declaration(keys, apps, tuple(faults))


def has_lists(params: Params) -> bool:
    """Tell whether a task declares lists, rather than the one app of its own options.

    Keys without an app are none: beside a bundle ID they would let a task end well that did nothing.
    """
    if params.get("apps") is not None or next(entries_of(params), None):
        return True
    return params.get("keys") is not None and not params.get("bundle_id")


def declare_one(params: Params) -> App:
    """Return the one app that a task without lists names. Raises InputError for the first thing that is wrong."""
    if not params.get("bundle_id"):
        raise InputError("bundle_id", "is required.", "Give the app's bundle ID, such as com.example.game.")
    app = AppReader(params, {}).read(Entry("", {**params, "key": None, "trackers": None}, None))
    if app.fault:
        raise RefundsError(app.fault)
    return app
