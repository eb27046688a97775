# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task about one key returns."""

from __future__ import annotations

import typing as t

from ..._context import Context, Results
from ..._declaration.keys import identifiers
from ..._model.private_key import PrivateKey
from .request import KeyRequest


def results_of(
    asked: KeyRequest, key: PrivateKey | None, changed: bool, diff: dict[str, t.Any], context: Context
) -> Results:
    """Return the results of a task about one key: ``key`` is what its file holds then, None where there is none."""
    issuer_id, key_id = identifiers(asked.source)
    return {
        "changed": changed,
        "diff": diff,
        "iap_key": {
            "name": asked.name,
            "key_id": key_id,
            "issuer_id": issuer_id,
            "private_key_path": asked.source.path,
            "key_fingerprint": key.fingerprint if key else None,
            "predicted": changed and context.check_mode and asked.state == "present",
        },
        "http": context.transport.counters.as_result(),
    }
