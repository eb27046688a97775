# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What refund_ledger says at its end: of one app, or of a list."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass

from ..._context import Context, Results, TaskFailed
from ..._ledger.ledger import Ledger
from ..._model.coverage import gaps_told
from ..._model.integration import Integration, app_in
from ..._model.text import few, told_once
from .ledger_request import Wanted
from .other_keys import told_of_other_keys
from .refund_app import AppRun, Outcome

Records = list[dict[str, str]]
_ORDER: t.Final[tuple[Outcome, ...]] = ("read", "pending", "not_in_ledger", "absent", "incomplete", "failed")
_WORDS: t.Final[t.Mapping[Outcome, str]] = {"not_in_ledger": "not in this ledger", "incomplete": "read in part"}
_NEXT_STEP = (
    "Refunds are read for apps that have an integration on the built-in ledger (tracker ledger). Check that ledger.url "
    "(or STOREOPS_LEDGER_URL) names the ledger that storeops.refunds.site writes to, and that the bundle ID is spelt "
    "as in App Store Connect; if so, run site, and do what it says."
)


@dataclass
class Entry:
    """One app on its way. ``message``: why it failed. ``elsewhere``: its trackers, where the ledger is none of them.

    ``meant``: of an app that isn't in the ledger, one of nearly its name that is, and that nobody asks for.
    """

    wanted: Wanted
    outcome: Outcome
    integration: Integration | None = None
    message: str = ""
    run: AppRun | None = None
    elsewhere: tuple[str, ...] = ()
    meant: str = ""

    @property
    def name(self) -> str:
        identity = self.wanted.identity
        return app_in(identity.bundle_id, identity.environment)

    @property
    def is_lacking(self) -> bool:
        """True for an app that no other tracker is known to have."""
        return self.outcome == "not_in_ledger" and not self.elsewhere


def for_one(entry: Entry, context: Context, records: Records) -> Results:
    """Return the results of a task for one app. Raises TaskFailed. ``records``: of the gate."""
    if entry.run is None:
        nothing: Results = {"changed": False, "summary": summary([entry], context.check_mode), "irreversible": records}
        return {**nothing, "http": context.transport.counters.as_result()}
    results = {
        "changed": entry.run.recorder.tally.changed,
        "diff": entry.run.recorder.tally.diff(_header(entry)),
        "summary": summary([entry], context.check_mode),
        **entry.run.results(),
        "irreversible": records,
        "http": context.transport.counters.as_result(),
    }
    if entry.message:
        raise TaskFailed(entry.message, results)
    for warning in entry.run.warnings():
        context.warn(warning)
    return results


def nothing_held(entries: t.Sequence[Entry], ledger: Ledger, check_mode: bool) -> str:
    """Return a message when the ledger has no app that is declared present: hardly the ledger that was meant.

    Or all of them were applied elsewhere. Where none is declared for the ledger, there is nothing to miss.
    """
    present = [entry for entry in entries if entry.outcome != "absent"]
    if not present or any(entry.outcome != "not_in_ledger" for entry in present) or _is_none_wanted(entries):
        return ""
    names = _lacking(present)
    elsewhere = _tracked_elsewhere(present)
    if not names:
        return elsewhere
    found = f"{ledger.place.where} {ledger.lack() or 'holds none of the declared apps'}."
    kept = "Apple keeps refunds for 180 days (30 in the sandbox) and forgets them then."
    hint = "(Check mode: site --check stores nothing.)" if check_mode else ""
    told = (f"{found} No refunds were read of {few(names)}. {kept} {_NEXT_STEP}", hint, elsewhere)
    return " ".join(filter(None, told))


def _is_none_wanted(entries: t.Iterable[Entry]) -> bool:
    """Tell whether there are apps, and all of them are declared for other trackers than the ledger."""
    present = [entry for entry in entries if entry.outcome != "absent"]
    unheld = (entry.outcome == "not_in_ledger" and entry.elsewhere and entry.wanted.trackers for entry in present)
    return bool(present) and all(unheld)


def _names(entries: t.Iterable[Entry]) -> list[str]:
    return [entry.name for entry in entries]


def _tracked_elsewhere(entries: t.Iterable[Entry], declared: t.Container[bool] = (True, False)) -> str:
    """Say of which apps site stores nothing in the ledger, and what to declare; empty without such an app.

    ``declared``: of those that are declared for other trackers, of those that were only applied there, or both.
    """
    groups: dict[tuple[tuple[str, ...], bool], list[Entry]] = {}
    for entry in entries:
        if entry.elsewhere and bool(entry.wanted.trackers) in declared:
            groups.setdefault((entry.elsewhere, bool(entry.wanted.trackers)), []).append(entry)
    return " ".join(_elsewhere(trackers, known, _names(apart)) for (trackers, known), apart in groups.items())


def _elsewhere(trackers: tuple[str, ...], is_declared: bool, names: t.Sequence[str]) -> str:
    """Say it of apps with the same trackers: those that are declared, else those where they were applied."""
    are, were, their = ("is", "was", "its") if len(names) == 1 else ("are", "were", "their")
    apps, there = few(names), " and ".join(trackers)
    if not is_declared:
        return (
            f"{apps} {were} last applied at {there} and {are} not in the built-in ledger, so no refunds were read. If "
            f"you want refunds in the ledger, check that ledger is among {their} trackers, then run "
            "storeops.refunds.site."
        )
    return (
        f"{apps} {are} tracked by {there} and not by the built-in ledger, so no refunds were read. Look for {their} "
        f"refunds at {there}. If you want them in the ledger, too, add ledger to {their} trackers (trackers: "
        f"[{', '.join(('ledger', *trackers))}]), then run storeops.refunds.site."
    )


def for_list(entries: t.Sequence[Entry], context: Context, records: Records, nothing: str) -> Results:
    """Return the results of a task for a list.

    Raises TaskFailed when an app failed, when one that is declared for the ledger isn't there, or for ``nothing_held``.
    """
    runs = [entry.run for entry in entries if entry.run]
    totals: Counter[str] = Counter()
    for run in runs:
        totals.update(run.recorder.tally.counts())
    line = summary(entries, context.check_mode)
    results = {
        "changed": any(run.recorder.tally.changed for run in runs),
        "diff": _diff(entries),
        "summary": line,
        "refunds": dict(totals),
        "apps": [_item(entry) for entry in entries],
        "irreversible": records,
        "http": context.transport.counters.as_result(),
    }
    lacking = nothing or " ".join(filter(None, (_unheld(entries), _tracked_elsewhere(entries, (False,)))))
    if not nothing:
        _warn_of_others(entries, context)
    other_keys = told_of_other_keys(
        (entry.wanted.source, entry.integration) for entry in entries if entry.run and entry.integration
    )
    if other_keys:
        context.warn(other_keys)
    failed = [entry for entry in entries if entry.outcome == "failed"]
    if failed:
        _warn(entries, context)
        raise TaskFailed(" ".join(filter(None, (_failures(failed, line), *_others(entries), lacking))), results)
    _warn(entries, context)
    # Check mode of site stores nothing, so that a run may yet do it.
    if lacking and not context.check_mode:
        raise TaskFailed(f"{line}. {lacking}", results)
    if lacking:
        context.warn(lacking)
    return results


def summary(entries: t.Sequence[Entry], check_mode: bool = False) -> str:
    """Return one line such as ``Refunds: 36 of 40 apps read, 12 new; 3 pending, 1 read in part``."""
    if not entries:
        return "No apps, so no refunds were read"
    if _is_none_wanted(entries):
        return "No refunds were read: no app is declared for the ledger"
    counted = Counter(entry.outcome for entry in entries)
    others = (f"{counted[one]} {_WORDS.get(one, one)}" for one in _ORDER if one != "read" and counted[one])
    apps = f"{len(entries):,} app{'' if len(entries) == 1 else 's'}"
    new = sum(entry.run.recorder.tally.counts()["new"] for entry in entries if entry.run)
    news = f", {new:,} new" if any(entry.run for entry in entries) else ""
    verb = "would be read" if check_mode else "read"
    gaps = sum(_is_read_with_gap(entry) for entry in entries)
    holes = f"{gaps:,} of these apps may lack refunds" if gaps else ""
    told = (f"Refunds: {counted['read']:,} of {apps} {verb}{news}", holes, ", ".join(others))
    return "; ".join(filter(None, told))


def _is_read_with_gap(entry: Entry) -> bool:
    """Tell of an app that was read whether refunds may be missing, from the time before this run included."""
    coverage = entry.run.recorder.coverage if entry.run and entry.outcome == "read" else None
    return coverage is not None and coverage.state != "complete"


def _item(entry: Entry) -> Results:
    identity = entry.wanted.identity
    item = {"bundle_id": identity.bundle_id, "environment": identity.environment, "outcome": entry.outcome}
    return {
        **item,
        "msg": entry.message or _unheld([entry]) or _tracked_elsewhere([entry]),
        **(entry.run.results() if entry.run else {}),
    }


def _diff(entries: t.Sequence[Entry]) -> Results:
    """Return a diff by bundle ID (and environment, where it is the sandbox) with only the apps that changed."""
    before: Results = {}
    after: Results = {}
    for entry in entries:
        if entry.run and entry.run.recorder.tally.changed:
            found = entry.run.recorder.tally.diff(_header(entry))
            before[entry.name], after[entry.name] = found["before"], found["after"]
    return {"before": before, "after": after}


def _failures(failed: t.Sequence[Entry], line: str) -> str:
    """Return the message: each cause once, with the apps that it stopped."""
    by_cause: dict[str, list[str]] = {}
    for entry in failed:
        name = entry.wanted.identity.bundle_id
        by_cause.setdefault(entry.message.replace(f"{name}: ", "").replace(name, "the app"), []).append(name)
    causes = told_once([f"{few(names)}: {cause}" for cause, names in by_cause.items()])
    return " ".join([f"{line}.", *causes])


def _others(entries: t.Sequence[Entry]) -> t.Iterator[str]:
    """Yield which apps, beside those that failed, lack refunds or may: counts alone don't say whom to look at."""
    pending = _names(entry for entry in entries if entry.outcome == "pending")
    yield f"Not read either: {few(pending)} (pending)." if pending else ""
    names = _names(entry for entry in entries if entry.outcome == "incomplete" or _is_read_with_gap(entry))
    yield f"Read, but refunds may be missing: {few(names)}." if names else ""


def _unheld(entries: t.Iterable[Entry]) -> str:
    """Say which apps are declared for the ledger and not there; empty for none."""
    names = _lacking(entries)
    are, their = ("isn't", "its") if len(names) == 1 else ("aren't", "their")
    return f"{few(names)} {are} in this ledger, so {their} refunds weren't read. {_NEXT_STEP}" if names else ""


def _lacking(entries: t.Iterable[Entry]) -> list[str]:
    return [
        f"{entry.name} (did you mean {entry.meant}, which the ledger holds?)" if entry.meant else entry.name
        for entry in entries
        if entry.is_lacking
    ]


def _warn_of_others(entries: t.Sequence[Entry], context: Context) -> None:
    elsewhere = _tracked_elsewhere(entries, (True,))
    if elsewhere:
        context.warn(elsewhere)
    if not entries:
        context.warn("No apps are declared, so no refunds were read. Declare them below their key, or in apps.")


def _warn(entries: t.Sequence[Entry], context: Context) -> None:
    # Of an app that failed, the message says what is missing.
    others = [entry for entry in entries if entry.outcome != "failed"]
    found = [(entry.wanted.identity.bundle_id, entry.run.recorder.coverage) for entry in others if entry.run]
    known = [(name, coverage.state, coverage.reason) for name, coverage in found if coverage is not None]
    for warning in gaps_told(one for one in known if one[1] != "complete"):
        context.warn(warning)


def _header(entry: Entry) -> str:
    identity = entry.wanted.identity
    source = entry.run.recorder.app.source if entry.run else ""
    return f"refunds of {identity.bundle_id} ({identity.environment}, source {source})"
