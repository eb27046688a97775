# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apps are counted where apps are named, integrations where they are; what is absent or never read is no failure."""

from __future__ import annotations

import csv
import html
import re
from pathlib import Path

import pytest
from report_support import Json, audit, bulk, document, item, refunds

ONE, TWO = "com.example.one", "com.example.two"
TRACKERS = ("ledger", "devtodev", "revenuecat")


def texts(folder: Path) -> dict[str, str]:
    return {kind: (folder / f"refund-audit.{kind}").read_text() for kind in ("html", "md")}


def at_all(bundle_id: str, cause: str = "accepted") -> list[Json]:
    return [item(bundle_id, cause, tracker=tracker, label=f"{bundle_id} at {tracker}") for tracker in TRACKERS]


@pytest.mark.parametrize("cause", ["accepted", "unauthenticated", "unreachable"])
def test_an_app_at_three_trackers_is_one_app(cause: str, tmp_path: Path) -> None:
    done = audit(tmp_path, bulk(*at_all(ONE, cause), item(TWO)))
    told = [*texts(tmp_path).values(), done.message or done.results["report"]["summary"]]
    for text in told:
        assert ("2 apps audited" if cause == "accepted" else "1 of 2 apps") in text
        assert "4 integrations" in text or "integrations: " in text
        assert not re.search(r"\b[34] apps", text) and not re.search(rf"{ONE}\b[^.\n]{{0,9}}, {ONE}", text)
    waiver = {"bundle_id": ONE, "cause": "*", "reason": "Later", "until": "2099-12-31"}
    quiet = audit(tmp_path, bulk(*at_all(ONE, cause), item(TWO)), fail_on=[], waivers=[waiver])
    found, report = document(tmp_path), quiet.results["report"]
    for counts in (found["totals"], {**report, "apps": report["total"]}):
        assert (counts["apps"], counts["integrations"]) == (2, 4)
    assert sum(key["integrations"] for key in found["keys"]) == 4
    assert [one["apps"] for one in found["waivers"]] == [0 if cause == "accepted" else 1]
    summary = quiet.results["report"]["summary"]
    told = "4 integrations OK. " if cause == "accepted" else "1 integration OK, 3 waived. "
    assert summary.startswith(f"2 apps audited, none needs attention: {told}")


def test_one_tracker_needs_no_second_count(tmp_path: Path) -> None:
    done = audit(tmp_path, bulk(item(ONE), item(TWO)))
    found = [*texts(tmp_path).values(), done.results["report"]["summary"]]
    assert all("2 apps audited" in text and "Counted here" not in text for text in found)
    assert "integrations" not in done.results["report"]["summary"]


def test_what_is_absent_as_declared_is_not_called_unchecked(tmp_path: Path) -> None:
    audit(tmp_path, bulk(item(ONE, "not_checked", status="Absent", declared=None)))
    with (tmp_path / "refund-audit.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["result"], row["cause"], row["hint"]) == ("ok", "absent", "Absent, as declared.")
    assert "not_checked" not in texts(tmp_path)["html"]
    assert "accepted by Apple, or absent" in texts(tmp_path)["html"]


@pytest.mark.parametrize(
    ("cause", "status", "css_class"), [("app_not_released", "Pending", "pending"), ("accepted", "Active", "refused")]
)
def test_an_app_that_waits_has_nothing_to_read(cause: str, status: str, css_class: str, tmp_path: Path) -> None:
    given = refunds()
    given["coverage"] = [{**given["coverage"][3], "bundle_id": ONE, "state": "never"}]
    audit(tmp_path, bulk(item(ONE, cause, status=status)), refunds=[given])
    assert document(tmp_path)["refunds"]["coverage"][0]["state"] == "never"
    (badge,) = re.findall(r'class="badge (\w+)"><span aria-hidden="true">.</span> never', texts(tmp_path)["html"])
    assert badge == css_class


def test_what_nobody_declares_is_no_matter_where_nobody_could_be_asked(tmp_path: Path) -> None:
    left = [{"bundle_id": "com.example.left"}]
    silent = audit(tmp_path, {**bulk(item(ONE, "unreachable")), "undeclared": left})
    assert "not declared" not in silent.message and "com.example.left" not in texts(tmp_path)["html"]
    asked = audit(tmp_path, {**bulk(item(ONE, "unauthenticated")), "undeclared": left})
    assert asked.message.count("not declared") == 1


def test_an_app_of_several_causes_is_said_to_stand_below_each(tmp_path: Path) -> None:
    several = {
        "1 app has several problems and stands below each of them.": [
            item(ONE, "unauthenticated", "update"),
            item(TWO),
        ],
        "2 apps have several problems and stand below each of them.": [
            item(ONE, "unauthenticated", "update"),
            item(TWO, "unauthenticated"),
            item(TWO, action="update", tracker="devtodev"),
        ],
        "": [*at_all(ONE, "unauthenticated"), item(TWO, action="update")],
    }
    waiver = {"bundle_id": ONE, "cause": "drift", "reason": "Later", "until": "2099-12-31"}
    for told, items in several.items():
        audit(tmp_path, bulk(*items))
        for text in texts(tmp_path).values():
            assert ("below each of them" in text) is bool(told) and told in text
    audit(tmp_path, bulk(item(ONE, "unauthenticated", "update")), waivers=[waiver])
    assert all("below each of them" not in text for text in texts(tmp_path).values())


def test_a_refused_app_is_active_only_at_its_tracker(tmp_path: Path) -> None:
    """Nobody takes a bare `Active` beside a refusal for good: the word has its subject in every file."""
    audit(tmp_path, bulk(item(ONE, "unauthenticated", status="Active")))
    (app,) = document(tmp_path)["apps"]
    with (tmp_path / "refund-audit.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    for found in (app, row):
        assert (found["result"], found["tracker_status"]) == ("refused", "Active") and "status" not in found
    assert texts(tmp_path)["html"].count("Tracker status") == 3 and '"Status"' not in texts(tmp_path)["html"]


@pytest.mark.parametrize(("fine", "refused"), [(1, 0), (400, 1), (1, 400), (1, 1), (3, 997)])
def test_no_card_says_all_or_none_unless_it_is_so(fine: int, refused: int, tmp_path: Path) -> None:
    causes = ["accepted"] * fine + ["unauthenticated"] * refused
    audit(tmp_path, bulk(*(item(f"com.example.n{number}", cause) for number, cause in enumerate(causes))))
    page = (tmp_path / "refund-audit.html").read_text()
    shares = re.findall(r'<strong>(\d+)</strong>.*?<span class="share">([^<]*)</span>', page)
    told = {int(count): html.unescape(share).split("\N{NARROW NO-BREAK SPACE}")[0] for count, share in shares}
    for count in (fine, refused):
        assert (told[count] == "100") == (count == fine + refused) and (told[count] == "0") == (count == 0), told
