# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The mutation run: what it breaks is there, and what it says about survivors is true."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "dev"))

import mutation

NAMED = "ansible_collections.storeops.refunds.plugins.module_utils._model"


@pytest.mark.parametrize("name", mutation.AREAS)
def test_what_is_broken_and_what_holds_it_is_there(name: str) -> None:
    area = mutation.AREAS[name]
    for glob in area.sources:
        assert mutation.sources_of(mutation.Area((glob,), ())), glob
    assert len(mutation.tests_of(area)) == len(area.tests)


def test_what_survived_is_tried_again_and_what_was_killed_is_not(tmp_path: Path) -> None:
    meta = tmp_path / "mutants/plugins/money.py.meta"
    meta.parent.mkdir(parents=True)
    meta.write_text(
        json.dumps({"exit_code_by_key": {"a": 0, "b": 33, "c": 1, "d": None}, "durations_by_key": {"a": 1}})
    )
    stats = tmp_path / "mutants/mutmut-stats.json"
    stats.write_text("{}")
    mutation.forget_survivors(tmp_path)
    noted = json.loads(meta.read_text())
    assert noted == {"exit_code_by_key": {"a": None, "b": None, "c": 1, "d": None}, "durations_by_key": {"a": 1}}
    assert not stats.exists()


def test_survivors_are_counted_by_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutation.paths, "CACHE", tmp_path)
    mutants = mutation.place_of("model") / "mutants"
    mutants.mkdir(parents=True)
    codes = {
        f"{NAMED}.money.x_units__mutmut_1": 0,
        f"{NAMED}.money.x__whole__mutmut_2": 33,
        f"{NAMED}.money.x\u01c1Money\u01c1__init____mutmut_3": 0,
        f"{NAMED}.money.x\u01c1Money\u01c1__init____mutmut_4": 0,
        f"{NAMED}.money.x_units__mutmut_5": 1,
        f"{NAMED}.money.x_units__mutmut_6": 36,
        f"{NAMED}.money.x_units__mutmut_7": None,
        f"{NAMED}.money.x_units__mutmut_8": 2,
    }
    (mutants / "money.py.meta").write_text(json.dumps({"exit_code_by_key": codes}))
    found = mutation.known("model")
    assert (found.killed, found.alive, found.untried, found.share) == (2, 4, 2, 2 / 6)
    assert found.survivors == {"_model.money.units": 1, "_model.money.whole": 1, "_model.money.Money.__init__": 2}


def test_only_more_than_what_has_a_reason_is_told() -> None:
    found = Counter({"_model.money.units": 2, "_model.money.other": 1})
    assert mutation.unexplained(found, {"_model.money.units": {"count": 2, "reason": "x"}}) == [
        "_model.money.other: 1 survived, 0 with a reason"
    ]


def test_every_survivor_that_is_listed_has_a_reason() -> None:
    for function, entry in yaml.safe_load(mutation.SURVIVORS.read_text()).items():
        assert set(entry) == {"count", "reason"} and entry["count"] > 0 and len(entry["reason"]) > 10, function
