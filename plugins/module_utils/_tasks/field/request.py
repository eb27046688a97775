# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What field_check_info is asked: of which services, each by a key or a session of the user's own, and the files."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field

from ..._context import Params
from ..._declaration.keys import KeySource, key_source
from ..._model.identifiers import Environment
from ..._trackers.options import Options
from ..shared.connect_api import ConnectApiOptions, connect_api_options
from ..shared.options import environment, service_url
from ..shared.session import SessionOptions, session_options

FILES = ("html_path", "json_path")
_TRACKERS = ("revenuecat", "qonversion", "devtodev")


@dataclass(frozen=True)
class AppleRequest:
    """``bundle_id``: as it was typed; what is wrong with it is a finding of this part."""

    source: KeySource
    bundle_id: str
    environment: Environment
    app_store_server_url: str | None


@dataclass(frozen=True)
class FieldRequest:
    """Of each service None or nothing where it isn't asked. ``files``: absolute paths by option."""

    apple: AppleRequest | None
    connect_api: ConnectApiOptions | None
    session: SessionOptions
    trackers: t.Mapping[str, Options] = field(repr=False)
    bundle_id: str
    request_timeout: float
    files: t.Mapping[str, str]


def request_of(params: Params) -> FieldRequest:
    """Return what a task asks. Raises InputError."""
    bundle_id = params.get("bundle_id") or ""
    return FieldRequest(
        _apple(params, bundle_id) if _is_meant(params, "") else None,
        connect_api_options(params) if _is_meant(params, "api_") else None,
        session_options(params),
        {name: options for name in _TRACKERS if set(options := _given(params.get(name))) - {"on_unknown"}},
        bundle_id,
        float(params["request_timeout"]),
        {name: os.path.abspath(params[name]) for name in FILES if params.get(name)},
    )


def _is_meant(params: Params, prefix: str) -> bool:
    """Tell whether a key is asked about: one without its text, as in a job that lacks its secret, is a finding.

    An Issuer ID may come from a default for all modules.
    """
    return any(params.get(f"{prefix}{name}") for name in ("private_key_path", "private_key_content", "key_id"))


def _apple(params: Params, bundle_id: str) -> AppleRequest:
    return AppleRequest(key_source(params), bundle_id, environment(params), service_url(params, "app_store_server_url"))


def _given(options: Options | None) -> Options:
    return {name: value for name, value in (options or {}).items() if value not in (None, False)}
