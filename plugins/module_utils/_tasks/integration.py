# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_tracking_integration: one app's integration is present and Active, or absent."""

from __future__ import annotations

from dataclasses import replace

from .. import _argument_spec
from .._context import Context, Params, Results, Task, TaskFailed
from .._model.errors import InputError
from .._model.integration import Credentials, Identity, Integration, Status, absent
from .._model.verdict import UNDECIDED_CAUSES, Verdict
from .._plan import Plan, describe, plan, settle_unknown, stand_still
from .._trackers.protocol import NotActive, Tracker
from .assessment import best_status, checked, compared_with_held, known_released, loaded, warn_about_verdict
from .options import identifiers, identity, key_source
from .services import CALL_LIBRARIES, credential_check
from .trackers import LEDGER_LIBRARIES, open_tracker


def run(params: Params, context: Context) -> Results:
    wanted = identity(params)
    if params["state"] == "absent":
        with open_tracker(params, context, for_writing=True) as tracker:
            return _absent(wanted, tracker, context)
    source = key_source(params)
    check = credential_check(params, context)
    credentials, local_verdict = loaded(source, check, wanted, context)
    with open_tracker(params, context, for_writing=True) as tracker:
        current = tracker.find(wanted)
        verdict = local_verdict or checked(source, credentials, check, wanted, params)
        verdict = known_released(verdict, current, credentials)
        return _present(current, verdict, credentials, tracker, wanted, params, context)


def _absent(wanted: Identity, tracker: Tracker, context: Context) -> Results:
    current = tracker.find(wanted)
    verdict = Verdict("not_checked", "state: absent needs no key and no check.", wanted.environment)
    reason = tracker.irremovable(wanted) if current else ""
    if current and reason:
        if current.status != "Absent":
            context.warn(f"{describe(current)} is left as it is: {reason}")
        return _results(stand_still(current), current, verdict, context)
    step = plan(current, None)
    if step.changed and not context.check_mode:
        tracker.remove(wanted)
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
    status = best_status(verdict, params["credential_check"])
    if status is None:
        verdict = compared_with_held(verdict, current, credentials, tracker, wanted)
        raise _refused(wanted, current, verdict, context)
    warn_about_verdict(wanted, verdict, params["credential_check"], context)
    desired = _desired(wanted, current, credentials, status, params)
    step = settle_unknown(plan(current, desired), tracker.on_unknown)
    if step.action == "unknown":
        _unknown(step, tracker, verdict, context)
    try:
        desired = replace(desired, status=tracker.observe(desired, current, step.changed))
    except InputError as error:
        held = current or absent(wanted)
        raise TaskFailed(f"{error}", _results(stand_still(current), held, verdict, context)) from None
    step = replace(step, desired=desired)
    try:
        held = _applied(step, desired, credentials, tracker, context)
    except NotActive as error:
        raise TaskFailed(f"{error}", _results(step, error.integration, verdict, context)) from None
    return _results(step, held, verdict, context)


def _applied(
    step: Plan, desired: Integration, credentials: Credentials | None, tracker: Tracker, context: Context
) -> Integration:
    if step.action == "unknown" and step.current is not None:
        return replace(step.current, status=desired.status)
    if credentials is None or context.check_mode:
        return desired
    if step.changed:
        return tracker.save(desired, credentials)
    if step.needs_saving:
        tracker.note(desired)
    return desired


def _unknown(step: Plan, tracker: Tracker, verdict: Verdict, context: Context) -> None:
    """Say that nobody knows whether the tracker holds the right key, and fail when the user wants that."""
    fields = ", ".join(step.differing)
    message = (
        f"{describe(step.desired) if step.desired else ''}: {tracker.name} does not show {fields}, and the ledger does "
        f"not know what was last applied. Set {tracker.name}.on_unknown: replace once to apply the declared key."
    )
    if tracker.on_unknown == "fail":
        held = step.current or step.desired
        if held is not None:
            raise TaskFailed(message, _results(stand_still(step.current), held, verdict, context))
    context.warn(message)


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
