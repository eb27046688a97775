# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key file that the task before only predicted in check mode, when it is the mode alone that would change."""

from __future__ import annotations

from dataclasses import replace

from ..._context import Context
from ..._files import read_key_file
from ..._model.errors import RefundsError
from ..._model.integration import Credentials, Integration
from ..._model.private_key import parse_file
from ..shared.options import KeySource, identifiers
from .listed_apps import ListedApp, LoadedKey


def credentials_after_repair(source: KeySource, current: Integration | None, context: Context) -> Credentials | None:
    """Return the key of a predicted file when the tracker holds that very key, under the same IDs; else None.

    What lies there is then what the run will find, with a mode that it may read. Another key could be about to replace
    it otherwise, so that it must not be judged. Outside check mode nothing is predicted, and modes count.
    """
    if not context.check_mode or not source.is_predicted or not source.path or source.content or current is None:
        return None
    try:
        issuer_id, key_id = identifiers(source)
        data = read_key_file(source.path, "mounted" if source.policy == "mounted" else "own")
        key = parse_file(data, source.path)
    except RefundsError:
        # It is about to be replaced, or is bad input, which is told where the key is loaded.
        return None
    held = (current.issuer_id, current.key_id, current.key_fingerprint)
    if not issuer_id or not key_id or held != (issuer_id, key_id, key.fingerprint):
        return None
    return Credentials(issuer_id, key_id, key, source.path)


def app_after_repair(app: ListedApp, current: Integration | None, context: Context) -> ListedApp:
    """Return a listed app with that key, if it has one."""
    found = credentials_after_repair(app.key.source, current, context) if app.key else None
    return replace(app, key=LoadedKey(app.key.source, found, None)) if app.key and found else app
