# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions to RevenueCat and Qonversion, by GET alone."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import quote

from ..._http import Transport
from ..._model.assumption import Finding, field_name, judged, judged_answer, shape
from ..._trackers import qonversion_settings, revenuecat_settings
from ..._trackers.json_api import JsonApi, Refused
from ..._trackers.qonversion_settings import QonversionSettings
from ..._trackers.revenuecat_settings import RevenueCatSettings

# What would let a key be read back, by its name; a boolean about it does not.
_READABLE = re.compile(r"private_key|key_id|key_identifier|issuer")
_NO_PROJECT = "proj0000000000"
_KINDS: dict[str, tuple[type, ...]] = {
    "bundle_id": (str, type(None)),
    "iap_key_identifier": (str, type(None)),
    "iap_issuer_id": (str, type(None)),
    "has_iap_private_key": (bool,),
}


def revenuecat_questions(settings: RevenueCatSettings, transport: Transport) -> t.Iterator[Finding]:
    """Yield what was found. Raises RefundsError."""
    part = "revenuecat"
    api = JsonApi(transport, revenuecat_settings.SERVICE, settings.url.removesuffix("/v2"), settings.api_key)
    page = api.ask("listing apps", "GET", f"/v2/projects/{quote(settings.project, safe='')}/apps?limit=100")
    items = page.get("items")
    text = "The list of apps has items, and next_page as a path or null."
    is_so = isinstance(items, list) and isinstance(page.get("next_page"), (str, type(None)))
    yield Finding(part, "apps", text, shape(page, 4), judged(is_so))
    listed = items if isinstance(items, list) else []
    apps = [item for item in listed if isinstance(item, dict) and item.get("type") == "app_store"]
    stores = [app["app_store"] for app in apps if isinstance(app.get("app_store"), dict)]
    text = "An app of the App Store tells by subscription_key_configured whether it has an In-App Purchase key."
    told = [isinstance(store.get("subscription_key_configured"), bool) for store in stores]
    seen = f"told for {sum(told)} of {len(apps)} apps"
    yield Finding(part, "key_is_told", text, seen, judged(all(told) and len(told) == len(apps)) if apps else "not_seen")
    text = "Nothing of a key can be read back."
    named = sorted({name for store in stores for name, value in store.items() if _is_readable(name, value)})
    seen = ", ".join(map(field_name, named)) or "no such field"
    yield Finding(part, "key_is_hidden", text, seen, judged(not named) if stores else "not_seen")
    text = "A project that isn't there gets 404."
    try:
        api.ask("listing apps", "GET", f"/v2/projects/{_NO_PROJECT}/apps?limit=1")
    except Refused as error:
        outcome = judged_answer(error.status, error.content_type, error.status == 404)
        yield Finding(part, "no_project", text, f"HTTP {error.status}", outcome)
    else:
        yield Finding(part, "no_project", text, "an answer with success", "broken")


def qonversion_questions(settings: QonversionSettings, transport: Transport) -> t.Iterator[Finding]:
    """Yield what was found. Raises RefundsError."""
    part = "qonversion"
    api = JsonApi(transport, qonversion_settings.SERVICE, settings.url.removesuffix("/v4"), settings.api_key)
    config = api.ask("reading the configuration", "GET", "/v4/project-settings/stores/apple")
    for name, kinds in _KINDS.items():
        text = f"The App Store configuration has {name}: {' or '.join(shape(kind()) for kind in kinds)}."
        seen = shape(config[name]) if name in config else "no such field"
        yield Finding(part, name, text, seen, judged(name in config and isinstance(config[name], kinds)))
    text = "The private key can't be read back."
    named = sorted(name for name, value in config.items() if "private_key" in name and _is_readable(name, value))
    yield Finding(part, "key_is_hidden", text, ", ".join(map(field_name, named)) or "no such field", judged(not named))


def _is_readable(name: str, value: t.Any) -> bool:
    return bool(_READABLE.search(name)) and isinstance(value, str) and bool(value)
