# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key that Apple accepted is an In-App Purchase key, whatever its file is named; and which key a hint names."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from bulk_support import Bulk, apps, causes
from unit_servers import Simulator
from unit_support import BUNDLE_ID, KEY_ID, new_pem, write_key

Json = dict[str, t.Any]
GET = "get_transaction_info"


@pytest.fixture
def bulk(sim: Simulator, tmp_path: Path) -> Bulk:
    """A list whose one app is Active."""
    made = Bulk(sim, tmp_path)
    assert not made.run(apps(BUNDLE_ID)).message
    return made


def renamed(bulk: Bulk) -> Json:
    """Give the key of the ledger out of a file with the name of another kind."""
    path = write_key(bulk.folder / f"AuthKey_{KEY_ID}.p8", bulk.sim.pem)
    return {**bulk.keys[0], "private_key_path": str(path)}


@pytest.mark.parametrize("policy", ["skip", "advisory", "required"])
def test_a_renamed_file_of_a_proven_key_stays_what_it_is(bulk: Bulk, policy: str) -> None:
    own = renamed(bulk)
    if policy != "skip":
        bulk.sim.fault(kind="status", status=503, body="{}", match={"endpoint": GET})
    done = bulk.both(apps(BUNDLE_ID), keys=[own], credential_check=policy, deadline=7)
    (item,) = done.results["integrations"]
    assert item["credential_check"]["cause"] == {"skip": "not_checked"}.get(policy, "service_unavailable")
    assert item["status"] == "Active" and bool(done.message) is (policy == "required")
    # Of another private key, its name is all that is known.
    write_key(Path(own["private_key_path"]), new_pem())
    done = bulk.both(apps(BUNDLE_ID), keys=[own], credential_check=policy, deadline=7)
    assert causes(done) == ["key_wrong_kind"] and done.message


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_key_that_is_to_be_absent_is_not_recommended(bulk: Bulk, state: str) -> None:
    keys = [{**bulk.keys[0], "state": state}, bulk.keys[1]]
    done = bulk.run(apps(BUNDLE_ID, key="b"), keys=keys)
    (item,) = done.results["integrations"]
    assert item["credential_check"]["cause"] == "unauthenticated"
    assert ("Apple accepts the declared key 'a'" in item["credential_check"]["hint"]) is (state == "present")
