# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_export: the ledger's refunds and their sums as files. One snapshot of the ledger, a page of it in memory."""

from __future__ import annotations

import contextlib
import json
import os
import typing as t

from ... import _argument_spec
from ..._context import Context, Params, Results, Task
from ..._files.text import Stream
from ..._ledger.refund_queries import app_states, count_exceeding, other_sources, page, tallies
from ..._model.errors import LedgerError
from ..._model.refund_rows import Cursor, Question, Row, Tally, not_in_sums, sums_of
from ..._report.csv_lines import COLUMNS, SUM_COLUMNS, header, line
from ..shared.trackers import LEDGER_LIBRARIES, open_ledger
from .question_request import export
from .refund_info import coverage_of, unread, warn_of_gaps
from .refund_info_apple import warn_exceeding

if t.TYPE_CHECKING:
    import sqlalchemy

NAMES = {"csv": "refunds.csv", "jsonl": "refunds.jsonl", "sums": "refunds-sums.csv"}
_PAGE = 5_000


def run(params: Params, context: Context) -> Results:
    asked = export(params, context)
    question, sums_by = asked.refunds, asked.sums_by
    place = (question.source, question.environment, question.bundle_ids)
    with contextlib.ExitStack() as stack:
        # To write the files takes as long as their disk does.
        opened = open_ledger(asked.ledger_url, context, for_writing=False, is_snapshot=True)
        ledger = stack.enter_context(contextlib.closing(opened))
        lack = ledger.lack()
        connection = stack.enter_context(ledger.reading())
        states, others = app_states(connection, *place, question.period), other_sources(connection, *place)
        is_unread = not any(state.is_known for state in states)
        if is_unread:
            _refuse_unread(f"{ledger.place.where} {lack or unread(question, others)}.", asked.folder, context)
        streams = _streams(asked.folder, context, stack)
        count = _write_refunds(connection, question, streams)
        counted = tallies(connection, question, sums_by)
        exceeding = count_exceeding(connection, question)
        _write_sums(counted, sums_by, streams["sums"])
        _publish(streams.values())
    coverage = [coverage_of(state, question, int(context.now() * 1000)) for state in states]
    warn_of_gaps(coverage, others, question, context)
    warn_exceeding(exceeding, context)
    before, after = _files(streams.values(), is_unread)
    return {
        "changed": before != after,
        "diff": {"before": {"files": before}, "after": {"files": after}},
        "export": {
            "paths": {kind: stream.path for kind, stream in streams.items()},
            "refunds": count,
            "not_in_sums": not_in_sums(counted),
            "exceeding_price": exceeding,
            "source": question.source,
            "environment": question.environment,
            "period": question.period.as_result(),
        },
        # An empty ledger knows nothing, which is not the same as no refunds.
        "complete": bool(coverage) and all(one["state"] == "complete" for one in coverage),
        "coverage": coverage,
    }


def _files(streams: t.Collection[Stream], is_unread: bool) -> list[dict[str, str | None]]:
    """Return the files before and after, alike in check mode where a run would fail and write nothing."""
    sides = ("before", "before" if is_unread else "after")
    return [{one.path: getattr(one, side) for one in streams} for side in sides]


def _refuse_unread(problem: str, folder: str, context: Context) -> None:
    """Raise LedgerError: files without refunds would say that there are none, in the place of those that say more."""
    if context.check_mode:
        context.warn(f"{problem} A run would fail and write no files, unless refunds are read before.")
        return
    raise LedgerError(
        f"{problem} No files were written to {folder}, and what lies there was left as it is.",
        "Check that ledger.url (or STOREOPS_LEDGER_URL) names the ledger that storeops.refunds.refunds writes to; if "
        "it does, run that playbook first.",
    )


def _streams(folder: str, context: Context, stack: contextlib.ExitStack) -> dict[str, Stream]:
    found = {}
    for kind, name in NAMES.items():
        found[kind] = Stream(os.path.join(folder, name), "path", context.check_mode)
        stack.callback(found[kind].discard)
    return found


def _publish(streams: t.Collection[Stream]) -> None:
    for stream in streams:
        stream.flush()
    for stream in streams:
        stream.publish()


def _write_refunds(connection: sqlalchemy.Connection, question: Question, streams: t.Mapping[str, Stream]) -> int:
    streams["csv"].write(header(COLUMNS))
    count = 0
    for rows in _pages(connection, question):
        streams["csv"].write("".join(line(row, COLUMNS) for row in rows))
        streams["jsonl"].write("".join(json.dumps(row) + "\n" for row in rows))
        count += len(rows)
    return count


def _pages(connection: sqlalchemy.Connection, question: Question) -> t.Iterator[list[Row]]:
    after: Cursor | None = None
    while True:
        rows, after = page(connection, question, after, _PAGE)
        yield rows
        if after is None:
            return


def _write_sums(counted: t.Sequence[Tally], sums_by: t.Sequence[str], stream: Stream) -> None:
    columns = (*sums_by, *SUM_COLUMNS)
    stream.write(header(columns))
    for row in sums_of(counted, sums_by):
        stream.write(line(row, columns))


TASK = Task(_argument_spec.refund_export(), run, LEDGER_LIBRARIES)
