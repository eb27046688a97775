# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entering a world of one's own."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from asc_support import Person, enter
from unit_servers import Simulator

Enter = t.Callable[..., Person]


@pytest.fixture
def world(_simulator: Simulator, tmp_path: Path) -> Enter:
    """Enter a world; see ``asc_support.enter``."""

    def entered(**more: t.Any) -> Person:
        return enter(_simulator, tmp_path, **more)

    return entered


@pytest.fixture
def person(world: Enter) -> Person:
    """Someone signed in, a team without keys."""
    return world()
