# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report takes the result of every module that its documentation names, as that module really gives it."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml
from bulk_support import Bulk, apps
from report_support import Json, audit, document
from unit_servers import Simulator
from unit_support import run_task

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration, integration_info
from ansible_collections.storeops.refunds.plugins.modules.refund_audit_report import DOCUMENTATION

BUNDLE = "com.example.one"


def of_many(bulk: Bulk) -> Json:
    return bulk.run(apps(BUNDLE), check_mode=True).results


def of_one(bulk: Bulk) -> Json:
    key = {name: value for name, value in bulk.keys[0].items() if name != "key"}
    options = {name: value for name, value in bulk.options([]).items() if name not in ("keys", "apps")}
    return run_task(integration.TASK, {**options, **key, "bundle_id": BUNDLE}, True).results


def of_a_list(bulk: Bulk) -> Json:
    options = {name: value for name, value in bulk.options([]).items() if name not in ("keys", "apps")}
    return run_task(integration_info.TASK, options).results


# What each module gives of a healthy app, and what it says that a run would do.
GIVEN: dict[str, tuple[t.Callable[[Bulk], Json], str | None]] = {
    "refund_tracking_integrations": (of_many, "unchanged"),
    "refund_tracking_integration": (of_one, "unchanged"),
    "refund_tracking_integration_info": (of_a_list, None),
}


def test_every_module_that_is_named_is_here() -> None:
    page = yaml.safe_load(DOCUMENTATION)
    lines = [line for line in page["description"] if "Audit tasks are" in line]
    told = " ".join([*lines, *page["options"]["results"]["description"]])
    assert set(re.findall(r"M\(storeops\.refunds\.(\w+)\)", told)) == set(GIVEN)


@pytest.mark.parametrize("module", GIVEN)
def test_a_healthy_app_is_one_to_the_report(module: str, sim: Simulator, tmp_path: Path) -> None:
    bulk = Bulk(sim, tmp_path)
    bulk.world([BUNDLE])
    bulk.run(apps(BUNDLE))
    run, action = GIVEN[module]
    done = audit(tmp_path / "report", run(bulk))
    (app,) = document(tmp_path / "report")["apps"]
    assert not done.results.get("failed") and (app["result"], app["problems"]) == ("ok", [])
    assert (app["bundle_id"], app["tracker"], app["action"]) == (BUNDLE, "ledger", action)
