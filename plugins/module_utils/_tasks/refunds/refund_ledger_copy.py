# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_ledger_copy: a whole ledger to another place, verified row by row."""

from __future__ import annotations

import contextlib
import os

from ... import _argument_spec
from ..._context import Context, Params, Results, Task
from ..._ledger.copying import copy, count, verify
from ..._ledger.ledger import Ledger
from ..._ledger.place import Place, find_place
from ..._ledger.writable import is_there
from ..._model.errors import InputError
from ..shared.trackers import LEDGER_LIBRARIES


def run(params: Params, context: Context) -> Results:
    source, target = (_place(params, name, context) for name in ("from_ledger", "to_ledger"))
    if source.url.reveal() == target.url.reveal() or _same_file(source, target):
        raise InputError("to_ledger.url", "is the ledger that from_ledger names.", "Name another place.")
    if source.path is not None and not is_there(source):
        raise InputError("from_ledger.url", f"{source.path} does not exist.", "Compare it with ledger.url.")
    with contextlib.ExitStack() as stack:
        old, new = (
            stack.enter_context(contextlib.closing(_ledger(place, read_only, context)))
            for place, read_only in ((source, True), (target, context.check_mode))
        )
        new.check_place()
        reading = stack.enter_context(old.reading())
        with new.reading() as connection:
            held = count(reading, connection)
        if not context.check_mode:
            copy(reading, new)
            with new.reading() as connection:
                verify(reading, connection, target.name)
    tables = {name: {"rows": one.source, "copied": max(0, one.source - one.target)} for name, one in held.items()}
    changed = any(one["copied"] for one in tables.values())
    return {
        "changed": changed,
        "diff": {
            "before": {name: one.target for name, one in held.items()},
            "after": {name: max(one.source, one.target) for name, one in held.items()},
        },
        "ledger_copy": {"from": source.name, "to": target.name, "tables": tables, "verified": not context.check_mode},
    }


def _place(params: Params, name: str, context: Context) -> Place:
    return find_place(params[name]["url"], context.environ, f"{name}.url")


def _same_file(one: Place, other: Place) -> bool:
    return None not in (one.path, other.path) and os.path.realpath(str(one.path)) == os.path.realpath(str(other.path))


def _ledger(place: Place, read_only: bool, context: Context) -> Ledger:
    remaining = context.transport.remaining
    # A new ledger is what is asked for: nobody has to be warned of it.
    return Ledger(place, read_only, lambda text: None, min(30.0, remaining()), remaining)


TASK = Task(_argument_spec.refund_ledger_copy(), run, LEDGER_LIBRARIES)
