# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What exactly goes to the App Store Connect API, and what is made of its lists. No call is made."""

from __future__ import annotations

import json
import typing as t

import pytest
from connect_api_support import entry
from unit_support import ISSUER

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_record import FIELDS
from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_connect_api import (
    AppStoreConnectApi,
    ConnectApiCredentials,
)
from ansible_collections.storeops.refunds.plugins.module_utils._http import Call, Reply
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import RefundsError
from ansible_collections.storeops.refunds.plugins.module_utils._model.private_key import parse_content
from ansible_collections.storeops.refunds.plugins.module_utils._model.secret import Secret

APPS = "https://api.appstoreconnect.apple.com/v1/apps"


class Service:
    """A transport that gives prepared documents and keeps what was sent."""

    def __init__(self, *documents: t.Any) -> None:
        self.documents = list(documents)
        self.sent: list[tuple[str, str, t.Any]] = []

    def send(self, call: Call) -> Reply:
        """Give the next document."""
        assert call.headers()["Authorization"].startswith("Bearer ey")
        self.sent.append((call.method, call.url, json.loads(call.body) if call.body else None))
        given = self.documents.pop(0)
        return given if isinstance(given, Reply) else Reply(200, {}, json.dumps(given).encode())


def connect(pem: str, service: Service) -> AppStoreConnectApi:
    """The API of Apple's own host."""
    credentials = ConnectApiCredentials("ASCKEY0001", ISSUER, parse_content(pem))
    return AppStoreConnectApi(t.cast(t.Any, service), None, credentials, lambda: 1_800_000_000.0)


def asked_for(url: str) -> dict[str, str]:
    """The query of a URL, with its commas as they are."""
    return dict(part.split("=", 1) for part in url.partition("?")[2].replace("%5B", "[").replace("%5D", "]").split("&"))


def test_the_url_of_an_app_is_set_by_one_update(pem: str) -> None:
    service = Service({"data": entry(7)})
    connect(pem, service).set_notification_urls(7, {"subscriptionStatusUrl": "https://refunds.example/a"})
    attributes = {"subscriptionStatusUrl": "https://refunds.example/a"}
    body = {"data": {"type": "apps", "id": "7", "attributes": attributes}}
    assert service.sent == [("PATCH", f"{APPS}/7", body)]


def test_one_app_is_asked_for_with_all_that_is_read(pem: str) -> None:
    service = Service({"data": entry(7)})
    assert connect(pem, service).app(7).bundle_id == "com.example.a7"
    ((method, url, body),) = service.sent
    assert (method, url.partition("?")[0], body) == ("GET", f"{APPS}/7", None)
    assert asked_for(url) == {"fields[apps]": ",".join(FIELDS)}


@pytest.mark.parametrize("data", [None, {}, entry(8), {"type": "apps", "id": "7"}])
def test_another_app_than_that_is_none(pem: str, data: object) -> None:
    with pytest.raises(RefundsError, match="another app than it was asked for"):
        connect(pem, Service({"data": data})).app(7)


@pytest.mark.parametrize(("is_released", "state"), [(False, None), (True, "READY_FOR_SALE")])
def test_the_field_check_is_given_the_first_page_as_it_came(pem: str, is_released: bool, state: str | None) -> None:
    service = Service({"a": 1})
    assert connect(pem, service).first_page(*[True] * is_released) == {"a": 1}
    ((method, url, _body),) = service.sent
    query = asked_for(url)
    assert (method, url.partition("?")[0], query["limit"]) == ("GET", APPS, "200")
    assert query["fields[apps]"] == ",".join(FIELDS)
    assert query.get("filter[appStoreVersions.appStoreState]") == state


@pytest.mark.parametrize(
    ("links", "wanted"), [({}, False), ({"next": ""}, False), ({"next": f"{APPS}?cursor=a"}, True), (None, False)]
)
def test_whether_another_page_follows(pem: str, links: object, wanted: bool) -> None:
    assert connect(pem, Service()).has_more({"links": links}) is wanted


def test_a_long_list_of_apps_is_asked_for_in_parts_and_the_filter_is_not_trusted(pem: str) -> None:
    wanted = [f"com.example.a{number}" for number in range(51)]
    first = {"data": [entry(1), entry(1), entry(70), entry(60, bundleId="com.example.a50")]}
    service = Service(first, {"data": [entry(50), None]})
    warned: list[str] = []
    api = connect(pem, service)
    api.warn = warned.append
    assert [(app.bundle_id, app.apple_id) for app in api.apps([*wanted, wanted[0]])] == [
        ("com.example.a1", 1),
        ("com.example.a50", 50),
    ]
    queries = [asked_for(url) for _method, url, _body in service.sent]
    assert [query["filter[bundleId]"].split(",") for query in queries] == [wanted[:50], wanted[50:]]
    assert {(query["limit"], query["sort"]) for query in queries} == {("200", "bundleId")}
    assert len(warned) == 1 and warned[0].startswith("1 entries")


def test_a_second_listing_tells_which_apps_are_on_sale(pem: str) -> None:
    service = Service({"data": [entry(2), entry(1)]}, {"data": [entry(2), None]})
    warned: list[str] = []
    api = connect(pem, service)
    api.warn = warned.append
    found = [(app.bundle_id, app.is_released) for app in api.apps(with_released=True)]
    assert found == [("com.example.a1", False), ("com.example.a2", True)] and warned == []
    assert asked_for(service.sent[1][1])["fields[apps]"] == "bundleId"
    assert asked_for(service.sent[1][1])["filter[appStoreVersions.appStoreState]"] == "READY_FOR_SALE"
    assert "filter[bundleId]" not in asked_for(service.sent[0][1])


@pytest.mark.parametrize(("remaining", "warns"), [(10_000, 0), (0, 1)])
def test_a_quota_that_runs_out_is_told_once(pem: str, remaining: int, warns: int) -> None:
    head = {"x-rate-limit": f"user-hour-lim:3600;user-hour-rem:{remaining};"}
    page = Reply(200, head, b'{"data": []}')
    warned: list[str] = []
    api = connect(pem, Service(page, page))
    api.warn = warned.append
    api.apps()
    api.apps()
    assert len(warned) == warns and all("ASCKEY0001: 0 of 3600 requests" in text for text in warned)


def test_no_token_is_shown_whatever_it_looks_like(pem: str) -> None:
    api, echo = connect(pem, Service()), {"errors": [{"detail": "you sent kT7xQ2vLw9Zs"}]}
    assert api._masked(echo) == echo
    api._last_token = Secret("kT7xQ2vLw9Zs")
    assert "kT7xQ2vLw9Zs" not in str(api._masked(echo)) and "you sent" in str(api._masked(echo))
