# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_info: refunds from the ledger with their sums, and how much of them the ledger knows."""

from __future__ import annotations

import contextlib
import re
import typing as t

from ... import _argument_spec
from ..._context import Context, Params, Results, Task
from ..._ledger.refund_queries import AppState, app_states, count_exceeding, other_sources, page, tallies
from ..._model.coverage import time_or_none
from ..._model.errors import InputError
from ..._model.identifiers import is_storable, parse_bundle_id, shown
from ..._model.refund import iso_time
from ..._model.refund_period import Period, covering, parse_period
from ..._model.refund_rows import Cursor, Question, not_in_sums, parse_cursor, sums_of
from ..shared.options import environment
from ..shared.services import CALL_LIBRARIES
from ..shared.trackers import LEDGER_LIBRARIES, open_ledger
from .refund_info_apple import from_apple, warn_exceeding
from .refund_ledger import REFUND_LIBRARIES
from .refund_sources import root_certificate

_SOURCE = re.compile(r"apple|other:[0-9a-f]{16}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_LARGEST_LIMIT = 2**31 - 1
# What a signed 64-bit column holds: Apple may add reasons.
_LARGEST_REASON = 2**63 - 1


def run(params: Params, context: Context) -> Results:
    if params.get("transaction_id"):
        return from_apple(params, context)
    return _from_ledger(params, context)


def _from_ledger(params: Params, context: Context) -> Results:
    question, after, group_by = _question(params), _after(params), list(dict.fromkeys(params["group_by"]))
    limit = params["limit"]
    if not 0 <= limit <= _LARGEST_LIMIT:
        next_step = "Give 0 for no rows; sums and total are there all the same."
        raise InputError("limit", f"{limit} is not from 0 to {_LARGEST_LIMIT}.", next_step)
    with contextlib.closing(open_ledger(params, context, for_writing=False)) as ledger, ledger.reading() as connection:
        place = (question.source, question.environment, question.bundle_ids)
        counted = tallies(connection, question, group_by)
        exceeding = count_exceeding(connection, question)
        rows, more = page(connection, question, after, limit) if limit else ([], None)
        states = app_states(connection, *place, question.period)
        others = other_sources(connection, *place)
    coverage = [_coverage(state, question, int(context.now() * 1000)) for state in states]
    _warn(coverage, others, question, context)
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
        # An empty ledger knows nothing, which is not the same as no refunds.
        "complete": bool(coverage) and all(one["state"] == "complete" for one in coverage),
        "coverage": coverage,
        "quarantined": [],
        "http": context.transport.counters.as_result(),
    }


def _question(params: Params) -> Question:
    for option in ("bundle_ids", "product_ids", "currencies", "reasons"):
        if params.get(option) == []:
            raise InputError(option, "is an empty list.", "Leave it out to ask for all.")
    for index, reason in enumerate(params.get("reasons") or ()):
        if not 0 <= reason <= _LARGEST_REASON:
            raise InputError(f"reasons[{index}]", f"{reason} is no reason of Apple's.", "Give 0 or 1.")
    for index, product_id in enumerate(params.get("product_ids") or ()):
        if not is_storable(product_id):
            raise InputError(
                f"product_ids[{index}]", f"{shown(product_id)} is no product ID.", "Compare it with Apple's."
            )
    currencies = _chosen(params, "currencies")
    for currency in currencies or ():
        if not _CURRENCY.fullmatch(currency):
            raise InputError("currencies", f"{shown(currency)} is no currency.", "Give ISO 4217 codes, such as USD.")
    return Question(
        source=_source(params),
        environment=environment(params),
        bundle_ids=_bundle_ids(params),
        period=_period(params),
        product_ids=_chosen(params, "product_ids"),
        currencies=currencies,
        reasons=_chosen(params, "reasons"),
        include_reversed=params["include_reversed"],
    )


def _source(params: Params) -> str:
    source = params.get("source")
    if source is None:
        return root_certificate(params).source
    if not _SOURCE.fullmatch(source):
        next_step = "Give apple, or other: and the first 16 digits of a root certificate's SHA-256."
        raise InputError("source", f"{shown(source)} is no source.", next_step)
    return str(source)


def _bundle_ids(params: Params) -> tuple[str, ...] | None:
    if params.get("bundle_ids"):
        named = enumerate(params["bundle_ids"])
        return tuple(dict.fromkeys(parse_bundle_id(text, f"bundle_ids[{index}]") for index, text in named))
    return (parse_bundle_id(params["bundle_id"]),) if params.get("bundle_id") else None


def _chosen(params: Params, option: str) -> tuple[t.Any, ...] | None:
    return None if params.get(option) is None else tuple(dict.fromkeys(params[option]))


def _period(params: Params) -> Period:
    return parse_period(params.get("since"), params.get("until"))


def _after(params: Params) -> Cursor | None:
    return parse_cursor(params["after"]) if params.get("after") else None


def _coverage(known: AppState, question: Question, now: int) -> Results:
    state, reason = covering(known.coverage, known.quarantined, question.period, now)
    held = known.coverage
    return {
        "bundle_id": known.bundle_id,
        "environment": question.environment,
        "state": state,
        "reason": reason,
        "covered_from": None if held is None else iso_time(held.covered_from),
        "covered_until": None if held is None else iso_time(held.covered_until),
        "known_from": None if held is None else time_or_none(held.known_from),
        "last_refund_at": None if known.last_refund_at is None else iso_time(known.last_refund_at),
        "quarantined": sum(known.quarantined.values()),
    }


def _warn(coverage: t.Sequence[Results], others: t.Sequence[str], question: Question, context: Context) -> None:
    if others:
        context.warn(
            f"The ledger also holds what was verified against another root: source {', '.join(others)}. None of it is "
            f"in this result, which is of source {question.source}; source or root_certificate_path chooses."
        )
    open_ = [f"{one['bundle_id']} ({one['state']})" for one in coverage if one["state"] != "complete"]
    if open_:
        more = f" and {len(open_) - 5} more" if len(open_) > 5 else ""
        context.warn(f"Not all refunds of the period are known for {', '.join(open_[:5])}{more}: see coverage.")


TASK = Task(
    _argument_spec.refund_info(),
    run,
    CALL_LIBRARIES + LEDGER_LIBRARIES,
    libraries_with={"transaction_id": REFUND_LIBRARIES},
)
