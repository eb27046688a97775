# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A generated time of refunds: the ledger comes to the sums that were planned, however it got there."""

from __future__ import annotations

from pathlib import Path

import pytest
from refund_support import DAY, Desk, run_and_kill
from unit_servers import Simulator

START = 1_750_000_000_000
DAYS = 120
# Reversals and second refunds come up to 50 days after the last refund.
END = START + (DAYS + 55) * DAY
COUNT = 200


@pytest.fixture
def desk(sim: Simulator, tmp_path: Path) -> Desk:
    """An app with 200 stories of refunds in 120 days."""
    made = Desk(sim, tmp_path, f"sqlite:///{tmp_path}/ledger.db")
    made.prepare()
    made.generate(DAYS, COUNT, START)
    made.move_to(END)
    return made


def test_one_run(desk: Desk) -> None:
    outcome = desk.run(now=END)
    assert not outcome.results.get("failed"), outcome.message
    truth = desk.truth(END)
    assert len(truth) > 5 and desk.sums() == truth
    # Of the last weeks, in which nothing was refunded, nothing proves that a URL was set.
    assert outcome.results["coverage"]["reason"].startswith("Known until")
    again = desk.run(now=END)
    assert not again.results["changed"] and desk.sums() == truth


def test_fifty_small_runs(desk: Desk) -> None:
    for number in range(51):
        now = START + (END - START) * number // 50
        desk.move_to(now)
        outcome = desk.run(now=now)
        assert not outcome.results.get("failed"), outcome.message
        assert desk.sums() == desk.truth(now), number
    assert outcome.results["coverage"]["gaps"] == []
    # The first run read 179 days from before the first refund.
    assert outcome.results["coverage"]["covered_from"] < "2025-01-01"


def test_killed_again_and_again(desk: Desk) -> None:
    survived, at = False, 1
    while not survived:
        survived = run_and_kill(desk, at, END)
        at += 2
        _covered_is_recorded(desk)
    assert at > 14
    assert desk.sums() == desk.truth(END)
    assert not desk.run(now=END).results["changed"]


def _covered_is_recorded(desk: Desk) -> None:
    """Everything that was signed in the time that the ledger calls covered has to be there."""
    for coverage in desk.rows("refund_coverage"):
        until = coverage["covered_until"]
        truth, held = desk.truth(until), _known_by(desk, until)
        assert sum(one[0] for one in truth.values()) <= held, coverage


def _known_by(desk: Desk, until: int) -> int:
    return sum(row["first_signed_date"] <= until and not row["is_family_shared"] for row in desk.rows())
