# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_ledger: brings the ledger's refunds of an app up to date from Apple's Notification History."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import replace

from ... import _argument_spec
from ..._apple.app_store_server import AppStoreServer, Hosts
from ..._apple.notification_history import REACH, NotificationHistory
from ..._apple.signed_data import LIBRARY_ERROR, SignedData
from ..._context import Context, Library, Params, Results, Task, TaskFailed
from ..._ledger.integrations import find_integration
from ..._ledger.ledger import Ledger
from ..._ledger.refunds import App
from ..._model.coverage import LATE, Coverage, Window
from ..._model.errors import InputError, RefundsError
from ..._model.integration import Identity, Integration
from ..._model.refund import iso_time
from ..shared.options import identity, key_source, service_url
from ..shared.progress import EVERY_S
from ..shared.root import root_certificate
from ..shared.services import CALL_LIBRARIES
from ..shared.stored_key import stored_credentials
from ..shared.trackers import LEDGER_LIBRARIES, open_ledger
from .refund_reading import FIRST_WINDOW, Batch, Reader
from .refund_recording import Recorder
from .refund_sources import apple_id, notification_url, own_record, require_active

_DAY = 86_400_000
REFUND_LIBRARIES = (Library("app-store-server-library", LIBRARY_ERROR),)


def run(params: Params, context: Context) -> Results:
    # Refunds are kept in the ledger; what other trackers hold of the app has no part in it.
    wanted = replace(identity({**params, "tracker": "ledger"}), project="")
    _check_retention(params)
    with contextlib.closing(open_ledger(params, context, for_writing=True)) as ledger:
        ledger.check_place()
        integration = require_active(find_integration(ledger, wanted), wanted, context.check_mode)
        reader, recorder = _prepared(params, context, ledger, integration)
        return _brought_up_to_date(wanted, reader, recorder, context)


def _prepared(params: Params, context: Context, ledger: Ledger, integration: Integration) -> tuple[Reader, Recorder]:
    identity_ = integration.identity
    credentials = stored_credentials(integration, key_source(params))
    if credentials is None:
        raise InputError(
            "private_key_path",
            f"no key is at hand for {identity_.bundle_id}: none was given, and none is stored with its integration.",
            "Give private_key_path or private_key_content.",
        )
    root = root_certificate(params)
    record = own_record(params, context, identity_)
    signed = SignedData(root, identity_.environment, identity_.bundle_id, apple_id(params, integration, record))
    server = AppStoreServer(context.transport, Hosts(service_url(params, "app_store_server_url")), context.now)
    history = NotificationHistory(server, credentials, identity_.bundle_id, identity_.environment)
    days = params.get("retention_days")
    recorder = Recorder(
        ledger,
        App(root.source, identity_.environment, identity_.bundle_id),
        notification_url(record, identity_.environment),
        None if days is None else int(context.now() * 1000) - days * _DAY,
        context.timestamp(),
        int(context.now() * 1000),
    )
    return Reader(history, signed), recorder


def _brought_up_to_date(wanted: Identity, reader: Reader, recorder: Recorder, context: Context) -> Results:
    window = _window(wanted, recorder.resume(), recorder.keep_from, recorder.at)
    first_size = recorder.coverage.window_size if recorder.coverage else None
    read: Window | None = None
    predicted: list[Batch] = []
    try:
        said_at = context.now()
        for batch in reader.batches(window, first_size or FIRST_WINDOW):
            if context.check_mode:
                predicted.append(batch)
            else:
                recorder.record(batch)
            read = Window(read.start if read else batch.window.start, batch.window.end)
            if context.now() - said_at >= EVERY_S:
                said_at = context.now()
                context.progress(f"{wanted.bundle_id}: refunds are read until {iso_time(read.end)}")
        if context.check_mode:
            recorder.predict(predicted, read or window)
        else:
            recorder.finish(read or window)
    except RefundsError as error:
        if predicted:
            with contextlib.suppress(RefundsError):
                recorder.predict(predicted, None)
        results = _results(wanted, recorder, window, read, context)
        kept = "" if read is None or context.check_mode else f" Until {iso_time(read.end)} all is recorded; run again."
        raise TaskFailed(f"{error}{kept}", results) from None
    _warn(wanted, recorder, window, read, context)
    return _results(wanted, recorder, window, read, context)


def _window(wanted: Identity, resume_at: int | None, keep_from: int | None, now: int) -> Window:
    """Return what to read: from what is settled on, as far back as Apple and the retention reach."""
    earliest = now - REACH[wanted.environment]
    # A clock that was set back must not leave out what comes late.
    start = earliest if resume_at is None else max(earliest, min(resume_at, now - LATE))
    return Window(max(start, keep_from or 0), now)


def _warn(wanted: Identity, recorder: Recorder, window: Window, read: Window | None, context: Context) -> None:
    if read is not None and read.start > window.start:
        context.warn(
            f"{wanted.bundle_id}: Apple's history was refused before {iso_time(read.start)} "
            f"(asked from {iso_time(window.start)}); read from there on."
        )
    coverage = recorder.coverage
    if coverage is not None and coverage.state != "complete":
        context.warn(f"{wanted.bundle_id}: the coverage of its refunds is {coverage.state}. {coverage.reason}")


def _results(wanted: Identity, recorder: Recorder, window: Window, read: Window | None, context: Context) -> Results:
    header = f"refunds of {wanted.bundle_id} ({wanted.environment}, source {recorder.app.source})"
    return {
        "changed": recorder.tally.changed,
        "diff": recorder.tally.diff(header),
        "refunds": recorder.tally.counts(),
        "coverage": {
            "bundle_id": wanted.bundle_id,
            "environment": wanted.environment,
            "source": recorder.app.source,
            **_as_result(recorder.coverage),
            "quarantined": recorder.quarantined,
        },
        "window": {
            "wanted_from": iso_time(window.start),
            "from": iso_time(read.start) if read else None,
            "until": iso_time(read.end) if read else None,
        },
        "http": context.transport.counters.as_result(),
    }


def _as_result(coverage: Coverage | None) -> dict[str, t.Any]:
    if coverage is not None:
        return coverage.as_result()
    names = ("covered_from", "covered_until", "known_from", "known_until", "last_notification_at")
    return {"state": "never", "reason": "Never read.", "gaps": [], **dict.fromkeys(names)}


def _check_retention(params: Params) -> None:
    days = params.get("retention_days")
    if days is not None and not 1 <= days <= 36500:
        raise InputError("retention_days", f"{days} is no number of days.", "Give 1 to 36500, or leave it out.")


TASK = Task(_argument_spec.refund_ledger(), run, CALL_LIBRARIES + LEDGER_LIBRARIES + REFUND_LIBRARIES)
