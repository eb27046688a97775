# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_ledger_copy: a whole ledger to another place, verified row by row."""

from __future__ import annotations

import contextlib
import typing as t

from ... import _argument_spec
from ..._context import Context, Params, Results, Task, TaskFailed
from ..._ledger.copying import Held, copy, count, refuse_another, verify
from ..._ledger.ledger import Ledger
from ..._ledger.place import Place
from ..._model.errors import RefundsError
from ..shared.trackers import LEDGER_LIBRARIES
from .copy_request import copy_request

if t.TYPE_CHECKING:
    import sqlalchemy


def run(params: Params, context: Context) -> Results:
    asked = copy_request(params, context.environ)
    source, target = asked.source, asked.target
    with contextlib.ExitStack() as stack:
        old, new = (
            stack.enter_context(contextlib.closing(_ledger(place, read_only, is_snapshot, context)))
            for place, read_only, is_snapshot in ((source, True, True), (target, context.check_mode, False))
        )
        reading = stack.enter_context(old.reading())
        with new.reading() as connection:
            refuse_another(reading, connection, (source.name, target.name))
            held = count(reading, connection)
        # Not before: what may be written is migrated when it is read, and another ledger is left as it is.
        new.check_place()
        copied = {name: one.source - one.target for name, one in held.items()}
        if not context.check_mode:
            try:
                copy(reading, new)
                with new.reading() as connection:
                    verify(reading, connection, target.name)
            except RefundsError as error:
                written = _written(reading, new, held)
                raise TaskFailed(f"{error}", _results(source, target, held, written, is_verified=False)) from error
    return _results(source, target, held, copied, is_verified=not context.check_mode)


def _written(source: sqlalchemy.Connection, target: Ledger, before: t.Mapping[str, Held]) -> dict[str, int] | None:
    """Return how many rows were written by table; None when that can't be told any more."""
    with contextlib.suppress(RefundsError), target.reading() as connection:
        return {name: one.target - before[name].target for name, one in count(source, connection).items()}
    return None


def _results(
    source: Place, target: Place, held: t.Mapping[str, Held], copied: t.Mapping[str, int] | None, is_verified: bool
) -> Results:
    told: Results = {"from": source.name, "to": target.name, "verified": is_verified}
    if copied is None:
        # Not known is not unchanged.
        return {"changed": True, "ledger_copy": told}
    tables = {name: {"rows": one.source, "copied": copied[name]} for name, one in held.items()}
    return {
        "changed": any(copied.values()),
        "diff": {
            "before": {name: one.target for name, one in held.items()},
            "after": {name: one.target + copied[name] for name, one in held.items()},
        },
        "ledger_copy": {**told, "tables": tables},
    }


def _ledger(place: Place, read_only: bool, is_snapshot: bool, context: Context) -> Ledger:
    remaining = context.transport.remaining
    # A new ledger is what is asked for: nobody has to be warned of it.
    timeout = min(30.0, remaining())
    return Ledger(place, read_only, lambda text: None, timeout, remaining, is_snapshot=is_snapshot)


TASK = Task(_argument_spec.refund_ledger_copy(), run, LEDGER_LIBRARIES)
