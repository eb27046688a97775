# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_info: refunds from the ledger with their sums, and how much of them the ledger knows."""

from __future__ import annotations

import contextlib
import typing as t

from ... import _argument_spec
from ..._apple.test_notification import SUCCESS
from ..._context import Context, Params, Results, Task
from ..._ledger.notification_urls import KnownUrl
from ..._ledger.refund_queries import AppState, app_states, count_exceeding, other_sources, page, tallies
from ..._model.coverage import Coverage, gaps_told, time_or_none
from ..._model.refund import iso_time
from ..._model.refund_period import covering
from ..._model.refund_rows import Question, not_in_sums, sums_of
from ..shared.services import CALL_LIBRARIES
from ..shared.trackers import LEDGER_LIBRARIES, open_ledger
from .question_request import AppleQuestion, LedgerQuestion, info_question
from .refund_info_apple import from_apple, warn_exceeding
from .refund_ledger import REFUND_LIBRARIES


def run(params: Params, context: Context) -> Results:
    asked = info_question(params, context)
    return from_apple(asked, context) if isinstance(asked, AppleQuestion) else _from_ledger(asked, context)


def _from_ledger(asked: LedgerQuestion, context: Context) -> Results:
    question, group_by, limit = asked.refunds, asked.group_by, asked.limit
    with contextlib.ExitStack() as stack:
        ledger = stack.enter_context(contextlib.closing(open_ledger(asked.ledger_url, context, for_writing=False)))
        lack = ledger.lack()
        connection = stack.enter_context(ledger.reading())
        place = (question.source, question.environment, question.bundle_ids)
        counted = tallies(connection, question, group_by)
        exceeding = count_exceeding(connection, question)
        rows, more = page(connection, question, asked.after, limit) if limit else ([], None)
        states = app_states(connection, *place, question.period)
        others = other_sources(connection, *place)
    coverage = [coverage_of(state, question, int(context.now() * 1000)) for state in states]
    told = [one for one in coverage if asked.tells_unread or one["state"] != "never"]
    if asked.tells_unread and (lack or not states):
        _warn_of_nothing(f"{ledger.place.where} {lack or unread(question, others)}.", context)
    warn_of_gaps(told, others, question, context)
    warn_exceeding(exceeding, context)
    return {
        "changed": False,
        "refunds": rows,
        "sums": sums_of(counted, group_by),
        "not_in_sums": not_in_sums(counted),
        "exceeding_price": exceeding,
        "total": sum(one.count for one in counted),
        "next_after": None if more is None else str(more),
        "source": question.source,
        "environment": question.environment,
        "period": question.period.as_result(),
        # An empty ledger knows nothing, which is not the same as no refunds.
        "complete": bool(coverage) and all(one["state"] == "complete" for one in coverage),
        "coverage": coverage,
        "declaration_faults": [
            {"bundle_id": one.bundle_id, "environment": question.environment, "msg": one.apple_id_fault}
            for one in states
            if one.apple_id_fault
        ],
        "quarantined": [],
        "http": context.transport.counters.as_result(),
    }


def _warn_of_nothing(problem: str, context: Context) -> None:
    context.warn(
        f"{problem} Nothing is known of any refund: check that ledger.url (or STOREOPS_LEDGER_URL) names the ledger "
        "that refund_ledger writes to."
    )


def unread(question: Question, others: t.Sequence[str]) -> str:
    """Return what follows the name of a ledger that never read what is asked for."""
    apps = "these apps" if question.bundle_ids else "any app"
    other = f". It has refunds of source {', '.join(others)}: set source or root_certificate_path to see them"
    return (
        f"never read the refunds of {apps} ({question.environment}, source {question.source}){other if others else ''}"
    )


def coverage_of(known: AppState, question: Question, now: int) -> Results:
    """Return how much of the refunds that are asked for is known of an app. ``now``: UNIX milliseconds."""
    state, reason = covering(known.coverage, known.quarantined, question.period, now, known.status)
    held = known.coverage
    return {
        "bundle_id": known.bundle_id,
        "environment": question.environment,
        "state": state,
        "reason": reason,
        "covered_from": None if held is None else iso_time(held.covered_from),
        "covered_until": None if held is None else iso_time(held.covered_until),
        "known_from": None if held is None else time_or_none(held.known_from),
        "known_until": None if held is None else time_or_none(held.known_until),
        "last_refund_at": None if known.last_refund_at is None else iso_time(known.last_refund_at),
        "quarantined": sum(known.quarantined.values()),
        "notification_url": url_result(known.url, held),
    }


def url_result(known: KnownUrl | None, held: Coverage | None) -> Results | None:
    """Return what was learnt last of the notification URL. A URL is proven when Apple's last test reached it.

    What refund_ledger heard later counts as well: a URL that is gone, or was set back, is not as declared any more.
    """
    if held is not None and held.url_at is not None and _is_lost(known, held, iso_time(held.url_at)):
        state = "none" if held.url == "none" else "version_1"
        return {
            "state": state,
            "host": None,
            "checked_at": iso_time(held.url_at),
            "test_result": None,
            "tested_at": None,
        }
    if known is None:
        return None
    is_proven = known.state == "as_declared" and known.test_result == SUCCESS
    return {
        "state": "proven" if is_proven else known.state,
        "host": known.host,
        "checked_at": known.checked_at,
        "test_result": known.test_result,
        "tested_at": known.tested_at,
    }


def _is_lost(known: KnownUrl | None, held: Coverage, heard_at: str) -> bool:
    """Tell whether there is no URL of version 2, and nothing that was learnt later says more about it."""
    if not held.is_without_url or (known is not None and known.checked_at > heard_at):
        return False
    # The host of a URL of version 1 is known where it is another one's.
    return known is None or held.url == "none" or known.state == "as_declared"


def warn_of_gaps(coverage: t.Sequence[Results], others: t.Sequence[str], question: Question, context: Context) -> None:
    """Warn of what is not known, and of what is known from another root (``others``)."""
    if others:
        context.warn(
            f"The ledger also holds what was verified against another root: source {', '.join(others)}. None of it is "
            f"in this result, which is of source {question.source}: set source or root_certificate_path to see it."
        )
    open_ = [(one["bundle_id"], one["state"], one["reason"]) for one in coverage if one["state"] != "complete"]
    for warning in gaps_told(open_):
        context.warn(warning)


TASK = Task(
    _argument_spec.refund_info(),
    run,
    CALL_LIBRARIES + LEDGER_LIBRARIES,
    libraries_with={"transaction_id": REFUND_LIBRARIES},
)
