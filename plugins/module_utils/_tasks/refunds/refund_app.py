# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One app's run: reading and recording, and what is said about it."""

from __future__ import annotations

import typing as t

from ..._apple.notification_history import REACH, NotificationHistory
from ..._apple.signed_data import SignedData
from ..._context import Context
from ..._model.apple_id import apple_id_fault
from ..._model.coverage import LATE, Coverage, Window, gaps_told, known_gaps
from ..._model.errors import RefundsError, unforeseen
from ..._model.integration import Identity
from ..._model.refund import iso_time
from ..shared.progress import EVERY_S, Progress
from .refund_reading import Batch, Reading
from .refund_recording import Recorder
from .refund_writer import Writer

Outcome = t.Literal["read", "incomplete", "pending", "not_in_ledger", "absent", "failed"]
_ONE_APP = "the refunds of this app were not read to their end, the others were"


class AppRun:
    """``resume_at``: from when on the history has to be read, as Recorder.resume says."""

    def __init__(
        self,
        identity: Identity,
        history: NotificationHistory,
        signed: SignedData,
        recorder: Recorder,
        resume_at: int | None,
        context: Context,
        writer: Writer,
        progress: Progress,
    ) -> None:
        self.identity = identity
        self.recorder = recorder
        self.read: Window | None = None
        self.message = ""
        self._context = context
        self._writer = writer
        self._progress = progress
        self._is_counted = False
        self._said_at = context.now()
        self._predicted: list[Batch] = []
        self.window = self._window(resume_at, recorder.keep_from, recorder.at)
        self.reading = Reading(history, signed, self.window, self._take)

    def _window(self, resume_at: int | None, keep_from: int | None, now: int) -> Window:
        """Return what to read: from what is settled on, as far back as Apple and the retention reach."""
        earliest = now - REACH[self.identity.environment]
        # A clock that was set back must not leave out what comes late.
        start = earliest if resume_at is None else max(earliest, min(resume_at, now - LATE))
        return Window(max(start, keep_from or 0), now)

    def _take(self, batch: Batch, is_last: bool) -> None:
        read = Window(self.read.start if self.read else batch.window.start, batch.window.end)
        if self._context.check_mode:
            self._predicted.append(batch)
        else:
            self._writer.record(self.recorder, batch, read if is_last else None)
        self.read = read
        self._tell(read, is_last)

    def _tell(self, read: Window, is_last: bool) -> None:
        if is_last:
            self._is_counted = True
            self._progress.ended(False)
        elif self._context.now() - self._said_at >= EVERY_S:
            self._said_at = self._context.now()
            self._context.progress(f"{self.identity.bundle_id}: refunds are read until {iso_time(read.end)}")

    def end(self) -> None:
        """Sum up, after all jobs of ``reading`` have ended."""
        error = self.reading.error
        if not self._is_counted:
            self._progress.ended(True)
        try:
            if self._predicted:
                self.recorder.predict(self._predicted, None if error else self.read)
        except RefundsError as second:
            error = error or second
        if self.recorder.removal is not None:
            self.recorder.removal.end(self.recorder.has_removed)
        if error is not None:
            said = f"{error}" if isinstance(error, RefundsError) else unforeseen(error, _ONE_APP)
            kept = None if self._context.check_mode else self.read
            self.message = said + (f" Until {iso_time(kept.end)} all is recorded; run again." if kept else "")
        # No gap that another run closes: nothing of this app is recorded until somebody corrects it.
        proven = self.recorder.coverage.app_apple_id if self.recorder.coverage else None
        fault = apple_id_fault(self.recorder.reasons, self.recorder.app_apple_id, proven)
        self.message = " ".join(filter(None, (self.message, fault)))

    @property
    def outcome(self) -> Outcome:
        """``incomplete``: what was read has holes, which ``coverage`` names."""
        if self.message:
            return "failed"
        coverage, read = self.recorder.coverage, self.read
        if coverage is None or read is None or self.recorder.quarantined or known_gaps(coverage):
            return "incomplete"
        return "read" if coverage.covered_until >= read.end else "incomplete"

    def warnings(self) -> t.Iterator[str]:
        """Yield what a user should know although nothing failed."""
        if self.read is not None and self.read.start > self.window.start:
            yield (
                f"{self.identity.bundle_id}: Apple's history was refused before {iso_time(self.read.start)} "
                f"(asked from {iso_time(self.window.start)}); read from there on."
            )
        coverage = self.recorder.coverage
        if coverage is not None and coverage.state != "complete":
            yield from gaps_told([(self.identity.bundle_id, coverage.state, coverage.reason)])

    def results(self) -> dict[str, t.Any]:
        """Return ``refunds``, ``coverage`` and ``window``."""
        recorder, window, read = self.recorder, self.window, self.read
        return {
            "refunds": recorder.tally.counts(),
            "coverage": {
                "bundle_id": self.identity.bundle_id,
                "environment": self.identity.environment,
                "source": recorder.app.source,
                **_as_result(recorder.coverage),
                "quarantined": recorder.quarantined,
            },
            "window": {
                "wanted_from": iso_time(window.start),
                "from": iso_time(read.start) if read else None,
                "until": iso_time(read.end) if read else None,
            },
        }


def _as_result(coverage: Coverage | None) -> dict[str, t.Any]:
    if coverage is not None:
        return coverage.as_result()
    names = ("covered_from", "covered_until", "known_from", "known_until", "last_notification_at")
    return {"state": "never", "reason": "Never read.", "gaps": [], **dict.fromkeys(names)}
