# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a declared key to its app: what Apple is asked with is the pair that was made, whatever the entry says."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from asc_support import NAME, Person, key
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, Outcome, public_pem, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integrations


def chain(person: Person, entry: dict[str, t.Any], check_mode: bool) -> tuple[Outcome, Outcome]:
    """Run the task that makes the key, and the one that uses it, as the role does."""
    keys = [{**entry, "apps": [BUNDLE_ID]}]
    made = run_task(iap_key.TASK, {**person.options, "name": None, "private_key_path": None, "keys": keys}, check_mode)
    used = {
        "keys": keys,
        "iap_keys": made.results["iap_keys"],
        "app_store_server_url": person.sim.url,
        "ledger": {"url": f"sqlite:///{person.folder}/ledger.db"},
    }
    return made, run_task(integrations.TASK, used, check_mode)


@pytest.mark.parametrize("regenerate", ["never", "if_lost", "always"])
@pytest.mark.parametrize("is_lost", [False, True])
@pytest.mark.parametrize("has_key_id", [False, True])
@pytest.mark.parametrize("is_in_file_name", [False, True])
def test_a_pair_that_was_made_is_the_pair_that_is_used(
    world: t.Callable[..., Person], pem: str, regenerate: str, is_lost: bool, has_key_id: bool, is_in_file_name: bool
) -> None:
    person = world(keys=[key(KEY_ID, downloadable=False, public_key=public_pem(pem))])
    path = person.folder / (f"SubscriptionKey_{KEY_ID}.p8" if is_in_file_name else "studio.p8")
    if not is_lost:
        write_key(path, pem)
    entry = {"key": "studio", "name": NAME, "issuer_id": ISSUER, "private_key_path": str(path)}
    entry |= {"regenerate": regenerate, **({"key_id": KEY_ID} if has_key_id else {})}
    is_replaced = regenerate == "always" or (regenerate == "if_lost" and is_lost)
    fails = (is_lost and regenerate == "never") or (is_replaced and (has_key_id or is_in_file_name))
    for check_mode in (True, False):
        made, used = chain(person, entry, check_mode)
        for outcome in (made, used):
            assert bool(outcome.results.get("failed")) is fails, (check_mode, outcome)
        assert (person.active() == [KEY_ID]) is (check_mode or fails or not is_replaced)
    if fails:
        assert person.changes() == [] and ("gets an ID of its own" in made.message) is is_replaced
        assert path.exists() is not is_lost and not (person.folder / "ledger.db").exists()
        return
    (active,) = person.active()
    (integration,) = used.results["integrations"]
    assert (integration["key_id"], integration["status"]) == (active, "Active") and person.fits(active, Path(path))
