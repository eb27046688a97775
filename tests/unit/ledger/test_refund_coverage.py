# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing that was not read, not verified or not kept by Apple counts as read, and every run gets further."""

from __future__ import annotations

import json
import threading
import typing as t
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
from refund_support import DAY, TODAY, Desk, split_into_months
from unit_servers import Simulator
from unit_support import BUNDLE_ID, Outcome, run_task

from ansible_collections.storeops.refunds.plugins.module_utils import _run
from ansible_collections.storeops.refunds.plugins.module_utils._apple import notification_history
from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_record import AppRecord
from ansible_collections.storeops.refunds.plugins.module_utils._http import Transport
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._model.coverage import (
    NotificationUrl,
    Window,
    begun,
    heard,
    known_gaps,
    proven,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import RefundsError, TransportError
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_info, refund_ledger
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds.refund_sources import notification_url


@pytest.fixture
def desk(sim: Simulator, tmp_path: Path) -> Desk:
    """An app with an Active integration, and nothing told yet."""
    made = Desk(sim, tmp_path, f"sqlite:///{tmp_path}/ledger.db")
    made.prepare()
    return made


def run_with(desk: Desk, url: NotificationUrl, now: int = TODAY, **options: t.Any) -> Outcome:
    """Run when App Store Connect says something about the notification URL."""
    desk.move_to(now)
    with mock.patch.object(refund_ledger, "notification_url", lambda *_: url):
        return desk.run(now=now, **options)


def ask(desk: Desk, now: int = TODAY, **options: t.Any) -> dict[str, t.Any]:
    """Ask the ledger."""
    given = {"ledger": {"url": desk.url}, "root_certificate_path": str(desk.folder / "root.pem"), **options}
    with mock.patch.object(_run, "time", SimpleNamespace(time=lambda: now / 1000)):
        return run_task(refund_info.TASK, {"bundle_id": BUNDLE_ID, **given}).results


class TestQuarantine:
    """What could not be verified is read again as long as Apple has it, and named when not."""

    def test_every_window_is_read_again(self, desk: Desk) -> None:
        for days in (170, 120, 60, 30, 3):
            desk.refund(-days, f"20000000000000{days:03}")
        told, done = (desk.run(check_mode=mode, app_apple_id=999).results for mode in (True, False))
        assert told["coverage"] == done["coverage"] and done["refunds"]["quarantined"] == 5
        assert done["coverage"]["covered_until"] < "2025-04-23" and done["coverage"]["gaps"] == []
        done = desk.run().results
        assert done["refunds"]["new"] == done["refunds"]["released"] == 5
        assert (done["coverage"]["state"], done["coverage"]["covered_from"]) == ("complete", "2025-04-13T08:53:20Z")

    def test_no_gap_where_apple_still_reaches(self, desk: Desk) -> None:
        desk.refund(-40, "2000000000000040")
        desk.move_to(TODAY - 30 * DAY)
        desk.run(now=TODAY - 30 * DAY)
        desk.refund(-29, "2000000000000029", fault="tampered")
        desk.refund(-10, "2000000000000010")
        desk.move_to(TODAY)
        for _run_number in range(2):
            coverage = desk.run().results["coverage"]
            assert coverage["gaps"] == [] and coverage["covered_until"] < "2025-09-11"
        assert len(desk.rows()) == 2

    def test_trouble_in_the_overlap_stops_the_covered_time(self, desk: Desk) -> None:
        desk.refund(-30)
        covered = desk.run().results["coverage"]["covered_until"]
        desk.refund(-6, "2000000000000002", fault="tampered")
        desk.refund(15, "2000000000000003")
        desk.move_to(TODAY + 20 * DAY)
        coverage = desk.run(now=TODAY + 20 * DAY).results["coverage"]
        assert coverage["covered_until"] == covered and coverage["gaps"] == []

    def test_what_leaves_apples_reach_is_a_gap(self, desk: Desk) -> None:
        desk.refund(-172, fault="tampered")
        desk.refund(-3, "2000000000000002")
        desk.run()
        later = TODAY + 30 * DAY
        desk.move_to(later)
        told, done = (desk.run(check_mode=mode, now=later).results for mode in (True, False))
        assert told["coverage"] == done["coverage"] and told["refunds"] == done["refunds"]
        coverage = done["coverage"]
        assert (
            coverage["quarantined"] == 0 and desk.rows("refund_quarantine") == [] and done["refunds"]["released"] == 1
        )
        # Only the window of that payload, and nothing that was read.
        (row,) = desk.rows("refund_coverage")
        ((start, end),) = json.loads(row["gaps"])
        assert TODAY - 179 * DAY < start < TODAY - 172 * DAY < end <= TODAY - 165 * DAY
        assert coverage["covered_until"] == "2025-11-08T08:53:20Z" and not desk.run(now=later).results["changed"]


class TestProgress:
    """A run that is stopped early leaves less to the next."""

    def test_a_later_run_goes_on_where_the_first_was_stopped(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        desk.refund(-175)
        split_into_months(monkeypatch)
        send, calls = Transport.send, iter(range(1000))

        def broken(self: Transport, call: t.Any) -> t.Any:
            if next(calls) >= 9:
                raise TransportError("deadline", "no answer.", "Raise deadline.")
            return send(self, call)

        monkeypatch.setattr(Transport, "send", broken)
        first = desk.run(concurrency=1).results
        assert first["failed"] and first["window"]["from"] == "2025-04-13T08:53:20Z"
        monkeypatch.undo()
        second = desk.run().results
        assert second["window"]["from"] == first["window"]["until"] and second["coverage"]["gaps"] == []

    def test_a_notification_that_came_late_is_found_after_a_stopped_run(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk.refund(-30)
        desk.run()
        desk.refund(-1, "2000000000000002", send_attempts=[{"date": TODAY + 5 * DAY}])
        monkeypatch.setattr(Transport, "send", mock.Mock(side_effect=TransportError("timeout", "no.", "Wait.")))
        for day in range(1, 5):
            desk.run(now=TODAY + day * DAY)
        monkeypatch.undo()
        desk.move_to(TODAY + 6 * DAY)
        assert desk.run(now=TODAY + 6 * DAY).results["refunds"]["new"] == 1


class TestKnown:
    """Apple keeps a history only while there is a URL."""

    def test_before_the_first_notification_nothing_is_complete(self, desk: Desk) -> None:
        desk.refund(-3)
        coverage = desk.run().results["coverage"]
        assert (coverage["state"], coverage["known_from"]) == ("complete", "2025-10-06T08:53:20Z")
        before = ask(desk, since="2025-05-01", until="2025-08-01")
        assert before["total"] == 0 and not before["complete"] and before["coverage"][0]["state"] == "unknown"
        assert ask(desk)["complete"] and ask(desk, since="2025-10-07")["complete"]
        assert not ask(desk, since="2025-10-06")["complete"]
        assert ask(desk)["coverage"][0]["known_from"] == coverage["known_from"]

    def test_after_the_last_notification_nothing_is_complete_for_long(self, desk: Desk) -> None:
        """The notification URL may be gone since, and then Apple's history is empty whatever is refunded."""
        desk.refund(-100)
        done = desk.run()
        coverage = done.results["coverage"]
        assert (coverage["state"], coverage["known_until"]) == ("incomplete", "2025-07-08T08:53:20Z")
        assert any("Known until 2025-07-08T08:53:20Z only" in warning for warning in done.warnings)
        last_month = ask(desk, since="2025-09-09")
        assert last_month["total"] == 0 and last_month["complete"] is False
        assert last_month["coverage"][0]["state"] == "unknown"
        assert ask(desk, until="2025-07-05")["complete"]
        told = run_with(desk, "V2", TODAY + DAY).results["coverage"]
        assert told["state"] == "complete" and ask(desk, now=TODAY + DAY, since="2025-09-09")["complete"]

    def test_a_run_that_heard_none_is_remembered(self, desk: Desk) -> None:
        desk.refund(-100)
        desk.refund(-3, "2000000000000002")
        none = run_with(desk, "none").results
        assert none["refunds"]["new"] == 2 and none["coverage"]["state"] == "unknown" and none["coverage"]["gaps"] == []
        desk.move_to(TODAY + DAY)
        later = desk.run(now=TODAY + DAY).results["coverage"]
        assert later["state"] == "unknown" and "No notification URL" in later["reason"]
        # What was told before stays known; what was not told since is a gap once there is a URL again.
        assert ask(desk, now=TODAY + DAY, until="2025-10-01")["complete"]
        again = run_with(desk, "V2", TODAY + 2 * DAY).results["coverage"]
        assert again["state"] == "incomplete" and again["covered_from"] == "2025-04-13T08:53:20Z"
        assert again["gaps"] == [{"from": "2025-10-06T08:53:20Z", "until": "2025-10-11T08:53:20Z"}]

    def test_none_and_then_v2_read_the_quarantine_again(self, desk: Desk) -> None:
        desk.refund(-50, fault="wrong_root")
        none = run_with(desk, "none").results["coverage"]
        assert none["covered_until"] < "2025-08-20T08:53:20Z" and none["quarantined"] == 1
        second = run_with(desk, "V2", TODAY + DAY).results
        assert second["window"]["from"] < "2025-08-20T08:53:20Z" and second["coverage"]["quarantined"] == 1

    def test_an_older_notification_does_not_undo_that_there_was_none(self) -> None:
        held = heard(begun(None, 0), "none", 100)
        held = proven(held, [150])
        assert held.known_from == 150 and known_gaps(held) == ()
        held = proven(held, [50])
        assert held.known_from == 50 and known_gaps(held) == (Window(50, 150),)

    def test_the_sandbox_has_the_url_of_production(self) -> None:
        record = AppRecord(1, "com.example.one", None, None, "https://example.com/n", "V2")
        assert notification_url(record, "sandbox") == notification_url(record, "production") == "V2"
        own = replace(record, sandbox_notification_url="x", sandbox_notification_url_version="V1")
        assert notification_url(own, "sandbox") == "V1" and notification_url(own, "production") == "V2"
        alone = replace(own, notification_url=None)
        assert notification_url(alone, "production") == "none" and notification_url(None, "sandbox") == "unasked"


@pytest.fixture
def other_server() -> t.Iterator[t.Callable[[t.Callable[[], object]], str]]:
    """Start a server that answers every POST with a JSON document and status 200; give its URL."""
    servers: list[ThreadingHTTPServer] = []

    def serve(document: t.Callable[[], object]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                body = json.dumps(document()).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


Serve = t.Callable[[t.Callable[[], object]], str]
ITEM = {"signedPayload": "a.b.c"}


class TestOtherAnswers:
    """Only Apple's pages are pages."""

    @pytest.mark.parametrize(
        "document",
        [
            {},
            {"status": "ok"},
            {"errorCode": 5000000, "errorMessage": "x", "hasMore": False},
            {"notificationHistory": []},
            {"notificationHistory": [], "hasMore": "false"},
            {"hasMore": True, "paginationToken": "a"},
            {"notificationHistory": [ITEM] * 101, "hasMore": False},
        ],
    )
    def test_no_page(self, desk: Desk, other_server: Serve, document: object) -> None:
        results = desk.run(app_store_server_url=other_server(lambda: document)).results
        assert results["failed"] and results["coverage"]["state"] == "never" and desk.rows("refund_coverage") == []

    def test_the_last_page_may_leave_its_list_out(self, desk: Desk, other_server: Serve) -> None:
        results = desk.run(app_store_server_url=other_server(lambda: {"hasMore": False})).results
        assert results["coverage"]["covered_until"] == "2025-10-09T08:53:20Z"

    def test_a_list_without_end(self, desk: Desk, other_server: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(notification_history, "_MOST_CHARACTERS", 20)
        tokens = iter(range(10**6))
        url = other_server(
            lambda: {"notificationHistory": [ITEM], "hasMore": True, "paginationToken": f"t{next(tokens)}"}
        )
        outcome = desk.run(app_store_server_url=url)
        assert outcome.results["failed"] and "more pages than one second can hold" in outcome.message
        assert next(tokens) < 600

    def test_the_deadline_holds_while_payloads_are_verified(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        desk.refund(-170)
        desk.refund(-3, "2000000000000002")
        split_into_months(monkeypatch)
        checks = iter([1.0, 0.0])
        monkeypatch.setattr(notification_history.NotificationHistory, "check_deadline", _counted(checks))
        told = desk.run(check_mode=True, concurrency=1)
        assert told.results["failed"] and "deadline" in told.message
        # What was read until then is told, as a run would have recorded it.
        assert told.results["refunds"]["new"] == 1 and told.results["changed"]
        assert told.results["coverage"]["covered_until"] == told.results["window"]["until"]


def _counted(seconds: t.Iterator[float]) -> t.Callable[[t.Any], None]:
    real = notification_history.NotificationHistory.check_deadline

    def check(self: notification_history.NotificationHistory) -> None:
        with mock.patch.object(Transport, "remaining", lambda _self: next(seconds)):
            real(self)

    return check


def test_what_was_not_committed_is_not_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.refund(-170)
    desk.refund(-3, "2000000000000002")
    writing = Ledger.writing

    class Broken(RefundsError):
        pass

    def failing(self: Ledger) -> t.Any:
        real = writing(self)

        class Once:
            def __enter__(self) -> t.Any:
                self.connection = real.__enter__()
                return self.connection

            def __exit__(self, *error: t.Any) -> None:
                broken = Broken("the commit failed.", "Run again.")
                real.__exit__(Broken, broken, None)
                raise broken

        return Once()

    monkeypatch.setattr(Ledger, "writing", failing)
    results = _failed(desk)
    assert not results["changed"] and results["refunds"]["new"] == 0 and results["coverage"]["state"] == "never"


def _failed(desk: Desk) -> dict[str, t.Any]:
    results = desk.run().results
    assert results["failed"]
    return results
