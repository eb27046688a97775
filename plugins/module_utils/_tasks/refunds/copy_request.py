# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What refund_ledger_copy is asked: from which place to which."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from ..._context import Params
from ..._ledger.place import Place, find_place
from ..._ledger.writable import is_there
from ..._model.errors import InputError


@dataclass(frozen=True)
class CopyRequest:
    """Two places that differ; a file to copy from is there."""

    source: Place
    target: Place


def copy_request(params: Params, environ: t.Mapping[str, str]) -> CopyRequest:
    """Return what a task asks. Raises InputError."""
    source, target = (find_place(params[name]["url"], environ, f"{name}.url") for name in ("from_ledger", "to_ledger"))
    if source.url.reveal() == target.url.reveal() or _same_file(source, target):
        raise InputError("to_ledger.url", "is the ledger that from_ledger names.", "Name another place.")
    if source.path is not None and not is_there(source):
        raise InputError("from_ledger.url", f"{source.path} does not exist.", "Compare it with ledger.url.")
    return CopyRequest(source, target)


def _same_file(one: Place, other: Place) -> bool:
    return None not in (one.path, other.path) and os.path.realpath(str(one.path)) == os.path.realpath(str(other.path))
