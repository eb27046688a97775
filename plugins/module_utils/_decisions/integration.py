# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of one app's integration: decided from what is held and Apple's verdict."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._declaration.keys import KeySource, identifiers
from .._model.errors import InputError
from .._model.integration import (
    CONFIRMED,
    Credentials,
    Identity,
    Integration,
    Observation,
    Status,
    absent,
    asked_to_remove,
)
from .._model.verdict import UNDECIDED_CAUSES, Verdict
from .._plan import Plan, describe, plan, settle_unknown
from .._trackers.devtodev_handoff import is_newly_confirmed
from .._trackers.protocol import Tracker
from .decision import Decision, standing, unread
from .status import best_status, proven_status, warn_about_verdict

NO_KEY_NEEDED = "state: absent needs no key and no check."


@dataclass(frozen=True)
class Wanted:
    """An integration that is to be there. Without ``credentials`` the verdict is about why there are none."""

    identity: Identity
    source: KeySource
    credentials: Credentials | None
    app_apple_id: int | None


@dataclass(frozen=True)
class Rules:
    """``policy``: the option credential_check."""

    tracker: Tracker
    policy: str
    check_mode: bool
    warn: t.Callable[[str], None]


def decide_absent(identity: Identity, current: Integration | None, rules: Rules) -> Decision:
    verdict = Verdict("not_checked", NO_KEY_NEEDED, identity.environment)
    is_by_hand = rules.tracker.has_no_api and current is not None
    doubt = "" if current else rules.tracker.doubt(identity)
    if doubt:
        return unread(identity, verdict, f"{identity.bundle_id}: {doubt}")
    reason = rules.tracker.irremovable(identity) if current else ""
    if current and reason:
        kept = current
        if current.status != "Absent":
            rules.warn(f"{describe(current)} is left as it is: {reason}")
            verdict = replace(verdict, hint=f"Declared absent, and still held. {reason}")
            # Only what a person was asked for, a later run may take for removed on a person's word.
            kept = asked_to_remove(current) if is_by_hand else current
        return Decision(verdict, Plan("unchanged", current, kept), kept, why_kept=reason)
    return Decision(verdict, plan(current, None), absent(identity), is_confirmation=is_by_hand)


def decide_present(wanted: Wanted, current: Integration | None, verdict: Verdict, rules: Rules) -> Decision:
    """Return what is to be done. Warns of what a person should know; writes nothing."""
    identity, tracker = wanted.identity, rules.tracker
    status = best_status(verdict, rules.policy, proven_status(current, wanted.credentials))
    if status is None:
        return _refused(wanted, current, verdict, rules)
    warn_about_verdict(identity, verdict, rules.policy, rules.warn)
    # Whatever the tracker says of it: the app was released then.
    desired = replace(_desired(wanted, current, status), accepted_at=verdict.checked_at if verdict.accepted else None)
    step = settle_unknown(plan(current, desired), tracker.on_unknown)
    if step.action == "unknown":
        message = _unknown(step, desired, tracker)
        if tracker.on_unknown == "fail":
            return standing(current, identity, verdict, message)
        rules.warn(message)
    try:
        observed = tracker.observe(desired, current, step.changed)
    except InputError as error:
        return standing(current, identity, verdict, f"{error}")
    desired = desired.seen_as(observed)
    step = replace(step, desired=desired)
    held = current.seen_as(observed) if step.action == "unknown" and current is not None else desired
    decision = Decision(verdict, step, held, wanted.credentials, is_predicted=rules.check_mode and step.changed)
    decision.next_step, decision.is_confirmation = observed.next_step, observed.is_confirmation
    decision.is_too_early = observed.is_too_early
    shown = _bad_status(observed, status, current)
    # What was submitted in this run is looked at by the next one. A key that nobody can see was warned of.
    if shown and (step.action == "unchanged" or (step.action == "unknown" and shown == "Failed")):
        # Whatever Apple says, nobody may take it for Active, nor for a waiting state.
        decision.bad_status, decision.error = shown, _not_active(identity, tracker, verdict, shown, observed.word)
    return decision


def _bad_status(observed: Observation, allowed: Status, current: Integration | None) -> Status | None:
    """Return Failed or Unknown where the tracker itself shows that. ``allowed``: by Apple's verdict, at best."""
    is_own = current is not None and observed.word == current.word != ""
    shown = current.status if current is not None and is_own else observed.status
    return shown if shown in ("Failed", "Unknown") and (is_own or shown != allowed) else None


def _refused(wanted: Wanted, current: Integration | None, verdict: Verdict, rules: Rules) -> Decision:
    identity = wanted.identity
    # A task before may have made the file, unless it told why it didn't.
    may_be_made = rules.check_mode and not (wanted.source.fault or wanted.source.trouble)
    refused = standing(current, identity, verdict, _refusal(identity, verdict, verdict.hint, may_be_made))
    refused.brief = _refusal(identity, verdict, verdict.brief, may_be_made)
    refused.is_refusal = True
    if current is None or not is_newly_confirmed(rules.tracker, current):
        return refused
    # Given once more, the confirmation would count for what this run asks of other apps.
    if plan(current, _desired(wanted, current, current.status)).action == "unchanged":
        refused.held = current.seen_as(Observation("Pending", CONFIRMED))
        refused.step = Plan("unchanged", current, refused.held)
        refused.is_confirmation = True
    return refused


def _not_active(identity: Identity, tracker: Tracker, verdict: Verdict, shown: Status, word: str) -> str:
    says = f"says {word!r}" if word else "shows no status" if shown == "Unknown" else f"shows {shown}"
    step = "" if verdict.accepted else " When Apple accepts the key, a run submits it again."
    if shown == "Unknown":
        says += ", which isn't a known word" if word else ""
        step = f" If all is well there, name the word or its place by {tracker.name}.page."
    lead = "Apple accepts the key, but " if verdict.accepted else ""
    return f"{identity.bundle_id}: {lead}{tracker.name} {says}. Look at its page.{step}"


def _refusal(identity: Identity, verdict: Verdict, hint: str, may_be_made: bool) -> str:
    """Return the message about a verdict that fails an app."""
    outcome = "decided nothing" if verdict.cause in UNDECIDED_CAUSES else "failed"
    message = f"{identity.bundle_id}: the credential check {outcome}: {verdict.cause}. {hint}"
    if may_be_made and verdict.cause == "key_unreadable":
        message += " (In check mode, after a task that would create this file, set key_predicted; iap_keys for a list.)"
    return message


def _desired(wanted: Wanted, current: Integration | None, status: Status) -> Integration:
    credentials, source = wanted.credentials, wanted.source
    issuer_id, key_id = (credentials.issuer_id, credentials.key_id) if credentials else identifiers(source)
    return Integration(
        identity=wanted.identity,
        issuer_id=issuer_id,
        key_id=key_id,
        key_fingerprint=credentials.private_key.fingerprint if credentials else source.fingerprint,
        status=status,
        private_key_path=source.path or _known_path(current, credentials),
        app_apple_id=wanted.app_apple_id or (current.app_apple_id if current else None),
    )


def _known_path(current: Integration | None, credentials: Credentials | None) -> str | None:
    """Return where the same key was taken from before: a task that has its text must not forget it."""
    if current is None or credentials is None or current.key_fingerprint != credentials.private_key.fingerprint:
        return None
    return current.private_key_path


def _unknown(step: Plan, desired: Integration, tracker: Tracker) -> str:
    """Say that nobody knows whether the tracker holds the right key."""
    fields = ", ".join(step.differing)
    return (
        f"{describe(desired)}: {tracker.name} does not show {fields}, and the ledger does "
        f"not know what was last applied. Set {tracker.name}.on_unknown: replace once to apply the declared key."
    )
