# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two declared keys of one file: the second is refused wherever keys are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from bulk_support import Bulk
from unit_servers import Simulator
from unit_support import BUNDLE_ID, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key


@pytest.mark.parametrize("check_mode", [True, False])
def test_the_audit_tells_it_as_site_does(sim: Simulator, tmp_path: Path, check_mode: bool) -> None:
    """What was copied from the entry before is no key of its own, also where no task puts keys in place."""
    bulk = Bulk(sim, tmp_path)
    first, path = bulk.keys[0], bulk.keys[0]["private_key_path"]
    keys = [first, bulk.key("copied", key_id="COPIED0001"), bulk.key("gone", key_id="GONE000001", state="absent")]
    entries = [{"bundle_id": BUNDLE_ID, "key": "a"}, {"bundle_id": "com.example.two", "key": "copied"}]
    found = bulk.run(entries, check_mode, keys=keys, on_faulty_app="report")
    assert [item["outcome"] for item in found.results["integrations"]] == ["changed", "failed"]
    assert f"private_key_path is that of keys[0] ({first['key']}), too. One file holds one key." in found.message
    (told,) = found.results["keys_with_problems"]
    assert told["key"] == "gone" and path not in told["msg"] and "private_key_path is that of keys[0]" in told["msg"]
    put = run_task(iap_key.TASK, {"keys": keys}, check_mode=True)
    assert [key["failed"] for key in put.results["iap_keys"]] == [False, True, True]
    told_there = {key.get("msg") for key in put.results["iap_keys"][1:]}
    assert told_there == {f"private_key_path is that of keys[0] ({first['key']}), too. One file holds one key."}
