# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key files whose mode alone is about to be repaired, in check mode: judged as the run then finds them."""

from __future__ import annotations

from pathlib import Path

import pytest
from bulk_support import Bulk, apps, causes, outcomes
from test_iap_key import run as keep_key
from unit_servers import Simulator
from unit_support import BUNDLE_ID, KEY_ID

TWO = "com.example.two"


@pytest.fixture
def bulk(sim: Simulator, tmp_path: Path) -> Bulk:
    """A ledger that holds one of two apps, and the file of its key with a mode that others can read."""
    made = Bulk(sim, tmp_path)
    made.run(apps(BUNDLE_ID))
    (tmp_path / "mine.p8").chmod(0o644)
    return made


def test_check_mode_tells_what_comes_after_the_repair(bulk: Bulk) -> None:
    path, wanted = bulk.folder / "mine.p8", apps(BUNDLE_ID, TWO)
    key = keep_key(path, True, key_id=KEY_ID).results["iap_key"]
    keys = {"a": {**bulk.keys["a"], "key_predicted": key["predicted"]}}
    before = bulk.content()
    planned = bulk.run(wanted, check_mode=True, keys=keys)
    assert bulk.content() == before
    assert outcomes(planned) == [(BUNDLE_ID, "unchanged", "unchanged"), (TWO, "create", "changed")]
    assert causes(planned) == ["accepted", "key_not_yet_created"], "only what is held is known to stay"
    assert causes(bulk.run(wanted, keys=keys)) == ["key_unreadable"] * 2, "a run refuses the mode"
    keep_key(path, key_id=KEY_ID)
    done = bulk.run(wanted, keys=keys)
    assert outcomes(done) == outcomes(planned)
    assert planned.results["integrations"][0]["key_fingerprint"] == done.results["integrations"][0]["key_fingerprint"]


def test_another_key_in_that_place_is_judged_by_nobody(bulk: Bulk) -> None:
    path = bulk.folder / "mine.p8"
    options = {"private_key_content": bulk.sim.other_pem, "key_id": "ROTATED001"}
    key = keep_key(path, True, **options).results["iap_key"]
    fields = {"key_id": key["key_id"], "key_predicted": key["predicted"]}
    planned = bulk.run(apps(BUNDLE_ID), check_mode=True, keys={"a": {**bulk.keys["a"], **fields}})
    assert outcomes(planned) == [(BUNDLE_ID, "update", "changed")] and causes(planned) == ["key_not_yet_created"]
