# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The App Store Connect API of a task: its key is another kind than the In-App Purchase key, and has own options."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..._apple.app_store_connect_api import AppStoreConnectApi, ConnectApiCredentials
from ..._context import Context, Params
from ..._declaration.keys import KeySource, key_source
from ..._model.errors import InputError
from ..._model.identifiers import parse_issuer_id, parse_key_id
from ..._model.private_key import KeyProblem, read_file_name
from .options import load_key, service_url

_PLACE = "App Store Connect, Users and Access, Integrations, App Store Connect API"
_NAMES = ("issuer_id", "key_id", "private_key_path", "private_key_content")


@dataclass(frozen=True)
class ConnectApiOptions:
    """A task's ``api_…`` options. ``url``: None is Apple's."""

    source: KeySource
    url: str | None


def connect_api_options(params: Params) -> ConnectApiOptions:
    """Return what a task says of the API. Raises InputError for a URL that is none."""
    renamed = {name: params.get(f"api_{name}") for name in _NAMES}
    source = key_source({**renamed, "private_key_file_policy": params.get("private_key_file_policy")}, "api_")
    return ConnectApiOptions(source, service_url(params, "app_store_connect_api_url"))


def open_connect_api(options: ConnectApiOptions, context: Context) -> AppStoreConnectApi:
    """Return the API. Raises InputError that names the option."""
    credentials = _credentials(options.source)
    _warn_about_name(options.source, context)
    return AppStoreConnectApi(context.transport, options.url, credentials, context.now, context.warn)


def _credentials(source: KeySource) -> ConnectApiCredentials:
    named = read_file_name(os.path.basename(source.path or "")).key_id
    if not source.is_given:
        raise InputError(
            "api_private_key_path", "this or api_private_key_content is required.", f"The key is made in {_PLACE}."
        )
    if not source.key_id and not named:
        raise InputError("api_key_id", "is required when the file is not named AuthKey_<Key ID>.p8.")
    given = parse_key_id(source.key_id, "api_key_id") if source.key_id else None
    key_id = given or parse_key_id(str(named), f"api_key_id (from the file name {source.path})")
    if named and key_id != named:
        raise InputError("api_key_id", f"is {key_id}, but the file name {source.path} says {named}.", "Correct it.")
    issuer_id = parse_issuer_id(source.issuer_id, "api_issuer_id") if source.issuer_id else None
    try:
        return ConnectApiCredentials(key_id, issuer_id, load_key(source))
    except KeyProblem as problem:
        option = "api_private_key_content" if source.content else "api_private_key_path"
        # Its own next step is about In-App Purchase keys.
        raise InputError(
            option,
            problem.message.removeprefix("private_key_content "),
            f"Give the AuthKey_<Key ID>.p8 of {_PLACE}, with mode 0600 or private_key_file_policy: mounted.",
        ) from None


def _warn_about_name(source: KeySource, context: Context) -> None:
    name = read_file_name(os.path.basename(source.path or ""))
    if name.key_id and not name.is_api_key:
        context.warn(
            f"{source.path} is named like an In-App Purchase key (SubscriptionKey_…). App Store Connect API keys are "
            "downloaded as AuthKey_<Key ID>.p8; the two kinds are not interchangeable."
        )
