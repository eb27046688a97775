# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages, and what the form does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ... import keys
from ...calls import Call
from ...devtodev_world import DevtodevAccount, DevtodevProject, SignedInUser, TrackedIntegration
from ...simulator import Simulator
from ..api import Endpoint, Refused
from . import form, refunds_page
from .layout import Frame, MenuEntry, page, safety_headers

PREFIX: Final = "/devtodev"
_PROJECT: Final = "/projects/{project_id}"
_SETTINGS: Final = f"{_PROJECT}/settings"
_PAYMENTS: Final = f"{_SETTINGS}/payments-integration"
_REFUNDS: Final = f"{_PAYMENTS}/ia-refunds-tracking"


@dataclass(frozen=True)
class Visit:
    """A request of somebody who is signed in; its body has been read."""

    simulator: Simulator
    request: Request
    body: bytes
    user: SignedInUser
    path_values: Mapping[str, str]
    call: Call

    @property
    def account(self) -> DevtodevAccount:
        """Give the account as it is now."""
        return self.simulator.world.devtodev

    def project(self) -> DevtodevProject:
        """Give the project in the path."""
        project = self.account.project(self.path_values["project_id"])
        if project is None:
            raise Refused("unknown_project", not_found())
        return project

    def configured_project(self) -> DevtodevProject:
        """Give the project in the path to somebody who may configure it."""
        project = self.project()
        if self.user.role == "manager":
            text = "<h1>No access</h1><p>Only the Owner and Admins of the space may see the settings.</p>"
            raise Refused("role_not_allowed", page(self.frame("No access", project), text, status=403))
        return project

    def frame(self, title: str, project: DevtodevProject | None = None, here: str = "", depth: int = 0) -> Frame:
        """Make the frame of a page; `depth` is how far the menu is open."""
        if project is None:
            return Frame(title, f"{PREFIX}/", self.user.email)
        menu = _menu(project, self.account.page.texts, depth)
        return Frame(title, f"{PREFIX}/", self.user.email, project.name, menu, _path(here, project))


Handler = Callable[[Visit], Response]


def _home(visit: Visit) -> Response:
    cards = "".join(
        f'<section class="card"><h2><a href="{_path(_PROJECT, project)}">{escape(project.name)}</a></h2>'
        f"<p>Project {escape(project.project_id)}</p></section>"
        for project in visit.account.projects
    )
    listed = f'<div class="grid">{cards}</div>' if cards else "<p>There is no project in this space.</p>"
    return page(visit.frame("Projects"), f'<h1>Projects</h1><p class="lead">All projects of the space.</p>{listed}')


def _overview(visit: Visit) -> Response:
    project = visit.project()
    text = (
        f"<h1>{escape(project.name)}</h1>"
        '<section class="card"><h2>Overview</h2><p>The simulator has no reports. What it has is in the menu.</p>'
        "</section>"
    )
    return page(visit.frame(project.name, project, _PROJECT), text)


def _settings(visit: Visit) -> Response:
    project = visit.configured_project()
    title = visit.account.page.texts["settings"]
    text = (
        f'<h1>{escape(title)}</h1><section class="card"><h2>Project</h2><dl>'
        f"<dt>Name</dt><dd>{escape(project.name)}</dd><dt>ID</dt><dd>{escape(project.project_id)}</dd></dl></section>"
    )
    return page(visit.frame(title, project, _SETTINGS, 1), text)


def _payments(visit: Visit) -> Response:
    project = visit.configured_project()
    title = visit.account.page.texts["payments_integration"]
    text = f'<h1>{escape(title)}</h1><section class="card"><p>Choose what to set up in the menu.</p></section>'
    return page(visit.frame(title, project, _PAYMENTS, 2), text)


def _refunds(visit: Visit) -> Response:
    return _refunds_page(visit, visit.configured_project())


def _refunds_page(visit: Visit, project: DevtodevProject, refused: form.Checked | None = None) -> Response:
    look = visit.account.page
    frame = visit.frame(look.texts["refunds_tracking"], project, _REFUNDS, 2)
    if look.wrong_page:
        return page(frame, refunds_page.wrong_content())
    path = _path(_REFUNDS, project)
    token = form.csrf_token(visit.user.cookie)
    text = refunds_page.content(project, look, path, token, refused)
    return page(frame, text, refunds_page.SCRIPT, 422 if refused else 200)


def _status(visit: Visit) -> Response:
    document = refunds_page.status_document(visit.configured_project(), visit.account.page)
    return json_answer(document)


def _save(visit: Visit) -> Response:
    project = visit.configured_project()
    parts = form.read_parts(visit.request.headers.get("content-type", ""), visit.body)
    if parts is None:
        raise Refused("not_a_form", _message(visit, "The form could not be read", 400))
    if not form.is_own_form(parts, visit.user.cookie):
        raise Refused("csrf_token_missing_or_wrong", _message(visit, "This form has expired. Open it again", 403))
    checked = form.check(parts, visit.account.page.labels)
    values, call = checked.values, visit.call
    call.bundle_id, call.key_id, call.issuer_id = (
        values[name][:200] or None for name in ("bundle_id", "key_id", "issuer_id")
    )
    if checked.problems or checked.private_key is None:
        reason = next(iter(checked.problems.values())).reason
        raise Refused(reason, _refunds_page(visit, project, checked))
    fingerprint = keys.fingerprint(checked.private_key.public_key())
    now = visit.simulator.now()
    integration = TrackedIntegration(**values, key_fingerprint=fingerprint, status="pending", saved_at=now)
    account = visit.account.with_project(replace(project, integration=integration))
    visit.simulator.world = replace(visit.simulator.world, devtodev=account)
    visit.simulator.uploaded_keys[project.project_id] = checked.private_key
    return RedirectResponse(_path(_REFUNDS, project), 303)


def sign_in_page() -> Response:
    """Answer somebody who is not signed in; the simulator has no passwords, so there is no form."""
    text = (
        '<section class="card"><h1>Sign in</h1><p>You are not signed in, or your session has ended.</p>'
        "<p>The sessions of the simulator are those of its world. To have this browser signed in as the first one,"
        " open <code>/_sim/devtodev/sessions/0/sign_in</code>.</p></section>"
    )
    return page(Frame("Sign in", f"{PREFIX}/"), text)


def not_found() -> Response:
    """Answer 404."""
    text = '<section class="card"><h1>Page not found</h1><p>There is no such page or project.</p></section>'
    return page(Frame("Page not found", f"{PREFIX}/"), text, status=404)


def error_page(status: int, message: str | None) -> Response:
    """Answer that something went wrong."""
    text = f'<section class="card"><h1>Something went wrong</h1><p>{escape(message or f"Error {status}")}</p></section>'
    return page(Frame("Something went wrong", f"{PREFIX}/"), text, status=status)


def json_answer(document: Mapping[str, str], status: int = 200) -> Response:
    """Answer the page's script."""
    headers = {"content-type": "application/json", **safety_headers("none")}
    return Response(json.dumps(document), status, headers)


def _message(visit: Visit, text: str, status: int) -> Response:
    content = f'<div class="alert" role="alert">{escape(text)}.</div>'
    return page(visit.frame("Not saved", visit.project(), _REFUNDS, 2), content, status=status)


def _menu(project: DevtodevProject, texts: Mapping[str, str], depth: int) -> tuple[MenuEntry, ...]:
    """Make the menu: what stands below an entry shows once the entry was opened."""
    refunds = MenuEntry(texts["refunds_tracking"], _path(_REFUNDS, project))
    payments = MenuEntry(texts["payments_integration"], _path(_PAYMENTS, project), (refunds,) if depth > 1 else ())
    settings = MenuEntry(texts["settings"], _path(_SETTINGS, project), (payments,) if depth > 0 else ())
    return (MenuEntry("Overview", _path(_PROJECT, project)), settings)


def _path(pattern: str, project: DevtodevProject) -> str:
    return f"{PREFIX}{pattern.format(project_id=project.project_id)}" if pattern else ""


ENDPOINTS: Final[tuple[Endpoint[Handler], ...]] = (
    Endpoint("home", "GET", "/", _home),
    Endpoint("project", "GET", _PROJECT, _overview),
    Endpoint("settings", "GET", _SETTINGS, _settings),
    Endpoint("payments_integration", "GET", _PAYMENTS, _payments),
    Endpoint("refunds_tracking", "GET", _REFUNDS, _refunds),
    Endpoint("save_refunds_tracking", "POST", _REFUNDS, _save),
    Endpoint("refunds_tracking_status", "GET", f"{_REFUNDS}/status", _status),
)
