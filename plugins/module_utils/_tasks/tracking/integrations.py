# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_tracking_integrations: the integrations of a list of apps are present and Active, or absent."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, replace

from ... import _argument_spec
from ..._apple.credential_check import CredentialCheck, infer_across_apps
from ..._context import Context, Params, Results, Task, TaskFailed
from ..._decisions.irreversible import Gate
from ..._http_errors import NotAsked
from ..._model.errors import InputError, RefundsError, unforeseen
from ..._model.identifiers import parse_app_apple_id
from ..._model.integration import Identity, Integration, absent
from ..._model.verdict import Verdict
from ..._plan import plan
from ..._trackers.ledger import LedgerTracker
from ..shared.concurrent import each
from ..shared.few_warnings import FewWarnings
from ..shared.options import tracker_project
from ..shared.progress import Progress
from ..shared.services import CALL_LIBRARIES, credential_check
from ..shared.stored_key import stored_credentials
from ..shared.trackers import LEDGER_LIBRARIES, open_tracker
from . import outcomes
from .assessment import best_status, checked, compared_with_held, declared, is_unasked, known_released
from .decision import NO_KEY_NEEDED, Decision, Rules, Wanted, decide_absent, decide_present, standing
from .holdings import Holdings, check_fit
from .listed_apps import ListedApp, LoadedKey, listed_apps
from .purge import Purge, parse_purge
from .writing import ONE_APP, Writer, naming, not_tried

NAME = "refund_tracking_integrations"
# What a fault of ours spoils when it meets the comparison with what is held.
_HINT_LESS = "the hint says less than it could, the verdict is sound"
_NOT_LISTED = "purge: the app is not listed."


@dataclass
class _Entry:
    """One listed app on its way. ``error``: why nothing can be decided about it.

    ``is_untried``: because no time was left for it, or because the service had been silent for long.
    """

    app: ListedApp
    identity: Identity
    current: Integration | None = None
    error: str = ""
    is_untried: bool = False

    @property
    def declared(self) -> Results | None:
        key = self.app.key
        return declared(key.source, key.credentials) if key else None


def run(params: Params, context: Context) -> Results:
    apps = listed_apps(
        params,
        context,
        lambda app: (app.get("state") or params["state"]) == "present",
        # What a list with a fault leaves out, nobody knows.
        keeps_faulty=params["on_faulty_app"] == "report" and not params["purge"],
    )
    purge = parse_purge(params, apps)
    check_fit(apps, params)
    check = credential_check(params, context)
    warnings = FewWarnings(context.warn)
    with open_tracker(params, context, for_writing=True) as tracker:
        holdings = Holdings(tracker)
        entries = [_looked_up(app, holdings, params, context) for app in apps]
        surplus = _surplus(purge, holdings, entries, context)
        progress = Progress(context.progress, context.now, NAME, len(entries))
        is_quick = context.check_mode or isinstance(tracker, LedgerTracker)
        verdicts = _verdicts(entries, check, params, context, progress if is_quick else None)
        verdicts = _sharpened(entries, verdicts, holdings, params, warnings.warn)
        rules = Rules(tracker, params["credential_check"], context.check_mode, warnings.warn)
        writer = Writer(tracker, context)
        decisions = []
        for entry, verdict in zip(entries, verdicts, strict=True):
            decision = _decision(entry, verdict, rules)
            decision.declared = entry.declared
            writer.add(decision)
            decisions.append(decision)
            if not is_quick:
                progress.ended(bool(decision.error))
        writer.flush()
        for decision in surplus:
            writer.add(decision)
        writer.flush()
    warnings.end()
    return _results(decisions + surplus, context)


def _looked_up(app: ListedApp, holdings: Holdings, params: Params, context: Context) -> _Entry:
    entry = _Entry(app, Identity(params["tracker"], tracker_project(params), app.environment, app.bundle_id))
    entry.error = _fault(app)
    if entry.error:
        return _finished(entry, holdings) if app.unfinished else entry
    if not holdings.tracker.is_listable and context.transport.remaining() <= 0:
        entry.error, entry.is_untried = not_tried(app.bundle_id, context), True
        return entry
    try:
        entry.current = holdings.find(entry.identity)
    except RefundsError as error:
        if holdings.tracker.is_listable and not holdings.is_ambiguous(entry.identity):
            # The list itself can't be had: no app can be done.
            raise
        entry.error, entry.is_untried = naming(app.bundle_id, f"{error}"), isinstance(error, NotAsked)
    except Exception as error:
        if holdings.tracker.is_listable:
            raise
        entry.error = naming(app.bundle_id, unforeseen(error, ONE_APP))
    return entry


def _finished(entry: _Entry, holdings: Holdings) -> _Entry:
    """Return an entry whose key lacks IDs with those that the tracker's entry of the same key has, if there is one."""
    source = entry.app.unfinished
    with contextlib.suppress(RefundsError):
        current = holdings.find(entry.identity)
        # The declared key alone: another one at the stored path proves nothing about it.
        asked = replace(current, private_key_path=None) if current else None
        credentials = stored_credentials(asked, source) if asked and source else None
        if source and credentials:
            return _Entry(replace(entry.app, key=LoadedKey(source, credentials, None)), entry.identity, current)
    return entry


def _fault(app: ListedApp) -> str:
    if app.fault:
        return naming(app.bundle_id, app.fault)
    try:
        parse_app_apple_id(app.fields.get("app_apple_id"))
    except InputError as error:
        return naming(app.bundle_id, str(error))
    return ""


def _surplus(purge: Purge | None, holdings: Holdings, entries: t.Sequence[_Entry], context: Context) -> list[Decision]:
    """Return the decisions to remove what is not listed. Raises InputError when that is too much."""
    if purge is None:
        return []
    listed = {entry.identity for entry in entries}
    held = holdings.listed(purge.environment)
    doomed = purge.doomed(held.values(), listed)
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


def _verdicts(
    entries: t.Sequence[_Entry],
    check: CredentialCheck,
    params: Params,
    context: Context,
    progress: Progress | None,
) -> list[Verdict]:
    """Return the verdicts in the order of the entries."""

    def verdict(entry: _Entry) -> Verdict:
        key, place = entry.app.key, entry.identity.environment
        if key is None or entry.error:
            return Verdict("not_checked", entry.error or NO_KEY_NEEDED, place)
        if key.problem:
            return check.local(key.problem, place)
        if key.credentials and params["credential_check"] != "skip" and context.transport.remaining() <= 0:
            entry.error, entry.is_untried = not_tried(entry.identity.bundle_id, context), True
            return Verdict("not_checked", entry.error, place)
        try:
            found = checked(key.source, key.credentials, check, entry.identity, params)
            if is_unasked(found):
                # No policy decides about what nobody looked at.
                entry.error, entry.is_untried = naming(entry.identity.bundle_id, found.hint), True
            return known_released(found, entry.current, key.credentials)
        except RefundsError:
            raise
        except Exception as error:
            entry.error = naming(entry.identity.bundle_id, unforeseen(error, ONE_APP))
            return Verdict("not_checked", entry.error, place)

    def ended(found: Verdict) -> None:
        if progress:
            progress.ended(found.hint != NO_KEY_NEEDED and best_status(found, params["credential_check"]) is None)

    return each(entries, verdict, context.transport.flow, ended)


def _sharpened(
    entries: t.Sequence[_Entry],
    verdicts: t.Sequence[Verdict],
    holdings: Holdings,
    params: Params,
    warn: t.Callable[[str], None],
) -> list[Verdict]:
    """Return the verdicts, hints sharpened by what the apps of a key have in common, and then by what is held."""
    found = list(verdicts)
    asked = [number for number, entry in enumerate(entries) if entry.app.key and not entry.error]
    groups = [t.cast(t.Any, entries[number].app.key).group(entries[number].identity.bundle_id) for number in asked]
    for number in asked:
        if best_status(found[number], params["credential_check"]) is None:
            found[number] = _compared(entries[number], found[number], holdings, warn)
    inferred = infer_across_apps([(group, found[number]) for group, number in zip(groups, asked, strict=True)])
    for number, verdict in zip(asked, inferred, strict=True):
        found[number] = verdict
    return found


def _compared(entry: _Entry, verdict: Verdict, holdings: Holdings, warn: t.Callable[[str], None]) -> Verdict:
    key = entry.app.key
    try:
        return compared_with_held(
            verdict, entry.current, key.credentials if key else None, holdings.names, entry.identity
        )
    except Exception as error:
        # A hint less is no reason to hide the refusal.
        warn(naming(entry.identity.bundle_id, unforeseen(error, _HINT_LESS)))
        return verdict


def _decision(entry: _Entry, verdict: Verdict, rules: Rules) -> Decision:
    identity, key = entry.identity, entry.app.key
    if entry.error:
        decision = standing(entry.current, identity, verdict, entry.error)
        decision.is_untried = entry.is_untried
        return decision
    try:
        if key is None:
            return decide_absent(identity, entry.current, rules)
        wanted = Wanted(identity, key.source, key.credentials, entry.app.fields.get("app_apple_id"))
        return decide_present(wanted, entry.current, verdict, rules)
    except RefundsError as error:
        return standing(entry.current, identity, verdict, naming(identity.bundle_id, f"{error}"))
    except Exception as error:
        return standing(entry.current, identity, verdict, naming(identity.bundle_id, unforeseen(error, ONE_APP)))


def _results(decisions: t.Sequence[Decision], context: Context) -> Results:
    results = {
        "changed": any(decision.step.changed for decision in decisions),
        "diff": outcomes.diff(decisions),
        "integrations": [outcomes.item(decision) for decision in decisions],
        "http": context.transport.counters.as_result(),
    }
    message = outcomes.summary(decisions)
    if message:
        raise TaskFailed(message, results)
    return results


TASK = Task(_argument_spec.integrations(), run, CALL_LIBRARIES + LEDGER_LIBRARIES)
