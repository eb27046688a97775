# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the credential check makes of a sequence of Apple's answers, a clock that is wrong included. No call is made."""

from __future__ import annotations

import typing as t
from email.utils import formatdate

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_server import Answer, Hosts
from ansible_collections.storeops.refunds.plugins.module_utils._apple.credential_check import CredentialCheck
from ansible_collections.storeops.refunds.plugins.module_utils._http_errors import NotAsked
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import TransportError
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Credentials
from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import Verdict

NOW = 1_800_000_000.0
JSON = "application/json"


def answer(status: int, document: t.Any = None, kind: str = JSON, ahead: float = 0.0) -> Answer:
    """An answer; ``ahead``: by how many seconds this machine's clock is ahead of Apple's."""
    return Answer(status, document, kind, formatdate(NOW - ahead, usegmt=True), f"request {status}")


FOUND = answer(200, {"signedTransactionInfo": "a.b.c"})
NOT_FOUND = answer(404, {"errorCode": 4040010})
NO_APP = answer(404, {"errorCode": 4040003})
REFUSED = answer(401, None, "text/plain")
LIMITED = answer(429, {"errorCode": 4290000})
BROKEN = answer(503, None, "text/html")
PORTAL = answer(401, None, "text/html")
ODD = answer(200, {"hello": 1})
LOST = TransportError("timeout", "No answer.", "")


def off(seconds: float) -> Answer:
    """A refusal, seen by a machine whose clock is off."""
    return answer(401, None, "text/plain", seconds)


class Server:
    """Gives prepared answers, and keeps what it was asked."""

    def __init__(self, answers: t.Sequence[Answer | TransportError], hosts: Hosts) -> None:
        self.answers = list(answers)
        self.hosts = hosts
        self.asked: list[tuple[str, float]] = []

    def now(self) -> float:
        """This machine's clock."""
        return NOW

    def get_transaction_info(self, _key: object, app: str, environment: str, clock_offset: float = 0.0) -> Answer:
        """Give the next answer."""
        assert app == "com.example.one"
        self.asked.append((environment, clock_offset))
        given = self.answers.pop(0)
        if isinstance(given, TransportError):
            raise given
        return given


def check(
    *answers: Answer | TransportError, environment: t.Any = "production", hosts: Hosts | None = None
) -> tuple[str, Server]:
    """Check, and give the cause and what was asked."""
    server = Server(answers, hosts or Hosts())
    credentials = t.cast(Credentials, t.NamedTuple("Key", [("path", t.Any)])(None))
    verdict = CredentialCheck(t.cast(t.Any, server)).check(credentials, "com.example.one", environment)
    assert verdict.accepted is (verdict.cause == "accepted")
    assert verdict.environment == environment
    # The answer that decided: the refusal itself where only the clock was wrong, and where only the sandbox accepts.
    last = answers[0 if verdict.cause == "clock_skew" else min(len(server.asked), 2) - 1]
    deciding = last if isinstance(last, Answer) else None
    assert verdict.http_status == (deciding.status if deciding else None)
    assert verdict.error_code == (deciding.error_code if deciding else None)
    assert verdict.request_id == (deciding.request_id if deciding else None)
    assert verdict.checked_at == "2027-01-15T08:00:00Z"
    if verdict.cause == "service_unavailable":
        assert str(verdict.http_status) in verdict.hint
    return verdict.cause, server


@pytest.mark.parametrize(
    ("first", "cause"),
    [
        (FOUND, "accepted"),
        (NOT_FOUND, "accepted"),
        (NO_APP, "unexpected_response"),
        (ODD, "unexpected_response"),
        (PORTAL, "unexpected_response"),
        (LIMITED, "rate_limited"),
        (BROKEN, "service_unavailable"),
        (answer(500, {"errorCode": 5000001}), "service_unavailable"),
        (answer(499), "unexpected_response"),
        (LOST, "unreachable"),
    ],
)
def test_one_answer_is_enough(first: Answer | TransportError, cause: str) -> None:
    found, server = check(first)
    assert (found, server.asked) == (cause, [("production", 0.0)])


@pytest.mark.parametrize(
    ("second", "cause"),
    [
        (NOT_FOUND, "accepted"),
        (LIMITED, "rate_limited"),
        (BROKEN, "service_unavailable"),
        (NO_APP, "unexpected_response"),
        (LOST, "unreachable"),
    ],
)
def test_a_refusal_is_looked_at_twice(second: Answer | TransportError, cause: str) -> None:
    assert check(REFUSED, second)[0] == cause


@pytest.mark.parametrize("ahead", [56.0, 3600.0, -296.0, -86_400.0])
@pytest.mark.parametrize(
    ("second", "cause"),
    [
        (NOT_FOUND, "clock_skew"),
        (FOUND, "clock_skew"),
        (LIMITED, "rate_limited"),
        (BROKEN, "service_unavailable"),
        (ODD, "unexpected_response"),
        (NO_APP, "unexpected_response"),
    ],
)
def test_a_wrong_clock_is_named_only_where_apples_own_time_was_accepted(
    second: Answer, cause: str, ahead: float
) -> None:
    found, server = check(off(ahead), second)
    assert (found, server.asked) == (cause, [("production", 0.0), ("production", -ahead)])


@pytest.mark.parametrize("ahead", [0.0, 55.0, -295.0])
def test_a_clock_that_is_off_by_less_explains_nothing(ahead: float) -> None:
    found, server = check(off(ahead), NOT_FOUND)
    assert (found, server.asked) == ("accepted", [("production", 0.0), ("production", 0.0)])


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 99 Foo 2026 00:00:00 GMT", "Fri, 01 Jan 99999 00:00:00 GMT"])
def test_an_answer_without_a_date(date: str) -> None:
    assert check(Answer(401, None, "text/plain", date, None), NOT_FOUND)[0] == "accepted"


@pytest.mark.parametrize(
    ("sandbox", "cause"),
    [
        (NOT_FOUND, "app_not_released"),
        (FOUND, "app_not_released"),
        (REFUSED, "unauthenticated"),
        (LIMITED, "unauthenticated"),
        (BROKEN, "unauthenticated"),
        (NO_APP, "unauthenticated"),
        (LOST, "unauthenticated"),
    ],
)
def test_the_sandbox_is_asked_last(sandbox: Answer | TransportError, cause: str) -> None:
    found, server = check(REFUSED, REFUSED, sandbox)
    assert (found, [place for place, _offset in server.asked]) == (cause, ["production", "production", "sandbox"])


@pytest.mark.parametrize(
    ("environment", "hosts"), [("sandbox", Hosts()), ("production", Hosts("https://apple.example"))]
)
def test_where_the_sandbox_is_not_asked(environment: str, hosts: Hosts) -> None:
    found, server = check(REFUSED, REFUSED, environment=environment, hosts=hosts)
    assert (found, len(server.asked)) == ("unauthenticated", 2)


@pytest.mark.parametrize(
    ("answers", "url", "is_half", "sandbox_accepts", "other_host", "word"),
    [
        ((REFUSED, REFUSED, LOST), None, True, False, "", "didn't answer"),
        ((REFUSED, REFUSED, BROKEN), None, True, False, "", "didn't answer"),
        ((REFUSED, REFUSED, REFUSED), None, False, False, "", "until then"),
        ((REFUSED, REFUSED, FOUND), None, False, True, "", "most likely"),
        ((REFUSED, REFUSED), "http://127.0.0.1:8765/x", False, False, "127.0.0.1:8765", "until then"),
        ((REFUSED, REFUSED, REFUSED), "https://proxy.example/{environment}", False, False, "proxy.example", ""),
        ((REFUSED, REFUSED), "https://api.storekit.apple.com", False, False, "", "until then"),
    ],
)
def test_a_refusal_says_who_refused_and_what_the_sandbox_said(
    answers: t.Any, url: str | None, is_half: bool, sandbox_accepts: bool, other_host: str, word: str
) -> None:
    server = Server(answers, Hosts(url))
    credentials = t.cast(Credentials, t.NamedTuple("Key", [("path", t.Any)])(None))
    verdict = CredentialCheck(t.cast(t.Any, server)).check(credentials, "com.example.one", "production")
    found = (verdict.is_half, verdict.sandbox_accepts, verdict.other_host)
    assert found == (is_half, sandbox_accepts, other_host) and word in verdict.hint


@pytest.mark.parametrize(
    "answers", [(NotAsked("deadline", "No time.", "Wait."),), (REFUSED, NotAsked("x", "No time."))]
)
def test_a_check_that_was_not_made_has_no_time(answers: t.Any) -> None:
    credentials = t.cast(Credentials, t.NamedTuple("Key", [("path", t.Any)])(None))
    server = Server(answers, Hosts())
    verdict = CredentialCheck(t.cast(t.Any, server)).check(credentials, "com.example.one", "production")
    assert verdict == Verdict("unreachable", str(answers[-1]), "production")


def test_a_check_without_an_answer_says_why() -> None:
    server = Server((LOST,), Hosts())
    credentials = t.cast(Credentials, t.NamedTuple("Key", [("path", t.Any)])(None))
    verdict = CredentialCheck(t.cast(t.Any, server)).check(credentials, "com.example.one", "production")
    assert (verdict.cause, verdict.hint) == ("unreachable", "No answer.")
