# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls of a tracker's JSON API: what is sent, what every answer is taken for, and that nothing secret comes back."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._http import RETRIED_STATUSES, Advice, Call, Reply
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import (
    InputError,
    RefundsError,
    TransportError,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.secret import Secret
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.json_api import (
    JsonApi,
    Refused,
    Service,
    require_api_key,
)

SERVICE = Service("revenuecat", "RevenueCat", "STOREOPS_X", "a secret API key", "the permission p", "Look there.")
API_KEY, PEM = "sk_kT7xQ2vLw9Zs", "MIGTAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBHkwdwIBAQQg"


class Transport:
    """Gives one prepared answer and keeps what was sent."""

    def __init__(self, answer: Reply | RefundsError) -> None:
        self.answer = answer
        self.sent: list[Call] = []

    def send(self, call: Call) -> Reply:
        """Give the answer."""
        self.sent.append(call)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def said(document: t.Any = None, status: int = 200, is_repeated: bool = False) -> Reply:
    """An answer in JSON, or with the bytes that are given."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Reply(status, {}, body, is_repeated=is_repeated)


def ask(answer: Reply | RefundsError, method: str = "GET", body: t.Any = None, **more: t.Any) -> tuple[t.Any, Call]:
    """Ask; give the document and what was sent."""
    transport = Transport(answer)
    api = JsonApi(t.cast(t.Any, transport), SERVICE, "https://x.example", Secret(API_KEY))
    return api.ask("doing it", method, "/v2/a", body, **more), transport.sent[0]


def failed(answer: Reply | RefundsError, method: str = "POST", **more: t.Any) -> RefundsError:
    """Ask, and give how that failed."""
    with pytest.raises(RefundsError) as caught:
        ask(answer, method, **more)
    return caught.value


def test_a_question_and_a_change_are_sent_with_the_key() -> None:
    found, call = ask(said({"a": 1}))
    assert found == {"a": 1}
    assert (call.method, call.url, call.body, call.is_repeatable) == ("GET", "https://x.example/v2/a", None, True)
    assert call.headers() == {"Authorization": f"Bearer {API_KEY}"}
    _found, call = ask(said({}), "POST", {"b": 2}, headers={"Idempotency-Key": "k"}, is_repeatable=False)
    assert (call.method, json.loads(call.body or b""), call.is_repeatable) == ("POST", {"b": 2}, False)
    assert call.headers() == {
        "Authorization": f"Bearer {API_KEY}",
        "Content-Type": "application/json",
        "Idempotency-Key": "k",
    }
    assert ask(said({}), "POST", {})[1].body == b"{}"


@pytest.mark.parametrize("body", [b"", b" \n"])
@pytest.mark.parametrize("status", [200, 204, 299])
def test_an_answer_without_a_body_is_empty(body: bytes, status: int) -> None:
    assert ask(said(body, status))[0] == {}


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b"7", b"null", b"\xff", b"[" * 5000])
def test_what_is_no_object_is_no_answer(body: bytes) -> None:
    error = failed(said(body))
    assert error.message == "doing it: RevenueCat answered with something else than a JSON object."
    assert error.next_step.startswith("Look at revenuecat.url and at proxies") and error.may_have_changed
    assert not failed(said(body), "GET").may_have_changed


STATUSES: dict[int, tuple[str, str]] = {
    199: ("RevenueCat refuses the request", "Look at its dashboard, and report this."),
    302: ("RevenueCat points to another address, which is not followed", "Correct revenuecat.url."),
    300: ("RevenueCat points to another address, which is not followed", "Correct revenuecat.url."),
    400: ("RevenueCat does not take the request", "Correct the option that it names, or report this."),
    401: (
        "RevenueCat does not accept revenuecat.api_key",
        "Give a secret API key in revenuecat.api_key or STOREOPS_X.",
    ),
    403: ("RevenueCat does not allow this to revenuecat.api_key", "The key needs the permission p."),
    404: ("RevenueCat does not find it", "Look there."),
    409: ("RevenueCat reports a conflict with another change or entry", "Look at it in the dashboard, and run again."),
    418: ("RevenueCat refuses the request", "Look at its dashboard, and report this."),
    422: (
        "RevenueCat refuses the values",
        "Compare bundle ID, Issuer ID, Key ID and private key with App Store Connect.",
    ),
    423: ("RevenueCat has locked it for another change", "Run again in a moment, or raise deadline."),
    429: ("RevenueCat allows no more requests now", "Run again later, or raise deadline."),
    499: ("RevenueCat refuses the request", "Look at its dashboard, and report this."),
    500: ("RevenueCat can't answer now", "Run again later; what was asked for may or may not have been done."),
    599: ("RevenueCat can't answer now", "Run again later; what was asked for may or may not have been done."),
}


@pytest.mark.parametrize("status", STATUSES)
def test_every_refusal_has_its_words_and_its_step(status: int) -> None:
    problem, step = STATUSES[status]
    error = failed(said(b"<html>", status))
    assert isinstance(error, Refused) and error.status == status
    assert (error.message, error.next_step) == (f"doing it: {problem} (HTTP {status}).", step)
    assert error.may_have_changed is (status >= 500)
    assert failed(said(b"", status, is_repeated=True)).may_have_changed
    assert not failed(said(b"", status, is_repeated=True), "GET").may_have_changed


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"type": "a", "code": "b", "message": "c", "param": "d", "other": "e"}, "a: b: c: d"),
        ({"error": {"type": "a", "message": "c"}, "message": "outer"}, "a: c"),
        ({"error": "broken", "message": "c"}, "c: broken"),
        ({"message": "c", "details": [{"field": "f", "message": "g"}, 7, {"message": "h"}]}, "c: f: g: h"),
        ({"message": "c", "details": {"field": "f"}}, "c"),
        ({"message": 7, "code": "", "type": None}, ""),
        ({}, ""),
    ],
)
def test_the_words_of_a_service_are_repeated(document: dict[str, t.Any], words: str) -> None:
    message = failed(said(document, 400)).message
    assert message == "doing it: RevenueCat does not take the request (HTTP 400)." + (
        f" It says: '{words}'." if words else ""
    )


def test_a_refusal_may_have_no_next_step() -> None:
    assert str(Refused(400, "No.")) == "No."


def test_nothing_secret_comes_back() -> None:
    echo = {"message": f"you sent {API_KEY} and {PEM}"}
    text = str(failed(said(echo, 400), secrets=(Secret(PEM),)))
    assert "you sent" in text and API_KEY not in text and PEM not in text
    found, _call = ask(said({"a": [API_KEY, PEM]}), secrets=(Secret(PEM),))
    assert API_KEY not in str(found) and PEM not in str(found)


@pytest.mark.parametrize(("kind", "is_lost"), [("dns", False), ("tcp", False), ("timeout", True), ("broken", True)])
def test_a_change_whose_answer_was_lost_may_have_been_made(kind: str, is_lost: bool) -> None:
    assert failed(TransportError(kind, "No answer.")).may_have_changed is is_lost
    assert not failed(TransportError(kind, "No answer."), "GET").may_have_changed


@pytest.mark.parametrize("is_repeatable", [True, False])
@pytest.mark.parametrize("status", [200, 400, 409, 423, 429, 500, 502, 503, 504])
def test_what_is_sent_again(status: int, is_repeatable: bool) -> None:
    _found, call = ask(said({}), is_repeatable=is_repeatable)
    may = status in (423, 429) or (is_repeatable and status in RETRIED_STATUSES)
    for body in (b"<html>", b"{}", b""):
        assert call.advised(said(body, status)) == Advice(may)
    assert call.advised(said({"retryable": True}, status)) == Advice(may)
    # A service that knows that it is of no use says so.
    assert call.advised(said({"retryable": False}, status)) == Advice(False)


@pytest.mark.parametrize(
    ("backoff", "pause"),
    [
        (1500, 1.5),
        (0, 0.0),
        (3_600_000, 3600.0),
        (3_600_001, None),
        (-1, None),
        ("9", None),
        (True, None),
        (0.5, 0.0005),
    ],
)
def test_a_pause_that_a_service_asks_for(backoff: object, pause: float | None) -> None:
    _found, call = ask(said({}))
    assert call.advised(said({"backoff_ms": backoff}, 429)) == Advice(True, pause)


@pytest.mark.parametrize("text", [API_KEY, f"  {API_KEY}\n", "!~"])
def test_keys_that_a_header_can_carry(text: str) -> None:
    assert require_api_key(SERVICE, text, "revenuecat").reveal() == text.strip()


@pytest.mark.parametrize(
    ("text", "told"),
    [(None, "is required with tracker: revenuecat.")]
    + [(empty, "is given but empty (or STOREOPS_X is).") for empty in ("", " ")]
    + [(odd, "has characters that no API key has.") for odd in ("a b", "a\nb", "\u00e9", "a\x7f", "a\x1fb")],
)
def test_keys_that_no_header_can_carry(text: str | None, told: str) -> None:
    with pytest.raises(InputError) as caught:
        require_api_key(SERVICE, text, "trackers[1]")
    assert caught.value.option == "trackers[1].api_key" and caught.value.message.startswith(
        f"trackers[1].api_key: {told}"
    )
    assert caught.value.next_step == "Give a secret API key there or in the environment variable STOREOPS_X."
