# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key files that the task before is about to repair or replace: in check mode nobody judges what lies there."""

from __future__ import annotations

from pathlib import Path

import pytest
from bulk_support import Bulk, apps, causes, outcomes
from test_iap_key import run as keep_key
from unit_servers import Simulator
from unit_support import BUNDLE_ID, KEY_ID, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration

TWO = "com.example.two"


@pytest.fixture
def bulk(sim: Simulator, tmp_path: Path) -> Bulk:
    """A ledger that holds one of two apps, and the file of its key with a mode that others can read."""
    made = Bulk(sim, tmp_path)
    made.run(apps(BUNDLE_ID))
    (tmp_path / "mine.p8").chmod(0o644)
    return made


def test_check_mode_judges_no_key_before_the_repair(bulk: Bulk) -> None:
    path, wanted = bulk.folder / "mine.p8", apps(BUNDLE_ID, TWO)
    key = keep_key(path, True, key_id=KEY_ID).results["iap_key"]
    keys = {"a": {**bulk.keys["a"], "key_predicted": key["predicted"]}}
    before, calls = bulk.content(), bulk.sim.calls()["total"]
    planned = bulk.run(wanted, check_mode=True, keys=keys)
    assert bulk.content() == before and bulk.sim.calls()["total"] == calls
    assert causes(planned) == ["key_not_yet_created"] * 2 and not planned.results.get("failed")
    assert causes(bulk.run(wanted, keys=keys)) == ["key_unreadable"] * 2, "a run refuses the mode"
    keep_key(path, key_id=KEY_ID)
    assert causes(bulk.run(wanted, keys=keys)) == ["accepted"] * 2


def test_a_key_that_is_corrected_under_its_id_is_not_judged_by_the_old_one(bulk: Bulk) -> None:
    """The tracker holds the wrong key, which lies there still; the run puts the right one in its place."""
    path = write_key(bulk.folder / "mine.p8", bulk.sim.other_pem)
    advisory = bulk.run(apps(BUNDLE_ID), credential_check="advisory")
    assert causes(advisory) == ["unauthenticated"] and outcomes(advisory) == [(BUNDLE_ID, "update", "changed")]
    corrected = {"private_key_content": bulk.sim.pem, "key_id": KEY_ID}
    one = {**bulk.keys["a"], "bundle_id": BUNDLE_ID, "ledger": {"url": f"sqlite:///{bulk.folder}/ledger.db"}}
    one["app_store_server_url"] = bulk.sim.url
    for check_mode, cause in ((True, "key_not_yet_created"), (False, "accepted")):
        key = keep_key(path, check_mode, **corrected).results["iap_key"]
        fields = {"key_id": key["key_id"], "key_predicted": key["predicted"]}
        if check_mode:
            planned = run_task(integration.TASK, {**one, **fields}, check_mode)
            assert planned.results["credential_check"]["cause"] == cause and not planned.results.get("failed")
        outcome = bulk.run(apps(BUNDLE_ID), check_mode=check_mode, keys={"a": {**bulk.keys["a"], **fields}})
        assert causes(outcome) == [cause] and outcomes(outcome) == [(BUNDLE_ID, "update", "changed")]


def test_another_key_in_that_place_is_judged_by_nobody(bulk: Bulk) -> None:
    path = bulk.folder / "mine.p8"
    options = {"private_key_content": bulk.sim.other_pem, "key_id": "ROTATED001"}
    key = keep_key(path, True, **options).results["iap_key"]
    fields = {"key_id": key["key_id"], "key_predicted": key["predicted"]}
    planned = bulk.run(apps(BUNDLE_ID), check_mode=True, keys={"a": {**bulk.keys["a"], **fields}})
    assert outcomes(planned) == [(BUNDLE_ID, "update", "changed")] and causes(planned) == ["key_not_yet_created"]
