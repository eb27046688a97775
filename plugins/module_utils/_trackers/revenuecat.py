# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""RevenueCat: the In-App Purchase key of an app entry. Its API shows no more of a key than whether there is one.

Follows RevenueCat's OpenAPI of mid 2026, not run against the live service by this project.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._model.errors import InputError, RefundsError, TransportError, after_writing
from .._model.identifiers import Environment, shown
from .._model.integration import Credentials, Identity, Integration, Observation, worse
from .._model.permit import Permission
from .._model.secret import Secret
from .json_api import Document, Refused
from .last_applied import LastApplied
from .protocol import NotActive
from .revenuecat_apps import AppEntry, Apps
from .revenuecat_settings import SERVICE, RevenueCatSettings

_UPDATE_REFUSED = (
    "If it says that these fields are not allowed, this API does not take a key for an existing entry yet: upload the "
    "key in RevenueCat's dashboard (it stays unknown here: revenuecat.on_unknown). To delete the entry (state: absent "
    "with revenuecat.delete_app: true) and create it anew also ends the public API key that shipped apps use."
)

_NAME_TAKEN = (
    "The project has no entry with this bundle ID. If the name {} is taken, give another one in revenuecat.app_name "
    "for this app."
)

Secrets = t.Sequence[Secret]


@dataclass
class RevenueCat:
    """One project. Environments are not told apart: an entry has one key for both."""

    apps: Apps
    last_applied: LastApplied
    settings: RevenueCatSettings
    may_delete: Permission
    name: str = SERVICE.tracker
    is_listable: bool = True
    has_no_api: bool = False

    def __post_init__(self) -> None:
        self.project, self.on_unknown = self.settings.project, self.settings.on_unknown

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
        if changed:
            self.last_applied.check_place()
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
        except RefundsError as error:
            if not error.may_have_changed:
                self.last_applied.undo(identity, before)
            raise
        if entry.has_key is False:
            held = replace(integration, issuer_id=None, key_id=None, key_fingerprint=None, status="Failed")
            raise NotActive(
                f"{identity.bundle_id}: RevenueCat took the key and still shows subscription_key_configured: false.",
                held,
                "Look at the app's In-app purchase key configuration in RevenueCat's dashboard.",
            )
        with after_writing():
            self.last_applied.note(integration)
        return integration

    def note(self, integration: Integration) -> None:
        self.last_applied.note(integration)

    def check_place(self) -> None:
        self.last_applied.check_place()

    def doubt(self, identity: Identity) -> str:
        return ""

    def irremovable(self, identity: Identity) -> str:
        if self.settings.delete_app:
            return ""
        return (
            "RevenueCat's API has no documented way to clear an In-App Purchase key. Remove it in the dashboard, "
            "or set revenuecat.delete_app: true, which deletes the whole app entry with its public API key."
        )

    def foretell_removal(self, identity: Identity) -> None:
        self.apps.ask_to_delete(identity.bundle_id, self.may_delete)

    def remove(self, identity: Identity) -> None:
        self.apps.delete(identity.bundle_id, self.may_delete)
        with after_writing():
            self.last_applied.forget(identity)

    def _applied(self, bundle_id: str, credentials: Credentials) -> AppEntry:
        """Put the key where it belongs, and return the entry as the service shows it then."""
        fields, secrets = _key_fields(credentials), (credentials.private_key.pem,)
        entry = self.apps.find(bundle_id)
        return self._updated(entry, fields, secrets) if entry else self._created(bundle_id, fields, secrets)

    def _created(self, bundle_id: str, fields: Document, secrets: Secrets) -> AppEntry:
        try:
            return self.apps.create(self._app_name(bundle_id), {"bundle_id": bundle_id, **fields}, secrets)
        except Refused as error:
            if not error.may_have_changed and error.status != 409:
                raise
            return self._looked_up(bundle_id, fields, secrets, error)
        except TransportError as error:
            if not error.may_have_arrived:
                raise
            return self._looked_up(bundle_id, fields, secrets, error)

    def _app_name(self, bundle_id: str) -> str:
        return self.settings.app_name or bundle_id

    def _looked_up(self, bundle_id: str, fields: Document, secrets: Secrets, error: RefundsError) -> AppEntry:
        """Look whether there is an entry after a lost answer or a conflict: there must never be a second one.

        Nothing tells who made it, and with which key: the key is sent again.
        """
        self.apps.forget()
        is_undone = False
        try:
            entry = self.apps.find(bundle_id)
            # The conflict is about something else.
            is_undone = entry is None and isinstance(error, Refused) and not error.may_have_changed
        except RefundsError:
            # That is no list of which other apps wait for the end.
            self.apps.forget()
            entry = None
        if is_undone:
            raise Refused(409, error.message, _NAME_TAKEN.format(shown(self._app_name(bundle_id)))) from None
        with after_writing():
            if entry is None:
                raise RefundsError(
                    error.message, "The next run reads the list of apps first, so that no second one is created."
                ) from None
            return self._updated(entry, fields, secrets)

    def _updated(self, entry: AppEntry, fields: Document, secrets: Secrets) -> AppEntry:
        try:
            return self.apps.update(entry, fields, secrets)
        except Refused as error:
            if error.status != 400:
                raise
            refused = Refused(400, error.message, _UPDATE_REFUSED)
            refused.may_have_changed = error.may_have_changed
            raise refused from None

    def _missing(self, bundle_id: str) -> InputError:
        near = [entry.bundle_id for entry in self.apps.entries() if entry.bundle_id.lower() == bundle_id.lower()]
        hint = f" It has {shown(near[0])}, which differs only in capitals." if near else ""
        return InputError(
            "revenuecat.create_app",
            f"{bundle_id} isn't an App Store app of project {shown(self.project)}, so nothing was changed.{hint}",
            "Correct bundle_id or revenuecat.project_id, or set revenuecat.create_app: true.",
        )


def _key_fields(credentials: Credentials) -> Document:
    return {
        "subscription_private_key": credentials.private_key.pem.reveal(),
        "subscription_key_id": credentials.key_id,
        "subscription_key_issuer": credentials.issuer_id,
    }


def _held(identity: Identity, entry: AppEntry, noted: Integration | None) -> Integration:
    """Return what is known of an entry: the service tells whether there is a key, the ledger which one.

    An entry that doesn't say whether there is one is taken for what the ledger says.
    """
    if entry.has_key is False:
        accepted_at = noted.accepted_at if noted else None
        return Integration(identity, None, None, None, "Absent", is_outdated=True, accepted_at=accepted_at)
    if noted is None:
        return Integration(identity, None, None, None, "Unknown")
    return replace(noted, is_outdated=noted.key_fingerprint is None)
