# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What apps read at the same time is written together, and what is wrong with one stays with it."""

from __future__ import annotations

import threading
import time
import typing as t
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.explained import Passing, RowFault
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds.refund_writer import Writer

NAMES = [f"com.example.n{number}" for number in range(6)]
BAD = NAMES[2]


@dataclass
class Ledger:
    """Keeps what was committed, transaction by transaction. ``begins`` is called before each."""

    begins: t.Callable[[], None] = lambda: None
    committed: list[list[str]] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)

    def write(self, work: t.Callable[[t.Any], None]) -> None:
        """Do the work, and twice where a transaction is taken back, as the real one does."""
        self.begins()
        for attempt in range(2):
            self.rows = []
            try:
                work(SimpleNamespace(dialect=SimpleNamespace(name="sqlite")))
            except Passing:
                if attempt:
                    raise
            else:
                self.committed.append(self.rows)
                return


@dataclass
class Recorder:
    """Counts what it wrote; ``faults`` are raised one after the other."""

    ledger: Ledger
    name: str
    faults: list[Exception] = field(default_factory=list)
    told: int = 0

    @property
    def app(self) -> App:
        """Give whose rows they are."""
        return App("apple", "production", self.name)

    def state(self) -> int:
        """Give what may have to be put back."""
        return self.told

    def restore(self, state: int) -> None:
        """Put it back."""
        self.told = state

    def take(self, connection: object, batch: object, read: object) -> None:
        """Write one row."""
        self.told += 1
        self.ledger.rows.append(self.name)
        if self.faults:
            raise self.faults.pop(0)


def written(ledger: Ledger, recorders: t.Sequence[Recorder]) -> dict[str, Exception]:
    """Let all wait while the first is written, in the reverse order; give the errors by name."""
    errors: dict[str, Exception] = {}
    writer = Writer(t.cast(t.Any, ledger))
    nothing = t.cast(t.Any, None)

    def record(one: Recorder) -> None:
        try:
            writer.record(t.cast(t.Any, one), nothing, None)
        except Exception as error:
            errors[one.name] = error

    threads = [threading.Thread(target=record, args=(one,)) for one in reversed(recorders)]

    def wait_for_the_others() -> None:
        ledger.begins = lambda: None
        for thread in threads:
            thread.start()
        ends = time.monotonic() + 300
        while len(writer._queue) < len(recorders) and time.monotonic() < ends:
            time.sleep(0.001)

    ledger.begins = wait_for_the_others
    record(Recorder(ledger, "com.example.first"))
    for thread in threads:
        thread.join(300)
    return errors


def test_what_waits_is_written_in_one_transaction_and_in_one_order() -> None:
    ledger = Ledger()
    recorders = [Recorder(ledger, name) for name in NAMES]
    assert not written(ledger, recorders)
    assert ledger.committed == [["com.example.first"], NAMES]
    assert [one.told for one in recorders] == [1] * len(NAMES)


@pytest.mark.parametrize("fault", [ValueError("odd"), RowFault("too large", ""), Passing("deadlock", "")])
def test_an_app_at_fault_fails_alone(fault: Exception) -> None:
    ledger = Ledger()
    recorders = [Recorder(ledger, name, [fault] * 9 if name == BAD else []) for name in NAMES]
    assert written(ledger, recorders) == {BAD: fault}
    assert sorted(name for names in ledger.committed[1:] for name in names) == [name for name in NAMES if name != BAD]
    assert [one.told for one in recorders] == [int(one.name != BAD) for one in recorders]


def test_what_is_taken_back_and_done_again_is_told_once() -> None:
    ledger = Ledger()
    recorders = [Recorder(ledger, name, [Passing("deadlock", "")] if name == BAD else []) for name in NAMES]
    assert not written(ledger, recorders)
    assert ledger.committed[1:] == [NAMES] and [one.told for one in recorders] == [1] * len(NAMES)


def test_a_ledger_that_is_gone_is_asked_once() -> None:
    """Each further try would wait for it anew."""
    ledger, gone = Ledger(), LedgerError("gone", "")
    recorders = [Recorder(ledger, name, [gone] if name == NAMES[0] else []) for name in NAMES]
    assert written(ledger, recorders) == dict.fromkeys(NAMES, gone)
    assert len(ledger.committed) == 1 and not any(one.told for one in recorders)
