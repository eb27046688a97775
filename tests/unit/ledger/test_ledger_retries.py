# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often a transaction is tried when another program was in its way, and how long is waited in between."""

from __future__ import annotations

import contextlib
import math
import random
import typing as t

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.explained import Passing, RowFault
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place

EVERY_PAUSE = [0.05, 0.1, 0.2, 0.4, 0.8]


class Tries:
    """A ledger that is never opened; the first ``faults`` transactions fail at their end."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, faults: int, remaining: float = math.inf, error: type = Passing
    ) -> None:
        self.pauses: list[float] = []
        self.works = 0
        self.faults = faults
        self.error = error
        place = find_place("sqlite:////nowhere/ledger.db", {})
        self.ledger = Ledger(place, False, lambda text: None, remaining=lambda: remaining, wait=self.pauses.append)
        # The longest pause that chance may give.
        monkeypatch.setattr(random, "uniform", lambda least, most: most if least == 0 else -1)
        monkeypatch.setattr(self.ledger, "writing", self.writing)

    @contextlib.contextmanager
    def writing(self) -> t.Iterator[t.Any]:
        """Be a transaction."""
        yield "connection"
        if self.works <= self.faults:
            raise self.error("in the way", "")

    def work(self, connection: t.Any) -> int:
        """Count how often it is done."""
        assert connection == "connection"
        self.works += 1
        return self.works


@pytest.mark.parametrize("faults", range(6))
def test_what_passes_is_tried_again(monkeypatch: pytest.MonkeyPatch, faults: int) -> None:
    tries = Tries(monkeypatch, faults)
    assert tries.ledger.write(tries.work) == faults + 1 and tries.pauses == EVERY_PAUSE[:faults]


def test_what_does_not_pass_is_told_after_the_sixth_time(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = Tries(monkeypatch, 6)
    with pytest.raises(Passing):
        tries.ledger.write(tries.work)
    assert tries.works == 6 and tries.pauses == EVERY_PAUSE


@pytest.mark.parametrize(("remaining", "pauses"), [(0.0, 0), (0.05, 0), (0.06, 1), (0.4, 3)])
def test_no_pause_goes_beyond_the_deadline(monkeypatch: pytest.MonkeyPatch, remaining: float, pauses: int) -> None:
    tries = Tries(monkeypatch, 6, remaining)
    with pytest.raises(Passing):
        tries.ledger.write(tries.work)
    assert tries.pauses == EVERY_PAUSE[:pauses] and tries.works == pauses + 1


def test_another_fault_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = Tries(monkeypatch, 6, error=RowFault)
    with pytest.raises(RowFault):
        tries.ledger.write(tries.work)
    assert tries.works == 1 and tries.pauses == []
