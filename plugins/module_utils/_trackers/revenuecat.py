# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""RevenueCat: the In-App Purchase key of an app entry. Its API shows no more of a key than whether there is one.

Follows RevenueCat's OpenAPI of mid 2026, not run against the live service by this project.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, replace
from urllib.parse import quote

from .._http_errors import NotSent
from .._model.errors import InputError, RefundsError, TransportError
from .._model.identifiers import Environment, shown
from .._model.integration import Credentials, Identity, Integration, Observation, worse
from .._model.secret import Secret
from .json_api import Document, JsonApi, Refused, Service
from .last_applied import LastApplied
from .protocol import NotActive, OnUnknown
from .revenuecat_apps import AppEntry, Apps

HOST = "https://api.revenuecat.com"
SERVICE = Service(
    tracker="revenuecat",
    title="RevenueCat",
    variable="STOREOPS_REVENUECAT_API_KEY",
    key_kind="a secret API key, version 2, of this project (sk_...)",
    needs="the permission project_configuration:apps:read_write",
    place="Correct revenuecat.project_id (the dashboard's address shows it), or give that project's key.",
)
_UPDATE_REFUSED = (
    "If it says that these fields are not allowed, this API does not take a key for an existing entry yet: upload the "
    "key in RevenueCat's dashboard (it stays unknown here: revenuecat.on_unknown). To delete the entry (state: absent "
    "with revenuecat.delete_app: true) and create it anew also ends the public API key that shipped apps use."
)

# Kinds of TransportError after which the service can't have done anything.
_NEVER_SENT = frozenset({"dns", "tcp"})
_PROJECT_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
Secrets = t.Sequence[Secret]


@dataclass(frozen=True)
class Settings:
    """What a task allows. ``app_name`` is that of a created app entry; its bundle ID when None."""

    create_app: bool = False
    app_name: str | None = None
    delete_app: bool = False


@dataclass
class RevenueCat:
    """One project. Environments are not told apart: an entry has one key for both."""

    api: JsonApi
    last_applied: LastApplied
    project: str
    settings: Settings
    on_unknown: OnUnknown
    name: str = SERVICE.tracker
    is_listable: bool = True

    def __post_init__(self) -> None:
        self.apps = Apps(self.api, f"/v2/projects/{quote(self.project, safe='')}/apps")

    def find(self, identity: Identity) -> Integration | None:
        entry = self.apps.find(identity.bundle_id)
        return _held(identity, entry, self.last_applied.find(identity)) if entry else None

    def list(self, environment: Environment) -> list[Integration]:
        noted = {row.identity: row for row in self.last_applied.list(self.name, self.project, environment)}
        found = [
            (Identity(self.name, self.project, environment, entry.bundle_id), entry) for entry in self.apps.entries()
        ]
        held = [_held(identity, entry, noted.get(identity)) for identity, entry in found]
        return sorted(held, key=lambda each: each.identity.bundle_id)

    def observe(self, desired: Integration, current: Integration | None, changed: bool) -> Observation:
        if current is None and not self.settings.create_app:
            raise self._missing(desired.identity.bundle_id)
        # Who can't know that the declared key is the one that is there can't call it Active.
        is_known = changed or (current is not None and current.key_fingerprint is not None)
        return Observation(desired.status if is_known else worse(desired.status, "Unknown"))

    def save(self, integration: Integration, credentials: Credentials) -> Integration:
        identity = integration.identity
        before = self.last_applied.find(identity)
        self.last_applied.begin(integration)
        try:
            entry = self._applied(identity.bundle_id, credentials)
        except Refused as error:
            if error.status < 500:
                self.last_applied.undo(identity, before)
            raise
        if not entry.has_key:
            held = replace(integration, issuer_id=None, key_id=None, key_fingerprint=None, status="Failed")
            raise NotActive(
                f"{identity.bundle_id}: RevenueCat took the key and still shows subscription_key_configured: false.",
                held,
                "Look at the app's In-app purchase key configuration in RevenueCat's dashboard.",
            )
        self.last_applied.note(integration)
        return integration

    def note(self, integration: Integration) -> None:
        self.last_applied.note(integration)

    def irremovable(self, identity: Identity) -> str:
        if self.settings.delete_app:
            return ""
        return (
            "RevenueCat's API has no documented way to clear an In-App Purchase key. Remove it in the dashboard, "
            "or set revenuecat.delete_app: true, which deletes the whole app entry with its public API key."
        )

    def remove(self, identity: Identity) -> None:
        self.apps.delete(identity.bundle_id)
        self.last_applied.forget(identity)

    def __enter__(self) -> RevenueCat:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.last_applied.close()

    def _applied(self, bundle_id: str, credentials: Credentials) -> AppEntry:
        """Put the key where it belongs, and return the entry as the service shows it then."""
        fields, secrets = _key_fields(credentials), (credentials.private_key.pem,)
        entry = self.apps.find(bundle_id)
        return self._updated(entry, fields, secrets) if entry else self._created(bundle_id, fields, secrets)

    def _created(self, bundle_id: str, fields: Document, secrets: Secrets) -> AppEntry:
        name = self.settings.app_name or bundle_id
        try:
            return self.apps.create(name, {"bundle_id": bundle_id, **fields}, secrets)
        except Refused as error:
            if error.status < 500 and error.status != 409:
                raise
            # A conflict is with an entry that someone else made.
            return self._looked_up(bundle_id, fields, secrets, error, is_ours=error.status != 409)
        except TransportError as error:
            if isinstance(error, NotSent) or error.kind in _NEVER_SENT:
                raise
            return self._looked_up(bundle_id, fields, secrets, error, is_ours=True)

    def _looked_up(
        self, bundle_id: str, fields: Document, secrets: Secrets, error: RefundsError, is_ours: bool
    ) -> AppEntry:
        """Look whether an entry was created although the answer was lost: there must never be a second one."""
        self.apps.forget()
        try:
            entry = self.apps.find(bundle_id)
        except (TransportError, Refused):
            entry = None
        if entry is None:
            raise RefundsError(
                f"{error.message} Whether {bundle_id} was created at RevenueCat is not known.",
                "Run again: the list of apps is read first, so that no second one is created.",
            ) from None
        return entry if is_ours and entry.has_key else self._updated(entry, fields, secrets)

    def _updated(self, entry: AppEntry, fields: Document, secrets: Secrets) -> AppEntry:
        try:
            return self.apps.update(entry, fields, secrets)
        except Refused as error:
            if error.status != 400:
                raise
            raise Refused(400, error.message, _UPDATE_REFUSED) from None

    def _missing(self, bundle_id: str) -> InputError:
        near = [entry.bundle_id for entry in self.apps.entries() if entry.bundle_id.lower() == bundle_id.lower()]
        hint = f" It has {shown(near[0])}, which differs in capitals only." if near else ""
        return InputError(
            "revenuecat.create_app",
            f"{bundle_id} is no App Store app of project {shown(self.project)}, and it is not created unasked.{hint}",
            "Correct bundle_id or revenuecat.project_id, or set revenuecat.create_app: true.",
        )


def parse_project_id(text: str) -> str:
    """Return the project ID. Raises InputError when there is none, or something that is no ID."""
    next_step = "Give the ID that stands in the dashboard's address after /projects/, such as proj1ab2c3d4."
    if not text:
        raise InputError("revenuecat.project_id", "is required with tracker: revenuecat.", next_step)
    if not _PROJECT_ID.fullmatch(text):
        raise InputError("revenuecat.project_id", f"{shown(text)} is no project ID.", next_step)
    return text


def _key_fields(credentials: Credentials) -> Document:
    return {
        "subscription_private_key": credentials.private_key.pem.reveal(),
        "subscription_key_id": credentials.key_id,
        "subscription_key_issuer": credentials.issuer_id,
    }


def _held(identity: Identity, entry: AppEntry, noted: Integration | None) -> Integration:
    """Return what is known of an entry: the service tells whether there is a key, the ledger which one."""
    if not entry.has_key:
        return Integration(identity, None, None, None, "Absent", is_outdated=True)
    if noted is None:
        return Integration(identity, None, None, None, "Unknown")
    return replace(noted, is_outdated=noted.key_fingerprint is None)
