# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small storm: every sound notification stored once, every forged one refused, whatever is killed meanwhile."""

from __future__ import annotations

from pathlib import Path

from receiver_storm import storm


def test_a_storm_with_two_kills(tmp_path: Path) -> None:
    found = storm(tmp_path, count=400, connections=20, kills=2, rate=20)
    assert found["kills"] == 2 and found["forged"] == 4
    assert found["statuses"] == {200: 396, 400: 4}
    assert (found["stored_once"], found["forged_stored"]) == (396, 0)
    # The calm after it is counted as well: every refund is one event.
    assert found["events"] == 396 + 200
