# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An error that a fault asks for has the shape of the vendor that is asked, not Apple's."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from sim_support import KeyPair, Running, new_world

PATHS = {
    "app_store_server": "/production/inApps/v1/transactions/1",
    "app_store_connect": "/iris/v1/anything",
    "app_store_connect_api": "/v1/apps",
    "qonversion": "/v4/project-settings/stores/apple",
    "revenuecat": "/projects",
    "devtodev": "/",
}


def ask(sim: Running, vendor: str) -> requests.Response:
    """Ask a vendor for anything: a fault comes before all that it would check."""
    base = sim.announced[vendor]
    url = base["production"] + "/inApps/v1/transactions/1" if isinstance(base, dict) else base + PATHS[vendor]
    return sim.session.get(url, timeout=120)


def revenuecat(error_type: str, message: str, wait_s: int = 0) -> dict[str, Any]:
    """RevenueCat's error object."""
    body = {
        "object": "error",
        "type": error_type,
        "message": message,
        "retryable": wait_s > 0,
        "doc_url": f"https://errors.rev.cat/{error_type.replace('_', '-')}",
    }
    return {**body, "backoff_ms": wait_s * 1000} if wait_s else body


@pytest.mark.parametrize(
    ("fault", "status", "body", "retry_after"),
    [
        ({"error_code": 4290000}, 429, revenuecat("rate_limit_error", "Rate limit exceeded.", 1), "1"),
        (
            {"error_code": 4290000, "headers": {"Retry-After": "7"}},
            429,
            revenuecat("rate_limit_error", "Rate limit exceeded.", 7),
            "7",
        ),
        ({"error_code": 5000000}, 500, revenuecat("server_error", "An unknown error occurred.", 1), "1"),
        ({"error_code": 4040001}, 404, revenuecat("resource_missing", "The request failed"), None),
        (
            {"error_code": "resource_locked_error", "status": 423, "error_message": "Locked"},
            423,
            revenuecat("resource_locked_error", "Locked", 1),
            "1",
        ),
        ({"error_code": "store_error", "status": 422}, 422, revenuecat("store_error", "The request failed"), None),
    ],
)
def test_revenuecat(
    sim: Running, fault: dict[str, Any], status: int, body: dict[str, Any], retry_after: str | None
) -> None:
    sim.fault(kind="status", match={"vendor": "revenuecat"}, **fault)
    answer = ask(sim, "revenuecat")
    assert (answer.status_code, answer.json()) == (status, body)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    assert answer.headers.get("retry-after") == retry_after
    assert "errorCode" not in answer.text


@pytest.mark.parametrize(
    ("vendor", "fault", "status", "code"),
    [
        ("qonversion", {"error_code": 4290000}, 429, "rate_limit_exceeded"),
        ("qonversion", {"error_code": "invalid_data", "status": 422}, 422, "invalid_data"),
        ("app_store_connect", {"error_code": 5000000}, 500, "UNEXPECTED_ERROR"),
        ("app_store_connect", {"error_code": "STATE_ERROR", "status": 409}, 409, "STATE_ERROR"),
        ("app_store_connect_api", {"error_code": 4290000}, 429, "RATE_LIMIT_EXCEEDED"),
        ("app_store_connect_api", {"error_code": "NOT_AUTHORIZED", "status": 401}, 401, "NOT_AUTHORIZED"),
    ],
)
def test_the_others_too(sim: Running, vendor: str, fault: dict[str, Any], status: int, code: str) -> None:
    sim.fault(kind="status", match={"vendor": vendor}, **fault)
    answer = ask(sim, vendor)
    body = answer.json()
    error = body["error"] if vendor == "qonversion" else body["errors"][0]
    assert (answer.status_code, error["code"]) == (status, code)
    assert "errorCode" not in answer.text
    if vendor != "qonversion":
        assert error["status"] == str(status)


def test_an_ended_session_is_plain_text(sim: Running) -> None:
    sim.fault(kind="status", error_code=4010000, error_message="x", match={"vendor": "app_store_connect"})
    answer = ask(sim, "app_store_connect")
    assert (answer.status_code, answer.text.split("\n")[0]) == (401, "Unauthenticated")


def test_one_fault_for_all_has_each_vendors_shape(sim: Running, pair: KeyPair) -> None:
    sim.fault(kind="status", error_code=5000001)
    texts = {vendor: ask(sim, vendor) for vendor in PATHS}
    assert {answer.status_code for answer in texts.values()} == {500}
    assert [vendor for vendor, answer in texts.items() if "errorCode" in answer.text] == ["app_store_server"]
    assert texts["devtodev"].headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"error_code": "server_error", "status": 500}, "error_code: is a word, which needs match.vendor"),
        (
            {"error_code": "x", "status": 500, "match": {"vendor": "app_store_server"}},
            "error_code: is a word, which needs match.vendor",
        ),
        ({"error_code": "x", "match": {"vendor": "revenuecat"}}, "status: is missing"),
        ({"error_code": 5000000, "match": {"vendor": "devtodev"}}, "error_code: is not for devtodev"),
        ({"error_code": 4040001}, "error_message: is missing"),
    ],
)
def test_what_no_vendor_would_say_is_refused(sim: Running, fault: dict[str, Any], message: str) -> None:
    answer = sim.control("POST", "/faults", {"kind": "status", **fault})
    assert answer.status_code == 400 and message in answer.text


def test_without_a_limit_the_headers_of_limits_are_still_there(sim: Running, pair: KeyPair) -> None:
    world = new_world(pair)
    world["revenuecat"] = {"requests_per_minute": 0, "api_keys": [{"secret": "sk_a"}], "projects": []}
    assert sim.control("PUT", "/world", world).status_code == 200
    url = f"{sim.announced['revenuecat']}/projects"
    for _turn in range(3):
        answer = sim.session.get(url, headers={"Authorization": "Bearer sk_a"}, timeout=120)
        found = {name: answer.headers[f"revenuecat-rate-limit-current-{name}"] for name in ("usage", "limit")}
        assert found == {"usage": "1", "limit": "60"}
