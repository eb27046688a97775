# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two declared keys of one file: the second is refused wherever keys are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from bulk_support import Bulk
from unit_servers import Simulator
from unit_support import BUNDLE_ID, KEY_ID, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key

SAID = "private_key_path is that of keys[0] (a), too. One file holds one key: correct private_key_path"


@pytest.mark.parametrize("check_mode", [True, False])
def test_it_is_a_fault_of_the_declaration(sim: Simulator, tmp_path: Path, check_mode: bool) -> None:
    """What was copied from the entry before is no key of its own, also where no task puts keys in place."""
    bulk = Bulk(sim, tmp_path)
    keys = [
        bulk.keys[0],
        bulk.key("copied", key_id="COPIED0001"),
        bulk.key("gone", key_id="GONE000001", state="absent"),
    ]
    entries = [{"bundle_id": BUNDLE_ID, "key": "a"}, {"bundle_id": "com.example.two", "key": "copied"}]
    refused = bulk.run(entries, check_mode, keys=keys)
    assert refused.results["failed"] and f"keys[1] (copied): {SAID}" in refused.message, refused.message
    assert not bulk.ledger.exists()
    found = bulk.run(entries, check_mode, keys=keys, on_faulty_app="report")
    assert [item["outcome"] for item in found.results["integrations"]] == ["changed", "failed"]
    assert SAID in found.results["integrations"][1]["msg"] and "key_predicted" not in found.message
    (told,) = found.results["keys_with_problems"]
    assert (told["key"], told["cause"]) == ("gone", "failed") and SAID in told["msg"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_one_that_is_to_be_there_counts_wherever_it_stands(tmp_path: Path, pem: str, check_mode: bool) -> None:
    """Two entries of one name or one file: what they say of a file that is to go is not done."""
    path = write_key(tmp_path / f"SubscriptionKey_{KEY_ID}.p8", pem)
    gone = {"key": "a", "private_key_path": str(path), "state": "absent"}
    same_name = {"key": "a", "private_key_path": str(tmp_path / "other.p8"), "private_key_content": pem}
    same_file = {"key": "b", "private_key_path": str(path)}
    for there in (same_name, same_file):
        for keys in ([gone, there], [there, gone]):
            told = run_task(iap_key.TASK, {"keys": keys, "only_state": "absent"}, check_mode)
            assert told.results["iap_keys"][0]["failed"] and path.exists(), keys
