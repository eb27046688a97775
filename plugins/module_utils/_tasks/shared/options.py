# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a task's parameters to the model: what is missing or wrong is named as the user typed it."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from ..._context import Context, Params
from ..._fields import refuse_empty
from ..._files.reading import Policy, read_key_file
from ..._model.errors import InputError
from ..._model.identifiers import Environment, parse_bundle_id, parse_issuer_id, parse_service_url, refuse_no_path
from ..._model.integration import Credentials, Identity
from ..._model.private_key import (
    KeyProblem,
    PrivateKey,
    parse_content,
    parse_file,
    read_file_name,
    require_pair,
    settle_key_id,
)
from ..._model.secret import Secret


@dataclass(frozen=True)
class KeySource:
    """Where a key comes from. ``where`` starts the option names in messages, such as ``apps[3].``."""

    issuer_id: str | None
    key_id: str | None
    path: str | None
    content: Secret | None
    policy: Policy
    is_predicted: bool = False
    where: str = ""

    @property
    def is_given(self) -> bool:
        return bool(self.path or self.content)

    @property
    def has_api_key_name(self) -> bool:
        """True when the file is named AuthKey_…, as App Store Connect API keys are."""
        return bool(self.path) and read_file_name(os.path.basename(str(self.path))).is_api_key


def key_source(params: Params, where: str = "") -> KeySource:
    """Return the key that a task's, an app's or a named key's parameters describe."""
    refuse_empty(params, ("issuer_id", "key_id", "private_key_path", "private_key_content"), where)
    content = params.get("private_key_content")
    refuse_no_path(params.get("private_key_path") or "", f"{where}private_key_path")
    # Stored with the integration: it must mean the same file wherever the next run starts.
    path = os.path.abspath(params["private_key_path"]) if params.get("private_key_path") else None
    return KeySource(
        issuer_id=params.get("issuer_id") or None,
        key_id=params.get("key_id") or None,
        path=path,
        content=Secret(content) if content else None,
        policy=params.get("private_key_file_policy") or "strict",
        is_predicted=bool(params.get("key_predicted")),
        where=where,
    )


def identifiers(source: KeySource) -> tuple[str | None, str | None]:
    """Return Issuer ID and Key ID as far as they are given, checked. Raises InputError, KeyProblem."""
    issuer_id = parse_issuer_id(source.issuer_id, f"{source.where}issuer_id") if source.issuer_id else None
    name = read_file_name(os.path.basename(source.path or ""))
    return issuer_id, settle_key_id(source.key_id, name, source.path or "")


def load_credentials(source: KeySource, check_mode: bool) -> Credentials:
    """Return complete credentials. Raises InputError for options, KeyProblem for the key itself."""
    issuer_id, key_id = identifiers(source)
    # Also when some file lies there: the run before this task would have replaced or repaired it.
    if check_mode and source.is_predicted and not source.content:
        raise KeyProblem("key_not_yet_created", f"{source.path or 'The key'} is only predicted in check mode.")
    if not source.is_given:
        raise InputError(f"{source.where}private_key_path", "or private_key_content is required.")
    require_pair(issuer_id, key_id)
    key = load_key(source)
    return Credentials(str(issuer_id), str(key_id), key, source.path)


def load_key(source: KeySource) -> PrivateKey:
    """Return the private key alone. Raises KeyProblem."""
    if source.content:
        return parse_content(source.content.reveal())
    path = str(source.path)
    return parse_file(read_key_file(path, source.policy), path)


def identity(params: Params) -> Identity:
    """Return which integration a task is about. Raises InputError without a bundle ID."""
    if not params.get("bundle_id"):
        raise InputError("bundle_id", "is required.", "Give the app's bundle ID, such as com.example.game.")
    return Identity(
        params.get("tracker") or "ledger",
        tracker_project(params),
        params["environment"],
        parse_bundle_id(params["bundle_id"]),
    )


def tracker_project(params: Params) -> str:
    """Return the tracker's project that a task names; empty for trackers without projects."""
    options = params.get(params.get("tracker") or "ledger") or {}
    return str(options.get("project_id") or options.get("project") or "").strip()


def environment(params: Params) -> Environment:
    return t.cast(Environment, params["environment"])


def service_url(params: Params, option: str) -> str | None:
    """Return a service's own base URL, or None for the vendor's."""
    return parse_service_url(params[option], option) if params.get(option) else None


def warn_about_name(source: KeySource, context: Context) -> None:
    if source.has_api_key_name:
        context.warn(
            f"{source.path} is named like an App Store Connect API key (AuthKey_…). In-App Purchase keys are "
            "downloaded as SubscriptionKey_<Key ID>.p8; the two kinds are not interchangeable."
        )
