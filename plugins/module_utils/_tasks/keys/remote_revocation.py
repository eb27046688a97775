# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Revoking a key at App Store Connect: the one step that can't be undone and stops every service that uses the key."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..._apple.app_store_connect import AppStoreConnect, RemoteKey, Team, is_active
from ..._apple.web_errors import NoAnswer
from ..._context import Context, TaskFailed
from ..._decisions.irreversible import Gate
from ..._declaration.keys import KeySource, identifiers
from ..._files.writing import is_there
from ..._http import Transport
from ..._model.errors import InputError, RefundsError, TransportError
from ..._model.identifiers import shown
from ..._model.permit import Permit
from ..shared.session import Connection
from .remote_key_plan import key_name, refuse_nameless, refuse_other_name, refuse_staying, several
from .request import KeyRequest


class Revoked(t.NamedTuple):
    """``key_id`` is None when no such key is listed; a key that Apple lists as revoked was not active.

    ``is_proven``: the list of keys shows that it is revoked; in check mode, that it will.
    """

    key_id: str | None
    was_active: bool
    is_proven: bool = True


class Seen(t.NamedTuple):
    """What shows that a key is revoked, for the record."""

    text: str
    is_proof: bool = True


def revoke_key(asked: KeyRequest, context: Context, connection: Connection, gate: Gate, proven: str = "") -> Revoked:
    """Revoke the key that key_id or name says and prove it by the list. A key that is revoked already needs nothing.

    ``proven``: what else speaks for it, for the gate.
    """
    source = asked.source
    issuer_id, key_id = identifiers(source)
    name = key_name(asked.name) if asked.name else None
    if not key_id and not name:
        raise InputError("key_id", "this or name is required with revoke.", "Say which key to revoke.")
    connect = connection.open()
    team = connect.team(asked.team_id, issuer_id)
    found = _found(connect.list_keys(), key_id, name)
    if found is None:
        _say_unlisted(key_id or shown(str(name)), team, source, context)
        return Revoked(None, False)
    if is_active(found):
        refuse_staying(found, team, asked.staying, "is to be absent")
        what = f"{proven}; " if proven else ""
        state = "active" if found.is_active else "not listed as revoked"
        what += f"it is the key that {'key_id' if key_id else 'name'} says, and {state} in the team {shown(team.name)}"
        permit = gate.ask("revoke_key", found.key_id, "revoke: true", what, "App Store Connect's list of keys")
        is_proven = found.is_active is True
        if permit:
            seen = prove_revoked(connect, permit, team, context)
            gate.done(permit, f"done; {seen.text}")
            is_proven = seen.is_proof
        else:
            connect.foresee(replace(found, is_active=False))
        return Revoked(found.key_id, True, is_proven)
    return Revoked(found.key_id, False)


def _found(keys: t.Sequence[RemoteKey], key_id: str | None, name: str | None) -> RemoteKey | None:
    if not key_id:
        # One of those without a name may be it.
        refuse_nameless([key for key in keys if is_active(key)])
    same = [key for key in keys if (key.key_id == key_id if key_id else key.has_name(name))]
    active = [key for key in same if is_active(key)]
    if len(active) > 1:
        raise several(str(name), active)
    found = next(iter(active or same), None)
    if found is not None:
        refuse_other_name(found, name)
    return found


def _say_unlisted(wanted: str, team: Team, source: KeySource, context: Context) -> None:
    """A typo must not pass for a revoked key; but Apple lists revoked keys for a month only, so a file decides."""
    message = f"App Store Connect lists no key {wanted} in the team {shown(team.name)} (issuer_id {team.issuer_id})"
    if source.path and is_there(source.path):
        raise RefundsError(
            f"{message}: nothing was revoked, and {source.path} was not removed.",
            "Correct key_id, name, team_id or the session; or remove the file without revoke.",
        )
    context.warn(f"{message}: nothing was revoked. That is right only if it was revoked more than 30 days ago.")


def prove_revoked(connect: AppStoreConnect, permit: Permit, team: Team, context: Context) -> Seen:
    """Revoke the key; whatever the answer was, the list of keys says what came of it. Raises RefundsError."""
    key_id = permit.target
    failure: RefundsError | None = None
    try:
        connect.revoke(key_id, permit)
    except RefundsError as error:
        if isinstance(error, TransportError) and not error.may_have_arrived:
            raise
        failure = error
    try:
        left = _listed(connect, key_id, context.transport, may_lag=failure is None or _may_be_done(failure))
    except RefundsError as error:
        raise _unproven(
            key_id, failure, f"App Store Connect's list of keys can't be read to confirm it: {error}"
        ) from None
    unsure = [key for key in left if is_active(key)]
    if any(key.is_active for key in unsure):
        still = f"the team {shown(team.name)} still lists it as active. If that stays so, revoke it in the browser."
        raise failure or _unproven(key_id, None, still)
    if unsure:
        if failure:
            raise _unproven(key_id, failure, f"{_UNTOLD}.")
        context.warn(
            f"App Store Connect took the revocation of {key_id}, but {_UNTOLD}, so nothing proves that it is revoked. "
            "Look in the browser."
        )
        return Seen(f"App Store Connect took it, but {_UNTOLD}", is_proof=False)
    if left:
        return Seen("App Store Connect's list of keys confirms it")
    if failure:
        raise _unproven(
            key_id, failure, "the list of keys no longer has it, which doesn't show whether it was revoked."
        )
    # No failure: whether Apple lists revoked In-App Purchase keys was seen nowhere, and no later list would show more.
    return Seen("App Store Connect took it, and its list of keys no longer has the key")


def _listed(connect: AppStoreConnect, key_id: str, transport: Transport, may_lag: bool) -> list[RemoteKey]:
    """Return the key as it is listed. ``may_lag``: the list may show what was done only after a moment."""
    reads = _MOST_READS if may_lag else 1
    while True:
        listed = [key for key in connect.list_keys() if key.key_id == key_id]
        reads -= 1
        if not reads or not any(key.is_active and is_active(key) for key in listed) or transport.remaining() <= _LAG_S:
            return listed
        transport.pause(_LAG_S)


_MOST_READS, _LAG_S = 4, 2.0
_UNTOLD = "its list of keys doesn't tell which keys are active"


def _unproven(key_id: str, failure: RefundsError | None, why: str) -> RefundsError:
    """Return the error when the list doesn't tell either: what may have been done counts as done."""
    if failure is None:
        message = f"App Store Connect took the revocation of {key_id}, but {why}"
    elif _may_be_done(failure):
        message = f"Whether {key_id} is revoked is unknown: {failure} After it, {why}"
    else:
        return failure
    return TaskFailed(f"{message} Run again: a key that is revoked already is left as it is.", {"changed": True})


def _may_be_done(failure: RefundsError) -> bool:
    """Tell whether a key may have been revoked, with an answer that was lost."""
    return isinstance(failure, (TransportError, NoAnswer))
