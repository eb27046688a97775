# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes what the runs of many apps read. What waits at the same time shares a transaction.

A commit takes as long as the disk or the server's network does: with one for each app, a daily run of many apps would
be spent on commits.
"""

from __future__ import annotations

import threading
import typing as t
from dataclasses import dataclass, field

from ..._ledger.explained import Passing, RowFault
from ..._ledger.ledger import Ledger
from ..._ledger.refunds import lock
from ..._model.coverage import Window
from ..._model.errors import LedgerError, RefundsError
from .refund_reading import Batch
from .refund_recording import Recorder, State

if t.TYPE_CHECKING:
    import sqlalchemy


@dataclass(eq=False)
class _Waiting:
    """A batch on its way; until it is written, there is an ``error``."""

    recorder: Recorder
    batch: Batch
    read: Window | None
    error: Exception | None = field(default_factory=lambda: RefundsError("The batch was not written."))


@dataclass
class Writer:
    """Used from any thread; each waits until its own batch is written."""

    ledger: Ledger
    _queue: list[_Waiting] = field(default_factory=list, init=False)
    _queue_lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _ledger_lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def record(self, recorder: Recorder, batch: Batch, read: Window | None) -> None:
        """Write a batch and its coverage in one transaction; see Recorder.take. Raises RefundsError."""
        one = _Waiting(recorder, batch, read)
        with self._queue_lock:
            self._queue.append(one)
        with self._ledger_lock:
            with self._queue_lock:
                waiting, self._queue = self._queue, []
            # Whoever had the lock before may have written it.
            if waiting:
                self._write(waiting)
        if one.error is not None:
            raise one.error

    def _write(self, waiting: t.Sequence[_Waiting]) -> None:
        try:
            self._together(waiting)
        except Exception as error:
            is_shared = isinstance(error, LedgerError) and not isinstance(error, (Passing, RowFault))
            if len(waiting) > 1 and not is_shared:
                # One of them may be at fault, or only their number.
                for one in waiting:
                    self._write([one])
                return
            for one in waiting:
                one.error = error

    def _together(self, waiting: t.Sequence[_Waiting]) -> None:
        before = [one.recorder.state() for one in waiting]
        # The states after the last attempt that came as far as its commit.
        earlier: list[State] = []
        has_ended = False
        ordered = sorted(waiting, key=lambda one: tuple(one.recorder.app.values().values()))

        def restore() -> None:
            for one, state in zip(waiting, before, strict=True):
                one.recorder.restore(state)

        def work(connection: sqlalchemy.Connection) -> None:
            nonlocal earlier, has_ended
            if has_ended:
                earlier, has_ended = [one.recorder.state() for one in waiting], False
            # What was not committed is not told either.
            restore()
            # All locks before the first row, and in one order: two controllers never wait for each other.
            for one in ordered:
                lock(connection, one.recorder.app)
            for one in ordered:
                one.recorder.take(connection, one.batch, one.read)
            for one, state, lost in zip(waiting, before, earlier, strict=False):
                one.recorder.recognise(state, lost)
            has_ended = True

        try:
            self.ledger.write(work)
        except BaseException:
            restore()
            raise
        for one in waiting:
            one.error = None
