# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_ledger: brings the ledger's refunds of apps up to date from Apple's Notification History."""

from __future__ import annotations

import contextlib
import functools
import typing as t
from dataclasses import dataclass, replace

from ... import _argument_spec
from ..._apple.app_record import AppRecord
from ..._apple.notification_history import NotificationHistory
from ..._apple.pace import CALLS_A_SECOND, Pace
from ..._apple.signed_data import LIBRARY_ERROR, SignedData
from ..._context import Context, Library, Params, Results, Task
from ..._decisions.irreversible import Gate
from ..._ledger.integrations import find_integration, list_elsewhere, list_integrations
from ..._ledger.ledger import Ledger
from ..._ledger.refunds import App
from ..._model.errors import InputError, LedgerError, RefundsError
from ..._model.integration import Identity, Integration
from ..._model.refund import DAY_MS
from ..._model.text import MOST_NAMED, nearest
from ..shared.concurrent import work_off
from ..shared.options import load_key
from ..shared.progress import Progress
from ..shared.services import CALL_LIBRARIES, app_store_server
from ..shared.stored_key import stored_credentials
from ..shared.trackers import LEDGER_LIBRARIES, open_ledger
from .ledger_request import LedgerRequest, Wanted, request_of
from .refund_app import AppRun
from .refund_outcomes import Entry, for_list, for_one, nothing_held
from .refund_recording import Recorder
from .refund_removal import Removal
from .refund_sources import apple_id, notice_urls, notification_url, own_records, require_active
from .refund_writer import Writer

if t.TYPE_CHECKING:
    import sqlalchemy

NAME = "refund_ledger"
REFUND_LIBRARIES = (Library("app-store-server-library", LIBRARY_ERROR),)


def run(params: Params, context: Context) -> Results:
    return update(request_of(params), context)


def update(request: LedgerRequest, context: Context) -> Results:
    """Bring the ledger up to date. Raises TaskFailed, with all results, when an app of a list failed."""
    apps, is_list = request.apps, request.is_list
    with contextlib.closing(open_ledger(request.ledger_url, context, for_writing=True)) as ledger:
        ledger.check_place()
        held = _held(apps, ledger)
        entries = [_entry(one, held.get(one.identity), context, is_list) for one in apps]
        asked = [entry.wanted.identity.bundle_id for entry in entries if entry.integration]
        progress = Progress(context.progress, context.now, NAME, len(asked))
        records = own_records(request.connect_api, context, asked)
        _notice(entries, records, ledger, context)
        desk = _Desk(request, context, ledger, records, progress)
        with ledger.reading() as connection:
            for entry in entries:
                if entry.integration is not None:
                    _begin(entry, entry.integration, desk, connection, is_list)
        _read(entries, context)
        _name_trackers(entries, ledger)
        _name_meant(entries, ledger)
        nothing = nothing_held(entries, ledger, context.check_mode) if is_list else ""
    steps = desk.gate.records
    return for_list(entries, context, steps, nothing) if is_list else for_one(entries[0], context, steps)


def _held(apps: t.Sequence[Wanted], ledger: Ledger) -> dict[Identity, Integration]:
    """Return what the ledger holds, at least of these apps; of many it is read at once."""
    if len(apps) == 1:
        found = find_integration(ledger, apps[0].identity)
        return {found.identity: found} if found else {}
    places = sorted({one.identity.environment for one in apps})
    return {found.identity: found for place in places for found in list_integrations(ledger, "ledger", "", place)}


def _name_trackers(entries: t.Sequence[Entry], ledger: Ledger) -> None:
    """Say of apps that the ledger doesn't track which trackers do: those that are declared, else that were applied."""
    unheld = [entry for entry in entries if entry.outcome == "not_in_ledger"]
    applied: dict[tuple[str, str], dict[str, None]] = {}
    for place in sorted({entry.wanted.identity.environment for entry in unheld if not entry.wanted.trackers}):
        for one in list_elsewhere(ledger, place):
            applied.setdefault((place, one.identity.bundle_id), {})[one.identity.tracker] = None
    for entry in unheld:
        identity = entry.wanted.identity
        names = entry.wanted.trackers or applied.get((identity.environment, identity.bundle_id), ())
        entry.elsewhere = () if "ledger" in names else tuple(names)


def _name_meant(entries: t.Iterable[Entry], ledger: Ledger) -> None:
    """Name what the ledger holds under nearly the same name, and nobody asks for."""
    asked = {entry.wanted.identity for entry in entries}
    # A message names no more.
    lacking = [entry for entry in entries if entry.is_lacking][:MOST_NAMED]
    for place in {entry.wanted.identity.environment for entry in lacking}:
        held = (one.identity for one in list_integrations(ledger, "ledger", "", place))
        free = [identity.bundle_id for identity in held if identity not in asked]
        for entry in lacking:
            if entry.wanted.identity.environment == place:
                entry.meant = nearest(entry.wanted.identity.bundle_id, free)


def _entry(wanted: Wanted, held: Integration | None, context: Context, is_list: bool) -> Entry:
    """Return an app with its integration; in a list, what is wrong with one app is its own affair."""
    if wanted.is_absent:
        return Entry(wanted, "absent")
    if is_list and (held is None or held.status == "Pending"):
        return Entry(wanted, "pending" if held else "not_in_ledger")
    try:
        return Entry(wanted, "failed", require_active(held, wanted.identity, context.check_mode))
    except RefundsError as error:
        if not is_list:
            raise
        return Entry(wanted, "failed", message=f"{error}")


def _notice(entries: t.Iterable[Entry], records: t.Mapping[str, AppRecord], ledger: Ledger, context: Context) -> None:
    """Note other notification URLs. When that fails, refunds are read all the same; the next run notes them."""
    if context.check_mode:
        return
    try:
        notice_urls(ledger, records, (one.wanted.identity for one in entries), context.timestamp())
    except LedgerError as error:
        context.warn(
            f"Whether a notification URL in App Store Connect is still the declared one was not noted. {error} "
            "The next run of refund_ledger notes it."
        )


@dataclass
class _Desk:
    """What all apps of a task share."""

    request: LedgerRequest
    context: Context
    ledger: Ledger
    records: t.Mapping[str, AppRecord]
    progress: Progress

    def __post_init__(self) -> None:
        self.writer = Writer(self.ledger)
        loaded = functools.cache(load_key)
        # An app's own IDs make no other key of what lies at a path.
        self.load = lambda source: loaded(replace(source, issuer_id=None, key_id=None, where=""))
        self.gate = Gate(self.context.timestamp, self.context.progress, self.context.check_mode)
        self.server = app_store_server(self.request.app_store_server_url, self.context)

    def app_run(self, wanted: Wanted, integration: Integration, connection: sqlalchemy.Connection) -> AppRun:
        """Return the run of one app, read from where the ledger ends. Raises RefundsError."""
        identity, context = wanted.identity, self.context
        credentials = stored_credentials(integration, wanted.source, self.load)
        if credentials is None:
            raise _no_key(integration, wanted.source.is_given)
        place, record = identity.environment, self.records.get(identity.bundle_id)
        number = apple_id(wanted.app_apple_id, integration, record)
        signed = SignedData(self.request.root, place, identity.bundle_id, number)
        pace = Pace(context.transport, CALLS_A_SECOND[place])
        history = NotificationHistory(self.server, credentials, identity.bundle_id, place, pace)
        days, now = self.request.retention_days, int(context.now() * 1000)
        app = App(self.request.root.source, place, identity.bundle_id)
        recorder = Recorder(
            self.ledger,
            app,
            notification_url(record, place),
            None if days is None else now - days * DAY_MS,
            context.timestamp(),
            now,
            number if place == "production" else None,
            removal=None if days is None else Removal(self.gate, days, app),
        )
        resume_at = recorder.resume(connection)
        return AppRun(identity, history, signed, recorder, resume_at, context, self.writer, self.progress)


def _no_key(integration: Integration, is_given: bool) -> InputError:
    """Return that none is at hand: a new key that site has not applied yet is no key of this integration."""
    here = f"no key is at hand for {integration.identity.bundle_id}"
    if is_given:
        problem = f"{here}: the given one isn't the one that was applied ({integration.key_id}), which has no path."
        step = "Run storeops.refunds.site, so that the new key is applied. Until Apple accepts it, declare the old one."
        return InputError("private_key_path", problem, step)
    problem = f"{here}: none was given, and none is stored with its integration."
    return InputError("private_key_path", problem, "Give private_key_path or private_key_content.")


def _begin(
    entry: Entry, integration: Integration, desk: _Desk, connection: sqlalchemy.Connection, is_list: bool
) -> None:
    try:
        entry.run = desk.app_run(entry.wanted, integration, connection)
    except RefundsError as error:
        if not is_list:
            raise
        entry.message = f"{error}"
        desk.progress.ended(True)


def _read(entries: t.Sequence[Entry], context: Context) -> None:
    """Read all apps at the same time, each as far as it goes."""
    # What was left out longest comes first: runs that are broken off again and again reach every app.
    runs = sorted((entry.run for entry in entries if entry.run), key=lambda run: run.recorder.read_until)
    work_off([run.reading.jobs for run in runs], context.transport.flow)
    for run in runs:
        run.end()
    for entry in entries:
        if entry.run:
            entry.outcome, entry.message = entry.run.outcome, entry.run.message


TASK = Task(_argument_spec.refund_ledger(), run, CALL_LIBRARIES + LEDGER_LIBRARIES + REFUND_LIBRARIES)
