# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notifications that are really sent: the request, what counts as delivered, when it is tried again."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from sim_support import BUNDLE_ID, PRODUCTION_ID, REFUND_DATE, SANDBOX_ID, KeyPair, Running, new_token

URL = "https://refunds.example.com/apple"
HOUR = 3_600_000
NOW = REFUND_DATE + 24 * HOUR
APP = f"/apps/{BUNDLE_ID}"


class Receiver(BaseHTTPRequestHandler):
    """Answers with the next status, the last one for ever; a status of 0 closes the connection instead."""

    statuses: ClassVar[list[int]] = []
    seen: ClassVar[list[tuple[str, str, dict[str, Any]]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.path, self.headers["Content-Type"], json.loads(body)))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status:
            self.send_response(status)
            self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver(sim: Running) -> Iterator[type[Receiver]]:
    """An app's V2 URLs, a route from them to a receiver, and the clock at the refund's next day."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    Receiver.statuses, Receiver.seen = [200], []
    versions = {f"subscription_status_url{name}": URL for name in ("", "_for_sandbox")}
    versions |= {f"subscription_status_url_version{name}": "V2" for name in ("", "_for_sandbox")}
    assert sim.control("PATCH", APP, versions).status_code == 200
    routes = [{"url": "https://refunds.example.com", "to": f"http://127.0.0.1:{server.server_port}/behind"}]
    assert sim.control("PUT", "/notification_routes", routes).status_code == 200
    assert sim.control("PUT", "/clock", {"frozen_at_ms": NOW}).status_code == 200
    try:
        yield Receiver
    finally:
        server.shutdown()
        server.server_close()


def refund(sim: Running, **more: object) -> dict[str, Any]:
    """Let Apple tell of a refund; give what the world has of it then."""
    entry = {"type": "REFUND", "signed_date": NOW, "transaction_id": PRODUCTION_ID, **more}
    answer = sim.control("POST", f"{APP}/notifications", entry)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()["notifications"][0]
    return told


def attempts(sim: Running) -> list[tuple[float, str, int | None]]:
    """Give the attempts of the only delivery: hours since the first, result, status."""
    (delivery,) = sim.control("GET", "/deliveries").json()["deliveries"]
    return [((each["date"] - NOW) / HOUR, each["result"], each["status"]) for each in delivery["attempts"]]


def test_a_notification_arrives_as_apple_sends_it(sim: Running, receiver: type[Receiver]) -> None:
    told = refund(sim)
    ((path, content_type, body),) = receiver.seen
    assert (path, content_type, list(body)) == ("/behind/apple", "application/json", ["signedPayload"])
    assert told["send_attempts"] == [{"date": NOW, "result": "SUCCESS"}]


def test_it_is_tried_again_after_1_12_24_48_and_72_hours(sim: Running, receiver: type[Receiver]) -> None:
    receiver.statuses = [503]
    refund(sim)
    for hours in (0.5, 1, 13, 500):
        sim.control("PUT", "/clock", {"frozen_at_ms": NOW + int(hours * HOUR)})
    failed = "UNSUCCESSFUL_HTTP_RESPONSE_CODE"
    assert attempts(sim) == [(hours, failed, 503) for hours in (0, 1, 13, 37, 85, 157)]
    assert len(receiver.seen) == 6
    assert sim.control("GET", "/deliveries").json()["deliveries"][0]["next_at"] is None


def test_it_ends_with_the_first_success(sim: Running, receiver: type[Receiver]) -> None:
    receiver.statuses = [0, 500, 200]
    refund(sim)
    sim.control("PUT", "/clock", {"frozen_at_ms": NOW + 500 * HOUR})
    assert [each[:2] for each in attempts(sim)] == [
        (0, "NO_RESPONSE"),
        (1, "UNSUCCESSFUL_HTTP_RESPONSE_CODE"),
        (13, "SUCCESS"),
    ]


@pytest.mark.parametrize(("environment", "transaction"), [("Production", PRODUCTION_ID), ("Sandbox", SANDBOX_ID)])
def test_neither_a_redirect_nor_the_sandbox_is_tried_again(
    sim: Running, receiver: type[Receiver], environment: str, transaction: str
) -> None:
    receiver.statuses = [302 if environment == "Production" else 503]
    refund(sim, type="REFUND_DECLINED", environment=environment, transaction_id=transaction)
    sim.control("PUT", "/clock", {"frozen_at_ms": NOW + 500 * HOUR})
    assert len(attempts(sim)) == 1


def test_without_a_route_nothing_is_sent_and_told_attempts_stay(sim: Running, receiver: type[Receiver]) -> None:
    told = [{"date": NOW, "result": "TIMED_OUT"}]
    assert refund(sim, send_attempts=told)["send_attempts"] == told
    sim.control("PUT", "/notification_routes", [])
    refund(sim)
    assert receiver.seen == [] and sim.control("GET", "/deliveries").json()["deliveries"] == []


def test_a_test_notification_is_sent_and_its_status_tells(
    sim: Running, receiver: type[Receiver], pair: KeyPair
) -> None:
    receiver.statuses = [404]
    headers = {"Authorization": f"Bearer {new_token(pair.private_pem)}"}
    url = f"{sim.base()}/inApps/v1/notifications/test"
    token = sim.session.post(url, headers=headers, timeout=120).json()["testNotificationToken"]
    status = sim.session.get(f"{url}/{token}", headers=headers, timeout=120).json()
    assert [each["sendAttemptResult"] for each in status["sendAttempts"]] == ["UNSUCCESSFUL_HTTP_RESPONSE_CODE"]
    assert [body["signedPayload"] for _path, _type, body in receiver.seen] == [status["signedPayload"]]
