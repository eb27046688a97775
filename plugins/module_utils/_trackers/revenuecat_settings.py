# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of ``revenuecat``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .._model.errors import InputError
from .._model.identifiers import parse_service_url, shown
from .._model.secret import Secret
from .._tracker_spec import TRACKERS
from .json_api import Service, require_api_key
from .options import Options, Reader
from .protocol import OnUnknown

HOST = "https://api.revenuecat.com"
PREFIX = "proj"
SERVICE = Service(
    tracker="revenuecat",
    title="RevenueCat",
    variable="STOREOPS_REVENUECAT_API_KEY",
    key_kind="a secret API key, version 2, of this project (sk_...)",
    needs="the permission project_configuration:apps:read_write",
    place="Compare revenuecat.project_id with the ID in the project's settings, or give that project's key.",
)
_PROJECT_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
_ID_STEP = (
    "Give the ID from the project's settings, such as proj1ab2c3d4. The dashboard's address shows it without "
    f"{PREFIX} in front."
)


@dataclass(frozen=True)
class RevenueCatSettings:
    """``app_name`` is that of an app entry that is created; its bundle ID when empty."""

    api_key: Secret = field(repr=False)
    project: str
    url: str = HOST
    create_app: bool = False
    app_name: str = ""
    delete_app: bool = False
    on_unknown: OnUnknown = "keep"
    tracker: str = "revenuecat"


def parse(options: Options, where: str = "revenuecat") -> RevenueCatSettings:
    """Return the settings. Raises SettingsError."""
    reader = Reader(options, where)
    reader.check_names(TRACKERS["revenuecat"]["options"])
    url = reader.text("url")
    settings = RevenueCatSettings(
        api_key=reader.attempt(lambda: require_api_key(SERVICE, options.get("api_key"), where), Secret("")),
        project=reader.attempt(lambda: parse_project_id(reader.text("project_id"), reader.path("project_id")), ""),
        url=reader.attempt(lambda: parse_service_url(url, reader.path("url")), "") if url else HOST,
        create_app=reader.flag("create_app"),
        app_name=reader.text("app_name"),
        delete_app=reader.flag("delete_app"),
        on_unknown=reader.on_unknown(),
    )
    reader.finish()
    return settings


def parse_project_id(text: str, option: str) -> str:
    """Return the project ID. Raises InputError when there is none, or something that is no ID."""
    if not text:
        raise InputError(option, "is required with tracker: revenuecat.", _ID_STEP)
    if not _PROJECT_ID.fullmatch(text):
        raise InputError(option, f"{shown(text)} isn't a project ID.", _ID_STEP)
    return text


def not_found_step(project: str) -> str:
    """Return what to do when RevenueCat doesn't find the project or something in it."""
    if project.startswith(PREFIX):
        return SERVICE.place
    return (
        f"IDs of projects begin with {PREFIX}, and the dashboard's address shows them without it: try "
        f"revenuecat.project_id: {PREFIX}{project}, or give that project's key."
    )
