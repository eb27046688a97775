# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Qonversion: the App Store configuration of one project. All but the private key can be read back.

Follows Qonversion's documentation of its REST API v4 of 2026, not run against the live service by this project.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from .._model.errors import InputError, RefundsError, after_writing
from .._model.identifiers import ENVIRONMENTS, Environment, shown
from .._model.integration import Credentials, Identity, Integration, Observation, worse
from .json_api import Document, JsonApi, Refused
from .last_applied import LastApplied
from .protocol import NotActive
from .qonversion_settings import SERVICE, QonversionSettings

_PATH = "/v4/project-settings/stores/apple"
_READING = "reading the project's App Store configuration"
# Settings of others that can be read: a save must leave them as they are.
_OTHERS = ("app_id", "connect_key_identifier", "connect_issuer_id", "has_connect_private_key", "has_shared_secret")


@dataclass(frozen=True)
class Config:
    """What a project's App Store configuration shows. Empty texts count as nothing.

    ``has_key``: None where the answer doesn't say.
    """

    bundle_id: str | None
    key_id: str | None
    issuer_id: str | None
    has_key: bool | None
    others: tuple[object, ...]


class Project:
    """One project's configuration, read once for all who work on it."""

    def __init__(self, api: JsonApi) -> None:
        self._api = api
        self._config: Config | None = None

    def read(self) -> Config:
        if self._config is None:
            try:
                self._config = _config(self._api.ask(_READING, "GET", _PATH))
            except Refused as error:
                if error.status != 404 or self._is_elsewhere():
                    raise
                self._config = _config({})
        return self._config

    def save(self, bundle_id: str, credentials: Credentials) -> None:
        """Save the triplet, whole or not at all; what is not sent stays as it is."""
        body: Document = {
            "bundle_id": bundle_id,
            "iap_key_identifier": credentials.key_id,
            "iap_issuer_id": credentials.issuer_id,
            "iap_private_key": credentials.private_key.pem.reveal(),
        }
        if not all(body.values()):
            raise RefundsError(f"{bundle_id}: not sent: Qonversion takes Key ID, Issuer ID and private key together.")
        # One key for all attempts of this save: the service does it once, so that it may be sent again.
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        hidden = (credentials.private_key.pem,)
        self._config = None
        self._api.ask(f"{bundle_id}: saving its key", "POST", _PATH, body, secrets=hidden, headers=headers)

    def _is_elsewhere(self) -> bool:
        """Tell whether a 404 means that this is no Qonversion at all, rather than a project without configuration."""
        try:
            self._api.ask("reading the project's settings", "GET", "/v4/project-settings")
        except Refused:
            return True
        return False


@dataclass
class Qonversion:
    """One project, which has one bundle ID. Environments are not told apart: a project has one key for both."""

    there: Project
    last_applied: LastApplied
    settings: QonversionSettings
    name: str = SERVICE.tracker
    is_listable: bool = True
    has_no_api: bool = False

    def __post_init__(self) -> None:
        self.project, self.on_unknown = self.settings.project, self.settings.on_unknown

    def find(self, identity: Identity) -> Integration | None:
        config = self.there.read()
        if config.bundle_id != identity.bundle_id:
            return None
        return _held(identity, config, self.last_applied.find(identity))

    def list(self, environment: Environment) -> list[Integration]:
        bundle_id = self.there.read().bundle_id
        found = self.find(Identity(self.name, self.project, environment, bundle_id)) if bundle_id else None
        return [found] if found else []

    def observe(self, desired: Integration, current: Integration | None, changed: bool) -> Observation:
        if changed:
            self.last_applied.check_place()
        held, wanted = self.there.read().bundle_id, desired.identity.bundle_id
        if held not in (None, wanted) and not self.settings.replace_bundle:
            case = ", which differs only in capitals" if str(held).lower() == wanted.lower() else ""
            raise InputError(
                "qonversion.replace_bundle",
                f"{wanted}: this Qonversion project is that of {shown(str(held))}{case}, and it has one bundle ID.",
                "Give the qonversion.api_key of this app's own project, or set qonversion.replace_bundle: true.",
            )
        # Who can't know that the declared key is the one that is there can't call it Active.
        is_known = changed or (current is not None and current.key_fingerprint is not None)
        return Observation(desired.status if is_known else worse(desired.status, "Unknown"))

    def save(self, integration: Integration, credentials: Credentials) -> Integration:
        identity, before = integration.identity, self.there.read()
        noted = self.last_applied.find(identity)
        self.last_applied.begin(integration)
        try:
            self.there.save(identity.bundle_id, credentials)
        except RefundsError as error:
            if not error.may_have_changed:
                self.last_applied.undo(identity, noted)
            raise
        with after_writing():
            after = self.there.read()
        fault = _fault(identity.bundle_id, credentials, before, after)
        if fault:
            shown_now = after.bundle_id == identity.bundle_id
            held = Integration(
                identity, after.issuer_id if shown_now else None, after.key_id if shown_now else None, None, "Failed"
            )
            raise NotActive(
                f"{identity.bundle_id}: Qonversion took the key, but {fault}.",
                held,
                "Look at Project Settings, Stores, Apple App Store in Qonversion's dashboard.",
            )
        with after_writing():
            self._forget_replaced(identity, before.bundle_id)
            self.last_applied.note(integration)
        return integration

    def _forget_replaced(self, identity: Identity, bundle_id: str | None) -> None:
        """Forget the app whose place this one took: a project has one, for both environments."""
        for environment in ENVIRONMENTS if bundle_id not in (None, identity.bundle_id) else ():
            self.last_applied.forget(replace(identity, bundle_id=str(bundle_id), environment=environment))

    def note(self, integration: Integration) -> None:
        self.last_applied.note(integration)

    def check_place(self) -> None:
        self.last_applied.check_place()

    def doubt(self, identity: Identity) -> str:
        other = self.there.read().bundle_id
        if other in (None, identity.bundle_id) or self.settings.replace_bundle or not self.last_applied.find(identity):
            return ""
        return (
            f"this Qonversion project is that of {shown(str(other))}, so nobody knows whether the key that was applied "
            "before is gone. Give the qonversion.api_key of this app's own project. If it was this project, "
            "which now has the other app, set qonversion.replace_bundle: true."
        )

    def irremovable(self, identity: Identity) -> str:
        return (
            "Qonversion's API has no documented way to clear an In-App Purchase key. Remove it in Qonversion's "
            "dashboard (Project Settings, Stores, Apple App Store). If that isn't possible, and no other app uses the "
            "key, revoke it in App Store Connect by hand. Then delete the key's file, the key's entry and this app's "
            "entry yourself: site keeps the file of a key that Qonversion still shows."
        )

    def foretell_removal(self, identity: Identity) -> None:
        pass

    def remove(self, identity: Identity) -> None:
        raise RefundsError(f"{identity.bundle_id}: {self.irremovable(identity)}")


def _config(document: Document) -> Config:
    def text(name: str) -> str | None:
        value = document.get(name)
        return value if isinstance(value, str) and value else None

    has_key = document.get("has_iap_private_key")
    return Config(
        bundle_id=text("bundle_id"),
        key_id=text("iap_key_identifier"),
        issuer_id=text("iap_issuer_id"),
        has_key=has_key if isinstance(has_key, bool) else None,
        others=tuple(document.get(name) for name in _OTHERS),
    )


def _held(identity: Identity, config: Config, noted: Integration | None) -> Integration:
    """Return what is known: the service shows the IDs, the ledger which private key was saved under them."""
    accepted_at = noted.accepted_at if noted else None
    shown_there = Integration(identity, config.issuer_id, config.key_id, None, "Unknown", accepted_at=accepted_at)
    has_key = bool(config.key_id or config.issuer_id) if config.has_key is None else config.has_key
    if not has_key:
        return replace(shown_there, status="Absent", is_outdated=True)
    if noted is None:
        return shown_there
    if noted.key_fingerprint and (noted.issuer_id, noted.key_id) == (config.issuer_id, config.key_id):
        return noted
    # Someone changed it there since, or a save of ours had no certain end.
    return replace(shown_there, app_apple_id=noted.app_apple_id, is_outdated=True)


def _fault(bundle_id: str, credentials: Credentials, before: Config, after: Config) -> str:
    """Return what is not as it should be after a save, empty when all is."""
    triplet = (
        ("bundle ID", after.bundle_id, bundle_id),
        ("Key ID", after.key_id, credentials.key_id),
        ("Issuer ID", after.issuer_id, credentials.issuer_id),
    )
    wrong = [
        f"shows {f'{name} {shown(now)}' if now else f'no {name}'}, and {sent} was sent"
        for name, now, sent in triplet
        if sent != now
    ]
    if after.has_key is False:
        wrong.append("says that it has no private key (has_iap_private_key: false)")
    if wrong:
        return "; ".join(wrong)
    if after.has_key is None:
        return "does not say whether it has the private key (has_iap_private_key)"
    lost = [
        f"{name} was {shown(str(old))} and is {'missing' if new is None else shown(str(new))} now"
        for name, old, new in zip(_OTHERS, before.others, after.others, strict=True)
        if old and old != new
    ]
    return f"other settings changed: {'; '.join(lost)}" if lost else ""
