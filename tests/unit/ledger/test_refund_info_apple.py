# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_info for one transaction: asked of the simulator, verified, and never stored."""

from __future__ import annotations

import json
import time
import typing as t
from pathlib import Path

import pytest
from refund_support import APPLE_ID, DAY, TODAY, URL_V2, Desk
from unit_servers import Canned, Simulator, scripted
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, Outcome, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._apple.token import sign
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Credentials
from ansible_collections.storeops.refunds.plugins.module_utils._model.private_key import parse_content
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_info

ANY = "2000000000000001"


def bought(number: int, **fields: t.Any) -> dict[str, t.Any]:
    """A refunded purchase of one customer."""
    return {
        "transaction_id": str(2_000_000_000_000_000 + number),
        "product_id": "coins",
        "purchase_date": TODAY - 100 * DAY,
        "price": 9990,
        "currency": "EUR",
        "customer": "someone",
        "revocation_date": TODAY - (60 - number) * DAY,
        "revocation_reason": number % 2,
        **fields,
    }


@pytest.fixture
def desk(sim: Simulator, tmp_path: Path) -> Desk:
    """An app with an integration whose key lies at the stored path, and a customer with 45 refunds."""
    made = Desk(sim, tmp_path, f"sqlite:///{tmp_path}/ledger.db")
    made.prepare()
    refunded = [bought(number) for number in range(1, 46)]
    kept = {**bought(99), "revocation_date": None, "revocation_reason": None}
    someone_else = {**bought(98), "customer": "someone else", "revocation_date": TODAY - DAY}
    untouched = {name: value for name, value in kept.items() if value is not None}
    alone = {**untouched, "transaction_id": "2000000000000097", "customer": "a third"}
    transactions = [*refunded, untouched, someone_else, alone]
    made.world({}, [{"bundle_id": BUNDLE_ID, "apple_id": APPLE_ID, **URL_V2, "transactions": transactions}])
    made.move_to(TODAY)
    return made


def ask(desk: Desk, transaction_id: str = ANY, **options: t.Any) -> Outcome:
    """Run the task."""
    given = {
        "bundle_id": BUNDLE_ID,
        "transaction_id": transaction_id,
        "app_store_server_url": desk.sim.url,
        "root_certificate_path": str(desk.folder / "root.pem"),
        "ledger": {"url": desk.url},
        **options,
    }
    return run_task(refund_info.TASK, {name: value for name, value in given.items() if value is not None})


def test_all_pages_of_the_customer_with_the_key_of_the_integration(desk: Desk) -> None:
    results = ask(desk, group_by=["reason"]).results
    assert not results.get("failed"), results
    ids = [row["transaction_id"] for row in results["refunds"]]
    assert ids == [str(2_000_000_000_000_000 + number) for number in range(1, 46)]
    assert results["total"] == 45 and results["next_after"] is None and results["complete"] is True
    assert results["coverage"] == [] and results["quarantined"] == [] and results["changed"] is False
    assert [(one["reason"], one["count"], one["amount"]) for one in results["sums"]] == [
        (0, 22, -22 * 9990),
        (1, 23, -23 * 9990),
    ]
    row = results["refunds"][0]
    assert row["recorded_at"] is None and row["source"] == results["source"] and row["source"].startswith("other:")
    assert results["http"]["calls"] == 3
    assert desk.rows() == []


def test_a_row_from_apple_has_the_fields_of_one_from_the_ledger(desk: Desk) -> None:
    desk.refund(-3)
    assert desk.run().results["refunds"]["new"] == 1
    recorded = ask(desk, transaction_id=None, bundle_id=None).results["refunds"]
    assert list(recorded[0]) == list(ask(desk).results["refunds"][0])


def test_any_id_of_the_customer_will_do_and_no_refund_is_an_empty_list(desk: Desk) -> None:
    assert ask(desk, " 2000000000000099 ").results["total"] == 45
    assert ask(desk, "2000000000000098").results["total"] == 1
    nothing = ask(desk, "2000000000000097").results
    assert nothing["refunds"] == [] and nothing["sums"] == [] and not nothing.get("failed")


def test_the_key_of_the_task(desk: Desk, tmp_path: Path) -> None:
    key = {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_content": desk.sim.pem}
    elsewhere = {"ledger": {"url": f"sqlite:///{tmp_path}/none.db"}}
    assert ask(desk, **key, **elsewhere).results["total"] == 45
    without = ask(desk, **elsewhere)
    assert without.results["failed"] and "private_key_path: no key is at hand" in without.message
    assert not (tmp_path / "none.db").exists()


def test_what_fails_verification_is_told_and_fails_the_task(desk: Desk) -> None:
    outcome = ask(desk, root_certificate_path=None)
    assert outcome.results["failed"] and "45 of 45 refunds" in outcome.message and "wrong_root" in outcome.message
    assert outcome.results["refunds"] == [] and outcome.results["complete"] is False
    assert {one["reason"] for one in outcome.results["quarantined"]} == {"wrong_root"}
    assert len(outcome.results["quarantined"]) == 45 and desk.rows("refund_quarantine") == []


def test_the_sound_ones_are_in_the_result_of_a_failure(desk: Desk) -> None:
    url = desk.sim.url.replace("{environment}", "production")
    found = _signed(desk, url)
    broken = found[0][:-8] + "AAAAAAAA"
    answer = {"signedTransactions": [broken, found[1], found[1], 7], "revision": "x", "hasMore": False}
    with scripted(Canned(body=json.dumps(answer).encode())) as server:
        results = ask(desk, app_store_server_url=server.url).results
    assert results["failed"] and [row["transaction_id"] for row in results["refunds"]] == ["2000000000000002"]
    assert sorted(one["reason"] for one in results["quarantined"]) == ["tampered", "undecodable"]


def _signed(desk: Desk, url: str) -> list[str]:
    """The payloads as the simulator gives them."""
    token = sign(Credentials(ISSUER, KEY_ID, parse_content(desk.sim.pem), None), BUNDLE_ID, time.time())
    headers = {"Authorization": f"Bearer {token.reveal()}"}
    answer = desk.sim.session.get(f"{url}/inApps/v2/refund/lookup/{ANY}", headers=headers, timeout=120)
    return list(answer.json()["signedTransactions"])


@pytest.mark.parametrize(
    ("transaction_id", "options", "said"),
    [
        ("2000000000009999", {}, "transaction_id: Apple knows no customer of"),
        ("abc", {}, "transaction_id: Apple says that abc isn't a transaction ID"),
        (ANY, {"environment": "sandbox"}, "no key is at hand"),
    ],
)
def test_what_apple_does_not_know(desk: Desk, transaction_id: str, options: dict[str, t.Any], said: str) -> None:
    outcome = ask(desk, transaction_id, **options)
    assert outcome.results["failed"] and said in outcome.message


def test_refusals_name_the_next_step(desk: Desk) -> None:
    refused = ask(desk, issuer_id=ISSUER, key_id="UNKNOWN001", private_key_content=desk.sim.pem)
    assert refused.results["failed"] and "HTTP 401" in refused.message and "storeops.refunds.audit" in refused.message
    assert refused.results.get("refunds") is None
    for status, said in ((429, "limit for this call"), (500, "HTTP 500"), (200, "isn't a page of transactions")):
        with scripted(Canned(status, body=b"<html>")) as server:
            outcome = ask(desk, app_store_server_url=server.url, deadline=2)
        assert outcome.results["failed"] and said in outcome.message, outcome.message


def test_an_answer_that_never_ends_is_an_error(desk: Desk) -> None:
    endless = {"signedTransactions": [], "revision": "again", "hasMore": True}
    with scripted(Canned(body=json.dumps(endless).encode())) as server:
        outcome = ask(desk, app_store_server_url=server.url)
    assert outcome.results["failed"] and "not where" in outcome.message
    assert [path.partition("?")[2] for path in server.paths] == ["", "revision=again"]


def test_one_401_is_no_refusal(desk: Desk) -> None:
    desk.sim.fault(kind="status", status=401, body="Unauthenticated", match={"endpoint": "get_refund_history"}, times=1)
    assert ask(desk).results["total"] == 45
