# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""RevenueCat's API: keys, projects, lists, reading, deleting, limits."""

from __future__ import annotations

import httpx
import pytest
from sim_support import BUNDLE_ID, KeyPair, Running
from tracker_support import (
    APP_ID,
    APPS,
    OTHER_PROJECT,
    PLAY_APP_ID,
    PROJECT,
    Api,
    last_call,
    new_secret,
    put_world,
    revenuecat,
    revenuecat_world,
)

READ = ["project_configuration:apps:read"]


@pytest.fixture
def api(sim: Running, pair: KeyPair) -> Api:
    """A client with a key for everything."""
    return revenuecat(sim, pair)


def test_the_projects(api: Api) -> None:
    answer = api.request("GET", "/projects")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == {
        "object": "list",
        "items": [
            {"object": "project", "id": PROJECT, "name": "Studio A", "created_at": 1700000000000},
            {"object": "project", "id": OTHER_PROJECT, "name": "Studio B", "created_at": 0},
        ],
        "next_page": None,
        "url": "/v2/projects",
    }
    assert len(answer.headers["x-request-id"]) == 36


def test_the_apps_of_all_types(api: Api) -> None:
    first, second = api.request("GET", APPS).json()["items"]
    assert first == {
        "object": "app",
        "id": APP_ID,
        "name": "One",
        "created_at": 1,
        "type": "app_store",
        "project_id": PROJECT,
        "app_store": {
            "bundle_id": BUNDLE_ID,
            "subscription_key_configured": False,
            "app_store_connect_api_key_configured": False,
        },
    }
    assert (second["type"], second["play_store"]) == ("play_store", {"package_name": BUNDLE_ID})
    assert api.request("GET", f"{APPS}/{APP_ID}").json() == first


def test_pages_of_twenty_with_a_relative_link(sim: Running, pair: KeyPair) -> None:
    apps = [
        {"id": f"app{number}", "name": "x", "type": "app_store", "app_store": {"bundle_id": "com.example.x"}}
        for number in range(45)
    ]
    api = revenuecat(sim, pair, projects=[{"id": PROJECT, "name": "A", "apps": apps}])
    seen: list[str] = []
    path = f"/v2{APPS}"
    sizes = []
    while path:
        page = api.request("GET", path.removeprefix("/v2")).json()
        sizes.append(len(page["items"]))
        seen += [item["id"] for item in page["items"]]
        assert page["url"] == f"/v2{APPS}"
        path = page["next_page"]
    assert (sizes, seen) == ([20, 20, 5], [f"app{number}" for number in range(45)])
    first = api.request("GET", f"{APPS}?limit=2").json()
    assert first["next_page"] == f"/v2{APPS}?starting_after=app1"
    assert len(api.request("GET", f"{APPS}?limit=45").json()["items"]) == 45


def test_the_largest_page(sim: Running, pair: KeyPair) -> None:
    api = revenuecat(sim, pair, largest_page=1)
    page = api.request("GET", f"{APPS}?limit=20").json()
    assert (len(page["items"]), page["next_page"]) == (1, f"/v2{APPS}?starting_after={APP_ID}")


@pytest.mark.parametrize(
    ("query", "param", "refusal"),
    [
        ("limit=0", "limit", "bad_limit"),
        ("limit=-1", "limit", "bad_limit"),
        ("limit=ten", "limit", "bad_limit"),
        ("starting_after=appnone", "starting_after", "bad_cursor"),
    ],
)
def test_bad_pages(api: Api, query: str, param: str, refusal: str) -> None:
    answer = api.request("GET", f"{APPS}?{query}")
    body = answer.json()
    assert (answer.status_code, body["type"], body["param"]) == (400, "parameter_error", param)
    assert api.refusal() == refusal


@pytest.mark.parametrize(
    ("header", "refusal"),
    [
        (None, "authorization_missing"),
        ("Basic abc", "not_bearer"),
        ("Bearer", "not_bearer"),
        ("Bearer nobody", "unknown_api_key"),
    ],
)
def test_refused_keys(api: Api, header: str | None, refusal: str) -> None:
    answer = api.request("GET", "/projects", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.json() == {
        "object": "error",
        "type": "authentication_error",
        "message": "Invalid API key",
        "retryable": False,
        "doc_url": "https://errors.rev.cat/authentication-error",
    }
    assert api.refusal() == refusal


def test_a_key_of_version_1_is_refused(sim: Running, pair: KeyPair) -> None:
    secret = new_secret()
    put_world(sim, revenuecat_world(pair, secret, api_keys=[{"secret": secret, "api_version": 1}]))
    api = Api(sim, sim.announced["revenuecat"], secret)
    assert api.request("GET", "/projects").json()["type"] == "authentication_error"
    assert api.refusal() == "v1_api_key"


def test_scopes(sim: Running, pair: KeyPair) -> None:
    secret = new_secret()
    put_world(sim, revenuecat_world(pair, secret, api_keys=[{"secret": secret, "scopes": READ}]))
    api = Api(sim, sim.announced["revenuecat"], secret)
    assert api.request("GET", APPS).status_code == 200
    assert api.request("GET", f"{APPS}/{APP_ID}").status_code == 200
    refused = [
        api.request("GET", "/projects"),
        api.request("POST", APPS, {}),
        api.request("POST", f"{APPS}/{APP_ID}", {}),
        api.request("DELETE", f"{APPS}/{APP_ID}"),
    ]
    assert {(answer.status_code, answer.json()["type"]) for answer in refused} == {(403, "authorization_error")}
    assert api.refusal() == "scope_missing"


def test_a_key_of_one_project(sim: Running, pair: KeyPair) -> None:
    secret = new_secret()
    put_world(sim, revenuecat_world(pair, secret, api_keys=[{"secret": secret, "projects": [PROJECT]}]))
    api = Api(sim, sim.announced["revenuecat"], secret)
    assert [item["id"] for item in api.request("GET", "/projects").json()["items"]] == [PROJECT]
    assert api.request("GET", f"/projects/{OTHER_PROJECT}/apps").status_code == 403
    assert api.refusal() == "project_not_allowed"


@pytest.mark.parametrize(
    ("method", "path", "status", "kind", "refusal"),
    [
        ("GET", "/projects/projnone/apps", 404, "resource_missing", "unknown_project"),
        ("GET", f"{APPS}/appnone", 404, "resource_missing", "unknown_app"),
        ("DELETE", f"{APPS}/appnone", 404, "resource_missing", "unknown_app"),
        ("GET", "/nothing", 404, "resource_missing", None),
        ("PATCH", f"{APPS}/{APP_ID}", 405, "invalid_request", None),
        ("PUT", f"{APPS}/{APP_ID}", 405, "invalid_request", None),
    ],
)
def test_what_is_not_there(api: Api, method: str, path: str, status: int, kind: str, refusal: str | None) -> None:
    answer = api.request(method, path)
    assert (answer.status_code, answer.json()["type"], answer.json()["object"]) == (status, kind, "error")
    assert api.refusal() == refusal


def test_deleting(api: Api) -> None:
    answer = api.request("DELETE", f"{APPS}/{APP_ID}")
    assert answer.status_code == 200
    body = answer.json()
    assert (sorted(body), body["object"], body["id"]) == (["deleted_at", "id", "object"], "app", APP_ID)
    assert api.request("GET", f"{APPS}/{APP_ID}").status_code == 404
    assert [item["id"] for item in api.request("GET", APPS).json()["items"]] == [PLAY_APP_ID]


def test_sixty_requests_a_minute(sim: Running, pair: KeyPair) -> None:
    api = revenuecat(sim, pair, requests_per_minute=3)
    usage = "revenuecat-rate-limit-current-usage"
    answers = [api.request("GET", "/projects") for _each in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers[usage] for answer in answers] == ["1", "2", "3", "3"]
    assert {answer.headers["revenuecat-rate-limit-current-limit"] for answer in answers} == {"3"}
    refused = answers[-1]
    wait = int(refused.headers["retry-after"])
    assert 50 <= wait <= 60
    assert refused.json() == {
        "object": "error",
        "type": "rate_limit_error",
        "message": "Rate limit exceeded",
        "retryable": True,
        "doc_url": "https://errors.rev.cat/rate-limit-error",
        "backoff_ms": wait * 1000,
    }
    assert api.refusal() == "rate_limited"
    api.secret = "sk_other"
    assert api.request("GET", "/projects").status_code == 401
    put_world(sim, sim.control("GET", "/world").json())
    assert sim.control("GET", "/world").json()["revenuecat"]["requests_per_minute"] == 3


def test_the_limit_is_sixty_unless_said(sim: Running, pair: KeyPair) -> None:
    api = revenuecat(sim, pair, requests_per_minute=None)
    assert api.request("GET", "/projects").headers["revenuecat-rate-limit-current-limit"] == "60"


def test_a_locked_app_by_fault(api: Api) -> None:
    body = {"object": "error", "type": "resource_locked_error", "retryable": True, "backoff_ms": 1000}
    api.sim.fault(kind="status", status=423, body=body, match={"endpoint": "update_app"}, times=1)
    first = api.request("POST", f"{APPS}/{APP_ID}", {"name": "Two"})
    assert (first.status_code, first.json()) == (423, body)
    assert api.request("POST", f"{APPS}/{APP_ID}", {"name": "Two"}).json()["name"] == "Two"


def test_a_lost_answer_has_done_its_work(api: Api) -> None:
    api.sim.fault(kind="truncate", match={"vendor": "revenuecat", "bundle_id": BUNDLE_ID}, times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        api.request("DELETE", f"{APPS}/{APP_ID}")
    assert api.request("GET", f"{APPS}/{APP_ID}").status_code == 404


def test_the_call_log(api: Api) -> None:
    api.request("GET", f"{APPS}/{APP_ID}")
    call = last_call(api.sim)
    assert (call["vendor"], call["endpoint"], call["bundle_id"]) == ("revenuecat", "get_app", BUNDLE_ID)
    assert call["path"] == f"/revenuecat/v2{APPS}/{APP_ID}"
    assert api.secret not in api.sim.control("GET", "/calls").text
