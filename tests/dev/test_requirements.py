# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requirements: lower bounds only for users, as certification of collections wants it; locks name no registry."""

from __future__ import annotations

import json
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


def test_the_lock_of_npm_names_no_place_and_has_a_checksum_for_all() -> None:
    lock = json.loads((ROOT / "tests" / "judges" / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    assert {name for name, package in packages.items() if "resolved" in package or "integrity" not in package} == set()
