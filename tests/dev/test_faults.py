# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last lines of a run that failed name what failed, whichever tool said so."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "dev"))

import faults

INTEGRATION = """\
Running sound integration test role
TASK [sound : Fails as it should] ****
fatal: [testhost]: FAILED! => {"changed": false, "msg": "wanted"}
...ignoring
Running broken integration test role
TASK [broken : Fails as it should] ****
fatal: [testhost]: FAILED! => {"changed": false, "msg": "wanted"}
...ignoring
TASK [broken : Sums are right] ****
fatal: [testhost]: FAILED! => {"changed": false, "msg": "3 is not \\"4\\""}
Running last integration test role
TASK [last : Fine] ****
FATAL: The 1 integration test(s) listed below (out of 3) failed. See error output above for details:
broken
integration ran 3 targets, in-process: broken last sound
"""


def test_integration() -> None:
    assert faults.found(INTEGRATION) == ['broken: TASK [broken : Sums are right]: "3 is not \\"4\\""']


def test_sanity() -> None:
    log = "ERROR: The 2 sanity test(s) listed below (out of 21) failed. See error output above.\npep8\npylint\n"
    assert faults.found(log) == ["pep8", "pylint"]


def test_pytest_and_our_own_lines() -> None:
    lines = ["FAILED tests/a.py::one - assert 1 == 2", "ERROR tests/b.py::two", "FAILED: nothing was tested"]
    assert faults.found("\n".join(["1 failed", *lines, lines[0]])) == lines


def test_that_many_are_cut_and_counted() -> None:
    found = faults.found("".join(f"FAILED {number} {'x' * 999}\n" for number in range(faults.MOST + 3)))
    assert found[-1] == "and 3 more"
    assert len(found) == faults.MOST + 1
    assert {len(line) for line in found[:-1]} == {faults.WIDTH}


def test_that_a_sound_log_has_none() -> None:
    assert faults.found("3 passed in 1.0s\nok: [testhost]\n") == []
