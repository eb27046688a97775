# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A newcomer's first minute: what can't be installed is said, and is no traceback."""

from __future__ import annotations

import runpy
import sys
import venv
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "dev"))

import paths
import setup
from matrix import Version

ROOT = Path(__file__).resolve().parents[2]


def test_without_a_registry_it_says_what_is_needed() -> None:
    with pytest.raises(SystemExit) as caught:
        setup._run(sys.executable, "-c", "raise SystemExit(3)")
    said = str(caught.value)
    assert said.startswith(f"{Path(sys.executable).name} ended with exit code 3; what it said is above.")
    assert "needs the package registries of pip and npm" in said and said.endswith("Then run make again.")
    setup._run(sys.executable, "-c", "")


def test_a_set_up_that_was_interrupted_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """venv makes the Python first, and pip comes seconds later."""
    place = tmp_path / ".venv"
    own = Version(setup.OWN.python, "2.19.14", ())
    monkeypatch.setattr(paths, "VENV", place)
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(Version, "venv", property(lambda self: place))
    monkeypatch.setattr(setup, "_locked", lambda name: name)
    venv.create(place, with_pip=False)
    asked: list[list[str]] = []
    monkeypatch.setattr(setup, "_run", lambda *argv, **_more: asked.append([str(one) for one in argv]))
    setup._install(own)
    assert asked[0][1:] == ["-m", "venv", "--clear", str(place)]
    (place / "bin/uv").touch()
    (place / ".installed").unlink()
    asked.clear()
    setup._install(own)
    assert [one[1:3] for one in asked] == [["pip", "install"]]


def test_the_demo_takes_no_key_and_no_session_of_its_user(monkeypatch: pytest.MonkeyPatch) -> None:
    demo = ROOT / "examples/demo"
    monkeypatch.syspath_prepend(str(demo))
    for name in ("STOREOPS_APP_STORE_CONNECT_API_PRIVATE_KEY_PATH", "FASTLANE_SESSION", "SPACESHIP_SESSION"):
        monkeypatch.setenv(name, "somebody's own")
    ours = runpy.run_path(str(demo / "run.py"))["OURS"]
    assert "PATH" in ours and "somebody's own" not in ours.values()
