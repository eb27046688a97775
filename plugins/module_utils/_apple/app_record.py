# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An app as the App Store Connect API shows it.

Source: developer.apple.com/documentation/appstoreconnectapi/get-v1-apps
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .._model.errors import InputError
from .._model.identifiers import Environment, parse_bundle_id
from .._model.notification_url import Url

NotificationVersion = t.Literal["V1", "V2"]

# The attributes of AppRecord, for `fields[apps]`.
FIELDS = (
    "bundleId",
    "name",
    "sku",
    "subscriptionStatusUrl",
    "subscriptionStatusUrlVersion",
    "subscriptionStatusUrlForSandbox",
    "subscriptionStatusUrlVersionForSandbox",
)
# The attributes of an update, by environment.
URL_ATTRIBUTES: dict[Environment, tuple[str, str]] = {
    "production": ("subscriptionStatusUrl", "subscriptionStatusUrlVersion"),
    "sandbox": ("subscriptionStatusUrlForSandbox", "subscriptionStatusUrlVersionForSandbox"),
}
_APPLE_ID = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True)
class AppRecord:
    """An app. What its answer doesn't tell, or tells in a wrong type, is None.

    ``apple_id``: the number that Apple's payloads call appAppleId. ``is_released``: a version is on sale now; None
    when that was not asked.
    """

    apple_id: int
    bundle_id: str
    name: str | None
    sku: str | None
    notification_url: str | None = None
    notification_url_version: NotificationVersion | None = None
    sandbox_notification_url: str | None = None
    sandbox_notification_url_version: NotificationVersion | None = None
    is_released: bool | None = None

    def url(self, environment: Environment) -> Url | None:
        """Return the notification URL that is set for an environment itself, None when there is none."""
        if environment == "sandbox":
            text, version = self.sandbox_notification_url, self.sandbox_notification_url_version
        else:
            text, version = self.notification_url, self.notification_url_version
        return None if text is None else Url(text, version)

    def in_effect(self, environment: Environment) -> Url | None:
        """Return the URL that counts: without one of its own, the sandbox has that of production.

        Source: Apple's help, "Enter server URLs for App Store Server Notifications".
        """
        return self.url(environment) or self.url("production")


def app_record(entry: t.Any) -> AppRecord | None:
    """Return an entry of ``data``, None when it is no app with a numeric ID and a bundle ID as Apple writes them."""
    if not isinstance(entry, dict) or entry.get("type") != "apps":
        return None
    apple_id = entry.get("id")
    given = entry.get("attributes")
    attributes: dict[str, t.Any] = given if isinstance(given, dict) else {}

    def text(name: str) -> str | None:
        value = attributes.get(name)
        return value if isinstance(value, str) and value else None

    bundle_id = _bundle_id(text("bundleId"))
    if not isinstance(apple_id, str) or not _APPLE_ID.fullmatch(apple_id) or bundle_id is None:
        return None
    return AppRecord(
        apple_id=int(apple_id),
        bundle_id=bundle_id,
        name=text("name"),
        sku=text("sku"),
        notification_url=text("subscriptionStatusUrl"),
        notification_url_version=_version(text("subscriptionStatusUrlVersion")),
        sandbox_notification_url=text("subscriptionStatusUrlForSandbox"),
        sandbox_notification_url_version=_version(text("subscriptionStatusUrlVersionForSandbox")),
    )


def _bundle_id(text: str | None) -> str | None:
    try:
        return text if text is not None and parse_bundle_id(text) == text else None
    except InputError:
        return None


def _version(text: str | None) -> NotificationVersion | None:
    return t.cast(NotificationVersion, text) if text in t.get_args(NotificationVersion) else None
