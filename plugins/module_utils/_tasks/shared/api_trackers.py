# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the settings of RevenueCat and Qonversion to their trackers. Each project is read once for a task."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ..._decisions.irreversible import Gate
from ..._http import Transport
from ..._model.permit import Permission, Permit
from ..._trackers.json_api import JsonApi
from ..._trackers.last_applied import LastApplied
from ..._trackers.protocol import Tracker
from ..._trackers.qonversion import Project, Qonversion
from ..._trackers.qonversion_settings import SERVICE as QONVERSION
from ..._trackers.qonversion_settings import QonversionSettings
from ..._trackers.revenuecat import RevenueCat
from ..._trackers.revenuecat_apps import Apps
from ..._trackers.revenuecat_settings import SERVICE as REVENUECAT
from ..._trackers.revenuecat_settings import RevenueCatSettings, not_found_step
from ..._trackers.settings import Settings


@dataclass
class Projects:
    """The projects that a task has asked, by address, API key and ID: settings may differ and mean the same one."""

    transport: Transport
    gate: Gate
    _apps: dict[t.Hashable, Apps] = field(default_factory=dict, init=False)
    _qonversion: dict[t.Hashable, Project] = field(default_factory=dict, init=False)

    def revenuecat(self, settings: RevenueCatSettings) -> Apps:
        key = (settings.url, settings.api_key, settings.project)
        if key not in self._apps:
            service = replace(REVENUECAT, place=not_found_step(settings.project))
            api = JsonApi(self.transport, service, settings.url.removesuffix("/v2"), settings.api_key)
            self._apps[key] = Apps(api, settings.project)
        return self._apps[key]

    def qonversion(self, settings: QonversionSettings) -> Project:
        key = (settings.url, settings.api_key)
        if key not in self._qonversion:
            api = JsonApi(self.transport, QONVERSION, settings.url.removesuffix("/v4"), settings.api_key)
            self._qonversion[key] = Project(api)
        return self._qonversion[key]


def _deletions(gate: Gate, settings: RevenueCatSettings) -> Permission:
    asked_by = "revenuecat.delete_app: true" if settings.delete_app else ""

    def ask(bundle_id: str, what: str) -> Permit | None:
        return gate.ask("delete_app", bundle_id, asked_by, what, "RevenueCat's list of apps")

    return Permission(ask, gate.done)


def open_api_tracker(settings: Settings, last_applied: LastApplied, projects: Projects) -> Tracker:
    if isinstance(settings, RevenueCatSettings):
        return RevenueCat(projects.revenuecat(settings), last_applied, settings, _deletions(projects.gate, settings))
    if isinstance(settings, QonversionSettings):
        return Qonversion(projects.qonversion(settings), last_applied, settings)
    raise AssertionError(settings.tracker)
