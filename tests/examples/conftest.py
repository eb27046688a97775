# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures: the simulator with the README's world, and somebody who has installed and declared everything."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from newcomer import Newcomer
from story import Sim, settled


@pytest.fixture
def sim() -> t.Iterator[Sim]:
    made = Sim()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def newcomer(sim: Sim, tmp_path: Path) -> Newcomer:
    return settled(sim, tmp_path)
