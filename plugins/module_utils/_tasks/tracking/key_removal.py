# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys that are declared absent: whether they may go now, by what the task came to and by what the ledger holds."""

from __future__ import annotations

import contextlib
import typing as t
from types import MappingProxyType

from ..._context import Context
from ..._decisions.integration import Decision
from ..._decisions.key_removal import in_use, left, still_held, users, waiting
from ..._declaration.declaration import Declaration
from ..._declaration.keys import key_id_of
from ..._ledger.integrations import list_elsewhere, list_integrations
from ..._model.errors import RefundsError
from ..._model.identifiers import ENVIRONMENTS
from ..._model.integration import Integration
from ..._model.secret import Secret
from ..shared.trackers import open_ledger
from .key_troubles import KeyTrouble


class Removal(t.NamedTuple):
    """``keys``: short names of those that may go. ``note``: why others may not; empty where there are none.

    ``used``: of each key that something may still use and nobody declares, where that is. ``kept``: the same of what
    is declared absent and still held, with what to do about it. ``unknown``: why it could not be told, by key, where
    nothing else tells it.
    """

    keys: t.Sequence[str] = ()
    note: str = ""
    used: t.Mapping[str, t.Sequence[str]] = MappingProxyType({})
    unknown: t.Mapping[str, str] = MappingProxyType({})
    kept: t.Mapping[str, t.Mapping[str, str]] = MappingProxyType({})

    def troubles(self) -> list[KeyTrouble]:
        """Return what an audit says of keys that are declared absent."""
        found = [(name, "key_in_use", in_use(places)) for name, places in self.used.items()]
        found += [(name, "key_in_use", still_held(places)) for name, places in self.kept.items()]
        found += [(name, "failed", why) for name, why in self.unknown.items()]
        return [KeyTrouble(name, cause, f"Declared absent, and {text}") for name, cause, text in found]


class Rest(t.NamedTuple):
    """Where the ledger lies that knows what else a key is used for. ``missing``: its place, where there was none."""

    ledger_url: Secret | None
    context: Context
    missing: str = ""


def rest_of(ledger_url: Secret | None, context: Context) -> Rest:
    """Look for the ledger before the task writes into it: one that the task made would know of no other use."""
    with contextlib.closing(open_ledger(ledger_url, context, for_writing=False)) as ledger:
        try:
            missing = ledger.place.where if ledger.lack() else ""
        except RefundsError:
            # It is there, and what is wrong with it is told when it is read.
            missing = ""
        return Rest(ledger_url, context, missing)


def removal(
    keys: t.Sequence[str], declaration: Declaration, decisions: t.Sequence[Decision], trouble: str, rest: Rest
) -> Removal:
    """Return what may become of the ``keys`` that are to be absent. ``trouble``: what the task came to, if to any."""
    is_dry = rest.context.check_mode
    if not keys:
        return Removal()
    used: t.Mapping[str, t.Sequence[str]] = {}
    unknown: dict[str, str] = {}
    ids = {name: key_id_of(declaration.keys.get(name)) for name in keys}
    still = [one for one in decisions if one.is_kept and not one.error]
    steps = {one.held.identity.place: one.why_kept for one in still}
    kept = {
        name: {place: steps[place] for place in places}
        for name, places in _used(ids, [one.held for one in still]).items()
    }
    try:
        used = _used(ids, list(_rest(rest, decisions)))
        said = _missing(rest.missing, keys) if rest.missing else ""
    except RefundsError as error:
        said = f"what the ledger holds with {_it(keys)} could not be read: {error}"
    if said:
        unknown = {} if trouble else dict.fromkeys(keys, said)
        trouble = trouble or said
    note = left(keys, trouble, waiting(decisions, is_dry), _places(used), is_dry, _places(kept))
    return Removal((), note, used, unknown, kept) if note else Removal(keys)


def _it(keys: t.Sequence[str]) -> str:
    return "it" if len(keys) == 1 else "them"


def _missing(place: str, keys: t.Sequence[str]) -> str:
    return (
        f"{place} had nothing before this run, so nobody knows what else uses {_it(keys)}. Correct it, or run "
        "storeops.refunds.site once more if it is your first ledger. If no app was ever in one, use "
        "storeops.refunds.appstore_iap_key."
    )


def _used(ids: t.Mapping[str, str | None], held: t.Sequence[Integration]) -> dict[str, t.Sequence[str]]:
    """Return where each key may be in use, only of those that may. ``ids``: their Key IDs."""
    return {name: places for name, key_id in ids.items() if (places := users({key_id}, held))}


def _places(used: t.Mapping[str, t.Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(place for places in used.values() for place in places))


def _rest(rest: Rest, decisions: t.Iterable[Decision]) -> t.Iterator[Integration]:
    """Yield what the ledger holds, and knows of other trackers, beside what the task decided about."""
    decided = {decision.held.identity for decision in decisions}
    with contextlib.closing(open_ledger(rest.ledger_url, rest.context, for_writing=False)) as ledger:
        for environment in ENVIRONMENTS:
            rows = list_integrations(ledger, "ledger", "", environment)
            for row in (*rows, *list_elsewhere(ledger, environment)):
                if row.identity not in decided and row.status != "Absent":
                    yield row
