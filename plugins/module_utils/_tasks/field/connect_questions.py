# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions to the App Store Connect API, by GET alone: no app is updated, and no test notification is asked for."""

from __future__ import annotations

import typing as t

from ..._apple.app_record import URL_ATTRIBUTES, app_record
from ..._apple.app_store_connect_api import AppStoreConnectApi
from ..._model.assumption import Finding, judged, shape

PART = "app_store_connect_api"
_URLS = [name for names in URL_ATTRIBUTES.values() for name in names]
_VERSIONS = ("V1", "V2", None)


def connect_questions(api: AppStoreConnectApi) -> t.Iterator[Finding]:
    """Yield what was found. Raises RefundsError."""
    page, released = api.first_page(), api.first_page(is_released=True)
    entries, on_sale = _entries(page), _entries(released)
    text = "Apps are listed below data, each with a number as id and with its bundleId."
    is_so = isinstance(page.get("data"), list) and all(app_record(entry) is not None for entry in entries)
    yield Finding(PART, "apps", text, shape(page, 4), judged(is_so and len(entries) == len(page["data"])))
    attributes = [entry["attributes"] for entry in entries if isinstance(entry.get("attributes"), dict)]
    for name in _URLS:
        is_version = "Version" in name
        what = "V1, V2 or null" if is_version else "a text or null"
        values = [fields[name] for fields in attributes if name in fields]
        is_so = all(value in _VERSIONS if is_version else isinstance(value, (str, type(None))) for value in values)
        # What isn't set may be left out.
        yield Finding(
            PART,
            name,
            f"An app's attribute {name} is {what}.",
            f"told for {len(values)} of {len(attributes)} apps",
            judged(is_so) if values else "not_seen",
        )
    text = "The filter for apps that are on sale gives a part of all apps."
    # A page that is full may hold others.
    known = {entry.get("id") for entry in entries} if not api.has_more(page) else None
    is_part = known is None or all(entry.get("id") in known for entry in on_sale)
    seen = f"{len(on_sale)} of {len(entries)} apps" + ("" if known is not None else ", more on further pages")
    yield Finding(PART, "released", text, seen, judged(is_part) if on_sale and known is not None else "not_seen")


def _entries(page: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    entries = page.get("data")
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
