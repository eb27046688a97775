# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request of RevenueCat's API whose key was accepted, and cutting lists into pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from ...calls import Call
from ...revenuecat_world import ApiKey, Project, RevenueCatAccount, TrackedApp
from ...simulator import Simulator
from ..api import is_json
from .answers import bad_parameter, not_found, refused, success

_DEFAULT_LIMIT: Final = 20


@dataclass(frozen=True)
class Admitted:
    """A request whose key was accepted. Its body has been read, so no handler has to wait."""

    simulator: Simulator
    request: Request
    body: bytes
    api_key: ApiKey
    path_values: Mapping[str, str]
    call: Call

    @property
    def account(self) -> RevenueCatAccount:
        """Give the account as it is now."""
        return self.simulator.world.revenuecat

    def need(self, scope: str) -> None:
        """Refuse when the key lacks a permission; the right to write is one to read, too."""
        if scope not in self.api_key.scopes and f"{scope}_write" not in self.api_key.scopes:
            message = "You're not authorized to access this resource"
            raise refused("scope_missing", 403, "authorization_error", message)

    def sees(self, project_id: str) -> bool:
        """Tell whether the key is one of that project."""
        return self.api_key.projects is None or project_id in self.api_key.projects

    def project(self) -> Project:
        """Give the project in the path."""
        project = self.account.project(self.path_values["project_id"])
        if project is None:
            raise not_found("unknown_project")
        if not self.sees(project.project_id):
            message = "You're not authorized to access this resource"
            raise refused("project_not_allowed", 403, "authorization_error", message)
        return project

    def app(self, project: Project) -> TrackedApp:
        """Give the app in the path."""
        app = project.app(self.path_values["app_id"])
        if app is None:
            raise not_found("unknown_app")
        return app

    def store(self, project: Project) -> None:
        """Keep a changed project."""
        account = self.account.with_project(project)
        self.simulator.world = replace(self.simulator.world, revenuecat=account)

    def document(self) -> dict[str, object]:
        """Give the JSON object in the body."""
        if not is_json(self.request):
            message = "Content-Type not application/json"
            raise refused("content_type_missing_or_wrong", 400, "invalid_request", message)
        try:
            document: object = json.loads(self.body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise refused("malformed_body", 400, "invalid_request", "The body is not a JSON object")
        return document


Handler = Callable[[Admitted], Response]


def list_page(
    admitted: Admitted, path: str, ids: Sequence[str], render: Callable[[int], Mapping[str, object]]
) -> Response:
    """Answer with one page of a list; `render` makes the item at a place."""
    size = min(_limit(admitted.request), admitted.account.largest_page)
    start = _start(admitted.request, ids)
    shown = range(start, min(start + size, len(ids)))
    more = start + size < len(ids)
    return success(
        {
            "object": "list",
            "items": [render(place) for place in shown],
            "next_page": f"{path}?starting_after={ids[shown[-1]]}" if more else None,
            "url": path,
        }
    )


def _limit(request: Request) -> int:
    text = request.query_params.get("limit")
    if text is None:
        return _DEFAULT_LIMIT
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) > 0):
        raise bad_parameter("bad_limit", "limit", "must be a positive integer")
    return int(text)


def _start(request: Request, ids: Sequence[str]) -> int:
    last = request.query_params.get("starting_after")
    if last is None:
        return 0
    if last not in ids:
        raise bad_parameter("bad_cursor", "starting_after", "is not the ID of an item of this list")
    return ids.index(last) + 1
