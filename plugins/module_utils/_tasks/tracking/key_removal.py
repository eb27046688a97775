# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys that are declared absent: whether they may go now, by what the task came to and by what the ledger holds."""

from __future__ import annotations

import contextlib
import typing as t
from types import MappingProxyType

from ..._context import Context
from ..._decisions.decision import Decision
from ..._decisions.key_removal import in_use, left, nobody_knows, still_held, users, waiting
from ..._declaration.declaration import Declaration
from ..._declaration.keys import key_id_of
from ..._ledger.integrations import list_all
from ..._model.errors import RefundsError
from ..._model.integration import Integration
from ..._model.secret import Secret
from ..shared.trackers import open_ledger
from .key_troubles import KeyTrouble


class Removal(t.NamedTuple):
    """``keys``: short names of those that may go. ``note``: why others may not; empty where there are none.

    ``used``: of each key that something may still use and nobody declares, where that is. ``kept``: the same of what
    is declared absent and still held, with what to do about it. ``unknown``: why else a key may not go, or why that
    could not be told, by key, where nothing else tells it.
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
    """Where the ledger lies that knows what else a key is used for. ``missing``: its place, where there was none.

    ``listed``: what other trackers listed in this run.
    """

    ledger_url: Secret | None
    context: Context
    missing: str = ""
    listed: t.Sequence[Integration] = ()


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
    ids = {name: key_id_of(declaration.keys.get(name)) for name in keys}
    still = [one for one in decisions if one.is_kept and not one.error]
    steps = {one.held.identity.place: one.why_kept for one in still}
    kept = {
        name: {place: steps[place] for place in places}
        for name, places in _used(ids, [one.held for one in still]).items()
    }
    same = _same(ids, declaration, decisions)
    used, unread = _elsewhere(ids, decisions, rest)
    unknown = {**dict.fromkeys(() if trouble else keys if unread else (), unread), **same}
    # Only this is wrong in the declaration itself, and nothing else tells it.
    reason = " ".join(f"{name} is to be absent, and {text}" for name, text in same.items()) or trouble or unread
    note = left(keys, reason, waiting(decisions, is_dry), _places(used), is_dry, _places(kept))
    return Removal((), note, used, unknown, kept) if note else Removal(keys)


def _same(ids: t.Mapping[str, str | None], declaration: Declaration, decisions: t.Iterable[Decision]) -> dict[str, str]:
    """Return which of these keys is one that is to stay, and where that is said.

    A key that is declared by its name has its Key ID only now, from the task that found it.
    """
    there: dict[str | None, str] = {}
    for one in decisions:
        if not one.is_absent and not one.error:
            told = f"{one.held.identity.place}, which is to stay, has the same key ({one.held.key_id})."
            there.setdefault(one.held.key_id, f"{told} Give it another one, or keep this one.")
    for source in declaration.keys.values():
        if not source.is_absent:
            key_id = key_id_of(source)
            where = source.where.removesuffix(": ")
            there[key_id] = f"{where} is the same key ({key_id}). Correct one of the two entries."
    return {name: there[key_id] for name, key_id in ids.items() if key_id and key_id in there}


def _elsewhere(
    ids: t.Mapping[str, str | None], decisions: t.Iterable[Decision], rest: Rest
) -> tuple[dict[str, t.Sequence[str]], str]:
    """Return where what nobody declares may use each key; and why that isn't known, where it isn't."""
    try:
        used = _used(ids, _rest(rest, decisions))
    except RefundsError as error:
        return {}, f"what the ledger holds with {_it(ids)} could not be read: {error}"
    missing = nobody_knows(rest.missing, _it(ids), "run storeops.refunds.site once more") if rest.missing else ""
    return used, missing


def _it(keys: t.Collection[str]) -> str:
    return "it" if len(keys) == 1 else "them"


def _used(ids: t.Mapping[str, str | None], held: t.Sequence[Integration]) -> dict[str, t.Sequence[str]]:
    """Return where each key may be in use, only of those that may. ``ids``: their Key IDs."""
    return {name: places for name, key_id in ids.items() if (places := users({key_id}, held))}


def _places(used: t.Mapping[str, t.Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(place for places in used.values() for place in places))


def _rest(rest: Rest, decisions: t.Iterable[Decision]) -> list[Integration]:
    """Return what is held beside what the task decided about."""
    decided = {decision.held.identity for decision in decisions}
    held = (*_rows(rest), *rest.listed)
    return [one for one in held if one.identity not in decided and one.status != "Absent"]


def _rows(rest: Rest) -> t.Iterator[Integration]:
    """Yield what the ledger holds, and knows of other trackers."""
    with contextlib.closing(open_ledger(rest.ledger_url, rest.context, for_writing=False)) as ledger:
        yield from list_all(ledger)
