# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client of the App Store Connect API against the simulator: lists, filters, tokens, quota."""

from __future__ import annotations

import jwt
import pytest
from connect_api_support import API_KEY_ID, app, client, put_world
from unit_servers import Simulator
from unit_support import ISSUER, KEY_ID, public_pem

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_connect_api import (
    AppRecord,
    ConnectApiCredentials,
)
from ansible_collections.storeops.refunds.plugins.module_utils._apple.connect_api_errors import ConnectApiRefused
from ansible_collections.storeops.refunds.plugins.module_utils._apple.token import sign_for_connect_api
from ansible_collections.storeops.refunds.plugins.module_utils._model.private_key import parse_content

NOW = 1_790_000_000.7


@pytest.mark.parametrize(("issuer_id", "claimed"), [(ISSUER, {"iss": ISSUER}), (None, {"sub": "user"})])
def test_the_token(pem: str, issuer_id: str | None, claimed: dict[str, str]) -> None:
    credentials = ConnectApiCredentials(API_KEY_ID, issuer_id, parse_content(pem))
    token = sign_for_connect_api(credentials, NOW).reveal()
    claims = jwt.decode(token, public_pem(pem), ["ES256"], options={"verify_aud": False, "verify_exp": False})
    assert claims == {**claimed, "iat": 1_789_999_940, "exp": 1_790_000_600, "aud": "appstoreconnect-v1"}
    assert claims["exp"] - claims["iat"] <= 900
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": API_KEY_ID, "typ": "JWT"}
    assert pem.splitlines()[1] not in repr(credentials)


def test_all_apps_over_pages_each_asked_once(sim: Simulator) -> None:
    url = put_world(sim, [app(number, name=f"App {number}") for number in range(450)])
    apps = client(sim.pem, url).api.apps()
    assert [(each.bundle_id, each.apple_id) for each in apps] == [(f"com.example.a{i:03}", i + 1) for i in range(450)]
    assert apps[3] == AppRecord(4, "com.example.a003", "App 3", "com.example.a003")
    assert sim.calls()["count"] == 3


def test_every_attribute(sim: Simulator) -> None:
    urls = {
        "subscription_status_url": "https://example.com/a",
        "subscription_status_url_version": "V2",
        "subscription_status_url_for_sandbox": "https://example.com/b",
        "subscription_status_url_version_for_sandbox": "V1",
    }
    url = put_world(sim, [app(1, name="One", sku="ONE", **urls)])
    (found,) = client(sim.pem, url).api.apps()
    assert found == AppRecord(
        2, "com.example.a001", "One", "ONE", "https://example.com/a", "V2", "https://example.com/b", "V1", None
    )


@pytest.mark.parametrize("kind", ["exact", "prefix"])
def test_bundle_ids_are_compared_exactly_whatever_the_filter_does(sim: Simulator, kind: str) -> None:
    apps = [app(1), app(2), {"bundle_id": "com.example.a001.watch", "apple_id": 9}]
    apps.append({"bundle_id": "com.example.A002", "apple_id": 10})
    url = put_world(sim, apps, bundle_id_filter=kind)
    found = client(sim.pem, url).api.apps(["com.example.a002", "com.example.a001", "com.example.none"])
    assert [each.bundle_id for each in found] == ["com.example.a001", "com.example.a002"]


def test_many_bundle_ids_go_in_chunks(sim: Simulator) -> None:
    url = put_world(sim, [app(number) for number in range(130)])
    wanted = [f"com.example.a{number:03}" for number in range(120)]
    assert [each.bundle_id for each in client(sim.pem, url).api.apps([*wanted, wanted[0]])] == wanted
    assert sim.calls()["count"] == 3


def test_released_only_when_it_is_asked(sim: Simulator) -> None:
    url = put_world(sim, [app(1), app(2, released=False)])
    assert [each.is_released for each in client(sim.pem, url).api.apps()] == [None, None]
    assert sim.calls()["count"] == 1
    assert [each.is_released for each in client(sim.pem, url).api.apps(with_released=True)] == [True, False]
    assert sim.calls()["count"] == 3


def test_an_individual_key(sim: Simulator) -> None:
    url = put_world(sim, [app(1)], individual_keys=[API_KEY_ID])
    assert len(client(sim.pem, url, issuer_id=None).api.apps()) == 1


def test_a_refused_token_is_explained(sim: Simulator, other_pem: str) -> None:
    url = put_world(sim, [app(1)])
    with pytest.raises(ConnectApiRefused) as caught:
        client(other_pem, url).api.apps()
    assert (caught.value.status, caught.value.code) == (401, "NOT_AUTHORIZED")
    assert "api_key_id" in str(caught.value) and "AuthKey_" in str(caught.value) and "clock" not in str(caught.value)
    with pytest.raises(ConnectApiRefused, match="no api_issuer_id was given"):
        client(sim.pem, url, issuer_id=None).api.apps()
    with pytest.raises(ConnectApiRefused, match=r"clock is off by (239|24[0-5])\d s"):
        client(sim.pem, url, ahead=2400).api.apps()


def test_an_in_app_purchase_key_and_a_revoked_key(sim: Simulator) -> None:
    key = {"key_id": KEY_ID, "public_key": public_pem(sim.pem)}
    revoked = {"key_id": API_KEY_ID, "public_key": public_pem(sim.pem), "active": False}
    team = {"issuer_id": ISSUER, "iap_keys": [key], "app_store_connect_keys": [revoked]}
    sim.control("PUT", "/world", {"teams": [team]})
    made = client(sim.pem, str(sim.announced["app_store_connect_api"]))
    with pytest.raises(ConnectApiRefused, match="revoked") as caught:
        made.api.apps()
    assert (caught.value.status, caught.value.code) == (403, "FORBIDDEN_ERROR")
    made.api.credentials = ConnectApiCredentials(KEY_ID, ISSUER, parse_content(sim.pem))
    with pytest.raises(ConnectApiRefused, match="no In-App Purchase key"):
        made.api.apps()
    assert sim.calls()["calls"][-1]["refusal"] == "in_app_purchase_key"


def test_a_low_quota_is_warned_of_once_and_a_used_up_one_is_not_asked_again(sim: Simulator) -> None:
    url = put_world(sim, [app(number) for number in range(8)], requests_per_hour=20, largest_page=1)
    made = client(sim.pem, url)
    made.api.apps()
    assert made.warnings == []
    made.api.apps()
    assert made.warnings == []
    with pytest.raises(ConnectApiRefused, match=r"20 requests of a rolling hour are used up") as caught:
        made.api.apps()
    assert (caught.value.status, caught.value.code) == (429, "RATE_LIMIT_EXCEEDED")
    assert len(made.warnings) == 1 and f"{API_KEY_ID}: 0 of 20" in made.warnings[0]
    assert sim.calls()["count"] == 21


def test_a_burst_limit_passes_by_itself_or_is_named(sim: Simulator) -> None:
    url = put_world(sim, [app(1)])
    body = {"errors": [{"status": "429", "code": "RATE_LIMIT_EXCEEDED", "title": "t", "detail": "d"}]}
    burst = {
        "kind": "status",
        "status": 429,
        "body": body,
        "headers": {"X-Rate-Limit": "user-hour-lim:3500;user-hour-rem:3000;"},
    }
    sim.fault(**burst, times=2)
    assert len(client(sim.pem, url).api.apps()) == 1
    sim.fault(**burst, times=9)
    with pytest.raises(ConnectApiRefused, match="3000 of 3500 requests of this hour are left") as caught:
        client(sim.pem, url).api.apps()
    assert "short time" in str(caught.value)
