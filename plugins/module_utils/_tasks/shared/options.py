# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a task's parameters to the model: what is missing or wrong is named as the user typed it."""

from __future__ import annotations

import contextlib
import typing as t

from ..._context import Context, Params
from ..._declaration.keys import KeySource, identifiers
from ..._files.reading import read_key_file
from ..._files.writing import is_there
from ..._model.errors import InputError, RefundsError
from ..._model.identifiers import Environment, parse_service_url
from ..._model.integration import Credentials
from ..._model.private_key import KeyProblem, PrivateKey, parse_content, parse_file, require_pair
from ..._model.secret import Secret
from ..._trackers.protocol import Times


def load_credentials(source: KeySource, check_mode: bool) -> Credentials:
    """Return complete credentials. Raises InputError for options, KeyProblem for the key itself."""
    issuer_id, key_id = identifiers(source)
    if source.fault:
        raise source.fault
    if check_mode and source.is_predicted and not source.content:
        return _predicted(source, issuer_id, key_id)
    if not source.is_given:
        raise InputError(f"{source.where}private_key_path", "this or private_key_content is required.")
    if source.trouble and source.path and not source.content and not is_there(source.path):
        raise KeyProblem("key_unreadable", source.trouble)
    if not issuer_id:
        require_pair(issuer_id, key_id)
    # The file before the Key ID, which its name may hold: that it isn't there is no matter of its name.
    key = load_key(source)
    require_pair(issuer_id, key_id)
    return Credentials(str(issuer_id), str(key_id), key, source.path)


def _predicted(source: KeySource, issuer_id: str | None, key_id: str | None) -> Credentials:
    """Return the key of a file that a task before would have mended. Raises KeyProblem where it isn't there yet."""
    if source.path and source.fingerprint:
        with contextlib.suppress(RefundsError):
            # Its mode is what would have been mended.
            key = parse_file(read_key_file(source.path, "mounted"), source.path)
            if key.fingerprint == source.fingerprint:
                require_pair(issuer_id, key_id)
                return Credentials(str(issuer_id), str(key_id), key, source.path)
    # Whatever lies there, the task before would have replaced it.
    raise KeyProblem("key_not_yet_created", f"{source.path or 'The key'} is only predicted in check mode.")


def load_key(source: KeySource) -> PrivateKey:
    """Return the private key alone. Raises KeyProblem."""
    if source.content:
        return parse_content(source.content.reveal())
    path = str(source.path)
    return parse_file(read_key_file(path, source.policy), path)


def environment(params: Params) -> Environment:
    return t.cast(Environment, params["environment"])


def service_url(params: Params, option: str) -> str | None:
    """Return a service's own base URL, or None for the vendor's."""
    return parse_service_url(params[option], option) if params.get(option) else None


def ledger_url(params: Params) -> Secret | None:
    """Return the task's ``ledger.url``, as it was given; it may hold a password."""
    url = (params.get("ledger") or {}).get("url")
    return None if url is None else Secret(url)


def times(params: Params) -> Times:
    """Return how long a task waits for one answer, and for a change to be seen."""
    return Times(float(params["request_timeout"]), float(params["wait_timeout"]))


def warn_about_name(source: KeySource, context: Context) -> None:
    if source.has_api_key_name:
        context.warn(
            f"{source.path} is named like an App Store Connect API key (AuthKey_…). In-App Purchase keys are "
            "downloaded as SubscriptionKey_<Key ID>.p8; the two kinds are not interchangeable."
        )
