# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One simulator for all tests of rulebooks; a folder, a ledger and a world for each."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from rulebooks import Scene, Sink, simulator


@pytest.fixture(scope="session")
def announced() -> t.Iterator[dict[str, t.Any]]:
    """The simulator."""
    with simulator() as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the simulator did not start"
        try:
            yield json.loads(line)
        finally:
            process.terminate()
            process.wait(timeout=120)


@pytest.fixture
def scene(announced: dict[str, t.Any], tmp_path: Path) -> t.Iterator[Scene]:
    """A declared app whose notifications go to a receiver."""
    sink = Sink()
    made = Scene(tmp_path, sink, announced)
    made.declare()
    yield made
    made.session.close()
    sink.shutdown()
    sink.server_close()
