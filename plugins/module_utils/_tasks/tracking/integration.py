# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_tracking_integration: one app's integration is present and Active, or absent."""

from __future__ import annotations

from ... import _argument_spec
from ..._context import Context, Params, Results, Task, TaskFailed
from ..._declaration.declaration import Declaration
from ..shared.services import CALL_LIBRARIES
from ..shared.trackers import LEDGER_LIBRARIES
from .opening import is_gone_by_the_ledger, open_engine
from .outcomes import confirmed_by_hand, outcome
from .request import one_request


def run(params: Params, context: Context) -> Results:
    asked = one_request(params)
    with open_engine(asked.services, context, "refund_tracking_integration", is_gone_by_the_ledger(asked.app)) as one:
        (decision,) = one.run(Declaration({}, (asked.app,)))
    results: Results = {
        "changed": decision.step.changed,
        "diff": decision.step.diff(),
        "integration": decision.told.as_result(),
        "declared": decision.declared,
        "action": decision.step.action,
        "outcome": outcome(decision),
        "next_step": decision.next_step,
        "confirmed_by_hand": confirmed_by_hand(decision),
        "confirmed_now": decision.is_confirmation,
        "finding": decision.finding,
        "credential_check": decision.verdict.as_result(),
        "http": context.transport.counters.as_result(),
    }
    if one.irreversible:
        results["irreversible"] = one.irreversible
    if decision.error:
        raise TaskFailed(decision.brief or decision.error, results)
    return results


TASK = Task(_argument_spec.integration(), run, CALL_LIBRARIES + LEDGER_LIBRARIES)
