# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the collection asks of a user's Python has lower bounds only, as certification of collections wants it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["ee-requirements.txt", "ee-requirements-browser.txt"])
def test_no_upper_bounds(name: str) -> None:
    lines = [line for line in (ROOT / "meta" / name).read_text().splitlines() if line and not line.startswith("#")]
    assert lines
    for line in lines:
        assert re.fullmatch(r"[A-Za-z0-9_\[\]-]+>=[0-9.]+", line), line
