# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading one app of the world, and writing it back.

The four addresses for server notifications have the names of App Store Connect's own attributes
(developer.apple.com/documentation/appstoreconnectapi/get-v1-apps), in the world's spelling.
"""

from __future__ import annotations

from typing import Final

from .fields import URL, Fields
from .notification_fields import read_notification, write_notification
from .transaction_fields import read_transaction, write_transaction
from .world import App

_URLS: Final = ("subscription_status_url", "subscription_status_url_for_sandbox")
_URL_VERSIONS: Final = ("subscription_status_url_version", "subscription_status_url_version_for_sandbox")
URL_FIELDS: Final = (*_URLS, *_URL_VERSIONS)
_VERSIONS: Final = ("V1", "V2")
_OPTIONAL: Final = ("sku", *URL_FIELDS)
_APP: Final = ("bundle_id", "apple_id", "name", "released", "transactions", "notifications", *_OPTIONAL)
_BUNDLE_ID: Final = (r"[A-Za-z0-9.-]{1,155}", "be letters, digits, dots and hyphens")


def read_app(value: object, path: str) -> App:
    """Read one app; `InputError` names the first bad entry."""
    fields = Fields(value, path, _APP)
    transactions = tuple(read_transaction(entry, at) for at, entry in fields.entries("transactions"))
    return App(
        bundle_id=fields.text("bundle_id", *_BUNDLE_ID),
        apple_id=fields.integer("apple_id", 1),
        name=fields.optional_text("name"),
        released=fields.boolean("released", True),
        transactions=transactions,
        notifications=tuple(
            read_notification(entry, at, transactions) for at, entry in fields.entries("notifications")
        ),
        sku=fields.optional_text("sku"),
        **read_urls(fields),
    )


def read_urls(fields: Fields) -> dict[str, str]:
    """Read the addresses for server notifications that are given."""
    urls = {name: fields.text(name, *URL) for name in _URLS if fields.has(name)}
    versions = {name: fields.choice(name, _VERSIONS) for name in _URL_VERSIONS if fields.has(name)}
    return {**urls, **versions}


def write_app(app: App) -> dict[str, object]:
    """Write one app with its transactions; what an app does not have is left out."""
    optional = {name: getattr(app, name) for name in _OPTIONAL}
    return {
        "bundle_id": app.bundle_id,
        "apple_id": app.apple_id,
        "name": app.name,
        "released": app.released,
        **{name: value for name, value in optional.items() if value is not None},
        "transactions": [write_transaction(entry) for entry in app.transactions],
        "notifications": [write_notification(entry) for entry in app.notifications],
    }
