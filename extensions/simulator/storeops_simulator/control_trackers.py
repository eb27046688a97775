# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the control API for what is left of the trackers: sessions, projects, switches."""

from __future__ import annotations

from dataclasses import replace

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from .control_json import JsonAnswer, read_json
from .devtodev_world import (
    PROJECT_STATE,
    SESSION_STATE,
    DevtodevProject,
    SignedInUser,
    read_project_state,
    read_session_state,
    write_devtodev_project,
    write_user,
)
from .fields import Fields, InputError
from .revenuecat_world import write_project
from .simulator import Simulator
from .vendors.devtodev.activation import settle
from .vendors.devtodev.pages import PREFIX


class TrackerControl:
    """Handlers for RevenueCat and devtodev."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[Route]:
        """Give the routes, relative to the control API's prefix."""
        project, session = "/devtodev/projects/{project_id}", "/devtodev/sessions/{number:int}"
        return [
            Route("/revenuecat/projects/{project_id}", self.patch_revenuecat_project, methods=["PATCH"]),
            Route(project, self.get_devtodev_project, methods=["GET"]),
            Route(project, self.patch_devtodev_project, methods=["PATCH"]),
            Route(session, self.patch_devtodev_session, methods=["PATCH"]),
            Route(f"{session}/sign_in", self.sign_in, methods=["GET"]),
        ]

    async def patch_revenuecat_project(self, request: Request) -> Response:
        """Change ``accepts_key_on_update`` of a project."""
        fields = Fields(await read_json(request), "", ("accepts_key_on_update",))
        world = self._simulator.world
        project_id: str = request.path_params["project_id"]
        project = world.revenuecat.project(project_id)
        if project is None:
            raise HTTPException(404, f"there is no project {project_id!r}")
        changed = replace(project, accepts_key_on_update=fields.boolean("accepts_key_on_update"))
        self._simulator.world = replace(world, revenuecat=world.revenuecat.with_project(changed))
        return JsonAnswer(write_project(changed))

    async def get_devtodev_project(self, request: Request) -> Response:
        """Give a project with its integration as it is now."""
        settle(self._simulator)
        return JsonAnswer(write_devtodev_project(self._devtodev_project(request)))

    async def patch_devtodev_project(self, request: Request) -> Response:
        """Change when a project's integration becomes active."""
        fields = Fields(await read_json(request), "", PROJECT_STATE)
        settle(self._simulator)
        state = read_project_state(fields)
        if not state:
            raise InputError("", f"nothing to change; known here: {', '.join(PROJECT_STATE)}")
        changed = replace(self._devtodev_project(request), **state)
        world = self._simulator.world
        self._simulator.world = replace(world, devtodev=world.devtodev.with_project(changed))
        settle(self._simulator)
        return JsonAnswer(write_devtodev_project(self._devtodev_project(request)))

    async def patch_devtodev_session(self, request: Request) -> Response:
        """Change the state of a session, for example ``{"expired": true}``."""
        fields = Fields(await read_json(request), "", SESSION_STATE)
        session = self._devtodev_session(request)
        state = read_session_state(fields)
        if not state:
            raise InputError("", f"nothing to change; known here: {', '.join(SESSION_STATE)}")
        changed = replace(session, **state)
        world = self._simulator.world
        account = world.devtodev.with_session(request.path_params["number"], changed)
        self._simulator.world = replace(world, devtodev=account)
        return JsonAnswer(write_user(changed))

    async def sign_in(self, request: Request) -> Response:
        """Sign a person's browser in: set a session's cookie, and go to the pages."""
        session = self._devtodev_session(request)
        answer = RedirectResponse(f"{PREFIX}/", 302, {"cache-control": "no-store"})
        name = self._simulator.world.devtodev.cookie_name
        answer.headers["set-cookie"] = f"{name}={session.cookie}; Path={PREFIX}; HttpOnly; SameSite=Lax"
        return answer

    def _devtodev_project(self, request: Request) -> DevtodevProject:
        project_id: str = request.path_params["project_id"]
        project = self._simulator.world.devtodev.project(project_id)
        if project is None:
            raise HTTPException(404, f"there is no project {project_id!r}")
        return project

    def _devtodev_session(self, request: Request) -> SignedInUser:
        number: int = request.path_params["number"]
        sessions = self._simulator.world.devtodev.sessions
        if number >= len(sessions):
            raise HTTPException(404, f"there is no session {number}; the first one is 0")
        return sessions[number]
