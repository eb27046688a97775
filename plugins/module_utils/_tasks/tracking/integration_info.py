# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_tracking_integration_info: what a tracker holds, each entry with a live credential check."""

from __future__ import annotations

import os
from dataclasses import replace

from ... import _argument_spec
from ..._apple import hints
from ..._apple.credential_check import CredentialCheck
from ..._context import Context, Params, Results, Task
from ..._decisions.refusal import infer_across_apps, known_released
from ..._declaration.keys import KeySource
from ..._ledger.integrations import list_elsewhere
from ..._model.integration import REMOVAL_ASKED, Identity, Integration, Status, absent, worse
from ..._model.private_key import KeyProblem
from ..._model.verdict import LOCAL_CAUSES, Verdict
from ..._trackers.protocol import Tracker
from ..shared.concurrent import each
from ..shared.services import CALL_LIBRARIES, credential_check
from ..shared.stored_key import stored_credentials
from ..shared.trackers import LEDGER_LIBRARIES, Trackers, open_ledger
from .request import InfoRequest, info_request


def run(params: Params, context: Context) -> Results:
    asked = info_request(params)
    check = credential_check(asked.services.app_store_server_url, context)
    held, elsewhere = _held(asked, context)
    source, is_skipped = asked.source, asked.is_skipped
    verdicts = each(held, lambda entry: _verdict(entry, source, check, is_skipped), context.transport.flow)
    keys = [(entry.issuer_id or "", entry.key_id or "", entry.key_fingerprint or "") for entry in held]
    sharpened = infer_across_apps(list(zip(keys, verdicts, strict=True)))
    return {
        "changed": False,
        "applied_elsewhere": [_told(entry) for entry in elsewhere],
        "integrations": [_result(entry, verdict) for entry, verdict in zip(held, sharpened, strict=True)],
        "http": context.transport.counters.as_result(),
    }


def _held(asked: InfoRequest, context: Context) -> tuple[list[Integration], list[Integration]]:
    """Return what the tracker holds, and what the ledger knows of other trackers where the ledger was asked.

    What a person was asked to remove may be gone, so it isn't Active.
    """
    ledger = open_ledger(asked.services.ledger_url, context, for_writing=False)
    with Trackers(context, ledger, asked.services.times) as trackers:
        tracker = trackers.open(asked.settings)
        wanted = asked.wanted
        held = [_found(wanted, tracker, context)] if wanted else tracker.list(asked.environment)
        elsewhere = list_elsewhere(ledger, asked.environment) if asked.settings.tracker == "ledger" else []
    return list(map(_doubted, held)), list(map(_doubted, elsewhere))


def _found(wanted: Identity, tracker: Tracker, context: Context) -> Integration:
    """Return what the tracker holds of one app. A place that shows another app doesn't tell that this one is gone."""
    found = tracker.find(wanted)
    doubt = "" if found else tracker.doubt(wanted)
    if doubt:
        context.warn(f"{wanted.bundle_id}: {doubt}")
        return replace(absent(wanted), status="Unknown")
    return found or absent(wanted)


def _doubted(entry: Integration) -> Integration:
    return replace(entry, status=worse("Pending", entry.status)) if entry.word == REMOVAL_ASKED else entry


def _verdict(entry: Integration, source: KeySource, check: CredentialCheck, is_skipped: bool) -> Verdict:
    place = entry.identity.environment
    if entry.status == "Absent":
        return Verdict("not_checked", "The tracker holds no such integration.", place)
    if is_skipped:
        return Verdict("not_checked", hints.NOT_CHECKED, place)
    try:
        credentials = stored_credentials(entry, source)
    except KeyProblem as problem:
        # On another machine, or once a custody took the file away, nobody gave a path that could be corrected.
        if source.is_given or os.path.lexists(entry.private_key_path or ""):
            return check.local(problem, place)
        credentials = None
    if credentials is None:
        return Verdict("not_checked", hints.NO_KEY, place)
    return known_released(check.check(credentials, entry.identity.bundle_id, place), [entry], credentials)


def _result(entry: Integration, verdict: Verdict) -> Results:
    seen = replace(entry, status=_observed(entry, verdict))
    return {**_told(seen), "credential_check": verdict.as_result()}


def _told(entry: Integration) -> Results:
    return {**entry.as_result(), "confirmed_by_hand": entry.is_confirmed_by_hand}


def _observed(entry: Integration, verdict: Verdict) -> Status:
    """Return the status as it is now; an undecided check leaves the stored one.

    devtodev shows a status of its own, or a person does: Apple's verdict never makes more of it. Nor of a key that
    nobody knows.
    """
    shown: Status = "Active" if entry.key_fingerprint else "Unknown"
    if entry.word or entry.identity.tracker == "devtodev":
        shown = entry.status
    if verdict.accepted:
        return shown
    if verdict.cause == "app_not_released":
        return worse("Pending", shown)
    # With Apple's time the key is accepted, so this machine's clock says nothing about it; nor does its own file.
    is_apples = verdict.refused and verdict.cause != "clock_skew" and verdict.cause not in LOCAL_CAUSES
    return "Failed" if is_apples else entry.status


TASK = Task(_argument_spec.integration_info(), run, CALL_LIBRARIES + LEDGER_LIBRARIES)
