# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example's keys.py waits for a simulator, and says each thing once."""

from __future__ import annotations

import runpy
import types
from pathlib import Path

import pytest
import yaml
from unit_servers import Simulator
from unit_support import ROOT

from ansible_collections.storeops.refunds.plugins.module_utils._action_groups import GROUPS
from ansible_collections.storeops.refunds.plugins.module_utils._tracker_spec import TRACKERS
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev_settings import DevtodevSettings
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.settings import parse


def test_a_simulator_that_never_comes_is_told_of_once(capsys: pytest.CaptureFixture[str]) -> None:
    example = runpy.run_path(str(ROOT / "examples/simulator/keys.py"))
    fetch = example["Simulator"].fetch
    now, printed = 0.0, {}

    def sleep(_seconds: float) -> None:
        nonlocal now
        now += 1
        if told := capsys.readouterr().out:
            printed[now - 1] = told

    def refuse(*_arguments: object, **_options: object) -> None:
        raise ConnectionRefusedError

    fetch.__globals__["time"] = types.SimpleNamespace(monotonic=lambda: now, sleep=sleep)
    fetch.__globals__["OPENER"] = types.SimpleNamespace(open=refuse)
    with pytest.raises(SystemExit, match="No simulator answers"):
        fetch(example["Simulator"]("http://127.0.0.1:1/_sim"), "GET", "world")
    assert list(printed) == [0, 60] and now > 900
    assert printed[0].startswith("Waiting for the simulator at http://127.0.0.1:1/_sim.")
    assert "Look at what `make sim` printed: it may have stopped." in printed[60]


# Options with the address of a service, by the simulator's name for it.
ADDRESSES = {
    "app_store_server_url": "app_store_server",
    "app_store_connect_api_url": "app_store_connect_api",
    "revenuecat": "revenuecat",
    "qonversion": "qonversion",
    "devtodev": "devtodev",
}


@pytest.mark.services
def test_the_settings_lead_every_call_to_the_simulator(sim: Simulator, tmp_path: Path) -> None:
    """Whoever tries it with a declaration of real trackers has real API keys in the environment."""
    text = runpy.run_path(str(ROOT / "examples/simulator/keys.py"))["SETTINGS"]
    base = sim.announced["app_store_connect"].removesuffix("/app-store-connect")
    settings = yaml.safe_load(text.format(base=base, place=tmp_path, session="[]"))
    given = settings["refund_tracking_defaults"]
    # Each option of a group, and of a tracker, that is an address stands there.
    named = {option for options in GROUPS.values() for option in options if option.endswith("_url")}
    named |= {name for name, spec in TRACKERS.items() if name != "ledger" and "url" in spec["options"]}
    assert named - {"app_store_connect_url"} == ADDRESSES.keys() <= given.keys()
    assert settings["refund_tracking_app_store_connect_url"] == sim.announced["app_store_connect"]
    for name, vendor in ADDRESSES.items():
        address = given[name]["url"] if name in TRACKERS else given[name]
        announced = sim.announced[vendor]
        wanted = announced if isinstance(announced, str) else announced["production"].rpartition("/")[0]
        assert address.startswith(wanted) or wanted.startswith(address), name


@pytest.mark.parametrize("own", [{}, {"mode": "handoff"}, {"project": "one"}])
def test_the_settings_take_nothing_from_a_tracker_by_hand(own: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STOREOPS_DEVTODEV_SESSION", raising=False)
    text = runpy.run_path(str(ROOT / "examples/simulator/keys.py"))["SETTINGS"]
    settings = yaml.safe_load(text.format(base="http://127.0.0.1:8765", place="/nowhere", session="[]"))
    found = parse("devtodev", {**settings["refund_tracking_defaults"]["devtodev"], **own}, "devtodev")
    assert isinstance(found, DevtodevSettings) and found.mode == "handoff"
