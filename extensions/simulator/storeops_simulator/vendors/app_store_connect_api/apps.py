# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``GET /v1/apps``: filters, order, fields, pages; and ``GET /v1/apps/{id}``.

Source: developer.apple.com/documentation/appstoreconnectapi/get-v1-apps. The addresses of server notifications are left
out unless ``fields[apps]`` names them: App Store Connect API release notes, 1.6 and 1.7.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from ...connect_api_world import ConnectApiSettings
from ...simulator import Simulator
from ...world import App, Team
from .answers import bad_parameter, refused, success

_LARGEST_LIMIT: Final = 200
_ATTRIBUTES: Final[dict[str, Callable[[App], str | None]]] = {
    "name": lambda app: app.name or app.bundle_id,
    "bundleId": lambda app: app.bundle_id,
    "sku": lambda app: app.sku or app.bundle_id,
    "primaryLocale": lambda _app: "en-US",
    "subscriptionStatusUrl": lambda app: app.subscription_status_url,
    "subscriptionStatusUrlVersion": lambda app: app.subscription_status_url_version,
    "subscriptionStatusUrlForSandbox": lambda app: app.subscription_status_url_for_sandbox,
    "subscriptionStatusUrlVersionForSandbox": lambda app: app.subscription_status_url_version_for_sandbox,
}
# Not in an answer that nobody asked for them.
URL_ATTRIBUTES: Final = {
    "subscriptionStatusUrl": "subscription_status_url",
    "subscriptionStatusUrlVersion": "subscription_status_url_version",
    "subscriptionStatusUrlForSandbox": "subscription_status_url_for_sandbox",
    "subscriptionStatusUrlVersionForSandbox": "subscription_status_url_version_for_sandbox",
}
_FILTERED: Final[dict[str, Callable[[App], str]]] = {
    "filter[bundleId]": lambda app: app.bundle_id,
    "filter[name]": lambda app: app.name or app.bundle_id,
    "filter[sku]": lambda app: app.sku or app.bundle_id,
    "filter[id]": lambda app: str(app.apple_id),
}
# The state that an app's version has when it is released, and one that it has when it is not.
_STATES: Final = {
    "filter[appStoreVersions.appStoreState]": ("READY_FOR_SALE", "PREPARE_FOR_SUBMISSION"),
    "filter[appStoreVersions.appVersionState]": ("READY_FOR_DISTRIBUTION", "PREPARE_FOR_SUBMISSION"),
}
_SORTED: Final = ("name", "bundleId", "sku")
_KNOWN: Final = {*_FILTERED, *_STATES, "limit", "cursor", "sort", "fields[apps]"}


@dataclass(frozen=True)
class _Page:
    start: int
    size: int


@dataclass(frozen=True)
class Accepted:
    """A request of a known key. `url` is the endpoint's own absolute URL, for the links."""

    simulator: Simulator
    request: Request
    team: Team
    url: str
    path_values: Mapping[str, str]

    def app(self) -> App:
        """Find the app in the path; 404 for one of another team, too."""
        wanted = self.path_values["apple_id"]
        found = next((app for app in self.team.apps if str(app.apple_id) == wanted), None)
        if found is None:
            raise refused("unknown_app", 404, "NOT_FOUND", f"There is no resource of type apps with id {wanted!a}.")
        return found


async def read_app(accepted: Accepted) -> Response:
    """Answer with one app."""
    query = accepted.request.query_params
    for name in query:
        if name != "fields[apps]":
            raise bad_parameter("unknown_parameter", name)
    return answer_with(accepted, accepted.app())


def answer_with(accepted: Accepted, app: App) -> Response:
    """Answer with one app's fields that were asked for."""
    attributes = _attributes(accepted.request.query_params.get("fields[apps]"))
    above = accepted.url.rpartition("/")[0]
    return success({"data": _resource(app, attributes, above), "links": {"self": accepted.url}})


async def list_apps(accepted: Accepted) -> Response:
    """Answer with one page of the team's apps."""
    request, team, url = accepted.request, accepted.team, accepted.url
    settings, query = accepted.simulator.world.connect_api, request.query_params
    for name in query:
        if name not in _KNOWN:
            raise bad_parameter("unknown_parameter", name)
    attributes = _attributes(query.get("fields[apps]"))
    apps = _in_order(_filtered(team.apps, query, settings), query.get("sort"))
    page = _page(query, settings)
    shown = apps[page.start : page.start + page.size]
    body: dict[str, object] = {
        "data": [_resource(app, attributes, url) for app in shown],
        "links": _links(request, url, page, len(apps)),
        "meta": {"paging": {"total": len(apps), "limit": page.size}},
    }
    return success(body)


def _resource(app: App, attributes: Iterable[str], url: str) -> dict[str, object]:
    return {
        "type": "apps",
        "id": str(app.apple_id),
        "attributes": {name: _ATTRIBUTES[name](app) for name in attributes},
        "links": {"self": f"{url}/{app.apple_id}"},
    }


def _links(request: Request, url: str, page: _Page, total: int) -> dict[str, str]:
    links = {"self": str(request.url)}
    following = page.start + page.size
    if following < total:
        cursor = base64.urlsafe_b64encode(str(following).encode()).decode().rstrip("=")
        links["next"] = str(request.url.include_query_params(cursor=cursor))
    return links


def _attributes(given: str | None) -> list[str]:
    wanted = given.split(",") if given is not None else [name for name in _ATTRIBUTES if name not in URL_ATTRIBUTES]
    if any(name not in _ATTRIBUTES for name in wanted):
        raise bad_parameter("unknown_field", "fields[apps]")
    return wanted


def _filtered(apps: Iterable[App], query: QueryParams, settings: ConnectApiSettings) -> list[App]:
    kept = list(apps)
    for name, value_of in _FILTERED.items():
        if name in query:
            wanted = query[name].split(",")
            is_prefix = name == "filter[bundleId]" and settings.bundle_id_filter == "prefix"
            kept = [app for app in kept if _matches(value_of(app), wanted, is_prefix)]
    for name, (released, other) in _STATES.items():
        if name in query:
            states = query[name].split(",")
            if not set(states) <= {released, other}:
                raise bad_parameter("unknown_state", name)
            kept = [app for app in kept if (released if app.released else other) in states]
    return kept


def _matches(value: str, wanted: Iterable[str], is_prefix: bool) -> bool:
    return any(value.startswith(text) if is_prefix else value == text for text in wanted)


def _in_order(apps: list[App], sort: str | None) -> list[App]:
    for field in reversed(sort.split(",") if sort is not None else []):
        name = field.removeprefix("-")
        if name not in _SORTED:
            raise bad_parameter("bad_sort", "sort")
        apps = sorted(apps, key=lambda app: str(_ATTRIBUTES[name](app)), reverse=field.startswith("-"))
    return apps


def _page(query: Mapping[str, str], settings: ConnectApiSettings) -> _Page:
    limit = _number(query["limit"]) if "limit" in query else settings.page
    if limit is None or not 1 <= limit <= _LARGEST_LIMIT:
        raise bad_parameter("bad_limit", "limit")
    start = _decoded(query["cursor"]) if "cursor" in query else 0
    if start is None:
        raise bad_parameter("bad_cursor", "cursor")
    return _Page(start, min(limit, settings.largest_page))


def _decoded(cursor: str) -> int | None:
    try:
        return _number(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii"))
    except (ValueError, binascii.Error):
        return None


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None
