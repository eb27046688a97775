# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the two histories of Apple are asked, page by page, and what is made of every answer. No call is made."""

from __future__ import annotations

import base64
import dataclasses
import json
import typing as t
from urllib.parse import parse_qs, urlsplit

import pytest
from unit_support import BUNDLE_ID, ISSUER, KEY_ID

from ansible_collections.storeops.refunds.plugins.module_utils._apple import notification_history, refund_history
from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_server import AppStoreServer, Hosts
from ansible_collections.storeops.refunds.plugins.module_utils._apple.notification_history import (
    NoNotificationUrl,
    NotificationHistory,
    StartTooFar,
    TooLong,
)
from ansible_collections.storeops.refunds.plugins.module_utils._apple.refund_history import (
    RefundHistory,
    parse_transaction_id,
)
from ansible_collections.storeops.refunds.plugins.module_utils._apple.test_notification import TestNotifications
from ansible_collections.storeops.refunds.plugins.module_utils._http import Call, Reply
from ansible_collections.storeops.refunds.plugins.module_utils._model.coverage import Window
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import (
    InputError,
    RefundsError,
    TransportError,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Credentials
from ansible_collections.storeops.refunds.plugins.module_utils._model.private_key import parse_content

NOW = 1_800_000_000.0
REFUNDS = "https://api.storekit.apple.com/inApps/v2/refund/lookup/1"
NOTIFICATIONS = "https://api.storekit-sandbox.apple.com/inApps/v1/notifications/history"
WINDOW = Window(1_000_000, 2_000_000)


@dataclasses.dataclass
class Service:
    """A transport that gives prepared answers, a pace that waits for nothing, and what was sent."""

    replies: list[Reply]
    sent: list[tuple[str, str, t.Any]] = dataclasses.field(default_factory=list)
    tokens: list[str] = dataclasses.field(default_factory=list)
    waits: int = 0
    pauses: list[float] = dataclasses.field(default_factory=list)
    left: float = 1.0

    def send(self, call: Call) -> Reply:
        """Give the next answer."""
        headers = call.headers()
        assert ("Content-Type" in headers) is (call.body is not None)
        self.sent.append((call.method, call.url, json.loads(call.body) if call.body else None))
        self.tokens.append(headers["Authorization"].removeprefix("Bearer "))
        return self.replies.pop(0)

    def pause(self, seconds: float) -> None:
        """Note it."""
        self.pauses.append(seconds)

    def wait(self) -> None:
        """Count the waits before a call."""
        self.waits += 1

    def remaining(self) -> float:
        """The time of the task."""
        return self.left


def said(status: int = 200, request_id: str = "", **document: t.Any) -> Reply:
    """An answer in JSON."""
    headers = {"x-apple-request-uuid": request_id} if request_id else {}
    return Reply(status, headers, json.dumps(document).encode())


def refunds(pem: str, *replies: Reply) -> tuple[RefundHistory, Service]:
    """The refunds of an app in production."""
    service = Service(list(replies))
    server = AppStoreServer(t.cast(t.Any, service), Hosts(), lambda: NOW)
    return RefundHistory(
        server, Credentials(ISSUER, KEY_ID, parse_content(pem), None), BUNDLE_ID, "production"
    ), service


def notifications(pem: str, *replies: Reply) -> tuple[NotificationHistory, Service]:
    """The notifications of an app in the sandbox."""
    service = Service(list(replies))
    server = AppStoreServer(t.cast(t.Any, service), Hosts(), lambda: NOW)
    credentials = Credentials(ISSUER, KEY_ID, parse_content(pem), None)
    return NotificationHistory(server, credentials, BUNDLE_ID, "sandbox", t.cast(t.Any, service)), service


def read(history: NotificationHistory, window: Window = WINDOW) -> list[t.Any]:
    """Read a window in one piece."""
    return history.signed_payloads("REFUND", window, lambda found: 1)


def told(*payloads: str, **fields: t.Any) -> Reply:
    """A page of notifications, the last one unless it says otherwise."""
    return said(**{"notificationHistory": [{"signedPayload": one} for one in payloads], "hasMore": False, **fields})


def queries(service: Service, name: str) -> list[list[str] | None]:
    """What each call named as the page."""
    return [parse_qs(urlsplit(url).query).get(name) for _method, url, _body in service.sent]


def app_of(token: str) -> str:
    """The app that a token is for."""
    part = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["bid"])


def test_refunds_are_read_to_the_last_page(pem: str) -> None:
    first = said(signedTransactions=["a"], hasMore=True, revision="one=&")
    history, service = refunds(pem, first, said(signedTransactions=["b"], hasMore=False, revision="two"))
    assert history.signed_transactions("1") == ["a", "b"]
    assert [url for _method, url, _body in service.sent] == [REFUNDS, f"{REFUNDS}?revision=one%3D%26"]
    assert {app_of(token) for token in service.tokens} == {BUNDLE_ID}


def test_a_customer_without_refunds_has_none(pem: str) -> None:
    history, _service = refunds(pem, said(hasMore=False))
    assert history.signed_transactions("1") == []


@pytest.mark.parametrize("second", ["one", None, "", 7, "a b"])
def test_a_page_of_refunds_that_does_not_go_on_is_an_error(pem: str, second: object) -> None:
    pages = [said(signedTransactions=[], hasMore=True, revision=name) for name in ("one", second, "one", "two")]
    history, service = refunds(pem, *pages)
    with pytest.raises(RefundsError, match=r"Refund History says that there is more, but not where\. Look at"):
        history.signed_transactions("1")
    assert len(service.sent) == 2


def test_refunds_without_an_end_are_an_error(pem: str) -> None:
    pages = [said(signedTransactions=[], hasMore=True, revision=f"r{number}") for number in range(110)]
    history, service = refunds(pem, *pages)
    with pytest.raises(RefundsError, match="more pages than one customer can fill"):
        history.signed_transactions("1")
    assert len(service.sent) == 100


REFUSALS = [
    (401, {}, "HTTP 401", "Run the playbook storeops.refunds.audit"),
    (429, {"errorCode": 4290000}, "HTTP 429, error 4290000", "hour|limit"),
    (500, {"errorCode": 5000000}, "HTTP 500, error 5000000", "Run again later; if it stays so"),
    (302, {}, "HTTP 302", "Run again later; if it stays so"),
    (404, {}, "HTTP 404", "Run again later; if it stays so"),
]


@pytest.mark.parametrize(("status", "fields", "message", "step"), REFUSALS)
@pytest.mark.parametrize("request_id", ["", "R.1"])
def test_what_apple_refuses_is_told_with_its_next_step(
    pem: str, status: int, fields: dict[str, t.Any], message: str, step: str, request_id: str
) -> None:
    replies = [said(status, request_id, **fields)] * 2
    named = f"{message}, request ID R.1." if request_id else f"{message}."
    asked: list[tuple[Service, str]] = []
    history, service = refunds(pem, *replies)
    with pytest.raises(RefundsError, match=step) as caught:
        history.signed_transactions("1")
    assert caught.value.message == f"{BUNDLE_ID}: Apple refused Refund History (production): {named}"
    asked.append((service, caught.value.next_step))
    told_of, service = notifications(pem, *replies)
    with pytest.raises(RefundsError, match=step) as caught:
        read(told_of)
    assert caught.value.message == f"{BUNDLE_ID}: Apple refused Notification History (sandbox): {named}"
    # Sound tokens are refused now and then.
    assert len(service.sent) == len(asked[0][0].sent) == (2 if status == 401 else 1)


def test_a_passing_refusal_is_asked_again_for_the_same_page(pem: str) -> None:
    first = said(signedTransactions=["a"], hasMore=True, revision="one")
    history, service = refunds(pem, first, said(401), said(signedTransactions=["b"], hasMore=False))
    assert history.signed_transactions("1") == ["a", "b"]
    assert [url for _method, url, _body in service.sent] == [REFUNDS, *[f"{REFUNDS}?revision=one"] * 2]
    told_of, asked = notifications(pem, told("a", hasMore=True, paginationToken="p"), said(401), told("b"))
    assert read(told_of) == ["a", "b"]
    assert queries(asked, "paginationToken") == [None, ["p"], ["p"]]
    assert [body["startDate"] for _method, _url, body in asked.sent] == [1_000_000] * 3


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (4040010, "Apple knows no customer of .* with transaction 1"),
        (4000006, "Apple says that 1 isn't a transaction ID"),
    ],
)
def test_an_unknown_customer_is_a_wrong_option(pem: str, code: int, words: str) -> None:
    history, _service = refunds(pem, said(404, errorCode=code))
    with pytest.raises(InputError, match=words) as caught:
        history.signed_transactions("1")
    assert caught.value.option == "transaction_id" and caught.value.next_step


@pytest.mark.parametrize(
    "odd", [said(a=1), said(hasMore=True), Reply(200, {}, b"<html>"), said(hasMore=False, errorCode=1)]
)
def test_what_is_no_page_is_an_error(pem: str, odd: Reply) -> None:
    with pytest.raises(RefundsError, match="isn't a page of transactions"):
        refunds(pem, odd)[0].signed_transactions("1")
    with pytest.raises(RefundsError, match="isn't a page of notifications"):
        read(notifications(pem, odd)[0])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("1", "1"), (" 20 00 ", "2000"), ("a-B9", "a-B9"), ("a" * 64, "a" * 64)]
    + [(odd, None) for odd in ("", "  ", "a" * 65, "a/b", "a_b", "\u00e9")],
)
def test_a_transaction_id_fits_into_a_url(text: str, wanted: str | None) -> None:
    if wanted is not None:
        assert parse_transaction_id(text) == wanted
        return
    with pytest.raises(InputError, match="isn't a transaction ID") as caught:
        parse_transaction_id(text)
    assert caught.value.option == "transaction_id" and "in quotes" in caught.value.next_step


def test_notifications_are_asked_for_by_type_and_window_at_a_pace(pem: str) -> None:
    pages = (told("a", "b", hasMore=True, paginationToken="p q".replace(" ", "+")), told("c"))
    history, service = notifications(pem, *pages)
    assert read(history) == ["a", "b", "c"]
    body = {"startDate": 1_000_000, "endDate": 2_000_000, "notificationType": "REFUND"}
    assert [(method, url.partition("?")[0], sent) for method, url, sent in service.sent] == [
        ("POST", NOTIFICATIONS, body)
    ] * 2
    assert queries(service, "paginationToken") == [None, ["p+q"]] and service.waits == 2
    assert {app_of(token) for token in service.tokens} == {BUNDLE_ID}


def test_what_is_no_payload_comes_as_it_is(pem: str) -> None:
    odd = [{"a": 1}, 7, None, {"signedPayload": None}]
    history, _service = notifications(pem, said(notificationHistory=odd, hasMore=False))
    assert read(history) == [{"a": 1}, 7, None, None]


@pytest.mark.parametrize("code", [4000014, 4000017])
def test_a_list_that_expires_is_read_anew_once(pem: str, code: int) -> None:
    first, gone = told("a", hasMore=True, paginationToken="p"), said(400, errorCode=code)
    history, service = notifications(pem, first, gone, told("a", "b"))
    assert read(history) == ["a", "b"] and queries(service, "paginationToken") == [None, ["p"], None]
    with pytest.raises(RefundsError, match=r"expire twice while it was read\. Run again\."):
        read(notifications(pem, first, gone, first, gone)[0])
    # Without a page to expire, it is what it says: a refusal.
    with pytest.raises(RefundsError, match=f"HTTP 400, error {code}"):
        read(notifications(pem, gone)[0])


def test_what_apple_says_of_the_app_and_the_window(pem: str) -> None:
    with pytest.raises(NoNotificationUrl):
        read(notifications(pem, said(404, errorCode=4040007))[0])
    with pytest.raises(StartTooFar, match="does not reach back so far"):
        read(notifications(pem, said(400, errorCode=4000012))[0])


def test_a_long_list_is_asked_for_in_parts(pem: str) -> None:
    seen: list[list[t.Any]] = []

    def parts(found: t.Sequence[t.Any]) -> int:
        seen.append(list(found))
        return len(found)

    pages = [told("a", hasMore=True, paginationToken="p"), told("b", hasMore=True, paginationToken="q")]
    history, service = notifications(pem, *pages)
    with pytest.raises(TooLong) as caught:
        history.signed_payloads("REFUND", WINDOW, parts)
    # A list of one page is whole, and nobody is asked.
    assert (caught.value.parts, seen, len(service.sent)) == (2, [["a"], ["a", "b"]], 2)
    assert notifications(pem, told("a", "b"))[0].signed_payloads("REFUND", WINDOW, parts) == ["a", "b"]


@pytest.mark.parametrize(("length", "parts"), [(2_000, 16), (1_999, None)])
def test_a_list_without_an_end_is_split_down_to_a_second(pem: str, length: int, parts: int | None) -> None:
    pages = [told("a", hasMore=True, paginationToken=f"p{number}") for number in range(110)]
    history, service = notifications(pem, *pages)
    expected: t.Any = RefundsError if parts is None else TooLong
    with pytest.raises(expected) as caught:
        read(history, Window(500, 500 + length))
    assert getattr(caught.value, "parts", None) == parts and len(service.sent) == 100
    if parts is None:
        assert "has more pages than one second can hold" in str(caught.value)


@pytest.mark.parametrize(("size", "is_split"), [(10, False), (11, True)])
def test_what_would_not_fit_into_memory_is_split(
    pem: str, size: int, is_split: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notification_history, "_MOST_CHARACTERS", 10)
    pages = (
        told("a" * (size - 5), hasMore=True, paginationToken="p"),
        told("b" * 5, hasMore=True, paginationToken="q"),
    )
    history, _service = notifications(pem, *pages, told())
    if is_split:
        with pytest.raises(TooLong):
            read(history)
    else:
        assert len(read(history)) == 2


@pytest.mark.parametrize(("left", "is_over"), [(0.1, False), (0.0, True), (-1.0, True)])
def test_verifying_ends_with_the_time_of_the_task(pem: str, left: float, is_over: bool) -> None:
    history, service = notifications(pem)
    service.left = left
    if not is_over:
        history.check_deadline()
        return
    with pytest.raises(TransportError, match="deadline was over while Apple's payloads were verified") as caught:
        history.check_deadline()
    assert (caught.value.kind, caught.value.next_step) == ("deadline", "Raise deadline.")


def test_how_far_apple_is_said_to_reach_back() -> None:
    assert refund_history._MOST_PAGES == notification_history.MOST_PAGES == 100
    assert {place: time // 86_400_000 for place, time in notification_history.REACH.items()} == {
        "production": 179,
        "sandbox": 29,
    }


@pytest.mark.parametrize(("environment", "apart"), [("production", 1.0), ("sandbox", 10.0)])
def test_two_test_notifications_are_as_far_apart_as_apple_wants_it(pem: str, environment: t.Any, apart: float) -> None:
    sent = {"sendAttempts": [{"sendAttemptResult": "SUCCESS", "attemptDate": 1}]}
    service = Service([said(401), said(testNotificationToken="T"), said(**sent)])
    server = AppStoreServer(t.cast(t.Any, service), Hosts(), lambda: NOW)
    credentials = Credentials(ISSUER, KEY_ID, parse_content(pem), None)
    assert TestNotifications(server, credentials, BUNDLE_ID, environment).deliver(30.0).is_proof
    assert [method for method, _url, _body in service.sent] == ["POST", "POST", "GET"]
    assert service.pauses[0] >= apart


def test_a_refusal_is_told_also_where_no_time_is_left_for_a_second_try(pem: str) -> None:
    service = Service([said(401)], left=0.0)
    server = AppStoreServer(t.cast(t.Any, service), Hosts(), lambda: NOW)
    credentials = Credentials(ISSUER, KEY_ID, parse_content(pem), None)
    with pytest.raises(RefundsError, match="HTTP 401"):
        TestNotifications(server, credentials, BUNDLE_ID, "production").deliver(30.0)
