# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The move: every integration of the old key uses the new one, at every tracker, and each is proven."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ..._context import Results
from ..._decisions.decision import Decision, standing
from ..._decisions.rotation import PREDICTED, Known, is_accepted, unproven
from ..._decisions.rotation_obstacles import obstacles
from ..._declaration.apps import App
from ..._declaration.declaration import Declaration
from ..._declaration.keys import KeySource
from ..._model.errors import RefundsError
from ..._model.integration import Identity, Integration
from ..._model.verdict import Verdict
from ..._trackers.settings import Settings
from ..tracking.engine import Engine
from ..tracking.loaded_keys import KeyReader, LoadedKey
from ..tracking.opening import open_engine
from .acceptance import Asked, wait_for_apple
from .job import Job
from .reading import Reading

NAME = "iap_key_rotation"
# An integration, and the options of its tracker.
Target = tuple[Integration, Settings]


@dataclass(frozen=True)
class Moved:
    """What came of it. ``before``: what was known. ``left``: what keeps the old key from being revoked."""

    key: LoadedKey
    before: Known
    decisions: t.Sequence[Decision]
    left: t.Sequence[str]

    @property
    def new_key_id(self) -> str:
        """The new key's ID; empty for a key that is only predicted."""
        return self.key.source.key_id or ""

    def as_result(self, old_key_id: str, used: list[str], message: str) -> Results:
        """Return the module result ``rotation``."""
        return {
            "old_key_id": old_key_id,
            "new_key_id": self.new_key_id or None,
            "issuer_id": self.key.source.issuer_id,
            "uses": used,
            "message": message,
        }


def move(job: Job) -> Moved:
    """Move what Apple accepts with the new key, and prove it. Raises RefundsError where nothing can be moved."""
    reading = job.read()
    known = job.known(reading)
    key = _loaded(job, known)
    targets = _targets(job, known, reading)
    if not targets:
        raise RefundsError(_nothing(job, known))
    unknown = job.unknown_uses()
    with open_engine(job.asked.services, job.context, NAME, removes=False, is_strict=False) as one:
        decisions = _moved(job, key, targets, known, one)
    for decision in decisions:
        released = decision.held.identity.environment == "production" and _name(decision) in known.released
        reason = "" if decision.error else unproven(decision, released)
        decision.error = decision.error or (f"{_name(decision)}: {reason}" if reason else "")
    after = _after(job, known, decisions)
    left = obstacles(job.asked.old_key_id, _new(job), after, decisions)
    return Moved(key, known, decisions, [*left, unknown] if unknown else left)


def _after(job: Job, known: Known, decisions: t.Sequence[Decision]) -> Known:
    """Return what is known after the move: read anew, and predicted in check mode or where nothing can be read."""
    predicted = known.after(decisions)
    if job.context.check_mode:
        return predicted
    try:
        # Nothing that is moved tells of the old key's team any more.
        return replace(job.known(job.read()), issuers=known.issuers)
    except RefundsError as error:
        return replace(predicted, unread=(*predicted.unread, f"what is held after the move: {error}"))


def _new(job: Job) -> str:
    return job.asked.new.key_id or PREDICTED


def _name(decision: Decision) -> str:
    return decision.held.identity.bundle_id


def _loaded(job: Job, known: Known) -> LoadedKey:
    source = replace(job.asked.new, issuer_id=job.issuer_id(known))
    key = KeyReader(job.context).load(source)
    if key.fault:
        raise RefundsError(key.fault)
    if key.problem and key.problem.cause != "key_not_yet_created":
        raise key.problem
    return key


def _targets(job: Job, known: Known, reading: Reading) -> list[Target]:
    """Return what may be moved, where the options of its tracker are known."""
    declared = {app.identity(settings) for app in job.asked.declaration.apps for settings in app.settings}
    entries = known.movable(job.asked.old_key_id, _new(job), declared)
    found = [(entry, reading.settings(entry.identity)) for entry in entries]
    return [(entry, settings) for entry, settings in found if settings is not None]


def _nothing(job: Job, known: Known) -> str:
    elsewhere = obstacles(job.asked.old_key_id, _new(job), known, ())
    new = job.asked.new.key_id or "the new key"
    reason = " ".join(elsewhere) or f"No integration uses {job.asked.old_key_id} or {new}."
    return (
        f"{reason} So nothing was moved, and nothing was revoked. Check old_key_id, and check that ledger.url names "
        "the right ledger."
    )


def _moved(job: Job, key: LoadedKey, targets: t.Sequence[Target], known: Known, one: Engine) -> list[Decision]:
    verdicts: dict[Asked, Verdict] = {}
    if not key.problem:
        apps = [_asked(entry.identity) for entry, _settings in targets]
        verdicts = wait_for_apple(key, apps, known.released, one.check, job.context, job.asked.wait)
    refused: list[Decision] = []
    accepted: list[App] = []
    for entry, settings in targets:
        verdict = verdicts.get(_asked(entry.identity))
        if verdict is not None and not is_accepted(verdict):
            refused.append(_refused(entry, verdict))
        else:
            accepted.append(_app(entry, settings, key.source))
    # One key, which is read already: nothing in the declaration can be at fault.
    return [*one.run(Declaration({}, tuple(accepted))), *refused]


def _asked(identity: Identity) -> Asked:
    return identity.bundle_id, identity.environment


def _app(entry: Integration, settings: Settings, source: KeySource) -> App:
    identity = entry.identity
    return App(
        place=identity.bundle_id,
        bundle_id=identity.bundle_id,
        environment=identity.environment,
        key=source,
        app_apple_id=entry.app_apple_id,
        settings=(settings,),
    )


def _refused(entry: Integration, verdict: Verdict) -> Decision:
    """Return the decision about an app for which Apple refused the new key, or gave no answer: it keeps its key."""
    name = entry.identity.bundle_id
    decision = standing(entry, entry.identity, verdict, f"{name}: not moved: {verdict.cause}: {verdict.hint}")
    decision.is_refusal = True
    return decision
