# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services and notes that answer as they are told. No call is made."""

from __future__ import annotations

import dataclasses
import typing as t
from types import SimpleNamespace

from unit_support import BUNDLE_ID, ISSUER, KEY_ID

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import (
    RefundsError,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import (
    Credentials,
    Identity,
    Integration,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.permit import Permission, Permit
from ansible_collections.storeops.refunds.plugins.module_utils._model.secret import Secret
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.qonversion import (
    Project,
    Qonversion,
)
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.qonversion_settings import QonversionSettings
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.revenuecat import RevenueCat
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.revenuecat_apps import Apps
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.revenuecat_settings import (
    RevenueCatSettings,
)

PEM = Secret("made-up")
KEY = Credentials(ISSUER, KEY_ID, t.cast(t.Any, SimpleNamespace(fingerprint="f1", pem=PEM)), "/k/a.p8")


def identity(tracker: str, project: str = "game", app: str = BUNDLE_ID) -> Identity:
    """An app at a tracker."""
    return Identity(tracker, project, "production", app)


@dataclasses.dataclass
class Api:
    """Gives prepared answers and keeps what was asked."""

    answers: list[t.Any]
    sent: list[tuple[str, str, t.Any]] = dataclasses.field(default_factory=list)
    more: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)

    def ask(self, doing: str, method: str, path: str, body: t.Any = None, **more: t.Any) -> t.Any:
        """Give the next answer."""
        self.sent.append((method, path, body))
        self.more.append({"doing": doing, **more})
        found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def unexpected(self, doing: str, what: str) -> RefundsError:
        """The error of a strange answer."""
        return RefundsError(f"{doing}: answered with {what}.")


class Noted:
    """The rows of the ledger, and what was done to them."""

    def __init__(self, *rows: Integration) -> None:
        self.rows = {row.identity: row for row in rows}
        self.steps: list[str] = []

    def find(self, whose: Identity) -> Integration | None:
        """Give a row."""
        return self.rows.get(whose)

    def list(self, tracker: str, project: str, environment: str) -> list[Integration]:
        """Give all of a project."""
        wanted = (tracker, project, environment)
        return [row for one, row in self.rows.items() if (one.tracker, one.project, one.environment) == wanted]

    def check_place(self) -> None:
        """Note it."""
        self.steps.append("check")

    def begin(self, integration: Integration) -> None:
        """Note it."""
        assert integration.identity.bundle_id == BUNDLE_ID
        self.steps.append("begin")

    def undo(self, whose: Identity, before: Integration | None) -> None:
        """Note it."""
        assert self.rows.get(whose) == before
        self.steps.append("undo")

    def note(self, integration: Integration) -> None:
        """Keep a row."""
        self.steps.append("note")
        self.rows[integration.identity] = integration

    def forget(self, whose: Identity) -> None:
        """Drop a row."""
        self.steps.append("forget")
        self.rows.pop(whose, None)


APPS = "/v2/projects/a%2Fb/apps"


def entry(number: int = 1, app: str = BUNDLE_ID, has_key: t.Any = True, **more: t.Any) -> dict[str, t.Any]:
    """An entry of RevenueCat."""
    details = {"bundle_id": app, "subscription_key_configured": has_key}
    return {"id": f"app{number}", "type": "app_store", "app_store": details, **more}


def page(*items: t.Any, following: t.Any = None) -> dict[str, t.Any]:
    """A page of entries."""
    return {"items": list(items), "next_page": following}


def apps(*answers: t.Any) -> tuple[Apps, Api]:
    """The entries of a project whose ID has to be quoted."""
    api = Api(list(answers))
    return Apps(t.cast(t.Any, api), "a/b"), api


def permission(is_given: bool, steps: list[t.Any]) -> Permission:
    """The gate for one step."""

    def ask(target: str, what: str) -> Permit | None:
        steps.append((target, what))
        return Permit("delete_app", target, t.cast(t.Any, None)) if is_given else None

    return Permission(ask, lambda permit: steps.append(permit.target))


def revenuecat(
    noted: Noted, *answers: t.Any, steps: list[t.Any] | None = None, **options: t.Any
) -> tuple[RevenueCat, Api]:
    """One project."""
    made, api = apps(*answers)
    settings = RevenueCatSettings(Secret("sk"), "game", **options)
    return RevenueCat(made, t.cast(t.Any, noted), settings, permission(True, [] if steps is None else steps)), api


PATH = "/v4/project-settings/stores/apple"


def shows(app: t.Any = BUNDLE_ID, key_id: t.Any = KEY_ID, has_key: t.Any = True, **more: t.Any) -> dict[str, t.Any]:
    """A configuration."""
    found = {"bundle_id": app, "iap_key_identifier": key_id, "iap_issuer_id": ISSUER, "has_iap_private_key": has_key}
    return {**found, **more}


def qonversion(noted: Noted, *answers: t.Any, **options: t.Any) -> tuple[Qonversion, Api]:
    """One project."""
    api = Api(list(answers))
    return Qonversion(
        Project(t.cast(t.Any, api)), t.cast(t.Any, noted), QonversionSettings(Secret("sk"), "game", **options)
    ), api
