# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One world: what App Store Connect does to a key, the App Store Server API knows."""

from __future__ import annotations

import time

from connect_support import Browser, browser_for, connect_world, server_verdict
from sim_support import BUNDLE_ID, KEY_ID, OTHER_BUNDLE_ID, KeyPair, Running


def downloaded(browser: Browser, key_id: str) -> str:
    """Download a private key that comes as a PEM."""
    return str(browser.download(key_id).json()["data"]["attributes"]["privateKey"])


def last_refusal(sim: Running) -> object:
    """Give why the App Store Server API refused."""
    return sim.calls("?vendor=app_store_server&limit=1")["calls"][0]["refusal"]


def test_a_created_key_is_accepted_at_once(browser: Browser) -> None:
    key_id = browser.created()
    assert server_verdict(browser.sim, downloaded(browser, key_id), key_id) == 404


def test_a_created_key_is_its_own_teams_only(browser: Browser) -> None:
    key_id = browser.created()
    pem = downloaded(browser, key_id)
    assert server_verdict(browser.sim, pem, key_id, OTHER_BUNDLE_ID) == 401
    assert last_refusal(browser.sim) == "bundle_id_of_another_team"


def test_a_revoked_key_is_refused_at_once(browser: Browser, pair: KeyPair) -> None:
    assert server_verdict(browser.sim, pair.private_pem, KEY_ID) == 404
    assert browser.revoke(KEY_ID).status_code == 200
    assert server_verdict(browser.sim, pair.private_pem, KEY_ID) == 401
    assert last_refusal(browser.sim) == "revoked_key"


def test_a_generated_key_of_the_world_is_the_one_downloaded(sim: Running, pair: KeyPair) -> None:
    world = connect_world(pair)
    world["teams"][0]["iap_keys"].append({"key_id": "GENERATED1", "name": "made here"})
    browser = browser_for(sim, world)
    assert browser.attributes("GENERATED1")["nickname"] == "made here"
    assert server_verdict(sim, downloaded(browser, "GENERATED1"), "GENERATED1") == 404


def test_a_new_key_may_need_its_time(sim: Running, pair: KeyPair) -> None:
    begun = time.monotonic()
    browser = browser_for(sim, {**connect_world(pair), "key_propagation_s": 3})
    key_id = browser.created()
    made = time.monotonic()
    pem = downloaded(browser, key_id)
    first, why = server_verdict(sim, pem, key_id), last_refusal(sim)
    # On a busy machine the time may be over already.
    assert (first, why) == (401, "key_not_yet_propagated") or time.monotonic() - begun >= 3
    # Keys without a date of creation are old.
    assert server_verdict(sim, pair.private_pem, KEY_ID) == 404
    while (status := server_verdict(sim, pem, key_id)) == 401:
        assert time.monotonic() - made < 60
        time.sleep(0.1)
    assert status == 404
    assert time.monotonic() - begun >= 3


def test_a_date_of_creation_in_the_world_counts(sim: Running, pair: KeyPair) -> None:
    world = {**connect_world(pair), "key_propagation_s": 7200}
    world["teams"][0]["iap_keys"][0]["created_at"] = time.time() - 7201
    browser_for(sim, world)
    assert server_verdict(sim, pair.private_pem, KEY_ID, BUNDLE_ID) == 404
    world["teams"][0]["iap_keys"][0]["created_at"] = time.time() - 3600
    browser_for(sim, world)
    assert server_verdict(sim, pair.private_pem, KEY_ID, BUNDLE_ID) == 401
