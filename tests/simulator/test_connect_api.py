# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The App Store Connect API: tokens, filters, order, fields, pages, quota."""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml
from sim_support import (
    APPLE_ID,
    ASC_KEY_ID,
    BUNDLE_ID,
    ISSUER,
    KEY_ID,
    OTHER_ISSUER,
    SIMULATOR,
    UNRELEASED,
    KeyPair,
    Running,
    new_token,
    new_world,
)

NO_BUNDLE: dict[str, object] = {"bid": None}
NOW = int(time.time())
README = (SIMULATOR / "README.md").read_text()


def put(sim: Running, pair: KeyPair, apps: list[dict[str, Any]] | None = None, **settings: object) -> None:
    """Make a world with these apps in the first team, and these settings of the API."""
    world = new_world(pair)
    world["app_store_connect_api"] = settings
    if apps is not None:
        world["teams"][0]["apps"] = apps
    answer = sim.control("PUT", "/world", world)
    assert answer.status_code == 200, answer.text


def token(pair: KeyPair, key_id: str = ASC_KEY_ID, **claims: object) -> str:
    """Sign a sound token; None takes a claim away."""
    return new_token(pair.private_pem, {**NO_BUNDLE, **claims}, {"kid": key_id, "typ": "JWT"})


def ask(sim: Running, bearer: str, url: str = "/v1/apps", **query: object) -> requests.Response:
    """Ask for apps; names of parameters have __ for [ and a closing ] follows."""
    absolute = url if url.startswith("http") else f"{sim.announced['app_store_connect_api']}{url}"
    named = {
        re.sub(r"^(\w+?)__(.+)$", r"\1[\2]", name).replace("_state", ".appStoreState"): v for name, v in query.items()
    }
    return sim.session.get(absolute, params=named, headers={"Authorization": f"Bearer {bearer}"}, timeout=120)


def bundle_ids(answer: requests.Response) -> list[str]:
    """Give the bundle IDs of a page."""
    assert answer.status_code == 200, answer.text
    return [entry["attributes"]["bundleId"] for entry in answer.json()["data"]]


def refusal(sim: Running) -> str | None:
    """Give the reason of the last refusal."""
    reason: str | None = sim.calls("?vendor=app_store_connect_api")["calls"][-1]["refusal"]
    return reason


def test_only_the_apps_of_the_own_team_with_all_their_attributes(sim: Running, pair: KeyPair) -> None:
    urls = {"subscription_status_url": "https://example.com/a", "subscription_status_url_version": "V2"}
    put(sim, pair, [{"bundle_id": BUNDLE_ID, "apple_id": APPLE_ID, "name": "One", "sku": "ONE", **urls}])
    shown = "name,bundleId,sku,primaryLocale"
    unasked = ask(sim, token(pair)).json()["data"][0]["attributes"]
    assert ",".join(unasked) == shown
    wanted = f"{shown},subscriptionStatusUrl,subscriptionStatusUrlVersion"
    wanted += ",subscriptionStatusUrlForSandbox,subscriptionStatusUrlVersionForSandbox"
    answer = ask(sim, token(pair), sort="bundleId", fields__apps=wanted)
    (entry,) = answer.json()["data"]
    base = f"{sim.announced['app_store_connect_api']}/v1/apps"
    assert entry == {
        "type": "apps",
        "id": str(APPLE_ID),
        "attributes": {
            "name": "One",
            "bundleId": BUNDLE_ID,
            "sku": "ONE",
            "primaryLocale": "en-US",
            "subscriptionStatusUrl": "https://example.com/a",
            "subscriptionStatusUrlVersion": "V2",
            "subscriptionStatusUrlForSandbox": None,
            "subscriptionStatusUrlVersionForSandbox": None,
        },
        "links": {"self": f"{base}/{APPLE_ID}"},
    }
    assert answer.json()["links"]["self"].startswith(f"{base}?sort=bundleId&fields")
    assert answer.json()["meta"] == {"paging": {"total": 1, "limit": 50}}
    call = sim.calls("?vendor=app_store_connect_api")["calls"][-1]
    assert (call["endpoint"], call["key_id"], call["issuer_id"]) == ("list_apps", ASC_KEY_ID, ISSUER)


@pytest.mark.parametrize(
    ("reason", "status", "key_id", "claims"),
    [
        ("unknown_key_id", 401, "NOTHERE001", {}),
        ("in_app_purchase_key", 401, KEY_ID, {}),
        ("issuer_mismatch", 401, ASC_KEY_ID, {"iss": OTHER_ISSUER}),
        ("wrong_audience", 401, ASC_KEY_ID, {"aud": "appstoreconnect-v2"}),
        ("life_too_long", 401, ASC_KEY_ID, {"exp": NOW + 1900}),
        ("expired", 401, ASC_KEY_ID, {"exp": NOW - 1}),
        ("issued_in_future", 401, ASC_KEY_ID, {"iat": NOW + 600}),
        ("times_missing", 401, ASC_KEY_ID, {"iat": None}),
        ("bundle_id_in_token", 401, ASC_KEY_ID, {"bid": BUNDLE_ID}),
        ("out_of_scope", 401, ASC_KEY_ID, {"scope": ["GET /v1/builds"]}),
    ],
)
def test_refused_tokens(
    sim: Running, pair: KeyPair, reason: str, status: int, key_id: str, claims: dict[str, object]
) -> None:
    answer = ask(sim, token(pair, key_id, **claims))
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["code"], error["status"]) == (status, "NOT_AUTHORIZED", str(status))
    assert refusal(sim) == reason


def test_a_foreign_signature_a_revoked_key_and_no_token(sim: Running, pair: KeyPair, stranger: KeyPair) -> None:
    assert (ask(sim, token(stranger)).status_code, refusal(sim)) == (401, "bad_signature")
    assert (ask(sim, "nonsense").status_code, refusal(sim)) == (403, "malformed_token")
    world = new_world(pair)
    world["teams"][0]["app_store_connect_keys"][0]["active"] = False
    sim.control("PUT", "/world", world)
    assert (ask(sim, token(pair)).status_code, refusal(sim)) == (403, "revoked_key")
    url = f"{sim.announced['app_store_connect_api']}/v1/apps"
    assert (sim.session.get(url, timeout=120).status_code, refusal(sim)) == (401, "authorization_missing")


def test_individual_keys_have_a_subject_and_no_issuer(sim: Running, pair: KeyPair) -> None:
    put(sim, pair, individual_keys=[ASC_KEY_ID])
    assert ask(sim, token(pair, iss=None, sub="user")).status_code == 200
    assert (ask(sim, token(pair)).status_code, refusal(sim)) == (401, "individual_key_needs_subject")


def test_pages_with_absolute_links(sim: Running, pair: KeyPair) -> None:
    put(sim, pair, [{"bundle_id": f"com.example.a{i:03}", "apple_id": i + 1} for i in range(450)])
    url, sizes, seen = "/v1/apps?limit=200&sort=-bundleId", [], []
    while url:
        answer = ask(sim, token(pair), url)
        seen += bundle_ids(answer)
        sizes.append(len(answer.json()["data"]))
        assert answer.json()["meta"]["paging"] == {"total": 450, "limit": 200}
        url = answer.json()["links"].get("next", "")
        assert not url or urlsplit(url).netloc == urlsplit(sim.announced["app_store_connect_api"]).netloc
    assert sizes == [200, 200, 50]
    assert seen == [f"com.example.a{i:03}" for i in reversed(range(450))]


def test_filters_order_and_fields(sim: Running, pair: KeyPair) -> None:
    longer = {"bundle_id": f"{BUNDLE_ID}.watch", "apple_id": 5, "name": "B", "sku": "S5"}
    apps = [{"bundle_id": BUNDLE_ID, "apple_id": 4, "name": "C"}, longer]
    apps.append({"bundle_id": UNRELEASED, "apple_id": 6, "name": "A", "released": False})
    put(sim, pair, apps)
    bearer = token(pair)
    assert bundle_ids(ask(sim, bearer, filter__bundleId=f"{BUNDLE_ID},com.example.none")) == [BUNDLE_ID]
    assert bundle_ids(ask(sim, bearer, filter__sku="S5")) == [f"{BUNDLE_ID}.watch"]
    assert bundle_ids(ask(sim, bearer, filter__id="6")) == [UNRELEASED]
    assert bundle_ids(ask(sim, bearer, filter__name="A,C", sort="name")) == [UNRELEASED, BUNDLE_ID]
    assert bundle_ids(ask(sim, bearer, filter__appStoreVersions_state="READY_FOR_SALE")) == [
        BUNDLE_ID,
        f"{BUNDLE_ID}.watch",
    ]
    (entry,) = ask(sim, bearer, fields__apps="bundleId", filter__id="4").json()["data"]
    assert entry["attributes"] == {"bundleId": BUNDLE_ID}
    put(sim, pair, apps, bundle_id_filter="prefix")
    assert bundle_ids(ask(sim, bearer, filter__bundleId=BUNDLE_ID)) == [BUNDLE_ID, f"{BUNDLE_ID}.watch"]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("limit=201", "bad_limit"),
        ("limit=0", "bad_limit"),
        ("cursor=x", "bad_cursor"),
        ("sort=apple", "bad_sort"),
        ("fields[apps]=price", "unknown_field"),
        ("colour=red", "unknown_parameter"),
        ("filter[appStoreVersions.appStoreState]=SOLD", "unknown_state"),
    ],
)
def test_bad_parameters(sim: Running, pair: KeyPair, query: str, reason: str) -> None:
    answer = ask(sim, token(pair), f"/v1/apps?{query}")
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["code"]) == (400, "PARAMETER_ERROR.INVALID")
    assert error["source"]["parameter"] == query.partition("=")[0]
    assert refusal(sim) == reason


def test_the_quota_counts_down_and_then_refuses(sim: Running, pair: KeyPair) -> None:
    put(sim, pair, requests_per_hour=2)
    left = [ask(sim, token(pair)).headers["x-rate-limit"] for _turn in range(2)]
    assert left == ["user-hour-lim:2;user-hour-rem:1;", "user-hour-lim:2;user-hour-rem:0;"]
    refused = ask(sim, token(pair))
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert refused.headers["x-rate-limit"] == "user-hour-lim:2;user-hour-rem:0;"


def test_without_a_quota_the_header_is_still_there(sim: Running, pair: KeyPair) -> None:
    put(sim, pair, requests_per_hour=0)
    left = {ask(sim, token(pair)).headers["x-rate-limit"] for _turn in range(3)}
    assert left == {"user-hour-lim:3500;user-hour-rem:3499;"}


def test_other_paths_and_methods(sim: Running, pair: KeyPair) -> None:
    assert (ask(sim, token(pair), "/v1/builds").status_code, refusal(sim)) == (404, "unknown_path")
    url = f"{sim.announced['app_store_connect_api']}/v1/apps"
    answer = sim.session.delete(url, headers={"Authorization": f"Bearer {token(pair)}"}, timeout=120)
    assert (answer.status_code, refusal(sim)) == (405, "wrong_method")


def test_the_readme_has_the_settings_and_every_refusal(sim: Running) -> None:
    block = next(text for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if "requests_per_hour" in text)
    assert sim.control("PUT", "/world", yaml.safe_load(block)).status_code == 200
    written = sim.control("GET", "/world").json()["app_store_connect_api"]
    assert written == yaml.safe_load(block)["app_store_connect_api"]
    named: set[str] = set()
    for source in (SIMULATOR / "storeops_simulator" / "vendors" / "app_store_connect_api").glob("*.py"):
        makers = r"refused|not_authorized|forbidden|bad_parameter"
        named |= set(re.findall(rf'(?:{makers})\(\s*"([a-z_]+)"', source.read_text()))
    assert len(named) > 20
    assert not [name for name in named if f"`{name}`" not in README]
