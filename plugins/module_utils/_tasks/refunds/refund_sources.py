# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What refund_ledger needs to know before it reads: integration, root certificate, Apple ID, notification URL."""

from __future__ import annotations

import typing as t

from ..._apple.app_record import AppRecord
from ..._context import Context
from ..._ledger.ledger import Ledger
from ..._ledger.notification_urls import KnownUrl, known_urls, put_urls
from ..._model.coverage import NotificationUrl
from ..._model.errors import InputError, RefundsError
from ..._model.identifiers import Environment
from ..._model.integration import Identity, Integration
from ..._model.notification_url import known_as
from ..._model.text import few
from ..shared.connect_api import ConnectApiOptions, open_connect_api


def require_active(held: Integration | None, wanted: Identity, check_mode: bool) -> Integration:
    """Return the integration. Raises RefundsError for every status but Active, with the reason and the next step."""
    named = f"{wanted.bundle_id} ({wanted.environment})"
    if held is None:
        hint = " (Check mode: site --check stores nothing.)" if check_mode else ""
        raise RefundsError(
            f"{named} has no integration on the built-in ledger.{hint}",
            "Apply refund_tracking_integration for it first (tracker: ledger), with the same ledger.url.",
        )
    if held.status == "Pending":
        raise RefundsError(
            f"The integration of {named} is Pending: its key was not checked (credential_check: skip), or the app was "
            "most likely never released, for which Apple's production answers nothing.",
            "Apply refund_tracking_integration again with credential_check: required, after the release.",
        )
    if held.status != "Active":
        raise RefundsError(
            f"The integration of {named} is {held.status}: Apple did not accept its key.",
            "refund_tracking_integration_info names the cause; then apply refund_tracking_integration again.",
        )
    return held


def own_records(
    options: ConnectApiOptions | None, context: Context, bundle_ids: t.Sequence[str]
) -> dict[str, AppRecord]:
    """Return what App Store Connect says about apps, by bundle ID; empty without an API key or when it does not say."""
    if not bundle_ids or options is None:
        return {}
    api = open_connect_api(options, context)
    named = bundle_ids[0] if len(bundle_ids) == 1 else f"{len(bundle_ids)} apps"
    try:
        found = {app.bundle_id: app for app in api.apps(bundle_ids)}
    except RefundsError as error:
        # Refunds are read all the same; it only stays open whether an empty history means anything.
        context.warn(f"{named}: App Store Connect did not tell the notification URL. {error}")
        return {}
    missing = [bundle_id for bundle_id in bundle_ids if bundle_id not in found]
    if missing:
        context.warn(f"{few(missing)}: App Store Connect lists no such app for this API key.")
    return found


def notification_url(record: AppRecord | None, environment: Environment) -> NotificationUrl:
    """Return which notification URL counts for the app in one environment."""
    return "unasked" if record is None else known_as(record.in_effect(environment))


def notice_urls(ledger: Ledger, records: t.Mapping[str, AppRecord], identities: t.Iterable[Identity], now: str) -> None:
    """Note where App Store Connect shows another URL than the one that was as declared.

    Each service that is set up takes the URL from the one before, and tells nobody: what was proven of the old URL
    proves nothing of the new one. ``now`` is UTC in ISO 8601.
    """
    known = known_urls(ledger, set(records)) if records else {}
    changed = []
    for identity in identities:
        environment, bundle_id = identity.environment, identity.bundle_id
        before, record = known.get((environment, bundle_id)), records.get(bundle_id)
        if before is None or record is None or before.state != "as_declared":
            continue
        url = record.in_effect(environment)
        if url is not None and url.sha256 != before.url_sha256:
            state = "as_declared" if url.host == before.host else "other_host"
            changed.append(KnownUrl(environment, bundle_id, state, url.host, url.sha256, now))
    put_urls(ledger, changed)


def apple_id(given: int | None, held: Integration, record: AppRecord | None) -> int | None:
    """Return the app's Apple ID: the one given, else the one stored with the integration, else App Store Connect's.

    Raises InputError where it is required and nobody knows it, or App Store Connect names another.
    """
    known: int | None = given or held.app_apple_id or (record.apple_id if record else None)
    if held.identity.environment != "production":
        return known
    if known is not None and record is not None and known != record.apple_id:
        raise InputError(
            "app_apple_id",
            f"is {known}, and App Store Connect names {record.apple_id} for {held.identity.bundle_id}.",
            "Correct app_apple_id where the app is declared, then run storeops.refunds.site and "
            "storeops.refunds.refunds.",
        )
    if known is None:
        raise InputError(
            "app_apple_id",
            "is required in production: Apple's payloads are verified against it.",
            "Add app_apple_id to the app, the number that App Store Connect shows as Apple ID under App Information, "
            "and run again.",
        )
    return known
