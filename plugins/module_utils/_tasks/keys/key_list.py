# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many In-App Purchase keys in one task: each is tried, with one session; one failure at the end names the bad ones."""

from __future__ import annotations

import os
import typing as t
from dataclasses import replace

from ..._context import Context, Params, Results, TaskFailed
from ..._declaration.keys import identifiers, key_source
from ..._model.errors import RefundsError, unforeseen
from ..._model.identifiers import shown
from ..._model.private_key import KeyProblem
from ..shared.session import Connection
from .one_key import settle

# What an entry takes over from the task where it is silent; never a key's own ID, name and file.
INHERITED = (
    "issuer_id",
    "private_key_file_policy",
    "regenerate",
    "team_id",
    "mode",
    "owner",
    "group",
    "state",
    "revoke",
    "backup",
)
_OWN = ("name", "key_id", "private_key_path", "private_key_content")
_FILE_FIELDS = ("mode", "owner", "group")
_MOST_TOLD = 5


def settle_all(params: Params, context: Context, connection: Connection) -> Results:
    """Bring every entry of ``keys`` into its state. Raises TaskFailed, with all results, when any of them failed.

    With ``only_state``, those of the other state are compared with, and left as they are.
    """
    every = [_merged(entry, params) for entry in params["keys"]]
    chosen = [index for index, entry in enumerate(every) if params.get("only_state") in (None, entry["state"])]
    entries = [every[index] for index in chosen]
    outcomes = [_outcome(index, every, context, connection) for index in chosen]
    results: Results = {
        "changed": any(outcome.get("changed") for outcome in outcomes),
        "diff": {side: _side(side, entries, outcomes) for side in ("before", "after")},
        "iap_keys": [_told(entry, outcome) for entry, outcome in zip(entries, outcomes, strict=True)],
        "summary": _summary(entries, outcomes),
        "http": context.transport.counters.as_result(),
    }
    failed = [key for key in results["iap_keys"] if key["failed"]]
    if failed:
        raise TaskFailed(_message(failed, len(entries)), results)
    return results


def _merged(entry: Params, params: Params) -> Params:
    own = {name: entry.get(name) for name in (*_OWN, "key")}
    given = {name: entry[name] for name in INHERITED if entry.get(name) is not None}
    return {**{name: params.get(name) for name in INHERITED}, **given, **own}


def _outcome(index: int, entries: t.Sequence[Params], context: Context, connection: Connection) -> Results:
    """Return the results of one entry; ``failed`` and ``msg`` are set when it failed. Never raises."""
    entry = entries[index]
    attributes = context.file_attributes
    fields = {name: entry.get(name) for name in _FILE_FIELDS}
    own = replace(context, file_attributes=attributes.of_entry(fields) if attributes else None)
    try:
        _refuse_twin(index, entries)
        return settle(entry, own, connection)
    except TaskFailed as failure:
        return {**failure.results, "failed": True, "msg": str(failure)}
    except KeyProblem as problem:
        return {"failed": True, "msg": str(problem), "cause": problem.cause}
    except RefundsError as error:
        return {"failed": True, "msg": str(error)}
    except Exception as error:
        return {"failed": True, "msg": unforeseen(error, "the other keys were tried all the same")}


def _refuse_twin(index: int, entries: t.Sequence[Params]) -> None:
    """Raise RefundsError when another entry has the same short name, or means the same file.

    The earlier one counts; against one that is to be absent, one that is to be there counts wherever it stands.
    """
    entry = entries[index]
    for number, earlier in enumerate(entries):
        counts = number < index or (earlier["state"], entry["state"]) == ("present", "absent")
        if not counts:
            continue
        if earlier["key"] == entry["key"]:
            raise RefundsError(
                f"keys[{number}] has the same key, {shown(entry['key'])}.", "Give each a name of its own."
            )
        paths = [each["private_key_path"] for each in (earlier, entry)]
        if all(paths) and os.path.abspath(paths[0]) == os.path.abspath(paths[1]):
            raise RefundsError(
                f"private_key_path is that of keys[{number}] ({shown(earlier['key'])}), too.", "One file holds one key."
            )


def _told(entry: Params, outcome: Results) -> Results:
    """Return an entry of the result: all that is known of the key, of a failed one as well."""
    key = {
        "name": entry.get("name"),
        **_identity(entry),
        "key_fingerprint": None,
        "predicted": False,
        **outcome.get("iap_key", {}),
    }
    is_failed = bool(outcome.get("failed"))
    more = {"msg": outcome["msg"], "cause": outcome.get("cause")} if is_failed else {}
    more |= {name: outcome[name] for name in ("backup_file", "irreversible") if name in outcome}
    return {"key": entry["key"], **key, "changed": bool(outcome.get("changed")), "failed": is_failed, **more}


def _identity(entry: Params) -> Results:
    """Return IDs and path of an entry that failed, as far as they are such: anything else may be a secret."""
    try:
        source = key_source(entry)
        issuer_id, key_id = identifiers(source)
    except RefundsError:
        return {"key_id": None, "issuer_id": None, "private_key_path": None}
    return {"key_id": key_id, "issuer_id": issuer_id, "private_key_path": source.path}


def _side(side: str, entries: t.Sequence[Params], outcomes: t.Sequence[Results]) -> dict[str, t.Any]:
    """Return one side of the diff: by short name, and only what differs."""
    found = {}
    for entry, outcome in zip(entries, outcomes, strict=True):
        diff = outcome.get("diff", {})
        if diff.get("before") != diff.get("after"):
            found[entry["key"]] = diff[side]
    return found


def _summary(entries: t.Sequence[Params], outcomes: t.Sequence[Results]) -> str:
    """Return what was removed and revoked, or would be; empty when nothing was."""
    told = [(entry["key"], outcome.get("summary")) for entry, outcome in zip(entries, outcomes, strict=True)]
    return " ".join(f"key {name}: {text}" for name, text in told if text)


def _message(failed: t.Sequence[Results], count: int) -> str:
    told = " ".join(f"{shown(key['key'])}: {key['msg']}" for key in failed[:_MOST_TOLD])
    more = f" And {len(failed) - _MOST_TOLD} more: see iap_keys." if len(failed) > _MOST_TOLD else ""
    verb = "needs" if len(failed) == 1 else "need"
    return f"{len(failed)} of {count} keys {verb} attention. {told}{more}"
