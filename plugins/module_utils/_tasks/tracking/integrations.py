# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_tracking_integrations: the integrations of a list of apps are present and Active, or absent."""

from __future__ import annotations

import typing as t

from ... import _argument_spec
from ..._context import Context, Params, Results, Task, TaskFailed
from ..._decisions.integration import Decision
from ..._decisions.irreversible import Gate
from ..._declaration.declaration import Declaration, declare
from ..._model.integration import Integration, absent
from ..._model.verdict import Verdict
from ..._plan import plan
from ..shared.services import CALL_LIBRARIES
from ..shared.trackers import LEDGER_LIBRARIES
from . import outcomes
from .key_troubles import KeyTrouble, key_troubles
from .opening import open_engine
from .purge import Purge, parse_purge
from .targets import Place, Target

NAME = "refund_tracking_integrations"
_NOT_LISTED = "purge: the app is not listed."


def run(params: Params, context: Context) -> Results:
    declaration = declare(params)
    # What a list with a fault leaves out, nobody knows.
    is_strict = params["on_faulty_app"] == "refuse" or params["purge"]
    if is_strict:
        declaration.require()
    for text in declaration.unusual():
        context.warn(text)
    purge = parse_purge(params, declaration)
    removes = purge is not None or any(app.is_absent for app in declaration.apps)
    with open_engine(params, context, NAME, removes, is_strict) as one:
        decisions = one.run(declaration, lambda targets, places: _surplus(purge, targets, places, context))
        undeclared = [] if purge else one.undeclared(declaration)
    troubled = key_troubles(decisions, declaration, one.loaded)
    return _results(decisions, troubled, undeclared, declaration, context)


def _surplus(
    purge: Purge | None, targets: t.Sequence[Target], places: t.Mapping[t.Any, Place], context: Context
) -> list[Decision]:
    """Return the decisions to remove what is not listed. Raises InputError when that is too much."""
    if purge is None:
        return []
    (place,) = places.values()
    held = place.holdings.listed(purge.environment)
    doomed = purge.doomed(held.values(), {target.identity for target in targets})
    if doomed:
        gate = Gate(context.timestamp, context.progress, context.check_mode)
        what = f"{len(doomed)} of {len(held)} integrations that it holds are not listed"
        gate.ask("purge", f"the teams {', '.join(sorted(purge.issuers))}", "purge: true", what, "the tracker's list")
    return [
        Decision(
            Verdict("not_checked", _NOT_LISTED, found.identity.environment), plan(found, None), absent(found.identity)
        )
        for found in doomed
    ]


def _results(
    decisions: t.Sequence[Decision],
    troubled: t.Sequence[KeyTrouble],
    undeclared: t.Sequence[Integration],
    declaration: Declaration,
    context: Context,
) -> Results:
    results = {
        "changed": any(decision.step.changed for decision in decisions),
        "diff": outcomes.diff(decisions),
        "integrations": outcomes.items(decisions),
        "keys_with_problems": [trouble.as_result() for trouble in troubled],
        "undeclared": [entry.as_result() for entry in undeclared],
        "summary": " ".join([outcomes.summary(decisions, context.check_mode), *outcomes.not_declared(undeclared)]),
        "http": context.transport.counters.as_result(),
    }
    message = outcomes.troubles(decisions, declaration, troubled)
    if message:
        raise TaskFailed("\n".join([message, *outcomes.not_declared(undeclared)]), results)
    return results


TASK = Task(_argument_spec.integrations(), run, CALL_LIBRARIES + LEDGER_LIBRARIES)
