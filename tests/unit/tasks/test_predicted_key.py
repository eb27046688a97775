# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key files that the task before is about to mend or replace: check mode judges the key that will lie there."""

from __future__ import annotations

from pathlib import Path

import pytest
from bulk_support import Bulk, Json, apps, causes, compared_items, outcomes
from test_iap_key import run as keep_key
from unit_servers import Simulator
from unit_support import BUNDLE_ID, KEY_ID, Outcome, fingerprint_of, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration

TWO = "com.example.two"


def told(outcome: Outcome) -> Json:
    """Give what appstore_iap_key tells of the key "a" in a list."""
    assert not outcome.results.get("failed"), outcome
    return {"key": "a", "failed": False, **outcome.results["iap_key"]}


@pytest.fixture
def bulk(sim: Simulator, tmp_path: Path) -> Bulk:
    """A ledger that holds one of two apps, and the file of its key with a mode that others can read."""
    made = Bulk(sim, tmp_path)
    made.run(apps(BUNDLE_ID))
    (tmp_path / "mine.p8").chmod(0o644)
    return made


def test_check_mode_judges_the_key_as_it_will_be_mended(bulk: Bulk) -> None:
    """Only the mode is wrong, so that check mode can ask Apple about the very key that the run will have."""
    path, wanted = bulk.folder / "mine.p8", apps(BUNDLE_ID, TWO)
    made = [told(keep_key(path, True, key_id=KEY_ID))]
    assert made[0]["predicted"] and causes(bulk.run(wanted)) == ["key_unreadable"] * 2
    before = bulk.content()
    planned = bulk.run(wanted, check_mode=True, iap_keys=made)
    assert bulk.content() == before and causes(planned) == ["accepted"] * 2 and not planned.results.get("failed")
    assert causes(bulk.run(wanted, iap_keys=made)) == ["key_unreadable"] * 2, "a run refuses the mode"
    made = [told(keep_key(path, key_id=KEY_ID))]
    done = bulk.run(wanted, iap_keys=made)
    assert compared_items(planned) == compared_items(done) and planned.results["diff"] == done.results["diff"]


def test_a_key_that_is_corrected_under_its_id_is_not_judged_by_the_old_one(bulk: Bulk) -> None:
    """The tracker holds the wrong key, which lies there still; the run puts the right one in its place."""
    path = write_key(bulk.folder / "mine.p8", bulk.sim.other_pem)
    advisory = bulk.run(apps(BUNDLE_ID), credential_check="advisory")
    assert causes(advisory) == ["unauthenticated"] and outcomes(advisory) == [(BUNDLE_ID, "update", "changed")]
    corrected = {"private_key_content": bulk.sim.pem, "key_id": KEY_ID}
    one = {**bulk.keys[0], "bundle_id": BUNDLE_ID, "ledger": {"url": f"sqlite:///{bulk.folder}/ledger.db"}}
    one["app_store_server_url"] = bulk.sim.url
    for check_mode, cause in ((True, "key_not_yet_created"), (False, "accepted")):
        made = told(keep_key(path, check_mode, **corrected))
        if check_mode:
            planned = run_task(integration.TASK, {**one, "key_predicted": made["predicted"]}, check_mode)
            assert planned.results["credential_check"]["cause"] == cause and not planned.results.get("failed")
        outcome = bulk.run(apps(BUNDLE_ID), check_mode=check_mode, iap_keys=[made])
        assert causes(outcome) == [cause] and outcomes(outcome) == [(BUNDLE_ID, "update", "changed")]


def test_another_key_in_that_place_is_judged_by_nobody(bulk: Bulk) -> None:
    path = bulk.folder / "mine.p8"
    made = told(keep_key(path, True, private_key_content=bulk.sim.other_pem, key_id="ROTATED001"))
    bare = {name: value for name, value in bulk.keys[0].items() if name != "key_id"}
    planned = bulk.run(apps(BUNDLE_ID), check_mode=True, keys=[bare], iap_keys=[made])
    assert outcomes(planned) == [(BUNDLE_ID, "update", "changed")] and causes(planned) == ["key_not_yet_created"]
    after = planned.results["diff"]["after"][BUNDLE_ID]
    assert (after["key_id"], after["key_fingerprint"]) == ("ROTATED001", fingerprint_of(bulk.sim.other_pem))
