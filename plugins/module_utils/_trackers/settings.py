# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tracker's options as frozen settings, for every tracker by its name."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, fields, replace

from .._model.errors import InputError
from .._model.identifiers import Environment
from .options import Options


class Settings(t.Protocol):
    """What every tracker's settings have. They are hashable: equal ones need one tracker."""

    @property
    def tracker(self) -> str: ...

    @property
    def project(self) -> str:
        """Return the tracker's project as the ledger and messages name it; empty where there is none."""

    def __hash__(self) -> int: ...


@dataclass(frozen=True)
class LedgerSettings:
    """The built-in tracker has no projects; where the ledger is, is the task's own matter."""

    tracker: str = "ledger"
    project: str = ""


# What one app's options allow or say of it alone.
_PERMISSIONS = frozenset({"on_unknown", "is_confirmed", "create_app", "app_name", "delete_app", "replace_bundle"})


def for_others(settings: Settings, task: Options) -> Settings:
    """Return one app's options as they serve another one: allowed, or confirmed, is what the task says for all."""
    instance = t.cast(t.Any, settings)
    said = {one.name: task.get(one.name.removeprefix("is_")) or one.default for one in fields(instance)}
    return t.cast(Settings, replace(instance, **{name: said[name] for name in said.keys() & _PERMISSIONS}))


def parse(tracker: str, options: Options, where: str = "") -> Settings:
    """Return the settings of one of TRACKERS. ``where``: the options' path. Raises SettingsError for all faults.

    The options are plain values (what Ansible's specification makes of them); a mode's or a project's fault is found
    here, a browser or a session file that can't be used when the tracker is opened.
    """
    where = where or tracker
    # Imported when used: Ansible compiles a collection's files anew in every process, and most tasks need one of these.
    if tracker == "revenuecat":
        from .revenuecat_settings import parse as parse_revenuecat

        return parse_revenuecat(options, where)
    if tracker == "qonversion":
        from .qonversion_settings import parse as parse_qonversion

        return parse_qonversion(options, where)
    if tracker == "devtodev":
        from .devtodev_settings import parse as parse_devtodev

        return parse_devtodev(options, where)
    return LedgerSettings()


def require_environment(tracker: str, environment: Environment, option: str = "environment") -> None:
    """Raise InputError for an environment that a tracker doesn't tell apart."""
    if tracker != "ledger" and environment != "production":
        raise InputError(
            option,
            f"{tracker} has one key for an app, which serves production and sandbox alike.",
            "Leave environment at production for this tracker.",
        )
