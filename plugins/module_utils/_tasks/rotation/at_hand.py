# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The new key where the declaration has it: its text or its own file is taken, and no other file is needed."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..._context import Context, Results
from ..._decisions.rotation import chosen_new_key
from ..._declaration.declaration import Declaration
from ..._declaration.keys import KeySource, key_id_of
from ..._files.writing import is_there
from ..._model.errors import RefundsError
from ..tracking.loaded_keys import KeyReader


def declared_with(declaration: Declaration, key_id: str | None) -> KeySource | None:
    """Return the declared key of a Key ID, one with its text first; None where there is none with a text or a file."""
    every = [*declaration.keys.values(), *(app.key for app in declaration.apps if app.key)]
    same = [one for one in every if key_id and one.is_given and not one.is_absent and key_id_of(one) == key_id]
    return next((one for one in same if one.content), same[0] if same else None)


def at_hand(
    declaration: Declaration, new: KeySource, named: t.Sequence[str], issuer_id: str | None, context: Context
) -> KeySource | None:
    """Return the new key as it is declared; None where it has to be looked for at its path, or made.

    ``named``: Key IDs of the active keys that have its name. Raises RefundsError for one that can't be read, where
    nothing lies at the path either: such a key is not known to be lost.
    """
    source = declared_with(declaration, chosen_new_key(new.key_id, named))
    if source is None:
        return None
    path = None if source.content else source.path
    # At a mounted file's path, no other key can be put, and none be made.
    if path and ((path == new.path and not source.is_mounted) or not is_there(path)):
        return None
    own = replace(source, issuer_id=source.issuer_id or issuer_id)
    loaded = KeyReader(context).load(own)
    if loaded.credentials:
        return replace(own, fingerprint=loaded.credentials.private_key.fingerprint)
    if is_there(str(new.path)):
        return None
    why = loaded.problem or loaded.fault
    told = f"The new key {key_id_of(own)} is declared, and can't be read: {why}"
    raise RefundsError(f"{told} No key was made, and nothing was moved or revoked.")


def as_result(source: KeySource, name: str) -> Results:
    """Return it as appstore_iap_key's result, without a path: who is given it takes the declared key."""
    return {
        "name": name or None,
        "key_id": key_id_of(source),
        "issuer_id": source.issuer_id,
        "private_key_path": None,
        "key_fingerprint": source.fingerprint,
        "predicted": False,
    }
