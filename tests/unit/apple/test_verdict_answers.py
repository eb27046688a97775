# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verdicts on answers that Apple never gave, and what the other apps of a key tell."""

from __future__ import annotations

import time
import typing as t

import pytest
from unit_servers import Canned, scripted
from unit_support import BUNDLE_ID, ISSUER, KEY_ID

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_server import AppStoreServer, Hosts
from ansible_collections.storeops.refunds.plugins.module_utils._apple.credential_check import (
    CredentialCheck,
)
from ansible_collections.storeops.refunds.plugins.module_utils._decisions.refusal import infer_across_apps
from ansible_collections.storeops.refunds.plugins.module_utils._http import HttpSettings, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Credentials
from ansible_collections.storeops.refunds.plugins.module_utils._model.private_key import parse_content
from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import CAUSES, Cause, Verdict

NOT_FOUND = b'{"errorCode":4040010,"errorMessage":"Transaction id not found."}'
HTML = {"Content-Type": "text/html; charset=utf-8"}
FOUND = b'{"signedTransactionInfo":"a.b.c"}'


def check(pem: str, *answers: Canned) -> Verdict:
    """Check against a server that gives these answers."""
    with scripted(*answers) as server:
        transport = Transport(HttpSettings(), jitter=lambda: 0.0)
        made = CredentialCheck(AppStoreServer(transport, Hosts(server.url), time.time))
        return made.check(Credentials(ISSUER, KEY_ID, parse_content(pem)), BUNDLE_ID, "production")


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (Canned(404, {}, NOT_FOUND), "accepted"),
        (Canned(404, HTML, NOT_FOUND), "accepted"),
        (Canned(200, {}, FOUND), "accepted"),
        (Canned(200, {}, b"{}"), "unexpected_response"),
        (Canned(200, {}, b'{"signedTransactionInfo": null}'), "unexpected_response"),
        (Canned(200, {}, b"[]"), "unexpected_response"),
        (Canned(200, {}, b"null"), "unexpected_response"),
        (Canned(200, {}, b"\xff\xfe"), "unexpected_response"),
        (Canned(200, {}, b""), "unexpected_response"),
        (Canned(200, HTML, b"<html>Sign in</html>"), "unexpected_response"),
        (Canned(200, {}, b"[" * 200_000), "unexpected_response"),
        (Canned(200, {}, b'{"a":' * 200_000), "unexpected_response"),
        (Canned(404, {}, b'{"errorCode":' + b"9" * 5000 + b"}"), "unexpected_response"),
        (Canned(200, {}, NOT_FOUND), "unexpected_response"),
        (Canned(404, {}, b'{"errorCode":4040001}'), "unexpected_response"),
        (Canned(404, {}, b'{"errorCode":"4040010"}'), "unexpected_response"),
        (Canned(404, {}, b'{"errorCode":true}'), "unexpected_response"),
        (Canned(404, {}, b'[{"errorCode":4040010}]'), "unexpected_response"),
        (Canned(404, HTML, b"<html>Not found</html>"), "unexpected_response"),
        (Canned(400, {}, b'{"errorCode":4000006}'), "unexpected_response"),
        (Canned(403, {}, b'{"errorCode":4030000}'), "unexpected_response"),
        (Canned(403, HTML, b"<html>Forbidden</html>"), "unexpected_response"),
        (Canned(401, HTML, b"<html>Proxy login</html>"), "unexpected_response"),
        (Canned(401, HTML, b"Unauthenticated\n\nRequest ID: ABCDEFGH23.0.0\n"), "unauthenticated"),
        (Canned(401, HTML | {"x-apple-request-uuid": "11-aa"}, b"<html>Proxy login</html>"), "unexpected_response"),
        (Canned(407, HTML, b""), "unexpected_response"),
        (Canned(204, {}, b""), "unexpected_response"),
        (Canned(301, {"Location": "https://x.invalid"}, b""), "unexpected_response"),
        (Canned(401, {"Content-Type": "text/plain"}, b"Unauthenticated"), "unauthenticated"),
        (Canned(401, {"Content-Type": ""}, b""), "unauthenticated"),
        (Canned(401, {"Date": "no date"}, b""), "unauthenticated"),
    ],
)
def test_answers(pem: str, answer: Canned, cause: str) -> None:
    verdict = check(pem, answer)
    assert verdict.cause == cause
    assert verdict.http_status == answer.status
    assert "<html>" not in verdict.hint and "None" not in verdict.hint and verdict.hint
    if cause == "unexpected_response":
        # A code that this check doesn't know is Apple's; all else is another's.
        is_apples = answer.body in (NOT_FOUND, *(b'{"errorCode":%d}' % code for code in (4040001, 4000006, 4030000)))
        assert ("Please report it." in verdict.hint) is is_apples
        between = "something in between answered (a proxy, a captive portal), or app_store_server_url is wrong."
        assert verdict.hint.endswith(between) is not is_apples
        assert ("redirect" in verdict.hint) is (answer.status == 301)


@pytest.mark.parametrize(
    ("second", "cause"),
    [
        (Canned(404, {}, NOT_FOUND), "accepted"),
        (Canned(429, {"Retry-After": "9999"}), "rate_limited"),
        (Canned(501), "service_unavailable"),
        (Canned(200, HTML, b"<html>"), "unexpected_response"),
    ],
)
def test_after_a_401_the_second_answer_decides(pem: str, second: Canned, cause: str) -> None:
    assert check(pem, Canned(401, {"Content-Type": "text/plain"}), second).cause == cause


@pytest.mark.parametrize("code", [4040002, 4040004, 4040006])
def test_what_apple_calls_retryable_is_asked_again(pem: str, code: int) -> None:
    passing = Canned(404, {}, b'{"errorCode":%d}' % code)
    assert check(pem, passing, Canned(404, {}, NOT_FOUND)).cause == "accepted"
    assert check(pem, passing).cause == "service_unavailable"


@pytest.mark.parametrize(
    ("answer", "request_id"),
    [
        (
            Canned(401, {"Content-Type": "text/plain"}, b"Unauthenticated\n\nRequest ID: ABCDEFGH23.0.0\n"),
            "ABCDEFGH23.0.0",
        ),
        (Canned(404, {"x-apple-request-uuid": "11-aa"}, NOT_FOUND), "11-aa"),
        (Canned(404, {"x-apple-jingle-correlation-key": "KEY"}, NOT_FOUND), "KEY"),
        (Canned(404, {"x-apple-request-uuid": "a<b>\tc" + "d" * 99}, NOT_FOUND), "abc" + "d" * 61),
        (Canned(404, {}, NOT_FOUND), None),
    ],
)
def test_the_request_id(pem: str, answer: Canned, request_id: str | None) -> None:
    assert check(pem, answer).request_id == request_id


def test_the_list_of_causes_is_closed() -> None:
    documented = {"accepted", "key_unreadable", "key_wrong_kind", "key_id_mismatch", "clock_skew", "app_not_released"}
    documented |= {"unauthenticated", "rate_limited", "service_unavailable", "unreachable", "unexpected_response"}
    assert set(CAUSES) == documented | {"not_checked", "key_not_yet_created"}
    assert len(CAUSES) == len(set(CAUSES))


KEY_A, KEY_B = (ISSUER, "AAAAAAAAAA", "f1"), (ISSUER, "BBBBBBBBBB", "f2")


def _verdict(cause: Cause) -> Verdict:
    return Verdict(cause, "Hint.", "production", sandbox_accepts=cause == "app_not_released")


def infer(*given: tuple[tuple[str, ...], Cause]) -> list[str]:
    """Give the hints after inference; causes stay and the order is kept."""
    verdicts = [(key, _verdict(cause)) for key, cause in given]
    result = infer_across_apps(verdicts)
    assert [verdict.cause for verdict in result] == [cause for _key, cause in given]
    assert all(verdict.hint.endswith("Hint.") for verdict in result)
    return [verdict.hint.removesuffix("Hint.").strip() for verdict in result]


class Looked(Verdict):
    """Counts how often it is looked at."""

    times: t.ClassVar[list[int]] = []

    @property
    def accepted(self) -> bool:
        self.times.append(1)
        return super().accepted


def test_a_large_list_is_counted_once() -> None:
    Looked.times.clear()
    infer_across_apps([(KEY_A, Looked("unauthenticated", "Hint.", "production")) for _number in range(300)])
    assert 300 <= len(Looked.times) <= 3 * 300


def test_a_key_refused_for_all_its_apps() -> None:
    hints = infer((KEY_A, "unauthenticated"), (KEY_B, "accepted"), (KEY_A, "unauthenticated"))
    assert hints[1] == ""
    for hint in (hints[0], hints[2]):
        assert "AAAAAAAAAA is refused for both apps" in hint and ISSUER in hint and "revoked" in hint


@pytest.mark.parametrize("works", ["accepted", "app_not_released"])
def test_one_refused_app_among_many(works: Cause) -> None:
    hints = infer((KEY_A, works), (KEY_A, "unauthenticated"), (KEY_A, works))
    assert hints[::2] == ["", ""]
    assert "works for 2 of 3 apps" in hints[1] and "bundle ID (capitals)" in hints[1]


def test_a_key_that_the_sandbox_accepts_is_never_blamed() -> None:
    """An outage of production, met by apps that it accepted before: refused there, accepted by the sandbox."""
    met = Verdict("unauthenticated", "Hint.", "production", sandbox_accepts=True)
    assert infer_across_apps([(KEY_A, met), (KEY_A, met)]) == [met, met]
    others = infer_across_apps([(KEY_A, met), (KEY_A, _verdict("unauthenticated"))])
    assert "works for 1 of 2 apps" in others[1].hint and "revoked" not in others[1].hint


def test_what_allows_no_inference() -> None:
    assert infer((KEY_A, "unauthenticated"), (KEY_B, "accepted")) == ["", ""]
    assert infer((KEY_A, "unauthenticated"), (KEY_A, "unreachable")) == ["", ""]
    assert infer() == []
