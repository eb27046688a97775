# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tasks about integrations are asked: declared apps, the services to ask, and what becomes of the rest."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._context import Params
from ..._declaration.apps import App
from ..._declaration.declaration import Declaration, declare, declare_one, has_lists
from ..._declaration.keys import Entry, KeySource, absent_keys, key_entries, key_source
from ..._model.identifiers import Environment, parse_bundle_id
from ..._model.integration import Identity
from ..._model.secret import Secret
from ..._trackers.protocol import Times
from ..._trackers.settings import Settings, parse, require_environment
from ..shared.options import environment, ledger_url, service_url, times
from .purge import Purge, Wishes, parse_purge


@dataclass(frozen=True)
class Services:
    """What a task says of its services. Of each URL None is the vendor's, or the default ledger's."""

    app_store_server_url: str | None
    ledger_url: Secret | None
    times: Times


@dataclass(frozen=True)
class OneRequest:
    """What refund_tracking_integration is asked."""

    app: App
    services: Services


@dataclass(frozen=True)
class ListRequest:
    """What refund_tracking_integrations is asked.

    ``is_strict``: what is wrong with an entry stops the task before anything is done. ``absent_keys``: the short names
    of the keys that are to be gone, of which no task told yet.
    """

    declaration: Declaration
    is_strict: bool
    purge: Purge | None
    absent_keys: tuple[str, ...]
    services: Services


@dataclass(frozen=True)
class InfoRequest:
    """``wanted``: the one integration that is asked about; None for all of the environment."""

    settings: Settings
    environment: Environment
    wanted: Identity | None
    source: KeySource
    services: Services
    is_skipped: bool


@dataclass(frozen=True)
class CheckRequest:
    """What appstore_credential_check_info is asked."""

    declaration: Declaration
    app_store_server_url: str | None


@dataclass(frozen=True)
class DeclarationRequest:
    """``keys``: as they were typed. ``variables``: names to look for slips in. ``prefix``: of those that the role
    reads. ``paths``: other paths, by name.

    ``needs_some``: whether a declaration of nothing is a fault. A playbook may ask about its variables' names alone.
    """

    declaration: Declaration
    keys: tuple[Entry, ...]
    is_strict: bool
    needs_some: bool
    default_tracker: str
    variables: tuple[str, ...]
    prefix: str
    paths: t.Mapping[str, str]


def one_request(params: Params) -> OneRequest:
    """Return what a task asks. Raises RefundsError."""
    return OneRequest(declare_one(params), services_of(params))


def list_request(params: Params) -> ListRequest:
    """Return what a task asks. Raises RefundsError, for all faults of the lists at once where they stop it."""
    declaration = declare(params)
    # What a list with a fault leaves out, nobody knows.
    is_strict = params["on_faulty_app"] == "refuse" or params["purge"]
    if is_strict:
        declaration.require()
    issuer_id = params.get("issuer_id")
    wishes = Wishes(params["purge"], params["tracker"], params["environment"], issuer_id, params["purge_limit"])
    purge = parse_purge(wishes, declaration)
    return ListRequest(declaration, is_strict, purge, tuple(absent_keys(params)), services_of(params))


def info_request(params: Params) -> InfoRequest:
    """Return what a task asks. Raises RefundsError."""
    require_environment(params["tracker"], params["environment"])
    settings, place = parse(params["tracker"], params.get(params["tracker"]) or {}), environment(params)
    bundle_id = params.get("bundle_id")
    return InfoRequest(
        settings,
        place,
        Identity(settings.tracker, settings.project, place, parse_bundle_id(bundle_id)) if bundle_id else None,
        key_source(params),
        services_of(params),
        params["credential_check"] == "skip",
    )


def check_request(params: Params) -> CheckRequest:
    """Return what a task asks. Raises RefundsError, for all faults of lists at once."""
    declaration = declare(params).require() if has_lists(params) else Declaration({}, (declare_one(params),))
    return CheckRequest(declaration, service_url(params, "app_store_server_url"))


def declaration_request(params: Params) -> DeclarationRequest:
    """Return what a task asks, its declaration's faults among it. Raises InputError for a URL that is none."""
    service_url(params, "app_store_server_url")
    variables = tuple(params["variables"])
    has_some = params.get("keys") is not None or params.get("apps") is not None
    return DeclarationRequest(
        declare(params),
        tuple(key_entries(params)),
        params["on_faulty_app"] == "refuse",
        has_some or not variables,
        params["tracker"],
        variables,
        params["prefix"],
        params["paths"] or {},
    )


def services_of(params: Params) -> Services:
    """Return the services of a task. Raises InputError for a URL that is none."""
    return Services(service_url(params, "app_store_server_url"), ledger_url(params), times(params))
