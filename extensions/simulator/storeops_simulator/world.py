# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The world: who exists at the vendors. Immutable; a change makes a new world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric import ec

from .connect_api_world import ConnectApiSettings
from .devtodev_world import DevtodevAccount
from .notification_settings import Clock, NotificationSettings
from .notifications import Notification
from .purchases import Purchases, Transaction
from .qonversion_world import QonversionAccount
from .refund_year import RefundYear
from .revenuecat_world import RevenueCatAccount
from .web_sessions import ConnectSettings, WebSession

KeyKind = Literal["iap_keys", "app_store_connect_keys"]
KEY_KINDS: Final[tuple[KeyKind, ...]] = ("iap_keys", "app_store_connect_keys")
"""A team's two lists of keys, under the names that the world and the control API use."""


@dataclass(frozen=True)
class Key:
    """A key as the vendor holds it: the public part only. Times are UNIX seconds."""

    key_id: str
    name: str | None
    active: bool
    public_key: ec.EllipticCurvePublicKey
    created_at: float | None = None
    revoked_at: float | None = None
    last_used_at: float | None = None
    downloadable: bool = True
    """False bars the download, even while the private key is still here."""
    private_key_encoding: str | None = None

    def with_active(self, active: bool, now: float) -> Key:
        """Give this key revoked or restored."""
        revoked_at = None if active else (self.revoked_at or now)
        return replace(self, active=active, revoked_at=revoked_at)


@dataclass(frozen=True)
class App:
    """One app of a team."""

    bundle_id: str
    apple_id: int
    name: str | None = None
    released: bool = True
    transactions: tuple[Transaction, ...] = ()
    notifications: tuple[Notification, ...] = ()
    sku: str | None = None
    subscription_status_url: str | None = None
    """Where server notifications go; the version is V1 or V2, and only V2 has a history."""
    subscription_status_url_version: str | None = None
    subscription_status_url_for_sandbox: str | None = None
    subscription_status_url_version_for_sandbox: str | None = None

    def notification_url(self, environment: str) -> tuple[str | None, str | None]:
        """Give where notifications go, and their version; `environment` as the URL has it.

        A sandbox without a URL of its own has that of production.
        """
        if environment == "sandbox" and self.subscription_status_url_for_sandbox is not None:
            return self.subscription_status_url_for_sandbox, self.subscription_status_url_version_for_sandbox
        return self.subscription_status_url, self.subscription_status_url_version

    def v2_url(self, environment: str) -> str | None:
        """Give where notifications of version 2 go."""
        url, version = self.notification_url(environment)
        return url if version == "V2" else None

    def has_v2_url(self, environment: str) -> bool:
        """Tell whether notifications of version 2 go anywhere."""
        return self.v2_url(environment) is not None


@dataclass(frozen=True)
class Team:
    """One team of App Store Connect; its issuer ID serves both kinds of keys."""

    issuer_id: str
    name: str | None = None
    iap_keys: tuple[Key, ...] = ()
    app_store_connect_keys: tuple[Key, ...] = ()
    apps: tuple[App, ...] = ()
    provider_id: int = 0
    """The team's number in App Store Connect's web session."""

    def keys(self, kind: KeyKind) -> tuple[Key, ...]:
        """Give the keys of one kind."""
        return self.iap_keys if kind == "iap_keys" else self.app_store_connect_keys

    def with_keys(self, kind: KeyKind, keys: tuple[Key, ...]) -> Team:
        """Give this team with other keys of one kind."""
        if kind == "iap_keys":
            return replace(self, iap_keys=keys)
        return replace(self, app_store_connect_keys=keys)


@dataclass(frozen=True)
class HeldKey:
    """A key and where it is registered."""

    team: Team
    kind: KeyKind
    key: Key


@dataclass(frozen=True)
class HeldApp:
    """An app and its team."""

    team: Team
    app: App


@dataclass(frozen=True)
class World:
    """Everything that exists, and the indexes to find it (built at the first use)."""

    teams: tuple[Team, ...] = ()
    rate_limits: Mapping[str, int] = field(default_factory=dict)
    key_propagation_s: float = 0.0
    """How long after `created_at` the App Store Server API first knows an IAP key."""
    sessions: tuple[WebSession, ...] = ()
    connect: ConnectSettings = field(default_factory=ConnectSettings)
    connect_api: ConnectApiSettings = field(default_factory=ConnectApiSettings)
    revenuecat: RevenueCatAccount = field(default_factory=RevenueCatAccount)
    qonversion: QonversionAccount = field(default_factory=QonversionAccount)
    devtodev: DevtodevAccount = field(default_factory=DevtodevAccount)
    server_notifications: NotificationSettings = field(default_factory=NotificationSettings)
    clock: Clock = field(default_factory=Clock)
    refund_year: RefundYear | None = None
    """Generated purchases and notifications, beside those that the apps have."""

    @cached_property
    def keys(self) -> Mapping[str, HeldKey]:
        """Keys of both kinds by Key ID."""
        return {held.key.key_id: held for held in self._all_keys()}

    @cached_property
    def apps(self) -> Mapping[str, HeldApp]:
        """Apps by bundle ID."""
        return {app.bundle_id: HeldApp(team, app) for team in self.teams for app in team.apps}

    @cached_property
    def folded_bundle_ids(self) -> frozenset[str]:
        """Bundle IDs without their capitals, to name that mistake in the call log."""
        return frozenset(bundle_id.casefold() for bundle_id in self.apps)

    @cached_property
    def shops(self) -> tuple[Purchases, ...]:
        """All transactions with their IDs and customers: those of the apps, then the generated ones."""
        written = Purchases()
        for held in self.apps.values():
            for transaction in held.app.transactions:
                written.add(held.app.bundle_id, transaction)
        return (written,) if self.refund_year is None else (written, self.refund_year.purchases)

    def find_transaction(self, bundle_id: str, environment: str, transaction_id: str) -> Transaction | None:
        """Find a transaction of an app; `environment` as the wire has it (Production, Sandbox)."""
        for shop in self.shops:
            found = shop.find(environment, transaction_id)
            if found is not None:
                return found[1] if found[0] == bundle_id else None
        return None

    def purchases_with(self, bundle_id: str, environment: str, any_id: str) -> list[Transaction]:
        """Give all transactions of the customer who has that ID in an app; none for an unknown one."""
        owners = (shop.owner(bundle_id, environment, any_id) for shop in self.shops)
        owner = next((each for each in owners if each is not None), None)
        if owner is None:
            return []
        return [each for shop in self.shops for each in shop.of(bundle_id, environment, owner)]

    def bundle_id_of(self, environment: str, transaction_id: str) -> str | None:
        """Find the app of a transaction."""
        found = (shop.find(environment, transaction_id) for shop in self.shops)
        return next((each[0] for each in found if each is not None), None)

    @cached_property
    def _histories(self) -> dict[tuple[str, str], tuple[Notification, ...]]:
        return {}

    def notifications(self, bundle_id: str, environment: str) -> tuple[Notification, ...]:
        """Give an app's notifications by signed date; `environment` as the wire has it."""
        place = (bundle_id, environment)
        if place not in self._histories:
            written = self.apps[bundle_id].app.notifications
            mine = [each for each in written if each.environment == environment]
            year = self.refund_year.notifications.get(place, ()) if self.refund_year else ()
            self._histories[place] = tuple(sorted((*mine, *year), key=lambda each: each.signed_date))
        return self._histories[place]

    def team(self, issuer_id: str) -> Team | None:
        """Find a team."""
        return next((team for team in self.teams if team.issuer_id == issuer_id), None)

    def with_team(self, changed: Team) -> World:
        """Give this world with one team replaced (found by its issuer ID)."""
        teams = tuple(changed if team.issuer_id == changed.issuer_id else team for team in self.teams)
        return replace(self, teams=teams)

    def with_session(self, number: int, changed: WebSession) -> World:
        """Give this world with one session replaced (found by its place in the list)."""
        sessions = (*self.sessions[:number], changed, *self.sessions[number + 1 :])
        return replace(self, sessions=sessions)

    def with_key(self, held: HeldKey, changed: Key) -> World:
        """Give this world with one key replaced (found by its Key ID)."""
        keys = tuple(changed if key.key_id == changed.key_id else key for key in held.team.keys(held.kind))
        return self.with_team(held.team.with_keys(held.kind, keys))

    def with_app(self, held: HeldApp, changed: App) -> World:
        """Give this world with one app replaced (found by its bundle ID)."""
        apps = tuple(changed if app.bundle_id == changed.bundle_id else app for app in held.team.apps)
        return self.with_team(replace(held.team, apps=apps))

    def _all_keys(self) -> Iterator[HeldKey]:
        for team in self.teams:
            for kind in KEY_KINDS:
                for key in team.keys(kind):
                    yield HeldKey(team, kind, key)
