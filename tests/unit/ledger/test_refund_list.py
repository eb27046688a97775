# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""refund_ledger for a list of apps: all at the same time, none stops another, one line at the end."""

from __future__ import annotations

import typing as t
from pathlib import Path
from types import SimpleNamespace

import pytest
from ledger_support import ledger_at
from refund_support import DAY, TODAY, URL_V2, Desk, run_and_kill
from unit_servers import Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integrations
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration, Status
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import refund_ledger, refund_outcomes
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.shared.progress import Progress

NAMES = [f"com.example.n{number:02}" for number in range(10)]
EACH = 50
OTHER = f"{ISSUER[:-1]}b"


@pytest.fixture
def desk(sim: Simulator, tmp_path: Path) -> Desk:
    """An Active app of its own, and a list of others that each test declares."""
    made = Desk(sim, tmp_path, f"sqlite:///{tmp_path}/ledger.db")
    made.prepare()
    return made


def declare(desk: Desk, names: t.Sequence[str], refunds: int = EACH) -> None:
    """Apps with refunds over half a year, Active in the ledger."""
    desk.world({}, [app(name, number, refunds) for number, name in enumerate(names)])
    desk.move_to(TODAY)
    for number, name in enumerate(names):
        put(desk, name, number)


def app(name: str, number: int, refunds: int) -> dict[str, object]:
    transactions = [
        {
            "transaction_id": f"2{number:05}{one:09}",
            "product_id": "coins",
            "price": 990,
            "currency": "EUR",
            "purchase_date": TODAY - 200 * DAY,
            "revocation_date": TODAY - DAY - 170 * DAY * one // max(refunds, 1),
        }
        for one in range(refunds)
    ]
    notifications = [
        {"type": "REFUND", "signed_date": one["revocation_date"], "transaction_id": one["transaction_id"]}
        for one in transactions
    ]
    told = {"transactions": transactions, "notifications": notifications}
    return {"bundle_id": name, "apple_id": 100 + number, **URL_V2, **told}


def put(desk: Desk, name: str, number: int, status: Status = "Active", path: str | None = None) -> None:
    ledger = ledger_at(desk.url)
    identity = Identity("ledger", "", "production", name)
    path = path or str(desk.folder / "key.p8")
    entry = Integration(identity, ISSUER, KEY_ID, None, status, path, 100 + number)
    put_integrations(ledger, [entry], "2026-01-01T00:00:00Z")
    ledger.close()


def run(desk: Desk, apps: t.Sequence[str | dict[str, t.Any]], check_mode: bool = False, **options: t.Any) -> t.Any:
    entries = [{"bundle_id": one} if isinstance(one, str) else one for one in apps]
    return desk.run(check_mode=check_mode, bundle_id=None, apps=entries, **options)


def test_ten_apps_with_fifty_refunds(desk: Desk) -> None:
    declare(desk, NAMES)
    told, done = (run(desk, NAMES, check_mode=mode).results for mode in (True, False))
    assert not done.get("failed"), done
    assert told["refunds"] == done["refunds"] and told["diff"] == done["diff"]
    assert done["refunds"]["new"] == len(desk.rows()) == len(NAMES) * EACH
    assert [one["bundle_id"] for one in done["apps"]] == NAMES and done[
        "summary"
    ] == "Refunds: 10 of 10 apps read, 500 new"
    assert {one["outcome"] for one in done["apps"]} == {"read"}
    assert done["http"]["calls"] <= 7 * len(NAMES)
    again = run(desk, NAMES).results
    assert (
        not again["changed"]
        and again["diff"] == {"before": {}, "after": {}}
        and again["summary"] == "Refunds: 10 of 10 apps read, 0 new"
    )
    assert again["http"]["calls"] == 3 * len(NAMES)


def test_what_is_old_is_removed_only_of_apps_that_are_read_to_their_end(desk: Desk) -> None:
    declare(desk, NAMES[:3], 1)
    assert run(desk, NAMES[:3]).results["refunds"]["new"] == 3
    put(desk, NAMES[2], 2, "Failed")
    later = TODAY + 400 * DAY
    desk.move_to(later)
    listed = [NAMES[0], {"bundle_id": NAMES[1], "state": "absent"}, NAMES[2]]
    results = run(desk, listed, now=later, retention_days=200).results
    assert [one["outcome"] for one in results["apps"]][1:] == ["absent", "failed"]
    assert [one["target"].split()[0] for one in results["irreversible"]] == [NAMES[0]]
    assert results["refunds"]["removed"] == 1 and sorted(row["bundle_id"] for row in desk.rows()) == NAMES[1:3]


def test_a_short_history_costs_three_calls_whatever_its_age(desk: Desk) -> None:
    desk.refund(-170)
    assert desk.run().results["http"]["calls"] == 3
    later = TODAY + 400 * DAY
    desk.move_to(later)
    assert desk.run(now=later).results["http"]["calls"] == 3


def test_a_long_history_is_split_and_costs_little_more(desk: Desk) -> None:
    declare(desk, NAMES[:1], 1200)
    done = run(desk, NAMES[:1]).results
    assert (
        done["refunds"]["new"] == len(desk.rows()) == 1200 and done["summary"] == "Refunds: 1 of 1 app read, 1,200 new"
    )
    # 60 pages, those that were read to see how long it is, half-empty ones, and two empty lists.
    assert 60 + 2 <= done["http"]["calls"] <= 60 * 1.3


def test_what_is_not_asked_and_what_fails(desk: Desk) -> None:
    names = NAMES[:6]
    declare(desk, names, 1)
    put(desk, names[1], 1, "Pending")
    put(desk, names[2], 2, "Failed")
    put(desk, names[3], 3, path=str(desk.folder / "gone.p8"))
    listed = [*names[:5], {"bundle_id": names[5], "state": "absent"}, "com.example.unheard"]
    outcome = run(desk, listed)
    results = outcome.results
    assert [one["outcome"] for one in results["apps"]] == [
        "read",
        "pending",
        "failed",
        "failed",
        "read",
        "absent",
        "not_in_ledger",
    ]
    others = "1 pending, 1 not in this ledger, 1 absent, 2 failed"
    assert results["summary"] == f"Refunds: 2 of 7 apps read, 2 new; {others}"
    assert outcome.message.startswith(f"{results['summary']}. ")
    assert f" Not read either: {names[1]} (pending)." in outcome.message
    assert " com.example.unheard isn't in this ledger, so its refunds weren't read. Refunds" in outcome.message
    assert not any("in this ledger" in text for text in outcome.warnings)
    assert "Apple did not accept its key" in results["apps"][2]["msg"] and "gone.p8" in results["apps"][3]["msg"]
    assert results["refunds"]["new"] == len(desk.rows()) == 2 and set(results["diff"]["after"]) == {names[0], names[4]}


@pytest.mark.parametrize(
    ("wanted", "beside", "meant"),
    [
        ("com.example.n0l", NAMES[1:3], NAMES[0]),
        ("com.example.N01", NAMES[:1], NAMES[1]),
        # What another entry asks for isn't meant.
        ("com.example.n0l", NAMES[:3], ""),
        ("com.example.unheard", NAMES[:1], ""),
    ],
)
def test_an_app_that_is_not_there_fails_and_what_may_be_meant_is_named(
    desk: Desk, wanted: str, beside: list[str], meant: str
) -> None:
    """It counts as unread, which is no good news; the others were read all the same."""
    declare(desk, NAMES[:3], 1)
    told, done = (run(desk, [wanted, *beside], check_mode=mode) for mode in (True, False))
    name = f"{wanted} (did you mean {meant}, which the ledger holds?)" if meant else wanted
    said = f"{name} isn't in this ledger, so its refunds weren't read. "
    assert not told.message and [text.startswith(said) for text in told.warnings].count(True) == 1
    assert done.message.startswith(f"{done.results['summary']}. {said}")
    assert [one["outcome"] for one in done.results["apps"]] == ["not_in_ledger", *["read"] * len(beside)]
    assert [one["msg"].startswith(said) for one in done.results["apps"]] == [True, *[False] * len(beside)]


def test_what_may_be_meant_by_the_only_app_is_named(desk: Desk) -> None:
    declare(desk, NAMES[:1], 1)
    done = run(desk, ["com.example.n0"])
    assert (
        f"No refunds were read of com.example.n0 (did you mean {NAMES[0]}, which the ledger holds?). " in done.message
    )


def test_an_app_that_lacks_one_environment_is_named_with_it(desk: Desk) -> None:
    declare(desk, NAMES[:1], 0)
    done = run(desk, [NAMES[0], {"bundle_id": NAMES[0], "environment": "sandbox"}])
    assert f". {NAMES[0]} (sandbox) isn't in this ledger, so" in done.message


def test_pending_apps_alone_are_no_failure(desk: Desk) -> None:
    declare(desk, NAMES[:2], 0)
    for number, name in enumerate(NAMES[:2]):
        put(desk, name, number, "Pending")
    outcome = run(desk, NAMES[:2])
    assert not outcome.results.get("failed")
    assert outcome.results["summary"] == "Refunds: 0 of 2 apps read; 2 pending"
    assert outcome.results["http"]["calls"] == 0
    empty = run(desk, [])
    assert (
        empty.results["summary"] == "No apps, so no refunds were read" and "no refunds were read" in empty.warnings[0]
    )


@pytest.mark.parametrize("ledger", ["none", "empty", "other"])
def test_a_ledger_without_any_of_the_apps_is_told(desk: Desk, ledger: str) -> None:
    """It is hardly the ledger that was meant, and Apple forgets what isn't read."""
    declare(desk, NAMES[:2], 1)
    path = desk.folder / "wrong.db"
    if ledger == "empty":
        path.touch()
    desk.url = {"none": f"sqlite:///{path}", "empty": f"sqlite:///{path}", "other": desk.url}[ledger]
    wanted = [*("com.example.unheard", "com.example.of"), {"bundle_id": "com.example.gone", "state": "absent"}]
    said = {"none": "does not exist", "empty": "is empty", "other": "holds none of the declared apps"}[ledger]
    told = run(desk, wanted, check_mode=True)
    assert told.message == "" and any(said in text and "(Check mode: " in text for text in told.warnings)
    done = run(desk, wanted)
    assert done.results["failed"] and said in done.message and "storeops.refunds.site" in done.message
    assert str(desk.url).removeprefix("sqlite:///") in done.message and done.results["http"]["calls"] == 0
    assert done.results["summary"] == "Refunds: 0 of 3 apps read; 2 not in this ledger, 1 absent"
    assert told.results["summary"] == done.results["summary"].replace("read", "would be read")
    assert path.exists() == (ledger == "empty")
    # What is declared absent is not to be there.
    assert run(desk, [wanted[2]]).message == ""


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({}, ""),
        ({"issuer_id": OTHER}, f"Issuer ID {OTHER}, and the ledger has {ISSUER}"),
        ({"key_id": "OTHERKEY01"}, f"Key ID OTHERKEY01, and the ledger has {KEY_ID}"),
        (
            {"issuer_id": OTHER, "key_id": "OTHERKEY01"},
            f"Issuer ID {OTHER} and Key ID OTHERKEY01, and the ledger has {ISSUER} and {KEY_ID}",
        ),
        ({"key_id": KEY_ID}, ""),
    ],
)
def test_another_declared_key_is_told_where_the_ledgers_reads(desk: Desk, declared: t.Any, said: str) -> None:
    declare(desk, NAMES[:2], 1)
    path = str(desk.folder / "key.p8")
    key = {"key": "studio", "issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": path, **declared}
    done = run(desk, [{"bundle_id": name, "key": "studio"} for name in NAMES[:2]], keys=[key])
    wanted = (
        f"{NAMES[0]}, {NAMES[1]} are declared with {said}, which read the refunds. Run storeops.refunds.site, which"
    )
    assert [text.startswith(wanted) for text in done.warnings if " declared with " in text] == [True] * bool(said)


def test_one_refused_app_stops_no_other(desk: Desk) -> None:
    declare(desk, NAMES[:3], 2)
    match = {"endpoint": "get_notification_history", "bundle_id": NAMES[1]}
    desk.sim.fault(kind="status", status=403, body="{}", content_type="application/json", match=match)
    outcome = run(desk, NAMES[:3])
    assert [one["outcome"] for one in outcome.results["apps"]] == ["read", "failed", "read"]
    assert outcome.message.count("HTTP 403") == 1 and f"{NAMES[1]}: " in outcome.message
    assert len(desk.rows()) == 4 and not any(told in outcome.message for told in ("Not read either", "may be missing"))


def test_progress_counts_every_app_that_is_read_and_those_that_fail(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Progress] = []

    def counted(*given: t.Any) -> Progress:
        made.append(Progress(*given))
        return made[-1]

    monkeypatch.setattr(refund_ledger, "Progress", counted)
    declare(desk, NAMES[:2], 1)
    put(desk, NAMES[2], 2, path=str(desk.folder / "gone.p8"))
    match = {"endpoint": "get_notification_history", "bundle_id": NAMES[1]}
    desk.sim.fault(kind="status", status=403, body="{}", content_type="application/json", match=match)
    outcome = run(desk, NAMES[:3])
    assert [one["outcome"] for one in outcome.results["apps"]] == ["read", "failed", "failed"]
    assert [(one.done, one.total, one.failed) for one in made] == [(3, 3, 2)]


def test_beside_an_app_that_fails_those_that_may_lack_refunds_are_named(desk: Desk) -> None:
    """Their reason is in a warning, as in a run that ends well."""
    declare(desk, NAMES[:3], 0)
    refund = {"transaction_id": "2000000000000001", "product_id": "coins", "price": 990, "currency": "EUR"}
    refund |= {"purchase_date": TODAY - 9 * DAY, "revocation_date": TODAY - 4 * DAY, "revocation_reason": 1}
    note = {"type": "REFUND", "signed_date": TODAY - 3 * DAY, "transaction": refund, "fault": "tampered"}
    desk.sim.control("POST", f"/apps/{NAMES[1]}/notifications", note)
    put(desk, NAMES[3], 3, "Failed")
    outcome = run(desk, NAMES[:4])
    assert outcome.message.endswith(f" Read, but refunds may be missing: {', '.join(NAMES[:3])}.")
    for names, state in ((f"{NAMES[0]}, {NAMES[2]}", "unknown"), (NAMES[1], "incomplete")):
        assert any(f"Not all refunds of {names} are known ({state}): " in text for text in outcome.warnings), outcome


def test_quarantine_makes_an_app_incomplete(desk: Desk) -> None:
    desk.refund(-3, fault="tampered")
    desk.refund(-30, "2000000000000002")
    results = run(desk, [BUNDLE_ID]).results
    assert results["summary"] == "Refunds: 0 of 1 app read, 1 new; 1 read in part" and not results.get("failed")
    # The rest of the time counts, but for an hour before it.
    assert results["apps"][0]["coverage"]["covered_until"] == "2025-10-06T07:53:20Z"


def test_coverage_is_warned_of_once_for_all(desk: Desk) -> None:
    declare(desk, NAMES[:8], 0)
    warnings = run(desk, NAMES[:8]).warnings
    (warning,) = [one for one in warnings if "Not all refunds of" in one]
    assert f"{NAMES[4]} and 3 more are known (unknown): Apple's history is empty." in warning, "with the reason, once"


def test_the_variables_of_the_role_refund_tracking_can_be_given_as_they_are(desk: Desk) -> None:
    declare(desk, NAMES[:2], 1)
    key = {"key": "studio_a", "issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": str(desk.folder / "key.p8")}
    apps = [
        {"bundle_id": NAMES[0], "key": "studio_a", "trackers": ["ledger", "revenuecat"], "credential_check": "skip"},
        {"bundle_id": NAMES[1], "key": "studio_a", "trackers": ["devtodev"], "app_apple_id": 101},
    ]
    outcome = run(desk, apps, keys=[{**key, "mode": "0600"}])
    assert outcome.results["summary"] == "Refunds: 2 of 2 apps read, 2 new" and not outcome.message


@pytest.mark.parametrize("option", ["root_certificate_path", "app_store_server_url", "api_private_key_content"])
def test_an_option_that_is_empty_is_not_left_out(desk: Desk, option: str) -> None:
    assert f"{option}: is given but empty." in desk.run(**{option: ""}).message


@pytest.mark.parametrize(
    ("apps", "said"),
    [
        ([{"bundle_id": "a b"}], "bundle_id"),
        ([{"bundle_id": BUNDLE_ID}, {"bundle_id": BUNDLE_ID}], "stands in apps[0]"),
        ([{"bundle_id": BUNDLE_ID, "key": "nobody"}], "isn't an entry of keys"),
    ],
)
def test_faults_in_the_list(desk: Desk, apps: list[dict[str, t.Any]], said: str) -> None:
    assert said in run(desk, apps).message


def test_what_was_left_out_longest_is_read_first(desk: Desk) -> None:
    """Else a run that is always broken off would never reach the end of its list."""
    declare(desk, NAMES[:3], 1)
    run(desk, NAMES[:1], now=TODAY - DAY)
    desk.sim.control("DELETE", "/calls")
    done = run(desk, NAMES[:3], concurrency=1).results
    asked = [call["bundle_id"] for call in desk.sim.calls("?endpoint=get_notification_history")["calls"]]
    assert list(dict.fromkeys(asked)) == [NAMES[1], NAMES[2], NAMES[0]]
    assert [one["bundle_id"] for one in done["apps"]] == NAMES[:3]


def test_killed_again_and_again(desk: Desk) -> None:
    """Apps of a list, each with windows of its own, killed anywhere: in the end the sums are the truth."""
    names = NAMES[:3]
    wanted = {"issuer_id": ISSUER, "bundle_ids": names, "days": 120, "refunds_per_app": 60, "sandbox_percent": 0}
    declared = [{"bundle_id": name, "apple_id": 100 + number, **URL_V2} for number, name in enumerate(names)]
    desk.world({"generated_refunds": {**wanted, "start": TODAY - 130 * DAY}}, declared)
    desk.move_to(TODAY)
    for number, name in enumerate(names):
        put(desk, name, number)
    apps = [{"bundle_id": name} for name in names]
    kills = 0
    while not run_and_kill(desk, 4 + 4 * kills, TODAY, bundle_id=None, apps=apps):
        kills += 1
        counted = {row["bundle_id"]: 0 for row in desk.rows("refund_coverage")}
        for row in desk.rows():
            counted[row["bundle_id"]] = counted.get(row["bundle_id"], 0) + 1
        assert all(counted.values()), "what is covered is recorded"
    assert kills >= 3
    truth = desk.truth(TODAY)
    assert sum(one[0] for one in truth.values()) > 30 and desk.sums() == truth
    assert not run(desk, names).results["changed"]


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("complete", ""),
        *((state, "; 1 of these apps may lack refunds") for state in ("incomplete", "unknown")),
    ],
)
def test_the_line_says_how_many_of_those_read_have_gaps(state: str, told: str) -> None:
    def entry(state: str) -> t.Any:
        tally = SimpleNamespace(counts=lambda: {"new": 3})
        recorder = SimpleNamespace(coverage=SimpleNamespace(state=state), tally=tally)
        return SimpleNamespace(outcome="read", run=SimpleNamespace(recorder=recorder))

    line = refund_outcomes.summary([entry("complete"), entry(state)])
    assert line == f"Refunds: 2 of 2 apps read, 6 new{told}"


@pytest.mark.parametrize("is_given", [True, False])
def test_a_given_key_that_was_not_applied_yet_is_not_called_none(desk: Desk, is_given: bool) -> None:
    declare(desk, NAMES[:1], 1)
    ledger = ledger_at(desk.url)
    # Given as text, so that the ledger has no path.
    applied = Integration(Identity("ledger", "", "production", NAMES[0]), ISSUER, "APPLIED001", "0" * 64, "Active")
    put_integrations(ledger, [applied], "2026-01-01T00:00:00Z")
    ledger.close()
    key = {"private_key_path": str(desk.folder / "key.p8"), "issuer_id": ISSUER, "key_id": KEY_ID}
    told = run(desk, NAMES[:1], **(key if is_given else {})).message
    assert ("none was given" in told) is not is_given, told
    assert ("isn't the one that was applied (APPLIED001)" in told and "storeops.refunds.site" in told) is is_given, told
