# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many In-App Purchase keys in one task: each is tried, with one session; one failure at the end names the bad ones."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..._context import Context, Results, TaskFailed
from ..._declaration.keys import identifiers
from ..._declaration.meant_key import TWIN_STEP, MeantKey
from ..._fields import place
from ..._model.errors import RefundsError, unforeseen
from ..._model.identifiers import shown
from ..._model.private_key import KeyProblem
from ..._model.text import told_once
from ..shared.session import Connection
from .one_key import settle
from .request import KeyRequest, KeysRequest

_MOST_TOLD = 5


def settle_all(asked: KeysRequest, context: Context, connection: Connection) -> Results:
    """Bring every listed key into its state. Raises TaskFailed, with all results, when any of them failed."""
    every = asked.listed
    chosen = [index for index, entry in enumerate(every) if asked.only_state in (None, entry.state)]
    entries = [every[index] for index in chosen]
    meant = [_meant(number, entry) for number, entry in enumerate(every)]
    outcomes = [_outcome(index, every, meant, context, connection) for index in chosen]
    results: Results = {
        "changed": any(outcome.get("changed") for outcome in outcomes),
        "diff": {side: _side(side, entries, outcomes) for side in ("before", "after")},
        "iap_keys": [_told(entry, outcome) for entry, outcome in zip(entries, outcomes, strict=True)],
        "summary": _summary(entries, outcomes),
        "http": context.transport.counters.as_result(),
    }
    failed = [key for key in results["iap_keys"] if key["failed"]]
    if failed:
        raise TaskFailed(_message(failed, len(entries), asked.only_state), results)
    return results


def _outcome(
    index: int, entries: t.Sequence[KeyRequest], meant: t.Sequence[MeantKey], context: Context, connection: Connection
) -> Results:
    """Return the results of one entry; ``failed`` and ``msg`` are set when it failed. Never raises."""
    entry = entries[index]
    attributes = context.file_attributes
    own = attributes.of_entry(entry.mode, entry.owner, entry.group) if attributes else None
    try:
        _refuse_twin(index, entries, meant)
        return settle(
            replace(entry, staying=tuple(_staying(index, entries, meant))),
            replace(context, file_attributes=own),
            connection,
        )
    except TaskFailed as failure:
        return {**failure.results, "failed": True, "msg": str(failure)}
    except KeyProblem as problem:
        return {"failed": True, "msg": str(problem), "cause": problem.cause}
    except RefundsError as error:
        return {"failed": True, "msg": str(error)}
    except Exception as error:
        return {"failed": True, "msg": unforeseen(error, "the other keys were tried all the same")}


def _refuse_twin(index: int, entries: t.Sequence[KeyRequest], meant: t.Sequence[MeantKey]) -> None:
    """Raise RefundsError when another entry has the same short name, or means the same file or by one name one key.

    The earlier one counts; against one that is to be absent, one that is to be there counts wherever it stands.
    """
    own = entries[index]
    for number, other in enumerate(entries):
        counts = number < index or (other.state, own.state) == ("present", "absent")
        if not counts:
            continue
        if other.source.name == own.source.name:
            told = f"keys[{number}] has the same key, {shown(own.source.name)}."
            raise RefundsError(told, "Give each a name of its own.")
        if own.source.path and other.source.path == own.source.path:
            raise RefundsError(
                f"private_key_path is that of {place('keys', number, other.source.name)}, too.",
                "One file holds one key: correct private_key_path, or remove one of the two entries.",
            )
        if (other.state, own.state) == ("present", "present") and meant[index].is_twin(meant[number]):
            raise RefundsError(f"name {shown(str(own.name))} is that of {meant[number].place}, too.", TWIN_STEP)


def _staying(index: int, entries: t.Sequence[KeyRequest], meant: t.Sequence[MeantKey]) -> t.Iterator[MeantKey]:
    """Yield the keys that other entries want to be there."""
    for number, (entry, one) in enumerate(zip(entries, meant, strict=True)):
        if number != index and entry.state == "present":
            yield one


def _meant(number: int, one: KeyRequest) -> MeantKey:
    return MeantKey.of(place("keys", number, one.source.name), one.source, one.name, one.team_id)


def _told(entry: KeyRequest, outcome: Results) -> Results:
    """Return an entry of the result: all that is known of the key, of a failed one as well."""
    key = {
        "name": entry.name,
        **_identity(entry),
        "key_fingerprint": None,
        "predicted": False,
        **outcome.get("iap_key", {}),
    }
    is_failed = bool(outcome.get("failed"))
    more = {"msg": outcome["msg"], "cause": outcome.get("cause")} if is_failed else {}
    more |= {name: outcome[name] for name in ("backup_file", "irreversible", "summary") if name in outcome}
    return {"key": entry.source.name, **key, "changed": bool(outcome.get("changed")), "failed": is_failed, **more}


def _identity(entry: KeyRequest) -> Results:
    """Return IDs and path of an entry that failed, as far as they are such: anything else may be a secret."""
    if entry.fault:
        return {"key_id": None, "issuer_id": None, "private_key_path": None}
    issuer_id, key_id = identifiers(entry.source)
    return {"key_id": key_id, "issuer_id": issuer_id, "private_key_path": entry.source.path}


def _side(side: str, entries: t.Sequence[KeyRequest], outcomes: t.Sequence[Results]) -> dict[str, t.Any]:
    """Return one side of the diff: by short name, and only what differs."""
    found = {}
    for entry, outcome in zip(entries, outcomes, strict=True):
        diff = outcome.get("diff", {})
        if diff.get("before") != diff.get("after"):
            found[entry.source.name] = diff[side]
    return found


def _summary(entries: t.Sequence[KeyRequest], outcomes: t.Sequence[Results]) -> str:
    """Return what was removed and revoked, or would be; empty when nothing was."""
    told = [(entry.source.name, outcome.get("summary")) for entry, outcome in zip(entries, outcomes, strict=True)]
    return " ".join(f"key {name}: {text}" for name, text in told if text)


def _message(failed: t.Sequence[Results], count: int, only_state: str | None) -> str:
    """``count``: how many were tried. ``only_state``: of these, where those of the other state weren't."""
    told = " ".join(told_once(f"{shown(key['key'])}: {key['msg']}" for key in failed[:_MOST_TOLD]))
    more = f" And {len(failed) - _MOST_TOLD} more: see iap_keys." if len(failed) > _MOST_TOLD else ""
    verb = "needs" if len(failed) == 1 else "need"
    keys = ("key" if count == 1 else "keys") + (f" declared {only_state}" if only_state else "")
    return f"{len(failed)} of {count} {keys} {verb} attention. {told}{more}"
