# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report's part about refunds: what is added up, what is drawn, and what nobody knows."""

from __future__ import annotations

import csv
import re
import typing as t
from pathlib import Path
from xml.etree import ElementTree

import pytest
from report_support import Json, audit, bulk, document, item, refunds, sandbox_refunds

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError


def told(folder: Path, *results: Json) -> Json:
    """Give the JSON document's part about refunds."""
    audit(folder, bulk(), refunds=list(results), fail_on=[])
    return t.cast("Json", document(folder)["refunds"])


def page(folder: Path) -> str:
    return (folder / "refund-audit.html").read_text()


def covered(found: Json) -> dict[tuple[str, str, str], tuple[int | None, bool]]:
    """Give count and silence of each app."""
    return {
        (one["bundle_id"], one["environment"], one["source"]): (one["count"], one["silent"])
        for one in found["coverage"]
    }


def test_refunds_are_summed_and_unknown_is_no_zero(tmp_path: Path) -> None:
    found = told(tmp_path, refunds())
    (part,) = found["parts"]
    assert part["total"] == {
        "count": 7,
        "amounts": {"EUR": -4995, "USD": -13940},
        "amounts_units": {"EUR": "-4.995", "USD": "-13.94"},
        "amount_unknown_count": 1,
    }
    assert [(day["day"], day["count"]) for day in part["by_day"]] == [("2026-11-01", 2), ("2026-11-03", 5)]
    assert [(app["bundle_id"], app["count"]) for app in part["by_app"]] == [
        ("com.example.new", 4),
        ("com.example.fine", 3),
    ]
    assert covered(found) == {
        ("com.example.dark", "production", "apple"): (None, False),
        ("com.example.fine", "production", "apple"): (3, False),
        ("com.example.new", "production", "apple"): (4, False),
        ("com.example.quiet", "production", "apple"): (0, True),
    }


@pytest.mark.parametrize("fails", [True, False])
def test_another_apple_id_is_a_finding(tmp_path: Path, fails: bool) -> None:
    said = "app_apple_id isn't the number in Apple's payloads (the payload names 1, declared is 7)."
    fault = {"bundle_id": "com.example.fine", "environment": "production", "msg": said}
    given = bulk(item("com.example.fine", tracker="revenuecat"), item("com.example.fine"), item("com.example.new"))
    waiver = {"bundle_id": "*", "cause": "wrong_apple_id", "reason": "r", "until": "2999-12-31"}
    more = {} if fails else {"waivers": [waiver]}
    found = audit(tmp_path, given, refunds=[{**refunds(), "declaration_faults": [fault]}], **more)
    apps = [(app["tracker"], [one["cause"] for one in app["problems"]]) for app in document(tmp_path)["apps"]]
    assert apps == [("ledger", ["wrong_apple_id"]), ("revenuecat", []), ("ledger", [])]
    assert (f"com.example.fine: wrong_apple_id: {said}" in found.message) == fails == bool(found.message)
    assert document(tmp_path)["failed"] == fails and said in page(tmp_path)


def test_another_apple_id_comes_before_what_a_run_would_change(tmp_path: Path) -> None:
    """A run would only store the number that Apple contradicts."""
    fault = {
        "bundle_id": "com.example.drift",
        "environment": "production",
        "msg": "the payload names 1, declared is 7.",
    }
    found = audit(
        tmp_path,
        bulk(item("com.example.drift", action="update")),
        refunds=[{**refunds(), "declaration_faults": [fault]}],
    )
    (app,) = document(tmp_path)["apps"]
    assert [one["cause"] for one in app["problems"]] == ["wrong_apple_id", "drift"]
    assert (
        "com.example.drift: wrong_apple_id: the payload names 1" in found.message and ": drift: " not in found.message
    )


def test_a_second_problem_of_another_kind_is_told_too(tmp_path: Path) -> None:
    """Who declares a new key is to know that refunds will fail for another reason."""
    fault = {"bundle_id": "com.example.one", "environment": "production", "msg": "the payload names 1, declared is 7."}
    given: Json = {"refunds": [{**refunds(), "declaration_faults": [fault]}]}
    apps = bulk(item("com.example.one", "unauthenticated", hint="It is revoked."))
    found = audit(tmp_path, apps, **given)
    one, two = (
        found.message.index("unauthenticated: It is revoked."),
        found.message.index("wrong_apple_id: the payload names 1"),
    )
    assert one < two and "1 of 1 app needs attention (1 refused)." in found.message
    with (tmp_path / "refund-audit.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["cause"], row["other_causes"]) == ("unauthenticated", "wrong_apple_id")
    quiet = audit(tmp_path, apps, **given, fail_on=["refused"])
    assert "wrong_apple_id" not in quiet.message


@pytest.mark.parametrize("order", [1, -1])
def test_environments_and_sources_are_never_added(tmp_path: Path, order: int) -> None:
    test = {**refunds(), "source": "other:0123456789abcdef"}
    found = told(tmp_path, *[refunds(), sandbox_refunds(), test][::order])
    assert [(part["environment"], part["source"]) for part in found["parts"]] == [
        ("production", "apple"),
        ("production", "other:0123456789abcdef"),
        ("sandbox", "apple"),
    ]
    alone = told(tmp_path / "alone", refunds())["parts"][0]
    assert found["parts"][0] == alone
    assert found["parts"][1] == {**alone, "source": "other:0123456789abcdef"}
    assert found["parts"][2]["total"]["amounts"] == {"USD": -99_990_000}
    assert covered(found) == {
        **covered({"coverage": told(tmp_path / "alone", refunds())["coverage"]}),
        **covered({"coverage": told(tmp_path / "test", test)["coverage"]}),
        ("com.example.fine", "sandbox", "apple"): (1000, False),
        ("com.example.quiet", "sandbox", "apple"): (0, True),
    }
    text = page(tmp_path).replace("<wbr>", "")
    assert (
        "Refunds may be missing for 2 of 4 apps: com.example." in text
        and "1 app with complete coverage and no refund in the period, but for reversed ones and access within" in text
    )
    titles = re.findall(r"<h3>((?:Production|Sandbox).*?)</h3>", text)
    assert titles[0] == "Production" and "other:0123456789abcdef" in titles[1] and titles[2] == "Sandbox"
    # No bar, and no number beside one, is made of several environments.
    assert re.findall(r"<strong>([\d,]+)</strong> refunds known", text) == ["7", "7", "1,000"]
    assert re.findall(r"peak ([\d,]+) on", text)[::2] == ["5", "5", "1,000"]


def test_results_of_one_environment_belong_together(tmp_path: Path) -> None:
    rows = refunds()["sums"]
    by_app = {**refunds(), "sums": [{k: v for k, v in row.items() if k != "day"} for row in rows]}
    by_day = {**refunds(), "sums": [{k: v for k, v in row.items() if k != "bundle_id"} for row in rows]}
    assert told(tmp_path, by_app, by_day) == told(tmp_path, refunds())
    found = told(tmp_path, by_day)
    assert {count for count, _silent in covered(found).values()} == {None}


@pytest.mark.parametrize(
    ("exceeding", "wanted"),
    [
        ([0, 0], 0),
        ([2, 2], 2),
        # Grouped by app, it makes the total; grouped by day it is the same transactions.
        ([3, 2], 3),
        ([None, None], 0),
    ],
)
def test_transactions_that_exceed_their_price_count_once(
    tmp_path: Path, exceeding: list[int | None], wanted: int
) -> None:
    given = [
        {**refunds(), "exceeding_price": count, "sums": [{k: v for k, v in row.items() if k != left} for row in rows]}
        for count, left, rows in zip(exceeding, ("day", "bundle_id"), [refunds()["sums"]] * 2, strict=True)
    ]
    for results in (given, given[::-1]):
        assert told(tmp_path, *results)["parts"][0]["exceeding_price"] == wanted
    one, other = (
        {**made, "sums": made["sums"][start:end], "coverage": made["coverage"][start:end]}
        for made, start, end in ((given[0], 0, 2), (given[0], 2, 3))
    )
    one["coverage"], other["coverage"] = one["coverage"][:1], refunds()["coverage"][1:2]
    assert told(tmp_path, one, other)["parts"][0]["exceeding_price"] == 2 * wanted


def test_no_file_shows_sums_without_what_is_wrong_with_them(tmp_path: Path) -> None:
    """Of each caveat that refund_info has about its sums: what tells of it, in each file that shows an amount."""
    shown = re.compile("13[.]94|13940")
    caveats = {
        "exceeding_price": r'These sums are too large: the refunds of 3 transactions|"exceeding_price": 3',
        "amount_unknown_count": r'1 without a known amount|"amount_unknown_count": 1',
    }
    audit(tmp_path, bulk(), refunds=[{**refunds(), "exceeding_price": 3}], fail_on=[])
    files = {file.name: file.read_text() for file in tmp_path.iterdir() if shown.search(file.read_text())}
    assert {"refund-audit.html", "refund-audit.json"} <= files.keys()
    assert [
        (name, word) for name, text in files.items() for word in caveats if not re.search(caveats[word], text)
    ] == []
    audit(tmp_path, bulk(), refunds=[refunds()], fail_on=[])
    assert "too large" not in page(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"failed": True},
        {**refunds(), "sums": None},
        {**refunds(), "coverage": ["x"]},
        {**refunds(), "environment": "both"},
        {**refunds(), "source": None},
    ],
)
def test_only_results_of_refund_info_are_taken(tmp_path: Path, wrong: Json) -> None:
    with pytest.raises(InputError, match=r"^refunds\[1\]: "):
        told(tmp_path, refunds(), wrong)


def drawn(folder: Path, **fields: t.Any) -> tuple[str, str, int]:
    """Give the first and the last day of the chart, and how many days it has."""
    told(folder, {**refunds(), **fields})
    found = re.search(r'viewBox="0 0 (\d+)0 100".*?<figcaption><span>(.*?)</span>.*<span>(.*?)</span>', page(folder))
    assert found is not None
    return found.group(2), found.group(3), int(found.group(1))


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        # To today, and from the beginning, though the first and the last refund are within.
        ("2026-10-24T00:00:00Z", None, ("2026-10-24", "2026-11-23", 31)),
        ("2026-10-24T00:00:00Z", "2026-11-10T00:00:00Z", ("2026-10-24", "2026-11-09", 17)),
        ("2026-10-24T05:00:00Z", "2026-11-10T05:00:00Z", ("2026-10-24", "2026-11-10", 18)),
        ("2026-10-24T00:00:00Z", "2027-01-01T00:00:00Z", ("2026-10-24", "2026-11-23", 31)),
        # An open beginning is where the ledger's knowledge begins.
        (None, None, ("2026-01-01", "2026-11-23", 327)),
    ],
)
def test_the_period_is_named_and_drawn_whole(
    tmp_path: Path, since: str | None, until: str | None, expected: tuple[str, str, int]
) -> None:
    assert drawn(tmp_path, period={"since": since, "until": until}) == expected
    assert f"refunds known from {expected[0]} to {expected[1]} (UTC), but for reversed ones and" in page(tmp_path)


def test_what_is_there_is_drawn_whatever_the_clock_says(tmp_path: Path) -> None:
    late = {**refunds()["sums"][0], "day": "2026-11-25"}
    assert drawn(tmp_path, sums=[late])[1] == "2026-11-25"


def test_currencies_look_as_people_write_them(tmp_path: Path) -> None:
    rows = [
        {**refunds()["sums"][0], "currency": currency, "amount": amount}
        for currency, amount in (("JPY", -1_200_000), ("KRW", -500), ("USD", -1_234_560), ("KWD", -1_500), ("EUR", -5))
    ]
    found = told(tmp_path, {**refunds(), "sums": rows})["parts"][0]["total"]["amounts_units"]
    assert found == {"EUR": "-0.005", "JPY": "-1200", "KRW": "-0.5", "KWD": "-1.500", "USD": "-1234.56"}
    for text in ("1,200\N{NO-BREAK SPACE}JPY", "1,234.56\N{NO-BREAK SPACE}USD", "0.5\N{NO-BREAK SPACE}KRW"):
        assert f"\N{MINUS SIGN}{text}" in page(tmp_path)


@pytest.mark.parametrize(
    ("state", "result", "shown"),
    [
        ("none", None, ["none"]),
        ("version_1", None, ["version 1", "hooks.example.net"]),
        ("other_host", None, ["another service's host", "hooks.example.net"]),
        ("as_declared", None, ["not proven", "hooks.example.net"]),
        ("as_declared", "TLS_ISSUE", ["not proven", "Apple&#x27;s test: TLS_ISSUE"]),
        ("proven", "SUCCESS", ["proven", "on 2026-11-20"]),
        ("a new word", None, ["not checked"]),
        (None, None, ["not checked"]),
    ],
)
def test_each_app_says_where_its_notifications_go(
    tmp_path: Path, state: str | None, result: str | None, shown: list[str]
) -> None:
    given = refunds()
    url = {"host": None if state == "none" else "hooks.example.net", "checked_at": "2026-11-21T10:00:00Z"}
    url |= {"test_result": result, "tested_at": "2026-11-20T10:00:00Z" if result else None}
    given["coverage"] = [{**given["coverage"][0], "notification_url": state and {"state": state, **url}}]
    (told_of,) = told(tmp_path, given)["coverage"]
    assert told_of["notification_url"] == (state and {"state": "unknown" if " " in state else state, **url})
    row = page(tmp_path).rpartition("How much of each app")[2]
    assert [word for word in shown if word not in row] == []


@pytest.mark.parametrize("fail_on", [["refused", "drift", "unknown"], ["refused"], []])
@pytest.mark.parametrize("others", [[], [refunds()]])
def test_refunds_that_could_not_be_read_are_told(tmp_path: Path, fail_on: list[str], others: list[Json]) -> None:
    """Left out without a word, they would pass for refunds in order."""
    failed = {"failed": False, "failed_when_result": False, "msg": "root_certificate_path: /x.pem does not exist."}
    skipped = {"skipped": True, "msg": "no matter"}
    results = [*others, failed, skipped, failed]
    done = audit(tmp_path, bulk(item("com.example.fine")), refunds=results, fail_on=fail_on)
    said = "Refunds could not be read: root_certificate_path: /x.pem does not exist."
    is_failing = "unknown" in fail_on
    assert (said in done.message) == is_failing and any(said in text for text in done.warnings) != is_failing
    assert done.results["report"]["refunds_unread"] == document(tmp_path)["refunds_unread"] == [failed["msg"]]
    assert bool(document(tmp_path)["refunds"]) == bool(others)
    for name in ("refund-audit.html", "refund-audit.md", "refund-audit.junit.xml"):
        text = (tmp_path / name).read_text()
        assert "Refunds could not be read" in text and "no matter" not in text
    junit = ElementTree.parse(tmp_path / "refund-audit.junit.xml").getroot()
    assert (junit.find(".//testcase[@name='refunds']/error") is not None) == is_failing


def test_nothing_but_unread_refunds_fails_an_audit_in_order(tmp_path: Path) -> None:
    done = audit(tmp_path, bulk(item("com.example.fine")), refunds=[{"msg": "No."}])
    assert done.results["failed"] and done.message.startswith("Refunds could not be read: No.\nThe report: ")
    assert '<p class="verdict unknown">' in page(tmp_path)


NEVER = "No refunds were ever read for com.example.one"


@pytest.mark.parametrize(
    ("is_told", "fields", "state", "others"),
    [
        (True, {}, "never", []),
        (True, {"cause": "unauthenticated"}, "never", []),
        (False, {}, "complete", []),
        (False, {}, "unknown", []),
        # Not released, not money, or no wish of the publisher's: another service has the refunds.
        (False, {"status": "Pending", "cause": "app_not_released"}, "never", []),
        (False, {"environment": "sandbox"}, "never", []),
        (False, {"tracker": "devtodev"}, "never", []),
        # Declared for both, as the guide advises.
        (True, {}, "never", [item("com.example.one", tracker="revenuecat")]),
    ],
)
def test_a_ledger_into_which_nothing_was_read_is_no_good_news(
    tmp_path: Path, is_told: bool, fields: Json, state: str, others: list[Json]
) -> None:
    one = item("com.example.one", **fields)
    row = {**refunds()["coverage"][0], "bundle_id": "com.example.one", "state": state}
    place = {"environment": one["environment"]}
    asked = {**refunds(), **place, "sums": [], "coverage": [{**row, **place}]}
    done = audit(tmp_path, bulk(one, *others), refunds=[{"skipped": True}, asked])
    assert (NEVER in done.results.get("msg", done.results["report"]["summary"])) is is_told
    assert (NEVER in (tmp_path / "refund-audit.md").read_text()) is is_told
    assert (NEVER in page(tmp_path)) is is_told
    step = ", which is refused. Correct that first, then run" if "cause" in fields else ". Run"
    step = f"{NEVER}{step} storeops.refunds.refunds every day: "
    assert (step in (tmp_path / "refund-audit.md").read_text()) is is_told
    assert document(tmp_path)["refunds_never_read"] == ["com.example.one"] * is_told
