# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions, projects and the look of the pages of devtodev, as the world has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from .fields import Fields, InputError
from .stored_key import read_fingerprint, read_secret, refuse_doubles
from .web_sessions import read_seconds

FIELD_LABELS: Final[Mapping[str, str]] = {
    "bundle_id": "App Bundle ID",
    "issuer_id": "Issuer ID",
    "key_id": "Key ID",
    "private_key": ".p8 file",
}
"""The form's fields; the first three labels are devtodev's own."""
TEXTS: Final[Mapping[str, str]] = {
    "settings": "Settings",
    "payments_integration": "Payments integration",
    "refunds_tracking": "IA refunds tracking",
    "submit": "Save",
    "none": "Not configured",
    "pending": "Pending",
    "active": "Active",
    "error": "Error",
}
"""The texts of the menu, the button and the status; menu and Active are devtodev's own."""
STATUSES: Final = ("pending", "active", "error")
SESSION_STATE: Final = ("expired", "expires_at", "role")
PROJECT_STATE: Final = ("activation_s", "activates")
_ROLES: Final = ("owner", "admin", "manager")
_ACCOUNT: Final = ("cookie_name", "activation_s", "activates", "page", "sessions", "projects")
_PAGE: Final = ("labels", "texts", "leave_out", "appears_after_ms", "wrong_page")
_SESSION: Final = ("cookie", "email", *SESSION_STATE)
_PROJECT: Final = ("id", "name", "integration", *PROJECT_STATE)
_INTEGRATION: Final = ("bundle_id", "issuer_id", "key_id", "key_fingerprint", "status", "saved_at")
_COOKIE_NAME: Final = (r"[A-Za-z0-9_.-]+", "be letters, digits, dots, hyphens and underscores")
_COOKIE: Final = (r"[A-Za-z0-9_.=-]+", "be letters, digits and any of _ . = -")
_ID: Final = (r"[A-Za-z0-9_-]{1,64}", "be letters, digits, hyphens and underscores")
_LONGEST_ACTIVATION: Final = 86_400.0


@dataclass(frozen=True)
class Page:
    """How the pages look; nobody outside devtodev knows how its own do."""

    labels: Mapping[str, str] = field(default_factory=lambda: dict(FIELD_LABELS))
    texts: Mapping[str, str] = field(default_factory=lambda: dict(TEXTS))
    leave_out: tuple[str, ...] = ()
    appears_after_ms: int = 0
    wrong_page: bool = False


@dataclass(frozen=True)
class SignedInUser:
    """One signed-in browser."""

    cookie: str = field(repr=False)
    email: str = "release@example.com"
    role: str = "owner"
    expired: bool = False
    expires_at: float | None = None

    def is_over(self, now: float) -> bool:
        """Tell whether the session has expired."""
        return self.expired or (self.expires_at is not None and now >= self.expires_at)


@dataclass(frozen=True)
class TrackedIntegration:
    """What the form stored; the private key is not part of it."""

    bundle_id: str
    issuer_id: str
    key_id: str
    key_fingerprint: str | None
    status: str
    saved_at: float


@dataclass(frozen=True)
class DevtodevProject:
    """One project, with at most one integration."""

    project_id: str
    name: str
    integration: TrackedIntegration | None = None
    activation_s: float | None = None
    """None is as the account says; so is that of `activates`."""
    activates: bool | None = None


@dataclass(frozen=True)
class DevtodevAccount:
    """Everything that devtodev holds."""

    projects: tuple[DevtodevProject, ...] = ()
    sessions: tuple[SignedInUser, ...] = ()
    page: Page = field(default_factory=Page)
    cookie_name: str = "devtodev_session"
    activation_s: float = 0.0
    activates: bool = True

    def project(self, project_id: str) -> DevtodevProject | None:
        """Find a project."""
        return next((each for each in self.projects if each.project_id == project_id), None)

    def with_project(self, changed: DevtodevProject) -> DevtodevAccount:
        """Give this account with one project replaced."""
        projects = tuple(changed if each.project_id == changed.project_id else each for each in self.projects)
        return replace(self, projects=projects)

    def with_session(self, number: int, changed: SignedInUser) -> DevtodevAccount:
        """Give this account with one session replaced (found by its place in the list)."""
        return replace(self, sessions=(*self.sessions[:number], changed, *self.sessions[number + 1 :]))

    def active_at(self, project: DevtodevProject) -> float | None:
        """Give when a pending integration is checked; None is never."""
        activates = self.activates if project.activates is None else project.activates
        wait = self.activation_s if project.activation_s is None else project.activation_s
        if project.integration is None or not activates:
            return None
        return project.integration.saved_at + wait


def read_devtodev(world: Fields) -> DevtodevAccount:
    """Read ``devtodev``."""
    if not world.has("devtodev"):
        return DevtodevAccount()
    fields = Fields(world.raw("devtodev"), world.at("devtodev"), _ACCOUNT)
    sessions = tuple(_read_session(value, path) for path, value in fields.entries("sessions"))
    projects = tuple(_read_project(value, path) for path, value in fields.entries("projects"))
    cookies, ids = fields.at("sessions"), fields.at("projects")
    refuse_doubles(((f"{cookies}[{i}].cookie", each.cookie) for i, each in enumerate(sessions)), quoted=False)
    refuse_doubles((f"{ids}[{i}].id", each.project_id) for i, each in enumerate(projects))
    name = fields.text("cookie_name", *_COOKIE_NAME) if fields.has("cookie_name") else "devtodev_session"
    return DevtodevAccount(projects, sessions, _read_page(fields), name, **read_project_state(fields))


def read_project_state(fields: Fields) -> dict[str, Any]:
    """Read those members of `PROJECT_STATE` that are given."""
    state: dict[str, Any] = {}
    if fields.has("activation_s"):
        state["activation_s"] = fields.number("activation_s", 0, _LONGEST_ACTIVATION)
    if fields.has("activates"):
        state["activates"] = fields.boolean("activates")
    return state


def read_session_state(fields: Fields) -> dict[str, Any]:
    """Read those members of `SESSION_STATE` that are given."""
    state: dict[str, Any] = {}
    if fields.has("expired"):
        state["expired"] = fields.boolean("expired")
    if fields.has("expires_at"):
        state["expires_at"] = read_seconds(fields, "expires_at")
    if fields.has("role"):
        state["role"] = fields.choice("role", _ROLES)
    return state


def _read_session(value: object, path: str) -> SignedInUser:
    fields = Fields(value, path, _SESSION)
    return SignedInUser(
        cookie=read_secret(fields, "cookie", *_COOKIE),
        email=fields.optional_text("email") or "release@example.com",
        **read_session_state(fields),
    )


def _read_project(value: object, path: str) -> DevtodevProject:
    fields = Fields(value, path, _PROJECT)
    integration = None
    if fields.has("integration"):
        stored = Fields(fields.raw("integration"), fields.at("integration"), _INTEGRATION)
        integration = TrackedIntegration(
            bundle_id=stored.text("bundle_id"),
            issuer_id=stored.text("issuer_id"),
            key_id=stored.text("key_id"),
            key_fingerprint=read_fingerprint(stored),
            status=stored.choice("status", STATUSES, "active"),
            saved_at=read_seconds(stored, "saved_at") or 0.0,
        )
    return DevtodevProject(fields.text("id", *_ID), fields.text("name"), integration, **read_project_state(fields))


def _read_page(account: Fields) -> Page:
    if not account.has("page"):
        return Page()
    fields = Fields(account.raw("page"), account.at("page"), _PAGE)
    for path, entry in fields.entries("leave_out"):
        if entry not in FIELD_LABELS:
            raise InputError(path, f"must be one of {', '.join(FIELD_LABELS)}, not {entry!r}")
    name = "appears_after_ms"
    return Page(
        labels=_read_texts(fields, "labels", FIELD_LABELS),
        texts=_read_texts(fields, "texts", TEXTS),
        leave_out=tuple(str(entry) for _path, entry in fields.entries("leave_out")),
        appears_after_ms=fields.integer(name, 0, 600_000) if fields.has(name) else 0,
        wrong_page=fields.boolean("wrong_page", False),
    )


def _read_texts(page: Fields, name: str, normal: Mapping[str, str]) -> dict[str, str]:
    if not page.has(name):
        return dict(normal)
    fields = Fields(page.raw(name), page.at(name), tuple(normal))
    return {**normal, **{each: fields.text(each) for each in fields.names()}}


def write_devtodev(account: DevtodevAccount) -> dict[str, object]:
    """Write the account as `read_devtodev` takes it."""
    page = account.page
    return {
        "cookie_name": account.cookie_name,
        "activation_s": account.activation_s,
        "activates": account.activates,
        "page": {
            "labels": dict(page.labels),
            "texts": dict(page.texts),
            "leave_out": list(page.leave_out),
            "appears_after_ms": page.appears_after_ms,
            "wrong_page": page.wrong_page,
        },
        "sessions": [write_user(session) for session in account.sessions],
        "projects": [write_devtodev_project(project) for project in account.projects],
    }


def write_user(session: SignedInUser) -> dict[str, object]:
    """Write one session, with its cookie."""
    return {name: getattr(session, name) for name in _SESSION}


def write_devtodev_project(project: DevtodevProject) -> dict[str, object]:
    """Write one project with its integration."""
    stored = project.integration
    return {
        "id": project.project_id,
        "name": project.name,
        "activation_s": project.activation_s,
        "activates": project.activates,
        "integration": None if stored is None else {name: getattr(stored, name) for name in _INTEGRATION},
    }
