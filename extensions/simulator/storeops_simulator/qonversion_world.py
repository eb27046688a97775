# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Projects of Qonversion and their App Store configuration, as the world has them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from .fields import Fields
from .stored_key import (
    NOTHING_STORED,
    StoredKey,
    read_secret,
    read_stored_key,
    refuse_doubles,
    write_stored_key,
)

_ACCOUNT: Final = ("idempotency_conflict_status", "projects")
_PROJECT: Final = ("name", "secret_key", "apple")
_APPLE: Final = ("bundle_id", "app_id", "has_shared_secret", "iap_key", "connect_key")
_SECRET: Final = (
    r"(test_)?sk_[A-Za-z0-9_]+",
    "start with sk_ or test_sk_, and be letters, digits and underscores",
)


@dataclass(frozen=True)
class AppleConfig:
    """The App Store configuration of a project."""

    bundle_id: str | None = None
    app_id: str | None = None
    has_shared_secret: bool = False
    iap_key: StoredKey = NOTHING_STORED
    connect_key: StoredKey = NOTHING_STORED


@dataclass(frozen=True)
class QonversionProject:
    """One project; its secret key is what names it in a request."""

    name: str
    secret_key: str = field(repr=False)
    apple: AppleConfig = field(default_factory=AppleConfig)


@dataclass(frozen=True)
class QonversionAccount:
    """Everything that Qonversion holds."""

    projects: tuple[QonversionProject, ...] = ()
    idempotency_conflict_status: int = 409

    def project(self, secret_key: str) -> QonversionProject | None:
        """Find a project by its secret key."""
        return next((each for each in self.projects if each.secret_key == secret_key), None)

    def with_apple(self, project: QonversionProject, apple: AppleConfig) -> QonversionAccount:
        """Give this account with another configuration of one project."""
        changed = replace(project, apple=apple)
        projects = tuple(changed if each.secret_key == project.secret_key else each for each in self.projects)
        return replace(self, projects=projects)


def read_qonversion(world: Fields) -> QonversionAccount:
    """Read ``qonversion``."""
    if not world.has("qonversion"):
        return QonversionAccount()
    fields = Fields(world.raw("qonversion"), world.at("qonversion"), _ACCOUNT)
    name = "idempotency_conflict_status"
    projects = tuple(_read_project(value, path) for path, value in fields.entries("projects"))
    at = fields.at("projects")
    refuse_doubles((f"{at}[{i}].name", each.name) for i, each in enumerate(projects))
    refuse_doubles(((f"{at}[{i}].secret_key", each.secret_key) for i, each in enumerate(projects)), quoted=False)
    return QonversionAccount(projects, fields.integer(name, 400, 499) if fields.has(name) else 409)


def _read_project(value: object, path: str) -> QonversionProject:
    fields = Fields(value, path, _PROJECT)
    apple = Fields(fields.raw("apple") if fields.has("apple") else {}, fields.at("apple"), _APPLE)
    return QonversionProject(
        name=fields.text("name"),
        secret_key=read_secret(fields, "secret_key", *_SECRET),
        apple=AppleConfig(
            bundle_id=apple.optional_text("bundle_id"),
            app_id=apple.optional_text("app_id"),
            has_shared_secret=apple.boolean("has_shared_secret", False),
            iap_key=read_stored_key(apple, "iap_key"),
            connect_key=read_stored_key(apple, "connect_key"),
        ),
    )


def write_qonversion(account: QonversionAccount) -> dict[str, object]:
    """Write the account as `read_qonversion` takes it."""
    return {
        "idempotency_conflict_status": account.idempotency_conflict_status,
        "projects": [_write_project(project) for project in account.projects],
    }


def _write_project(project: QonversionProject) -> dict[str, object]:
    apple = project.apple
    return {
        "name": project.name,
        "secret_key": project.secret_key,
        "apple": {
            "bundle_id": apple.bundle_id,
            "app_id": apple.app_id,
            "has_shared_secret": apple.has_shared_secret,
            "iap_key": write_stored_key(apple.iap_key),
            "connect_key": write_stored_key(apple.connect_key),
        },
    }
