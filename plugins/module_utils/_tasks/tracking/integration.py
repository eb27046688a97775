# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_tracking_integration: one app's integration is present and Active, or absent."""

from __future__ import annotations

from ... import _argument_spec
from ..._context import Context, Params, Results, Task, TaskFailed
from ..._model.identifiers import parse_app_apple_id
from ..._trackers.protocol import Tracker
from ..shared.options import identity, key_source
from ..shared.services import CALL_LIBRARIES, credential_check
from ..shared.trackers import LEDGER_LIBRARIES, open_tracker
from .assessment import best_status, checked, compared_with_held, declared, folded, known_released, loaded
from .decision import Decision, Rules, Wanted, carry_out, decide_absent, decide_present


def run(params: Params, context: Context) -> Results:
    wanted = identity(params)
    parse_app_apple_id(params.get("app_apple_id"))
    if params["state"] == "absent":
        with open_tracker(params, context, for_writing=True) as tracker:
            decision = decide_absent(wanted, tracker.find(wanted), _rules(tracker, params, context))
            return _results(decision, tracker, context)
    source = key_source(params)
    check = credential_check(params, context)
    credentials, local_verdict = loaded(source, check, wanted, context)
    with open_tracker(params, context, for_writing=True) as tracker:
        current = tracker.find(wanted)
        verdict = local_verdict or checked(source, credentials, check, wanted, params)
        verdict = known_released(verdict, current, credentials)
        if best_status(verdict, params["credential_check"]) is None:
            verdict = compared_with_held(
                verdict, current, credentials, lambda place: folded(tracker.list(place)), wanted
            )
        present = Wanted(wanted, source, credentials, params.get("app_apple_id"))
        decision = decide_present(present, current, verdict, _rules(tracker, params, context))
        decision.declared = declared(source, credentials)
        return _results(decision, tracker, context)


def _rules(tracker: Tracker, params: Params, context: Context) -> Rules:
    return Rules(tracker, params["credential_check"], context.check_mode, context.warn)


def _results(decision: Decision, tracker: Tracker, context: Context) -> Results:
    """Carry the decision out, except in check mode, and return what came of it."""
    if not context.check_mode:
        carry_out(decision, tracker)
    results = {
        "changed": decision.step.changed,
        "diff": decision.step.diff(),
        "integration": decision.held.as_result(),
        "declared": decision.declared,
        "credential_check": decision.verdict.as_result(),
        "http": context.transport.counters.as_result(),
    }
    if decision.error:
        raise TaskFailed(decision.error, results)
    return results


TASK = Task(_argument_spec.integration(), run, CALL_LIBRARIES + LEDGER_LIBRARIES)
