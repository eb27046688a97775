# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_tracking_integrations: the integrations of a list of apps are present and Active, or absent."""

from __future__ import annotations

import typing as t
from dataclasses import asdict

from ... import _argument_spec
from ..._context import Context, Params, Results, Task, TaskFailed
from ..._decisions.decision import Decision, doubt_absent
from ..._model.undeclared import held_undeclared, undeclared_of
from ..._model.verdict import UNDECIDED_CAUSES
from ..shared.services import CALL_LIBRARIES
from ..shared.trackers import LEDGER_LIBRARIES
from . import outcomes
from .key_removal import Rest, removal, rest_of
from .key_troubles import KeyTrouble, key_troubles
from .opening import is_gone_by_the_ledger, open_engine
from .request import list_request

NAME = "refund_tracking_integrations"


def run(params: Params, context: Context) -> Results:
    asked = list_request(params)
    declaration, purge, services = asked.declaration, asked.purge, asked.services
    for text in declaration.unusual():
        context.warn(text)
    removes = purge is not None or any(map(is_gone_by_the_ledger, declaration.apps))
    rest = rest_of(services.ledger_url, context) if asked.absent_keys else Rest(services.ledger_url, context)
    with open_engine(services, context, NAME, removes, asked.is_strict, tells_steps=True) as one:
        decisions = one.run(declaration, purge)
        if one.lack and not asked.is_strict:
            doubt_absent(decisions, one.lack)
        # A purge is of one environment of the ledger: what it leaves is named as without one.
        decided = {decision.held.identity for decision in decisions}
        left = [entry for entry in one.undeclared(declaration) if entry.identity not in decided]
    declared = [decision.held.identity for decision in decisions if not decision.is_surplus]
    absent = {decision.held.identity for decision in decisions if decision.is_absent}
    undeclared = undeclared_of(left, declared, absent)
    troubled = key_troubles(decisions, declaration, one.loaded)
    message = outcomes.troubles(decisions, declaration, troubled)
    rest = rest._replace(listed=one.listed())
    going = removal(asked.absent_keys, declaration, decisions, message.partition("\n")[0], rest)
    # Where nobody could be asked, what to remove is no matter.
    was_asked = any(decision.verdict.cause not in UNDECIDED_CAUSES for decision in decisions) or not message
    said = held_undeclared(undeclared, [identity.bundle_id for identity in declared])
    tellers = (outcomes.confirmations, outcomes.unconfirmed, outcomes.entries, outcomes.removals)
    by_hand = [told(decisions, context.check_mode) for told in tellers]
    notes = [*filter(None, [*by_hand, said if was_asked else "", going.note])]
    # For an audit, that is what is the matter with these keys.
    in_use = [] if asked.is_strict else going.troubles()
    results = _results(decisions, [*troubled, *in_use], notes, context)
    results["undeclared"] = [asdict(entry) for entry in undeclared]
    results["removable_keys"] = list(going.keys)
    if one.irreversible:
        results["irreversible"] = one.irreversible
    if message:
        raise TaskFailed("\n".join([message, *notes]), results)
    return results


def _results(
    decisions: t.Sequence[Decision],
    troubled: t.Sequence[KeyTrouble],
    notes: t.Sequence[str],
    context: Context,
) -> Results:
    return {
        "changed": any(decision.step.changed for decision in decisions),
        "diff": outcomes.diff(decisions),
        "integrations": outcomes.items(decisions),
        "keys_with_problems": [trouble.as_result() for trouble in troubled],
        "summary": " ".join([outcomes.summary(decisions, context.check_mode), *notes]),
        "http": context.transport.counters.as_result(),
    }


TASK = Task(_argument_spec.integrations(), run, CALL_LIBRARIES + LEDGER_LIBRARIES)
