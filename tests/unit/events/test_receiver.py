# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The receiver: nothing is believed before it is verified, nothing is said before it is stored."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import threading
import time
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest import mock

import pytest
import sqlalchemy
from events_support import APPLE_ID, BUNDLE_ID, NOW, Apple, declare, ledger_at

from ansible_collections.storeops.refunds.plugins.module_utils._ledger import schema
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.events import Consumer
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.explained import RowFault
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import (
    put_integration,
    remove_integration,
)
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError
from ansible_collections.storeops.refunds.plugins.module_utils._model.identifiers import Environment
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events import declared as declared_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events import intake as intake_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.declared import Declared
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.http_server import Limits
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.intake import Intake
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.receiver import Receiver
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.storing import store


@pytest.fixture(scope="module")
def apple() -> Apple:
    """The one whose root is trusted."""
    return Apple()


@dataclass
class Desk:
    """A ledger with one declared app, and an intake for it."""

    ledger: Ledger
    apple: Apple
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        declared = Declared(self.ledger, self.apple.root, time.monotonic)
        self.intake = Intake(declared, lambda: NOW, self.warnings.append)
        self.consumer = Consumer(self.ledger, "rules", "a")

    def take(self, *bodies: bytes) -> list[tuple[int, str]]:
        """Give status and reason of each."""
        return [(one.status, one.reason) for one in self.intake.keep([self.intake.judge(body) for body in bodies])]

    def count(self, name: str = "refunds") -> int:
        """Count the rows of a table."""
        with self.ledger.reading() as connection:
            table = getattr(schema, name)()
            return int(connection.execute(sqlalchemy.select(sqlalchemy.func.count()).select_from(table)).scalar_one())

    def events(self) -> list[dict[str, t.Any]]:
        """Give what waits for rules."""
        return [dict(one.body) for one in self.consumer.waiting(1000)]


@pytest.fixture
def desk(tmp_path: Path, apple: Apple) -> t.Iterator[Desk]:
    """A declared app, and a consumer that began before anything was signed."""
    ledger = ledger_at(f"sqlite:///{tmp_path}/ledger.db")
    declare(ledger)
    made = Desk(ledger, apple)
    assert made.consumer.claim(0)
    yield made
    ledger.close()


def test_a_sound_refund_is_stored_once_with_its_event(desk: Desk) -> None:
    body = desk.apple.body()
    assert desk.take(body, body) == [(200, "stored")] * 2
    assert desk.take(body) == [(200, "stored")]
    assert (desk.count(), desk.count("refund_notifications")) == (1, 1)
    (event,) = desk.events()
    assert (event["kind"], event["bundle_id"], event["amount_milliunits"]) == ("refund", BUNDLE_ID, -9990)
    assert "11111111-2222" not in json.dumps(event)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("REFUND_DECLINED", ["refund_declined"]),
        ("CONSUMPTION_REQUEST", ["consumption_request"]),
        ("SUBSCRIBED", []),
        ("TEST", []),
    ],
)
def test_other_types(desk: Desk, kind: str, expected: list[str]) -> None:
    more = {"consumptionRequestReason": "LEGAL"} if kind == "CONSUMPTION_REQUEST" else {}
    assert desk.take(desk.apple.body(kind, **more)) == [(200, "stored" if expected else "nothing_to_store")]
    assert [event["kind"] for event in desk.events()] == expected
    assert [event["request_reason"] for event in desk.events() if more] == ["LEGAL"] * len(more)


@pytest.mark.parametrize("fault", ["missing_oid", "missing_intermediate_oid", "short_chain", "wrong_root", "expired"])
def test_a_chain_with_a_fault_is_refused(desk: Desk, fault: str) -> None:
    ((status, _reason),) = desk.take(desk.apple.body(fault=fault))
    assert status == 400 and desk.count() == 0 and desk.events() == []


def test_a_forgery_signed_with_a_chain_of_its_own_is_refused(desk: Desk) -> None:
    assert desk.take(Apple().body()) == [(400, "wrong_root")]
    assert desk.count() == 0 and desk.events() == []


def test_a_payload_that_was_changed_is_refused(desk: Desk) -> None:
    payload = json.loads(desk.apple.body())["signedPayload"]
    head, _middle, signature = payload.split(".")
    other = json.loads(desk.apple.body(number=2))["signedPayload"].split(".")[1]
    ((status, reason),) = desk.take(json.dumps({"signedPayload": f"{head}.{other}.{signature}"}).encode())
    assert (status, reason) == (400, "tampered")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"{}", b'{"signedPayload": 1}', b'{"signedPayload": "a.b.c"}', b"\xff", b"[" * 50_000],
)
def test_what_is_no_notification_is_refused(desk: Desk, body: bytes) -> None:
    ((status, _reason),) = desk.take(body)
    assert status == 400


def test_an_app_that_nobody_declares_is_not_known(desk: Desk) -> None:
    assert desk.take(desk.apple.body(bundleId="com.example.other")) == [(404, "not_declared")]
    assert "com.example.other" in desk.warnings[0]
    # Anybody can post that, and must not fill the log.
    for number in [*range(150), *range(150)]:
        claimed = {"data": {"bundleId": f"com.example.n{number}", "environment": "Production"}}
        parts = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in ({}, claimed)]
        assert desk.take(json.dumps({"signedPayload": ".".join([*parts, "x"])}).encode()) == [(404, "not_declared")]
    assert len(desk.warnings) == 100


# What of ours is broken meanwhile.
BROKEN: dict[str, t.Callable[[], t.Any]] = {
    "nothing": contextlib.nullcontext,
    "ledger": lambda: mock.patch.object(intake_module, "store", side_effect=LedgerError("It is away.")),
    "row": lambda: mock.patch.object(intake_module, "store", side_effect=RowFault("Too large.")),
    "storing": lambda: mock.patch.object(intake_module, "store", side_effect=MemoryError()),
    "list": lambda: mock.patch.multiple(
        declared_module, _AGE_S=-1.0, list_integrations=mock.Mock(side_effect=LedgerError("It is away."))
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("declared", ["production", "sandbox"])
@pytest.mark.parametrize(
    ("fields", "reason", "is_sound"),
    [
        ({}, "stored", True),
        ({"kind": "TEST"}, "nothing_to_store", True),
        *[({"fault": one}, one, False) for one in ("missing_oid", "wrong_root", "expired")],
        ({"fault": "short_chain"}, "wrong_chain_length", False),
        ({"fault": "wrong_root", "appAppleId": 7}, "wrong_root", False),
        ({"appAppleId": 7}, "wrong_apple_id", True),
        ({"appAppleId": None}, "wrong_apple_id", True),
        ({"fault": "wrong_root", "appAppleId": ["1"]}, "wrong_root", False),
        ({"bundleVersion": ["1"], "appAppleId": ["1"]}, "unexpected_fields", True),
        ({"signedTransactionInfo": None}, "missing_transaction", True),
        ({"signedTransactionInfo": "of another app"}, "wrong_bundle_id", True),
    ],
)
def test_all_that_apple_signed_for_the_app_is_for_further_urls_too(
    desk: Desk, fields: dict[str, t.Any], reason: str, is_sound: bool, declared: Environment, broken: str
) -> None:
    if reason == "wrong_bundle_id":
        fields = {"signedTransactionInfo": desk.apple.chain.sign({"transactionId": "1", "bundleId": "com.example.b"})}
    if declared == "sandbox":
        identity = Identity("ledger", "", "sandbox", BUNDLE_ID)
        remove_integration(desk.ledger, replace(identity, environment="production"))
        put_integration(desk.ledger, Integration(identity, "issuer", "KEY", None, "Active", None, APPLE_ID), NOW)
    desk.intake.declared.all()
    body, seen = desk.apple.body(**fields), list[bytes]()
    with BROKEN[broken]():
        answer = desk.intake.judge(body).answer
        (status,), _receiver = received(desk, [body], forward=lambda given: not seen.append(given))
    assert seen == [body] * is_sound
    is_stored = reason == "stored" and declared == "production"
    assert not is_stored or status == (200 if broken in ("nothing", "list") else 503)
    assert answer.is_sound is is_sound and (answer.status == 400) is not is_sound
    told = "It is away." if broken == "list" and declared == "sandbox" else reason
    assert answer.reason == reason or (is_sound and (answer.is_for_others or told in "".join(desk.warnings)))


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"appAppleId": 7}, "wrong_apple_id"),
        ({"signedTransactionInfo": None}, "missing_transaction"),
        ({"signedTransactionInfo": "of another chain"}, "wrong_root"),
    ],
)
def test_what_apple_signed_and_we_cannot_use_comes_again(desk: Desk, fields: dict[str, t.Any], word: str) -> None:
    if word == "wrong_root":
        fields = {"signedTransactionInfo": Apple().chain.sign({"transactionId": "1", "bundleId": BUNDLE_ID})}
    seen: list[bytes] = []
    body = desk.apple.body(**fields)
    statuses, _receiver = received(desk, [body], forward=lambda given: not seen.append(given))
    assert statuses == [503] and word in "".join(desk.warnings) and desk.count() == 0
    # Who understands it gets it all the same.
    assert seen == [body]


def test_without_an_apple_id_nothing_can_be_verified(desk: Desk) -> None:
    declare(desk.ledger, app_apple_id=None)
    # Anybody can post that, as no signature is checked: it is told once.
    assert desk.take(*[Apple().body()] * 200) == [(503, "own_trouble")] * 200
    assert desk.take(desk.apple.body()) == [(503, "own_trouble")]
    (warning,) = desk.warnings
    assert BUNDLE_ID in warning and "app_apple_id" in warning


@pytest.mark.parametrize("error", [LedgerError("The ledger is away."), MemoryError()])
def test_trouble_before_a_signature_is_checked_is_told_once_and_again_when_it_comes_back(
    desk: Desk, error: Exception
) -> None:
    with mock.patch.object(Declared, "find", side_effect=error):
        assert desk.take(*[Apple().body()] * 20) == [(503, "own_trouble")] * 20
        assert len(desk.warnings) == 1
    assert desk.take(desk.apple.body()) == [(200, "stored")]
    with mock.patch.object(Declared, "find", side_effect=error):
        assert desk.take(desk.apple.body()) == [(503, "own_trouble")]
    assert len(desk.warnings) == 2


def test_trouble_with_the_ledger_is_ours_and_forgeries_stay_forgeries(desk: Desk) -> None:
    with mock.patch.object(intake_module, "store", side_effect=LedgerError("The disk is full.")):
        answers = desk.take(desk.apple.body(), Apple().body(), desk.apple.body("TEST"))
    assert [status for status, _reason in answers] == [503, 400, 503]
    assert desk.count() == 0 and "The disk is full." in desk.warnings[0]


def test_what_the_ledger_cannot_hold_fails_alone(desk: Desk) -> None:
    def picky(ledger: Ledger, told: t.Mapping[App, t.Sequence[t.Any]], *more: t.Any) -> None:
        if any(one.transaction_id == "2" for group in told.values() for one in group):
            raise RowFault("Too large.")
        store(ledger, told, *more)

    with mock.patch.object(intake_module, "store", picky):
        answers = desk.take(*(desk.apple.body(number=number) for number in (1, 2, 3)), Apple().body())
    assert [status for status, _reason in answers] == [200, 503, 200, 400] and desk.count() == 2


def test_the_accounts_token_is_hashed_and_only_when_asked_for(desk: Desk) -> None:
    token = "11111111-2222-3333-4444-555555555555"
    desk.take(desk.apple.body())
    asking = Intake(desk.intake.declared, lambda: NOW, desk.warnings.append, with_account=True)
    bodies = desk.apple.body(number=2), desk.apple.body("CONSUMPTION_REQUEST", number=3)
    asking.keep([asking.judge(body) for body in bodies])
    hashes = [event.get("account_token_sha256") for event in desk.events()]
    assert hashes == [None, *[hashlib.sha256(token.encode()).hexdigest()] * 2] and token not in str(desk.events())


def test_coverage_learns_that_there_is_a_url(desk: Desk) -> None:
    from ansible_collections.storeops.refunds.plugins.module_utils._ledger.coverage import find_coverage, put_coverage
    from ansible_collections.storeops.refunds.plugins.module_utils._model.coverage import begun

    app = App(desk.apple.root.source, "production", BUNDLE_ID)
    with desk.ledger.writing() as connection:
        put_coverage(connection, app, begun(None, 1000), NOW)
    desk.take(desk.apple.body())
    with desk.ledger.reading() as connection:
        held = find_coverage(connection, app)
    assert held is not None and held.known_from is not None and held.last_notification_at == held.known_from
    assert held.covered_until == 1000


def received(desk: Desk, bodies: list[bytes], **options: t.Any) -> tuple[list[int], Receiver]:
    """Post bodies at the same time."""

    async def work() -> tuple[list[int], Receiver]:
        receiver = Receiver(desk.intake, lambda: None, **options)
        try:
            return await asyncio.gather(*(receiver.receive(body) for body in bodies)), receiver
        finally:
            await receiver.close()

    return asyncio.run(work())


def test_many_at_a_time_are_all_stored(desk: Desk) -> None:
    statuses, _receiver = received(desk, [desk.apple.body(number=number) for number in range(1, 31)])
    assert statuses == [200] * 30 and desk.count() == 30


def test_however_long_the_disk_takes_all_that_came_meanwhile_is_one_transaction(desk: Desk) -> None:
    """So the disk sets how long an answer takes, and never how many there are in a second."""
    bodies = [desk.apple.body(number=number) for number in range(1, 122)]
    may_end, groups = threading.Event(), []

    def slow(*arguments: t.Any) -> None:
        groups.append(sum(len(told) for told in arguments[1].values()))
        assert may_end.wait(60)

    async def work() -> list[int]:
        receiver = Receiver(desk.intake, lambda: None)
        first = asyncio.create_task(receiver.receive(bodies[0]))
        while not groups:
            await asyncio.sleep(0.01)
        others = [asyncio.create_task(receiver.receive(body)) for body in bodies[1:]]
        # They are verified while the disk is busy.
        while len(receiver._waiting) < len(others):
            await asyncio.sleep(0.01)
        may_end.set()
        statuses = await asyncio.gather(first, *others)
        await receiver.close()
        return statuses

    with mock.patch.object(intake_module, "store", slow):
        assert asyncio.run(work()) == [200] * 121
    assert groups == [1, 120]


def test_the_queue_is_bounded(desk: Desk) -> None:
    statuses, receiver = received(desk, [desk.apple.body(number=n) for n in range(1, 9)], most_waiting=5)
    assert sorted(statuses) == [200] * 5 + [503] * 3 and receiver.counts["too_many_waiting"] == 3


def test_nobody_waits_for_ever(desk: Desk) -> None:
    with mock.patch.object(Intake, "keep", side_effect=MemoryError):
        assert received(desk, [desk.apple.body()])[0] == [503]


def test_the_environment_that_is_not_declared_is_for_further_urls_alone(desk: Desk) -> None:
    """Without a sandbox URL, Apple sends the sandbox's notifications to production's: others lose nothing."""
    seen: list[bytes] = []
    sandbox = {"environment": "Sandbox"}
    sound, forged = desk.apple.body(**sandbox), Apple().body(**sandbox)
    stranger = desk.apple.body(bundleId="com.example.other", **sandbox)
    statuses, _receiver = received(desk, [sound, forged, stranger], forward=lambda given: not seen.append(given))
    assert statuses == [200, 400, 404] and seen == [sound]
    assert desk.count() == 0 and desk.events() == []
    assert received(desk, [sound], forward=lambda given: False)[0] == [503]
    assert [BUNDLE_ID in text for text in desk.warnings] == [True, False]


@pytest.mark.parametrize("kind", ["REFUND", "CONSUMPTION_REQUEST", "SUBSCRIBED", "TEST"])
@pytest.mark.parametrize("declared", ["production", "sandbox"])
def test_an_environment_that_nobody_takes_is_not_delivered_and_told_once(
    tmp_path: Path, apple: Apple, declared: Environment, kind: str
) -> None:
    """200 to a test would prove a URL whose notifications are dropped."""
    ledger = ledger_at(f"sqlite:///{tmp_path}/ledger.db")
    identity = Identity("ledger", "", declared, BUNDLE_ID)
    put_integration(ledger, Integration(identity, "issuer", "KEY", None, "Active", None, APPLE_ID), NOW)
    made = Desk(ledger, apple)
    other = {"environment": "Sandbox" if declared == "production" else "Production"}
    # A forgery tells nobody of anything.
    assert made.take(Apple().body(kind, **other))[0][0] == 400 and made.warnings == []
    # Whatever undeclared apps anybody posts.
    for number in range(110):
        claimed = base64.urlsafe_b64encode(json.dumps({"data": {"bundleId": f"com.example.n{number}"}}).encode())
        made.take(json.dumps({"signedPayload": f"e30.{claimed.decode().rstrip('=')}.x"}).encode())
    assert len(made.warnings) == 100
    bodies = [apple.body(kind, number, **other) for number in (1, 2)]
    assert received(made, bodies)[0] == [404, 404]
    assert [other["environment"].lower() in text and BUNDLE_ID in text for text in made.warnings[100:]] == [True]
    assert received(made, bodies, forward=lambda given: True)[0] == [200, 200]
    assert received(made, bodies, forward=lambda given: False)[0] == [503, 503]
    assert len(made.warnings) == 101 and made.count() == 0
    ledger.close()


@pytest.mark.parametrize("number", [None, APPLE_ID])
@pytest.mark.parametrize("declared", ["production", "sandbox", "both"])
@pytest.mark.parametrize("sent", ["Production", "Sandbox"])
def test_where_the_apple_id_is_missing_production_is_our_trouble(
    tmp_path: Path, apple: Apple, sent: str, declared: str, number: int | None
) -> None:
    ledger = ledger_at(f"sqlite:///{tmp_path}/ledger.db")
    made, seen = Desk(ledger, apple), list[bytes]()
    places: t.Any = ("production", "sandbox") if declared == "both" else (declared,)
    for place in places:
        identity = Identity("ledger", "", place, BUNDLE_ID)
        put_integration(ledger, Integration(identity, "issuer", "KEY", None, "Active", None, number), NOW)
    is_verifiable, is_declared = sent == "Sandbox" or number is not None, sent.lower() in places
    body = apple.body("TEST", environment=sent)
    wanted = (200, "nothing_to_store") if is_declared else (404, "not_declared")
    assert made.take(body) == [wanted if is_verifiable else (503, "own_trouble")]
    assert received(made, [body], forward=lambda given: not seen.append(given))[0] == [200 if is_verifiable else 503]
    assert seen == [body] * is_verifiable
    assert ["has no app_apple_id" in text for text in made.warnings] == [not is_verifiable] * (
        not is_verifiable or not is_declared
    )
    if sent == "Production" and number is not None:
        assert made.take(apple.body("TEST", appAppleId=7))[0][0] == (503 if is_declared else 404)
    ledger.close()


@pytest.mark.parametrize("is_taken", [True, False])
def test_further_urls_get_the_untouched_body_of_what_is_sound(desk: Desk, is_taken: bool) -> None:
    seen: list[bytes] = []

    def forward(body: bytes) -> bool:
        seen.append(body)
        return is_taken

    bodies = [desk.apple.body(), Apple().body(number=2), desk.apple.body("SUBSCRIBED")]
    statuses, _receiver = received(desk, bodies, forward=forward)
    assert sorted(seen) == sorted([bodies[0], bodies[2]])
    # It is stored in any case; Apple's next attempt is for the others.
    assert statuses == [200 if is_taken else 503, 400, 200 if is_taken else 503] and desk.count() == 1


def test_none_waits_for_its_turn_to_be_forwarded(desk: Desk) -> None:
    """A silent URL holds each one up as long as it may: those of all connections at the same time."""
    all_there = threading.Barrier(Limits.connections)

    def forward(_body: bytes) -> bool:
        all_there.wait(120)
        return True

    statuses, _receiver = received(desk, [desk.apple.body("TEST")] * Limits.connections, forward=forward)
    assert statuses == [200] * Limits.connections


def test_what_was_declared_since_the_ledger_was_read_is_ours_to_answer_for(desk: Desk) -> None:
    """Nobody knows what a ledger that can't be read declares by now, and it isn't asked for each notification."""
    desk.intake.declared.all()
    tries = mock.Mock(side_effect=LedgerError("It is away."))
    bodies = [desk.apple.body(environment="Sandbox"), desk.apple.body(bundleId="com.example.new")]
    with mock.patch.multiple(declared_module, _AGE_OF_UNKNOWN_S=-1.0, list_integrations=tries):
        answers = [desk.intake.judge(body).answer for body in bodies * 5]
    assert {answer.status for answer in answers} == {503} and tries.call_count == 1
    assert [answer.is_sound for answer in answers[:2]] == [True, False]
    assert desk.take(desk.apple.body()) == [(200, "stored")]


def test_what_waits_for_a_ledger_keeps_no_requests_in_memory(desk: Desk) -> None:
    with mock.patch.multiple(declared_module, list_integrations=mock.Mock(side_effect=LedgerError("It is away."))):
        for number in range(50):
            assert desk.intake.judge(desk.apple.body(bundleId=f"com.example.n{number}")).answer.status == 503
    frames, trace = 0, desk.intake.declared.failure.__traceback__ if desk.intake.declared.failure else None
    while trace:
        frames, trace = frames + 1, trace.tb_next
    assert 0 < frames < 20
