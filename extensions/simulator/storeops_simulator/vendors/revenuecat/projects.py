# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Projects and apps: list, create, read, update, delete. No answer has a key in it, only whether there is one."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from starlette.responses import Response

from ...revenuecat_world import (
    APP_IDENTIFIERS,
    READ_APPS,
    READ_PROJECTS,
    WRITE_APPS,
    Project,
    TrackedApp,
    new_app_id,
)
from ..api import Endpoint
from .answers import refused, success
from .app_schema import AppBody, applied, read_creation, read_update
from .endpoints import Admitted, Handler, list_page

_PROJECTS: Final = "/v2/projects"
_APPS: Final = f"{_PROJECTS}/{{project_id}}/apps"
_APP: Final = f"{_APPS}/{{app_id}}"


def _list_projects(admitted: Admitted) -> Response:
    admitted.need(READ_PROJECTS)
    projects = [each for each in admitted.account.projects if admitted.sees(each.project_id)]
    ids = [each.project_id for each in projects]
    return list_page(admitted, _PROJECTS, ids, lambda place: _project(projects[place]))


def _list_apps(admitted: Admitted) -> Response:
    admitted.need(READ_APPS)
    project = admitted.project()
    ids = [app.app_id for app in project.apps]
    path = f"{_PROJECTS}/{project.project_id}/apps"
    return list_page(admitted, path, ids, lambda place: _app(project, project.apps[place]))


def _create_app(admitted: Admitted) -> Response:
    admitted.need(WRITE_APPS)
    project = admitted.project()
    body = read_creation(admitted.document())
    _note(admitted, body)
    if admitted.account.unique_app_names and any(each.name == body.name for each in project.apps):
        raise refused("name_taken", 409, "resource_already_exists", "Name is already taken", "name")
    now = admitted.simulator.now_ms()
    app = applied(TrackedApp(new_app_id(), str(body.name), body.type, now), body)
    admitted.store(replace(project, apps=(*project.apps, app)))
    return success(_app(project, app), 201)


def _get_app(admitted: Admitted) -> Response:
    admitted.need(READ_APPS)
    project = admitted.project()
    return success(_app(project, admitted.app(project)))


def _update_app(admitted: Admitted) -> Response:
    admitted.need(WRITE_APPS)
    project = admitted.project()
    app = admitted.app(project)
    body = read_update(admitted.document(), app.type, admitted.account.takes_keys_on_update(project))
    _note(admitted, body)
    changed = applied(app, body)
    admitted.store(project.with_app(changed))
    return success(_app(project, changed))


def _delete_app(admitted: Admitted) -> Response:
    admitted.need(WRITE_APPS)
    project = admitted.project()
    app = admitted.app(project)
    admitted.store(replace(project, apps=tuple(each for each in project.apps if each is not app)))
    return success({"object": "app", "id": app.app_id, "deleted_at": admitted.simulator.now_ms()})


def _note(admitted: Admitted, body: AppBody) -> None:
    """Put what the body claims into the call log; none of it is a secret."""
    call = admitted.call
    call.bundle_id = body.details.get("bundle_id") or call.bundle_id
    call.key_id = body.details.get("subscription_key_id")
    call.issuer_id = body.details.get("subscription_key_issuer")


def _project(project: Project) -> dict[str, object]:
    return {
        "object": "project",
        "id": project.project_id,
        "name": project.name,
        "created_at": project.created_at,
    }


def _app(project: Project, app: TrackedApp) -> dict[str, object]:
    shown: dict[str, object] = {
        "object": "app",
        "id": app.app_id,
        "name": app.name,
        "created_at": app.created_at,
        "type": app.type,
        "project_id": project.project_id,
    }
    identifier = APP_IDENTIFIERS[app.type]
    if identifier is None:
        return shown
    details: dict[str, object] = {identifier: app.identifier}
    if app.type == "app_store":
        details["subscription_key_configured"] = app.subscription_key.is_complete
        details["app_store_connect_api_key_configured"] = app.connect_key.is_complete
        if app.vendor_number is not None:
            details["app_store_connect_vendor_number"] = app.vendor_number
    return {**shown, app.type: details}


ENDPOINTS: Final[tuple[Endpoint[Handler], ...]] = (
    Endpoint("list_projects", "GET", _PROJECTS, _list_projects),
    Endpoint("list_apps", "GET", _APPS, _list_apps),
    Endpoint("create_app", "POST", _APPS, _create_app),
    Endpoint("get_app", "GET", _APP, _get_app),
    Endpoint("update_app", "POST", _APP, _update_app),
    Endpoint("delete_app", "DELETE", _APP, _delete_app),
)
