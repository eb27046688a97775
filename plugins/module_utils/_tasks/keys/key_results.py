# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task about one key returns."""

from __future__ import annotations

import typing as t

from ..._context import Context, Params, Results
from ..._declaration.keys import KeySource, identifiers
from ..._model.private_key import PrivateKey


def results_of(
    source: KeySource,
    key: PrivateKey | None,
    changed: bool,
    diff: dict[str, t.Any],
    params: Params,
    context: Context,
) -> Results:
    """Return the results of a task about one key: ``key`` is what its file holds then, None where there is none."""
    issuer_id, key_id = identifiers(source)
    return {
        "changed": changed,
        "diff": diff,
        "iap_key": {
            "name": params.get("name"),
            "key_id": key_id,
            "issuer_id": issuer_id,
            "private_key_path": source.path,
            "key_fingerprint": key.fingerprint if key else None,
            "predicted": changed and context.check_mode and params["state"] == "present",
        },
        "http": context.transport.counters.as_result(),
    }
