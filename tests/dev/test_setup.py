# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A newcomer's first minute: what can't be installed is said, and is no traceback."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "dev"))

import setup


def test_without_a_registry_it_says_what_is_needed() -> None:
    with pytest.raises(SystemExit) as caught:
        setup._run(sys.executable, "-c", "raise SystemExit(3)")
    said = str(caught.value)
    assert said.startswith(f"{Path(sys.executable).name} ended with exit code 3; what it said is above.")
    assert "needs the package registries of pip and npm" in said and said.endswith("Then run make again.")
    setup._run(sys.executable, "-c", "")
