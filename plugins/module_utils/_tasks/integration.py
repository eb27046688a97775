# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_tracking_integration: one app's integration is present and Active, or absent."""

from __future__ import annotations

from dataclasses import replace

from .. import _argument_spec
from .._apple import hints
from .._apple.credential_check import CredentialCheck
from .._context import Context, Params, Results, Task, TaskFailed
from .._model.integration import Credentials, Identity, Integration, Status, absent
from .._model.private_key import KeyProblem
from .._model.verdict import LOCAL_CAUSES, UNDECIDED_CAUSES, Verdict
from .._plan import Plan, plan, stand_still
from .._trackers.protocol import Tracker
from .options import KeySource, identifiers, identity, key_source, load_credentials, warn_about_name
from .services import CALL_LIBRARIES, credential_check
from .trackers import LEDGER_LIBRARIES, open_tracker


def run(params: Params, context: Context) -> Results:
    wanted = identity(params)
    if params["state"] == "absent":
        with open_tracker(params, context, for_writing=True) as tracker:
            return _absent(wanted, tracker, context)
    source = key_source(params)
    check = credential_check(params, context)
    credentials, local_verdict = _loaded(source, check, wanted, context)
    with open_tracker(params, context, for_writing=True) as tracker:
        current = tracker.find(wanted)
        verdict = local_verdict or _checked(source, credentials, check, wanted, params)
        return _present(current, verdict, credentials, tracker, wanted, params, context)


def _absent(wanted: Identity, tracker: Tracker, context: Context) -> Results:
    step = plan(tracker.find(wanted), None)
    if step.changed and not context.check_mode:
        tracker.remove(wanted)
    verdict = Verdict("not_checked", "state: absent needs no key and no check.", wanted.environment)
    return _results(step, absent(wanted), verdict, context)


def _present(
    current: Integration | None,
    verdict: Verdict,
    credentials: Credentials | None,
    tracker: Tracker,
    wanted: Identity,
    params: Params,
    context: Context,
) -> Results:
    status = _status(verdict, params["credential_check"])
    if status is None:
        verdict = _compared_with_held(verdict, current, credentials, tracker, wanted)
        raise _refused(wanted, current, verdict, context)
    _warn(wanted, verdict, params["credential_check"], context)
    desired = _desired(wanted, current, credentials, status, params)
    step = plan(current, desired)
    if credentials and step.needs_saving and not context.check_mode:
        desired = tracker.save(desired, credentials)
    return _results(step, desired, verdict, context)


def _loaded(
    source: KeySource, check: CredentialCheck, wanted: Identity, context: Context
) -> tuple[Credentials | None, Verdict | None]:
    """Return the credentials, or the verdict that settles the matter without a call."""
    try:
        credentials = load_credentials(source, context.check_mode)
    except KeyProblem as problem:
        return None, check.local(problem, wanted.environment)
    warn_about_name(source, context)
    return credentials, None


def _checked(
    source: KeySource,
    credentials: Credentials | None,
    check: CredentialCheck,
    wanted: Identity,
    params: Params,
) -> Verdict:
    if credentials is None or params["credential_check"] == "skip":
        verdict = Verdict("not_checked", hints.NOT_CHECKED, wanted.environment)
    else:
        verdict = check.check(credentials, wanted.bundle_id, wanted.environment)
    return _settled_kind(source, verdict)


def _settled_kind(source: KeySource, verdict: Verdict) -> Verdict:
    """Take a file named AuthKey_… for what its name says, unless Apple's answer settled the question."""
    if not source.has_api_key_name or verdict.cause not in UNDECIDED_CAUSES:
        return verdict
    hint = (
        f"{source.path} is by its name an App Store Connect API key, and the check could not settle it "
        f"({verdict.cause}). Give the SubscriptionKey_….p8 of an In-App Purchase key."
    )
    return replace(verdict, cause="key_wrong_kind", hint=hint)


def _status(verdict: Verdict, policy: str) -> Status | None:
    """Return the status to store, None when the item fails."""
    if verdict.accepted:
        return "Active"
    if verdict.cause in ("app_not_released", "key_not_yet_created"):
        return "Pending"
    if verdict.cause in LOCAL_CAUSES or policy == "required":
        return None
    return "Pending" if policy == "skip" else "Failed"


def _warn(wanted: Identity, verdict: Verdict, policy: str, context: Context) -> None:
    is_tolerated = policy == "advisory" and not verdict.accepted and verdict.cause != "key_not_yet_created"
    if verdict.cause == "app_not_released" or is_tolerated:
        context.warn(f"{wanted.bundle_id}: credential check: {verdict.cause}. {verdict.hint}")


def _desired(
    wanted: Identity,
    current: Integration | None,
    credentials: Credentials | None,
    status: Status,
    params: Params,
) -> Integration:
    source = key_source(params)
    issuer_id, key_id = identifiers(source)
    return Integration(
        identity=wanted,
        issuer_id=issuer_id,
        key_id=key_id,
        key_fingerprint=credentials.private_key.fingerprint if credentials else None,
        status=status,
        private_key_path=source.path,
        app_apple_id=params.get("app_apple_id") or (current.app_apple_id if current else None),
    )


def _compared_with_held(
    verdict: Verdict, current: Integration | None, credentials: Credentials | None, tracker: Tracker, wanted: Identity
) -> Verdict:
    """Sharpen the hint of a refusal by what the tracker holds: what differs from it is the likely cause."""
    if verdict.cause != "unauthenticated" or credentials is None:
        return verdict
    if current is not None:
        held = {"issuer_id": current.issuer_id, "key_id": current.key_id, "private key": current.key_fingerprint}
        given = (credentials.issuer_id, credentials.key_id, credentials.private_key.fingerprint)
        differing = [name for (name, value), new in zip(held.items(), given, strict=True) if value not in (None, new)]
        return verdict.with_hint(f"{hints.compared_with_held(differing, current.status)} {verdict.hint}")
    for other in tracker.list(wanted.environment):
        name = other.identity.bundle_id
        if name.casefold() == wanted.bundle_id.casefold():
            return verdict.with_hint(f"The tracker holds {name}, which differs in capitals only. {verdict.hint}")
    return verdict


def _refused(wanted: Identity, current: Integration | None, verdict: Verdict, context: Context) -> TaskFailed:
    outcome = "decided nothing" if verdict.cause in UNDECIDED_CAUSES else "failed"
    message = f"{wanted.bundle_id}: the credential check {outcome}: {verdict.cause}. {verdict.hint}"
    if context.check_mode and verdict.cause == "key_unreadable":
        message += " (In check mode, after a task that would create this file, set key_predicted.)"
    return TaskFailed(message, _results(stand_still(current), current or absent(wanted), verdict, context))


def _results(step: Plan, integration: Integration, verdict: Verdict, context: Context) -> Results:
    return {
        "changed": step.changed,
        "diff": step.diff(),
        "integration": integration.as_result(),
        "credential_check": verdict.as_result(),
        "http": context.transport.counters.as_result(),
    }


TASK = Task(_argument_spec.integration(), run, CALL_LIBRARIES + LEDGER_LIBRARIES)
