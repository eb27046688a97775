# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What app_store_notification_url is asked: apps with their URLs, and by which ways they are set and proven."""

from __future__ import annotations

from dataclasses import dataclass

from ..._context import Params
from ..._declaration.keys import KeySource, key_source
from ..._fields import refuse_empty
from ..._model.errors import InputError
from ..._model.identifiers import ENVIRONMENTS, parse_bundle_id
from ..._model.notification_url import OnOther, parse_notification_url
from ..._model.secret import Secret
from ..shared.connect_api import ConnectApiOptions, connect_api_options
from ..shared.options import ledger_url, service_url
from ..shared.root import root_certificate
from .url_item import WantedApp

_URLS = tuple(f"{environment}_url" for environment in ENVIRONMENTS)


@dataclass(frozen=True)
class ProofRequest:
    """How URLs are proven. ``source``: the task's In-App Purchase key, for apps without one of their own."""

    source: KeySource
    app_store_server_url: str | None
    wait_timeout: float


@dataclass(frozen=True)
class UrlRequest:
    """``proof``: None where no test notification is asked for. ``root_source``: the ledger's name of the root."""

    apps: tuple[WantedApp, ...]
    on_other_url: OnOther
    on_version_1: OnOther
    connect_api: ConnectApiOptions
    ledger_url: Secret | None
    root_source: str
    proof: ProofRequest | None


def request_of(params: Params) -> UrlRequest:
    """Return what a task asks. Raises InputError that names the entry."""
    proof = ProofRequest(key_source(params), service_url(params, "app_store_server_url"), float(params["wait_timeout"]))
    return UrlRequest(
        tuple(_wanted(params)),
        params["on_other_url"],
        params["on_version_1"],
        connect_api_options(params),
        ledger_url(params),
        root_certificate(params.get("root_certificate_path")).source,
        proof if params["verify"] else None,
    )


def _wanted(params: Params) -> list[WantedApp]:
    """Return the declared apps. Raises InputError that names the entry."""
    entries = params.get("apps")
    if entries is None:
        entries, where = [{"bundle_id": params.get("bundle_id")}], [""]
    else:
        where = [f"apps[{index}]." for index in range(len(entries))]
    for entry, prefix in zip(entries, where, strict=True):
        refuse_empty(entry, ("bundle_id", *_URLS), prefix)
    if not entries or not entries[0].get("bundle_id"):
        raise InputError("bundle_id", "this or apps is required.", "Name one app, or give a list of apps.")
    found: dict[str, WantedApp] = {}
    for entry, prefix in zip(entries, where, strict=True):
        bundle_id = parse_bundle_id(entry["bundle_id"], f"{prefix}bundle_id")
        if bundle_id in found:
            raise InputError(f"{prefix}bundle_id", f"{bundle_id} stands in the list twice.", "Remove one of the two.")
        urls = {
            environment: parse_notification_url(text, f"{prefix if entry.get(option) else ''}{option}")
            for environment, option in zip(ENVIRONMENTS, _URLS, strict=True)
            if (text := entry.get(option) or params.get(option))
        }
        if not urls:
            raise InputError(f"{prefix}production_url", "this or sandbox_url is required.", "Declare one URL at least.")
        found[bundle_id] = WantedApp(bundle_id, urls)
    return list(found.values())
