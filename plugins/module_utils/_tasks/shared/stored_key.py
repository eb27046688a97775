# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The key of an integration that a tracker holds: from the task, else from the path stored with it."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..._declaration.keys import KeySource
from ..._model.integration import Credentials, Integration
from ..._model.private_key import KeyProblem, PrivateKey
from .options import load_key


def stored_credentials(
    entry: Integration, source: KeySource, load: t.Callable[[KeySource], PrivateKey] = load_key
) -> Credentials | None:
    """Return the key of one entry: the task's if it is the one that was applied, else what lies at the stored path.

    None when neither is at hand. ``load`` may remember the keys of other entries. Raises KeyProblem.
    """
    if not entry.issuer_id or not entry.key_id:
        return None
    if source.is_given:
        key = load(source)
        if entry.key_fingerprint in (None, key.fingerprint):
            return Credentials(entry.issuer_id, entry.key_id, key, source.path)
    if not entry.private_key_path:
        return None
    key = load(replace(source, path=entry.private_key_path, content=None, where=""))
    if entry.key_fingerprint not in (None, key.fingerprint):
        raise KeyProblem(
            "key_id_mismatch",
            f"{entry.private_key_path} now holds another key (fingerprint {key.fingerprint[:16]}…) than the one that "
            f"was applied as Key ID {entry.key_id} (fingerprint {str(entry.key_fingerprint)[:16]}…).",
            "If the file holds the new key, declare its Key ID and run storeops.refunds.site; else put the old file "
            "back.",
        )
    return Credentials(entry.issuer_id, entry.key_id, key, entry.private_key_path)
