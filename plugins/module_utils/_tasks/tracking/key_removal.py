# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys that are declared absent: whether they may go now, by what the task came to and by what the ledger holds."""

from __future__ import annotations

import contextlib
import typing as t

from ..._context import Context
from ..._decisions.integration import Decision
from ..._decisions.key_removal import left, users, waiting
from ..._declaration.declaration import Declaration
from ..._declaration.keys import key_id_of
from ..._ledger.integrations import list_elsewhere, list_integrations
from ..._model.errors import RefundsError
from ..._model.identifiers import ENVIRONMENTS
from ..._model.integration import Integration
from ..._model.secret import Secret
from ..shared.trackers import open_ledger


class Removal(t.NamedTuple):
    """``keys``: short names of those that may go. ``note``: why others may not; empty where there are none."""

    keys: t.Sequence[str] = ()
    note: str = ""


class Rest(t.NamedTuple):
    """Where the ledger lies that knows what else a key is used for."""

    ledger_url: Secret | None
    context: Context


def removal(
    keys: t.Sequence[str], declaration: Declaration, decisions: t.Sequence[Decision], trouble: str, rest: Rest
) -> Removal:
    """Return what may become of the ``keys`` that are to be absent. ``trouble``: what the task came to, if to any."""
    is_dry = rest.context.check_mode
    if not keys:
        return Removal()
    held: t.Sequence[str] = ()
    if not trouble:
        key_ids = {key_id_of(declaration.keys.get(name)) for name in keys}
        try:
            held = users(key_ids, _rest(rest, decisions))
        except RefundsError as error:
            trouble = f"what the ledger holds with {'it' if len(keys) == 1 else 'them'} could not be read: {error}"
    note = left(keys, trouble, waiting(decisions, is_dry), held, is_dry)
    return Removal((), note) if note else Removal(keys)


def _rest(rest: Rest, decisions: t.Iterable[Decision]) -> t.Iterator[Integration]:
    """Yield what the ledger holds, and knows of other trackers, beside what the task decided about."""
    decided = {decision.held.identity for decision in decisions}
    with contextlib.closing(open_ledger(rest.ledger_url, rest.context, for_writing=False)) as ledger:
        for environment in ENVIRONMENTS:
            rows = list_integrations(ledger, "ledger", "", environment)
            for row in (*rows, *list_elsewhere(ledger, environment)):
                if row.identity not in decided and row.status != "Absent":
                    yield row
