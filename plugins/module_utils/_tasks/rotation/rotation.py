# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""iap_key_rotation: a new key in place of an old one, without a gap; the old one is revoked when nothing uses it."""

from __future__ import annotations

import typing as t

from ... import _argument_spec
from ..._context import Context, Params, Results, Task, TaskFailed
from ..._decisions.irreversible import Gate
from ..._decisions.rotation import awaits_person
from ..._decisions.rotation_words import End, Revocation
from ..._declaration.declaration import Declaration
from ..._declaration.keys import KeySource
from ..._model.errors import RefundsError
from ..._model.text import every
from ..keys.remote_revocation import revoke_key
from ..keys.request import KeyRequest
from ..shared.services import CALL_LIBRARIES, SESSION_LIBRARIES
from ..shared.session import Connection
from ..shared.trackers import LEDGER_LIBRARIES
from ..tracking import outcomes
from .at_hand import declared_with
from .job import Job, uses
from .moving import Moved, move
from .planning import plan
from .request import rotation_request

_NEW_KEY = "(the new key)"


def run(params: Params, context: Context) -> Results:
    asked = rotation_request(params, context.warn)
    job = Job(asked, context, Connection(asked.session, context))
    return plan(job) if asked.stage == "plan" else _move(job)


def _move(job: Job) -> Results:
    job.require_session()
    moved = move(job)
    results = _results(moved)
    trouble = outcomes.troubles(moved.decisions, Declaration({}, ()))
    if trouble or (job.asked.revoke and moved.left):
        stays = "would stay" if job.context.check_mode else "stays"
        end = _end(job, moved, "not_asked")
        to_declare = end.to_declare() if results["changed"] and not job.context.check_mode else ()
        lines = [f"{job.asked.old_key_id} {stays} active.", trouble, *moved.left, " ".join(to_declare)]
        message = "\n".join(filter(None, lines))
        raise TaskFailed(message, _told(job, moved, results, message))
    gate = Gate(job.context.timestamp, job.context.progress, job.context.check_mode)
    try:
        revocation = _revoked(job, moved, gate) if job.asked.revoke else "not_asked"
    except RefundsError as error:
        known = error.results if isinstance(error, TaskFailed) else {}
        may_be_revoked = known.get("changed", False)
        end = _end(job, moved, "taken" if may_be_revoked else "not_asked")
        is_moved = results["changed"] and not job.context.check_mode
        message = "\n".join(filter(None, [f"{error}", end.without_revocation() if is_moved else ""]))
        told = _told(job, moved, results, message)
        changed = results["changed"] or may_be_revoked
        raise TaskFailed(message, {**told, "changed": changed, **_irreversible(gate)}) from None
    if revocation in ("done", "taken"):
        results["changed"] = True
        for side, is_active in (("before", True), ("after", False if revocation == "done" else None)):
            results["diff"][side][f"key {job.asked.old_key_id}"] = {"active": is_active}
    return {**_told(job, moved, results, str(_end(job, moved, revocation))), **_irreversible(gate)}


def _results(moved: Moved) -> Results:
    diff = outcomes.diff(moved.decisions)
    for after in diff["after"].values() if moved.key.problem else ():
        # None would look as if the keys were taken away: check mode only knows that there will be one.
        after |= {name: _NEW_KEY for name in ("key_id", "key_fingerprint") if name in after and after[name] is None}
    return {"changed": any(decision.step.changed for decision in moved.decisions), "diff": diff}


def _told(job: Job, moved: Moved, results: Results, message: str) -> Results:
    rotation = moved.as_result(job.asked.old_key_id, uses(job, moved.before), message)
    return {**results, "rotation": rotation, "http": job.context.transport.counters.as_result()}


def _irreversible(gate: Gate) -> Results:
    return {"irreversible": gate.records} if gate.records else {}


def _revoked(job: Job, moved: Moved, gate: Gate) -> Revocation:
    """Revoke the old key, of which nothing is known that uses it. Raises RefundsError."""
    issuer_id = moved.key.source.issuer_id
    old = KeySource(issuer_id=issuer_id, key_id=job.asked.old_key_id, path=None, content=None, policy="strict")
    proven = (
        f"no known integration uses it, and Apple accepts {moved.new_key_id or 'the new key'} for {_accepted(moved)}"
    )
    if moved.key.problem:
        proven = f"no known integration would use it, once {len(moved.decisions)} are moved"
    asked = KeyRequest(old, team_id=job.asked.team_id)
    revoked = revoke_key(asked, job.context, job.connection, gate, proven)
    if revoked.key_id is None:
        return "unlisted"
    if not revoked.was_active:
        return "before"
    return "done" if revoked.is_proven else "taken"


def _accepted(moved: Moved) -> str:
    """Return for which apps Apple has accepted the new key, wherever each is used."""
    apps = {one.held.identity.bundle_id for one in moved.decisions}
    waiting = {one.held.identity.bundle_id for one in moved.decisions if not one.verdict.accepted}
    some = f"{len(apps - waiting)} of {len(apps)} apps (the others were never released)"
    return some if waiting else every(len(apps))


def _end(job: Job, moved: Moved, revocation: Revocation) -> End:
    done = [decision for decision in moved.decisions if not awaits_person(decision)]
    moving = [one.held.identity.place for one in done if one.step.changed]
    return End(
        old=job.asked.old_key_id,
        new=moved.new_key_id,
        new_path=str(job.asked.new.path),
        is_declared=declared_with(job.asked.declaration, moved.new_key_id) is not None,
        has_old_apps=bool(moved.before.declared_old),
        moved=len(moving),
        sound=len(done),
        by_hand=len(moved.decisions) - len(done),
        revocation=revocation,
        left=moved.left,
        check_mode=job.context.check_mode,
        foreseen=moving if job.context.check_mode else (),
    )


_LIBRARIES: tuple[t.Any, ...] = tuple(dict.fromkeys(CALL_LIBRARIES + SESSION_LIBRARIES + LEDGER_LIBRARIES))
TASK = Task(_argument_spec.iap_key_rotation(), run, _LIBRARIES)
