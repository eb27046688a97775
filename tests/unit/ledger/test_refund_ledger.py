# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_ledger: what it records, what it says about coverage, and what it refuses."""

from __future__ import annotations

import hashlib
import time
import typing as t
from pathlib import Path
from unittest import mock

import pytest
from refund_support import API_KEY_ID, DAY, PRICE, TODAY, Desk, split_into_months
from unit_servers import Simulator
from unit_support import ISSUER, pipe_at

from ansible_collections.storeops.refunds.plugins.module_utils._apple import token
from ansible_collections.storeops.refunds.plugins.module_utils._http import Call, Reply, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import TransportError

HOUR = 3_600_000
_SIGNED = token._signed
# Kept from before the run turns the clock.
_REAL_TIME = time.time


def _signed_now(claims: t.Any, key_id: str, private_key: t.Any, _now: float, lifetime: int) -> t.Any:
    return _SIGNED(claims, key_id, private_key, _REAL_TIME(), lifetime)


@pytest.fixture
def desk(sim: Simulator, tmp_path: Path) -> Desk:
    """An app with an Active integration, and nothing told yet."""
    made = Desk(sim, tmp_path, f"sqlite:///{tmp_path}/ledger.db")
    made.prepare()
    return made


def counts(results: dict[str, t.Any]) -> dict[str, int]:
    """Leave out what is 0."""
    return {name: count for name, count in results["refunds"].items() if count}


def test_a_refund_is_recorded_once(desk: Desk) -> None:
    desk.refund(-3, revocation_percentage=33_333, revocation_type="REFUND_PRORATED", quantity=3)
    outcome = desk.run()
    assert not outcome.results.get("failed"), outcome.message
    assert outcome.results["changed"] and counts(outcome.results) == {"new": 1, "notifications": 1}
    (row,) = desk.rows()
    assert row["amount"] == -3330 and row["price"] == PRICE and row["currency"] == "EUR" and row["quantity"] == 3
    assert row["revocation_date"] == TODAY - 3 * DAY - HOUR and row["refund_day"] == "2025-10-06"
    assert row["transaction_id"] == row["original_transaction_id"] == "2000000000000001"
    assert (row["assumed_full"], row["is_family_shared"], row["reversed_at"]) == (0, 0, None)
    assert outcome.results["coverage"]["state"] == "complete" and outcome.warnings == []
    again = desk.run()
    assert not again.results["changed"] and counts(again.results) == {"unchanged": 1}
    assert again.results["diff"]["before"] == again.results["diff"]["after"] == {}
    assert desk.rows() == [row]


def test_the_diff_names_what_is_new(desk: Desk) -> None:
    desk.refund(-3)
    diff = desk.run(check_mode=True).results["diff"]
    assert diff["before"] == {}
    assert diff["after"] == {"refund 2000000000000001 2025-10-06T07:53:20Z": "coins: -9990 milliunits EUR"}


def test_check_mode_says_the_same_and_writes_nothing(desk: Desk, tmp_path: Path) -> None:
    desk.refund(-100)
    desk.tell("REFUND_REVERSED", -50)
    desk.refund(-20, "2000000000000002")
    desk.refund(-19, "2000000000000003", fault="tampered")
    desk.tell("REFUND_DECLINED", -3, "2000000000000004")
    before = hashlib.sha256((tmp_path / "ledger.db").read_bytes()).hexdigest()
    told = desk.run(check_mode=True).results
    assert hashlib.sha256((tmp_path / "ledger.db").read_bytes()).hexdigest() == before
    assert [path.name for path in tmp_path.glob("ledger.db*")] == ["ledger.db"]
    done = desk.run().results
    for name in ("changed", "diff", "refunds", "coverage", "window"):
        assert told[name] == done[name], name
    assert counts(done) == {"new": 2, "reversed": 1, "declined": 1, "notifications": 4, "quarantined": 1}


def test_rows_without_money(desk: Desk) -> None:
    desk.refund(-4, "2000000000000001", price=None)
    desk.refund(-4, "2000000000000002", in_app_ownership_type="FAMILY_SHARED")
    desk.refund(-4, "2000000000000003", revocation_type="FAMILY_REVOKE")
    desk.refund(-4, "2000000000000004", revocation_type="ASSIGNMENT_OF_LATER", revocation_percentage=100_000)
    desk.run()
    rows = {row["transaction_id"][-1]: row for row in desk.rows()}
    assert [rows[name]["amount"] for name in "1234"] == [None, None, None, -PRICE]
    assert [rows[name]["is_family_shared"] for name in "1234"] == [0, 1, 1, 0]
    assert rows["4"]["revocation_type"] == "ASSIGNMENT_OF_LATER"
    assert [rows[name]["assumed_full"] for name in "1234"] == [0, 0, 0, 0]


def test_a_reversal_keeps_the_history_and_a_later_refund_is_a_new_one(desk: Desk) -> None:
    desk.refund(-60)
    desk.run()
    desk.tell("REFUND_REVERSED", -6)
    outcome = desk.run()
    assert outcome.results["changed"] and counts(outcome.results) == {"reversed": 1, "notifications": 1}
    assert [row["reversed_at"] for row in desk.rows()] == [TODAY - 6 * DAY] and desk.sums() == {}
    desk.refund(-2, revocation_percentage=50_000)
    assert counts(desk.run().results) == {
        "new": 1,
        "notifications": 1,
    }
    assert [(row["amount"], row["reversed_at"]) for row in sorted(desk.rows(), key=lambda row: row["refund_day"])] == [
        (-PRICE, TODAY - 6 * DAY),
        (-4995, None),
    ]


def test_all_pages_of_a_window_are_read(desk: Desk) -> None:
    for number in range(45):
        desk.refund(-3, f"20000000000001{number:02}")
    assert desk.run().results["refunds"]["new"] == 45


def test_a_steady_run_costs_three_calls(desk: Desk) -> None:
    desk.refund(-3)
    desk.run()
    desk.move_to(TODAY + DAY)
    assert desk.run(now=TODAY + DAY).results["http"]["calls"] == 3


def test_a_notification_that_came_late_is_found_by_the_overlap(desk: Desk) -> None:
    attempts = [{"date": TODAY + 6 * DAY}]
    desk.refund(0, send_attempts=attempts)
    desk.refund(-9, "2000000000000002")
    assert desk.run().results["refunds"]["new"] == 1
    desk.move_to(TODAY + 6 * DAY)
    assert desk.run(now=TODAY + 6 * DAY).results["refunds"]["new"] == 1


class TestCoverage:
    """An empty history is not a proof of no refunds."""

    def test_an_empty_history_is_unknown(self, desk: Desk) -> None:
        outcome = desk.run()
        assert outcome.results["coverage"]["state"] == "unknown" and not outcome.results["changed"]
        assert "doesn't prove that there were no refunds" in outcome.warnings[0]

    def test_any_notification_makes_it_complete(self, desk: Desk) -> None:
        desk.tell("REFUND_DECLINED", -3)
        outcome = desk.run()
        assert outcome.results["coverage"]["state"] == "complete" and counts(outcome.results)["declined"] == 1
        assert outcome.results["coverage"]["covered_from"] == "2025-04-13T08:53:20Z"
        assert outcome.results["coverage"]["covered_until"] == "2025-10-09T08:53:20Z"

    def test_apple_says_that_there_is_no_url(self, desk: Desk) -> None:
        desk.world(
            {"server_notifications": {"without_url": "error"}}, [{"bundle_id": "com.example.one", "apple_id": 1}]
        )
        desk.move_to(TODAY)
        first = desk.run().results
        coverage = first["coverage"]
        assert coverage["state"] == "unknown" and "No notification URL" in coverage["reason"]
        assert first["http"]["calls"] < 30
        # Once it is set, the time before is not known.
        desk.prepare()
        desk.move_to(TODAY + 2 * DAY)
        desk.refund(1)
        coverage = desk.run(now=TODAY + 2 * DAY).results["coverage"]
        assert (coverage["state"], coverage["known_from"]) == ("complete", "2025-10-10T08:53:20Z")

    @pytest.mark.parametrize(("version", "state"), [("V2", "complete"), ("V1", "unknown"), (None, "unknown")])
    def test_app_store_connect_tells_what_an_empty_history_means(
        self, desk: Desk, version: str | None, state: str
    ) -> None:
        url = {"subscription_status_url": "https://example.com/n", "subscription_status_url_version": version}
        desk.world({}, [{"bundle_id": "com.example.one", "apple_id": 1, **(url if version else {})}])
        desk.move_to(TODAY)
        desk.put_integration(app_apple_id=None)
        api = {"api_issuer_id": ISSUER, "api_key_id": API_KEY_ID, "api_private_key_content": desk.sim.pem}
        with mock.patch.object(token, "_signed", _signed_now):
            outcome = desk.run(app_store_connect_api_url=desk.sim.announced["app_store_connect_api"], **api)
        assert not outcome.results.get("failed"), outcome.message
        coverage = outcome.results["coverage"]
        said = {"V2": "Known from 2025-10-09T08:53:20Z on only", "V1": "version 1", None: "No notification URL"}[
            version
        ]
        assert coverage["state"] == "unknown" and said in coverage["reason"], outcome.warnings
        # What it said holds until something newer is heard, also without the API key.
        desk.move_to(TODAY + DAY)
        later = desk.run(now=TODAY + DAY, app_apple_id=1).results["coverage"]
        assert later["state"] == state and (later["reason"] == "" or said in later["reason"])

    def test_a_sandbox_without_a_url_is_read_where_production_has_one(self, desk: Desk) -> None:
        url = {"subscription_status_url": "https://example.com/n", "subscription_status_url_version": "V2"}
        desk.world({}, [{"bundle_id": "com.example.one", "apple_id": 1, **url}])
        desk.move_to(TODAY)
        desk.refund(-3, environment="Sandbox")
        desk.put_integration(environment="sandbox")
        results = desk.run(environment="sandbox").results
        assert results["refunds"]["new"] == 1 and results["coverage"]["state"] == "complete", results

    def test_an_app_store_connect_that_fails_is_warned_of(self, desk: Desk) -> None:
        desk.refund(-3)
        api = {"api_issuer_id": ISSUER, "api_key_id": "UNKNOWN001", "api_private_key_content": desk.sim.pem}
        outcome = desk.run(app_store_connect_api_url=desk.sim.announced["app_store_connect_api"], **api)
        assert counts(outcome.results)["new"] == 1 and "did not tell the notification URL" in outcome.warnings[0]

    def test_days_beyond_apples_reach_are_lost_and_named(self, desk: Desk) -> None:
        desk.refund(-3)
        desk.run()
        later = TODAY + 200 * DAY
        desk.move_to(later)
        coverage = desk.run(now=later).results["coverage"]
        # Known from the refund on, and the week before the first run was not read again.
        assert coverage["state"] == "incomplete" and "2025-10-06 to 2025-10-30" in coverage["reason"]
        assert [gap["from"][:10] for gap in coverage["gaps"]] == ["2025-10-06"]

    def test_a_shorter_reach_shortens_the_window(self, desk: Desk) -> None:
        desk.refund(-100)
        desk.world({"server_notifications": {"reach_days": 165}}, [{"bundle_id": "com.example.one", "apple_id": 1}])
        desk.move_to(TODAY)
        outcome = desk.run()
        window = outcome.results["window"]
        assert (window["wanted_from"][:10], window["from"][:10]) == ("2025-04-13", "2025-04-28")
        assert "read from there on" in outcome.warnings[0]

    def test_retention_removes_what_is_old(self, desk: Desk) -> None:
        desk.refund(-170)
        desk.refund(-3, "2000000000000002")
        desk.run()
        later = TODAY + 60 * DAY
        desk.move_to(later)
        told, done = (desk.run(check_mode=mode, now=later, retention_days=200).results for mode in (True, False))
        assert counts(told) == counts(done) == {"unchanged": 1, "removed": 1} and done["changed"]
        assert [row["transaction_id"] for row in desk.rows()] == ["2000000000000002"]
        assert done["coverage"]["covered_from"] == told["coverage"]["covered_from"] == "2025-05-22T08:53:20Z"
        for results, outcome in ((told, "would be done"), (done, "done")):
            (record,) = results["irreversible"]
            assert (record["step"], record["outcome"]) == ("remove_refunds", outcome)
            assert record["target"].startswith("com.example.one (production, source other:")
            assert record["asked_by"] == "retention_days: 200"
            assert record["proven"] == "1 refunds and 1 notifications are dated before 2025-05-22T08:53:20Z"
        again = desk.run(now=later, retention_days=200).results
        assert not again["changed"] and again["irreversible"] == []
        # A notification told again about an old refund does not bring it back.
        desk.tell("REFUND", 58, "2000000000000003", revocation_date=TODAY - 170 * DAY)
        assert not desk.run(now=later, retention_days=200).results["changed"]

    @pytest.mark.parametrize("days", [3, 30, 179])
    def test_retention_keeps_what_apple_still_has(self, desk: Desk, days: int) -> None:
        """A slip, such as 3 for 3000, must not remove what nobody can bring back."""
        desk.refund(-100)
        desk.run()
        for given in ({}, {"bundle_id": None, "apps": ["com.example.one"]}):
            outcome = desk.run(retention_days=days, **given)
            assert f"retention_days: {days} is less than the 180 days" in outcome.message, outcome.message
        assert len(desk.rows()) == 1
        sandbox = desk.run(environment="sandbox", retention_days=days)
        assert ("less than the 30 days" in sandbox.message) == (days < 30)


class TestRefusals:
    """Clear messages, and nothing is written."""

    @pytest.mark.parametrize(("status", "said"), [("Pending", "is Pending"), ("Failed", "is Failed")])
    def test_not_active(self, desk: Desk, status: t.Any, said: str) -> None:
        desk.put_integration(status)
        outcome = desk.run()
        assert (
            outcome.results["failed"] and said in outcome.message and "refund_tracking_integration" in outcome.message
        )
        assert "http" not in outcome.results and desk.histories() == 0

    def test_absent(self, desk: Desk) -> None:
        outcome = desk.run(bundle_id="com.example.two")
        assert outcome.results["failed"] and "has no integration on the built-in ledger" in outcome.message

    def test_no_apple_id_in_production(self, desk: Desk) -> None:
        desk.put_integration(app_apple_id=None)
        outcome = desk.run()
        assert outcome.results["failed"] and "app_apple_id: is required in production" in outcome.message
        assert not desk.run(app_apple_id=1).results.get("failed")

    def test_no_root(self, desk: Desk, tmp_path: Path) -> None:
        (tmp_path / "no.pem").write_text("nothing")
        for path in ("no.pem", "missing.pem"):
            outcome = desk.run(root_certificate_path=str(tmp_path / path))
            assert outcome.results["failed"] and "root_certificate_path: " in outcome.message
        with pipe_at(tmp_path / "pipe") as pipe:
            told = f"root_certificate_path: {pipe} is a pipe, not a regular file. Correct the path."
            assert told in desk.run(root_certificate_path=str(pipe)).message

    def test_apple_refuses_the_key(self, desk: Desk) -> None:
        desk.sim.fault(
            kind="status",
            status=401,
            body="Unauthenticated",
            content_type="text/plain",
            match={"endpoint": "get_notification_history"},
        )
        outcome = desk.run()
        assert outcome.results["failed"] and "HTTP 401" in outcome.message
        assert "storeops.refunds.audit" in outcome.message and desk.rows() == []

    def test_one_refusal_of_a_sound_token_is_passed_over(self, desk: Desk) -> None:
        desk.refund(-3)
        desk.sim.fault(
            kind="status",
            status=401,
            body="Unauthenticated",
            content_type="text/plain",
            match={"endpoint": "get_notification_history"},
            times=1,
        )
        assert counts(desk.run().results)["new"] == 1

    def test_what_was_read_before_an_error_is_kept(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        desk.refund(-170)
        desk.refund(-3, "2000000000000002")
        split_into_months(monkeypatch)
        send, calls = Transport.send, iter(range(1000))

        def broken(self: Transport, call: Call) -> Reply:
            if next(calls) > 15:
                raise TransportError("timeout", "no answer.", "Raise deadline.")
            return send(self, call)

        monkeypatch.setattr(Transport, "send", broken)
        outcome = desk.run(concurrency=1)
        assert outcome.results["failed"] and "is recorded; run again" in outcome.message
        assert outcome.results["refunds"]["new"] == 1 and "Known until" in outcome.results["coverage"]["reason"]
        assert outcome.results["coverage"]["covered_until"] == outcome.results["window"]["until"] < "2025-10-01"
        monkeypatch.undo()
        done = desk.run()
        assert done.results["refunds"]["new"] == 1 and done.results["coverage"]["covered_until"][:10] == "2025-10-09"
