# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example runs as it is printed, and every result is what RETURN says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import examples_run
import pytest
import shapes
import yaml

Json = dict[str, t.Any]
MODULES = examples_run.modules()


@pytest.fixture(scope="module", params=[True, False], ids=["in-process", "as-modules"])
def in_process(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory, in_process: bool) -> Json:
    return examples_run.run(tmp_path_factory.mktemp("examples"), in_process)


def of(outcome: Json, module: str) -> list[Json]:
    """The results of one module."""
    return [entry for entry in outcome["captured"] if entry["module"] == module]


def fields(outcome: Json, module: str) -> Json:
    found: Json = outcome["documents"][module]["return"]
    return found


def names(tasks: list[Json]) -> t.Iterator[tuple[str, str]]:
    """Yield (module, task name) of the collection's tasks, those in blocks too."""
    for task in tasks:
        yield from names(task.get("block", []))
        for key in task:
            if key.startswith("storeops.refunds."):
                yield key.rpartition(".")[2], task["name"]


def test_that_the_examples_succeed(outcome: Json) -> None:
    assert outcome["code"] == 0, outcome["output"]
    bad = [entry for entry in outcome["captured"] if entry["failed"] and not entry["extra"]]
    assert not bad


@pytest.mark.parametrize("module", MODULES)
def test_that_each_went_the_way_that_was_chosen(outcome: Json, module: str, in_process: bool) -> None:
    """Only a module tells how it was called; of each module, one example goes that way."""
    as_modules = ["invocation" in entry["result"] for entry in of(outcome, module)]
    assert any(as_modules) is not in_process


@pytest.mark.parametrize("module", MODULES)
def test_that_each_example_ran(outcome: Json, module: str) -> None:
    tasks = yaml.safe_load(outcome["documents"][module]["examples"])
    written = set(names(tasks))
    ran = {(entry["module"], entry["task"]) for entry in outcome["captured"]}
    assert written and written <= ran
    assert module in {used for used, _results in written}


# Known gap: these return other fields for a list than for one, and their documentation and samples say so for one only.
UNSETTLED = ("appstore_iap_key",)
SETTLED = [name for name in MODULES if name not in UNSETTLED]


@pytest.mark.parametrize("module", SETTLED)
def test_that_results_are_as_documented(outcome: Json, module: str) -> None:
    documented = fields(outcome, module)
    results = of(outcome, module)
    assert results
    for entry in results:
        found = shapes.result_faults(entry["result"], entry["failed"], documented)
        assert not found, f"{entry['task']}: {found}"


# No example has a key of a list that fails, replaces a file or can't be undone, nor a period with an end; the app whose
# URL is tested has no integration in production.
TESTED = {f".coverage.notification_url.{name}" for name in ("test_result", "tested_at")}
SHOWN_BY_UNIT_TESTS = {
    "appstore_iap_key": {f".iap_keys.{name}" for name in ("backup_file", "cause", "irreversible", "msg")},
    "iap_key_rotation": {".irreversible"},
    "refund_tracking_integration": {".finding", ".irreversible"},
    "refund_export": TESTED,
    "refund_info": {".period.until", *TESTED},
}


@pytest.mark.parametrize("module", MODULES)
def test_that_each_documented_value_is_returned_and_not_always_null(outcome: Json, module: str) -> None:
    seen: set[str] = set()
    for entry in of(outcome, module):
        seen |= {path for path, value in paths(entry["result"]) if value is not None}
    unseen = set(documented_paths(fields(outcome, module))) - seen - SHOWN_BY_UNIT_TESTS.get(module, set())
    assert not unseen


# Their fields are described, or are those of a module that they name; and a page ends after 400 lines.
SAMPLED_ELSEWHERE = {
    "refund_ledger": {"apps"},
    "refund_tracking_integration": {
        *("action", "outcome", "confirmed_by_hand", "confirmed_now", "declared", "finding", "credential_check", "http"),
        *("irreversible", "next_step"),
    },
    "refund_tracking_integrations": {
        *("integrations", "keys_with_problems", "irreversible", "undeclared", "removable_keys", "summary", "http"),
    },
}


# Documentation says the same whichever way a module goes.
ONCE = pytest.mark.parametrize("in_process", [True], ids=["in-process"], indirect=True, scope="module")


@ONCE
@pytest.mark.parametrize("module", SETTLED)
def test_that_samples_have_the_shape_of_results(outcome: Json, module: str) -> None:
    for name, field in fields(outcome, module).items():
        if name in SAMPLED_ELSEWHERE.get(module, ()) and "sample" not in field:
            continue
        assert field.get("sample") not in (None, "", [], {}), f"{name} has no sample"
        found = shapes.faults(field["sample"], field, name)
        assert not found, found


@ONCE
def test_that_samples_show_no_temporary_path(outcome: Json) -> None:
    for module in MODULES:
        assert not re.search(r"/tmp/|pytest", yaml.safe_dump(fields(outcome, module)))


@ONCE
def test_that_the_sample_writer_finds_nothing_to_do(outcome: Json, tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    settled = {**outcome, "documents": {k: v for k, v in outcome["documents"].items() if k not in UNSETTLED}}
    results.write_text(json.dumps(settled))
    command = [sys.executable, str(examples_run.ROOT / "dev/samples.py"), str(results)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def paths(value: t.Any, where: str = "") -> t.Iterator[tuple[str, t.Any]]:
    if isinstance(value, list):
        for item in value:
            yield from paths(item, where)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield f"{where}.{name}", item
            yield from paths(item, f"{where}.{name}")


def documented_paths(contains: Json, where: str = "") -> t.Iterator[str]:
    for name, field in contains.items():
        yield f"{where}.{name}"
        yield from documented_paths(field.get("contains") or {}, f"{where}.{name}")
