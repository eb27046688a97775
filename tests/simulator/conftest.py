# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: one simulator for the whole session, put into the same world before every test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from connect_support import Browser, browser_for, connect_world
from sim_support import SIMULATOR, KeyPair, Running, new_key_pair, new_world, started

# For the tests that look at single functions; the simulator itself always runs on its own.
sys.path.insert(0, str(SIMULATOR))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))

from unit_examples import settle_examples

settle_examples()


@pytest.fixture(scope="session")
def pair() -> KeyPair:
    """The key pair that the world knows."""
    return new_key_pair()


@pytest.fixture(scope="session")
def stranger() -> KeyPair:
    """A key pair that the world does not know."""
    return new_key_pair()


@pytest.fixture(scope="session")
def process() -> Iterator[Running]:
    """The one simulator."""
    with started() as running:
        yield running


@pytest.fixture
def sim(process: Running, pair: KeyPair) -> Running:
    """The simulator, fresh."""
    answer = process.control("PUT", "/world", new_world(pair))
    assert answer.status_code == 200, answer.text
    return process


@pytest.fixture
def browser(sim: Running, pair: KeyPair) -> Browser:
    """An administrator of both teams, signed in to the simulated App Store Connect."""
    return browser_for(sim, connect_world(pair))
