# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""App Store Connect: the list of In-App Purchase keys."""

from __future__ import annotations

import json
import time

import pytest
from connect_support import (
    KEYS,
    Browser,
    browser_for,
    connect_world,
    error_detail,
    first_team,
    refusal,
)
from sim_support import KEY_ID, REVOKED_KEY_ID, KeyPair, Running

DAY = 24 * 3600
OPTIONAL = ["isActive", "canDownload", "lastUsed", "revokingDate"]


def test_the_list(browser: Browser) -> None:
    document = browser.list("?limit=200")
    url = f"{browser.sim.announced['app_store_connect']}{KEYS}?limit=200"
    nothing = {"nickname": "", "canDownload": False, "lastUsed": None, "revokingDate": None}
    assert document == {
        "data": [
            {
                "type": "subscriptionKeys",
                "id": key_id,
                "attributes": {**nothing, "isActive": key_id == KEY_ID},
            }
            for key_id in (KEY_ID, REVOKED_KEY_ID)
        ],
        "links": {"self": url},
        "meta": {"paging": {"total": 2, "limit": 200}},
    }


def test_times_and_names_in_the_list(sim: Running, pair: KeyPair) -> None:
    world = connect_world(pair)
    now = int(time.time())
    active, revoked = first_team(world)["iap_keys"]
    active.update(name="devtodev", created_at=now - DAY, last_used_at=1700000000.25)
    revoked.update(revoked_at=now - 29 * DAY)
    browser = browser_for(sim, world)
    assert browser.attributes(KEY_ID)["nickname"] == "devtodev"
    assert browser.attributes(KEY_ID)["lastUsed"] == "2023-11-14T22:13:20.250+00:00"
    assert browser.attributes(REVOKED_KEY_ID)["revokingDate"].endswith(".000+00:00")


def test_revoked_keys_leave_the_list_after_thirty_days(sim: Running, pair: KeyPair) -> None:
    world = connect_world(pair)
    first_team(world)["iap_keys"][1]["revoked_at"] = time.time() - 30 * DAY - 1
    browser = browser_for(sim, world)
    assert [each["id"] for each in browser.list()["data"]] == [KEY_ID]
    error_detail(browser.download(REVOKED_KEY_ID), 404)
    assert refusal(sim) == "key_no_longer_listed"


@pytest.mark.parametrize("shown", [[], *([each] for each in OPTIONAL), OPTIONAL])
def test_the_world_chooses_the_attributes(sim: Running, pair: KeyPair, shown: list[str]) -> None:
    world = connect_world(pair)
    world["app_store_connect"] = {"key_attributes": shown}
    browser = browser_for(sim, world)
    assert sorted(browser.attributes(KEY_ID)) == sorted(["nickname", *shown])
    # Seen in Apple's own answer, so it is there in any case:
    made = browser.create().json()["data"]["attributes"]
    assert sorted(made) == sorted({"nickname", "canDownload", *shown})


def test_pages(sim: Running, pair: KeyPair) -> None:
    world = connect_world(pair)
    first_team(world)["iap_keys"] = [{"key_id": f"PAGED{i:05}"} for i in range(7)]
    world["app_store_connect"] = {"largest_page": 4}
    browser = browser_for(sim, world)
    for limit, sizes in ((3, [3, 3, 1]), (200, [4, 3]), (1, [1] * 7)):
        document = browser.list(f"?limit={limit}&fields[subscriptionKeys]=nickname")
        pages = [document]
        while following := pages[-1]["links"].get("next"):
            assert following.startswith(browser.sim.announced["app_store_connect"] + KEYS)
            pages.append(browser.request("GET", following).json())
        assert [len(page["data"]) for page in pages] == sizes
        assert [each["id"] for page in pages for each in page["data"]] == [f"PAGED{i:05}" for i in range(7)]
        assert {json.dumps(page["meta"]) for page in pages} == {
            json.dumps({"paging": {"total": 7, "limit": min(limit, 4)}})
        }
        assert all(list(each["attributes"]) == ["nickname"] for each in pages[-1]["data"])


@pytest.mark.parametrize("query", ["", "?sort=-isActive,-revokingDate&limit=2000", "?limit=2"])
def test_harmless_queries(browser: Browser, query: str) -> None:
    document = browser.list(query)
    assert len(document["data"]) == 2 and "next" not in document["links"]


@pytest.mark.parametrize("limit", ["0", "2001", "-1", "x", "", "1e2", "9" * 40])
def test_bad_limits(browser: Browser, limit: str) -> None:
    error_detail(browser.request("GET", f"{KEYS}?limit={limit}"), 400)
    assert refusal(browser.sim) == "bad_limit"


@pytest.mark.parametrize("cursor", ["x", "!!!", "LTE", "", "%C3%A9"])
def test_bad_cursors(browser: Browser, cursor: str) -> None:
    error_detail(browser.request("GET", f"{KEYS}?cursor={cursor}"), 400)
    assert refusal(browser.sim) == "bad_cursor"
