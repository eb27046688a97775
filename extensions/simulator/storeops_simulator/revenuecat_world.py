# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Projects, apps and secret keys of RevenueCat, as the world has them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from .fields import Fields, InputError
from .stored_key import (
    NOTHING_STORED,
    StoredKey,
    read_secret,
    read_stored_key,
    refuse_doubles,
    write_stored_key,
)

APP_IDENTIFIERS: Final[Mapping[str, str | None]] = {
    "app_store": "bundle_id",
    "mac_app_store": "bundle_id",
    "play_store": "package_name",
    "amazon": "package_name",
    "stripe": None,
    "rc_billing": None,
    "roku": None,
    "paddle": None,
    "test_store": None,
}
"""All types of apps, and the member that names the app at its store."""
DOCUMENTED_REQUESTS_PER_MINUTE: Final = 60
READ_PROJECTS: Final = "project_configuration:projects:read"
READ_APPS: Final = "project_configuration:apps:read"
WRITE_APPS: Final = "project_configuration:apps:read_write"
_SCOPES: Final = (READ_PROJECTS, "project_configuration:projects:read_write", READ_APPS, WRITE_APPS)

_ACCOUNT: Final = (
    "accepts_key_on_update",
    "unique_app_names",
    "requests_per_minute",
    "largest_page",
    "api_keys",
    "projects",
)
_API_KEY: Final = ("secret", "scopes", "projects", "api_version")
_PROJECT: Final = ("id", "name", "created_at", "accepts_key_on_update", "apps")
_APP: Final = ("id", "name", "created_at", "type")
_APP_STORE: Final = (
    "bundle_id",
    "has_shared_secret",
    "subscription_key",
    "app_store_connect_api_key",
    "app_store_connect_vendor_number",
)
_ID: Final = (r"[A-Za-z0-9_-]{1,255}", "be letters, digits, hyphens and underscores")
_SECRET: Final = (r"sk_[A-Za-z0-9_]+", "start with sk_, and be letters, digits and underscores")
_LATEST_MS: Final = 10**14


@dataclass(frozen=True)
class ApiKey:
    """A secret key; without `projects` it is good for all of them."""

    secret: str = field(repr=False)
    scopes: tuple[str, ...] = (READ_PROJECTS, WRITE_APPS)
    projects: tuple[str, ...] | None = None
    api_version: int = 2


@dataclass(frozen=True)
class TrackedApp:
    """An app of any type; the keys are for those of the type ``app_store``."""

    app_id: str
    name: str
    type: str
    created_at: int
    identifier: str | None = None
    """The bundle ID or package name, for types that have one."""
    has_shared_secret: bool = False
    subscription_key: StoredKey = NOTHING_STORED
    connect_key: StoredKey = NOTHING_STORED
    vendor_number: str | None = None


@dataclass(frozen=True)
class Project:
    """One project."""

    project_id: str
    name: str
    created_at: int
    apps: tuple[TrackedApp, ...] = ()
    accepts_key_on_update: bool | None = None
    """None is as the account says."""

    def app(self, app_id: str) -> TrackedApp | None:
        """Find an app."""
        return next((app for app in self.apps if app.app_id == app_id), None)

    def with_app(self, changed: TrackedApp) -> Project:
        """Give this project with one app replaced."""
        return replace(self, apps=tuple(changed if app.app_id == changed.app_id else app for app in self.apps))


@dataclass(frozen=True)
class RevenueCatAccount:
    """Everything that RevenueCat holds."""

    projects: tuple[Project, ...] = ()
    api_keys: tuple[ApiKey, ...] = ()
    accepts_key_on_update: bool = True
    unique_app_names: bool = False
    """Whether a second app of a name is refused, in each project."""
    requests_per_minute: int = DOCUMENTED_REQUESTS_PER_MINUTE
    largest_page: int = 1000

    def project(self, project_id: str) -> Project | None:
        """Find a project."""
        return next((each for each in self.projects if each.project_id == project_id), None)

    def with_project(self, changed: Project) -> RevenueCatAccount:
        """Give this account with one project replaced."""
        projects = tuple(changed if each.project_id == changed.project_id else each for each in self.projects)
        return replace(self, projects=projects)

    def takes_keys_on_update(self, project: Project) -> bool:
        """Tell whether the update of an app may bring keys."""
        own = project.accepts_key_on_update
        return self.accepts_key_on_update if own is None else own


def new_app_id() -> str:
    """Make an app ID like those in RevenueCat's documentation."""
    return f"app{secrets.token_hex(5)}"


def read_revenuecat(world: Fields) -> RevenueCatAccount:
    """Read ``revenuecat``."""
    if not world.has("revenuecat"):
        return RevenueCatAccount()
    fields = Fields(world.raw("revenuecat"), world.at("revenuecat"), _ACCOUNT)
    projects = tuple(_read_project(value, path) for path, value in fields.entries("projects"))
    known = tuple(project.project_id for project in projects)
    account = RevenueCatAccount(
        projects=projects,
        api_keys=tuple(_read_api_key(value, path, known) for path, value in fields.entries("api_keys")),
        accepts_key_on_update=fields.boolean("accepts_key_on_update", True),
        unique_app_names=fields.boolean("unique_app_names", False),
        requests_per_minute=_number(fields, "requests_per_minute", 0, DOCUMENTED_REQUESTS_PER_MINUTE),
        largest_page=_number(fields, "largest_page", 1, 1000),
    )
    at = fields.at("projects")
    refuse_doubles((f"{at}[{i}].id", each) for i, each in enumerate(known))
    refuse_doubles(
        (f"{at}[{i}].apps[{j}].id", app.app_id) for i, each in enumerate(projects) for j, app in enumerate(each.apps)
    )
    keys_at = fields.at("api_keys")
    refuse_doubles(((f"{keys_at}[{i}].secret", key.secret) for i, key in enumerate(account.api_keys)), quoted=False)
    return account


def _read_api_key(value: object, path: str, known: tuple[str, ...]) -> ApiKey:
    fields = Fields(value, path, _API_KEY)
    for at, entry in fields.entries("scopes"):
        if entry not in _SCOPES:
            raise InputError(at, f"must be one of {', '.join(_SCOPES)}, not {entry!r}")
    for at, entry in fields.entries("projects"):
        if entry not in known:
            raise InputError(at, "must be the id of a project of this world")
    scopes = tuple(str(entry) for _at, entry in fields.entries("scopes"))
    return ApiKey(
        secret=read_secret(fields, "secret", *_SECRET),
        scopes=scopes if fields.has("scopes") else (READ_PROJECTS, WRITE_APPS),
        projects=tuple(str(entry) for _at, entry in fields.entries("projects")) if fields.has("projects") else None,
        api_version=fields.integer("api_version", 1, 2) if fields.has("api_version") else 2,
    )


def _read_project(value: object, path: str) -> Project:
    fields = Fields(value, path, _PROJECT)
    return Project(
        project_id=fields.text("id", *_ID),
        name=fields.text("name", r"[^\x00]{1,256}"),
        created_at=_number(fields, "created_at", 0, 0, _LATEST_MS),
        apps=tuple(_read_app(entry, at) for at, entry in fields.entries("apps")),
        accepts_key_on_update=(
            fields.boolean("accepts_key_on_update") if fields.has("accepts_key_on_update") else None
        ),
    )


def _read_app(value: object, path: str) -> TrackedApp:
    kind = Fields(value, path, (*_APP, *APP_IDENTIFIERS)).choice("type", APP_IDENTIFIERS)
    identifier = APP_IDENTIFIERS[kind]
    fields = Fields(value, path, (*_APP, kind) if identifier else _APP)
    app = TrackedApp(
        app_id=fields.text("id", *_ID) if fields.has("id") else new_app_id(),
        name=fields.text("name", r"[^\x00]{1,255}"),
        type=kind,
        created_at=_number(fields, "created_at", 0, 0, _LATEST_MS),
    )
    if identifier is None:
        return app
    details = Fields(fields.raw(kind), fields.at(kind), _APP_STORE if kind == "app_store" else (identifier,))
    app = replace(app, identifier=details.text(identifier))
    if kind != "app_store":
        return app
    return replace(
        app,
        has_shared_secret=details.boolean("has_shared_secret", False),
        subscription_key=read_stored_key(details, "subscription_key"),
        connect_key=read_stored_key(details, "app_store_connect_api_key"),
        vendor_number=details.optional_text("app_store_connect_vendor_number"),
    )


def _number(fields: Fields, name: str, low: int, default: int, high: int = 1_000_000) -> int:
    return fields.integer(name, low, high) if fields.has(name) else default


def write_revenuecat(account: RevenueCatAccount) -> dict[str, object]:
    """Write the account as `read_revenuecat` takes it."""
    return {
        "accepts_key_on_update": account.accepts_key_on_update,
        "unique_app_names": account.unique_app_names,
        "requests_per_minute": account.requests_per_minute,
        "largest_page": account.largest_page,
        "api_keys": [_write_api_key(key) for key in account.api_keys],
        "projects": [write_project(project) for project in account.projects],
    }


def _write_api_key(key: ApiKey) -> dict[str, object]:
    return {
        "secret": key.secret,
        "scopes": list(key.scopes),
        "projects": None if key.projects is None else list(key.projects),
        "api_version": key.api_version,
    }


def write_project(project: Project) -> dict[str, object]:
    """Write one project with its apps."""
    return {
        "id": project.project_id,
        "name": project.name,
        "created_at": project.created_at,
        "accepts_key_on_update": project.accepts_key_on_update,
        "apps": [_write_app(app) for app in project.apps],
    }


def _write_app(app: TrackedApp) -> dict[str, object]:
    written: dict[str, object] = {
        "id": app.app_id,
        "name": app.name,
        "created_at": app.created_at,
        "type": app.type,
    }
    identifier = APP_IDENTIFIERS[app.type]
    if identifier is None:
        return written
    details: dict[str, object] = {identifier: app.identifier}
    if app.type == "app_store":
        details |= {
            "has_shared_secret": app.has_shared_secret,
            "subscription_key": write_stored_key(app.subscription_key),
            "app_store_connect_api_key": write_stored_key(app.connect_key),
            "app_store_connect_vendor_number": app.vendor_number,
        }
    return {**written, app.type: details}
