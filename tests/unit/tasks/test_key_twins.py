# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two declared keys of one name or one file: what is to go with one of them stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit_support import KEY_ID, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key


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
