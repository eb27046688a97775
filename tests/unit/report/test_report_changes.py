# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report says of the one before it, the summary in Markdown, and the table in CSV."""

from __future__ import annotations

import csv
import json
import typing as t
from datetime import timedelta
from pathlib import Path

import pytest
from report_support import NOW, OTHER_KEY, Json, a_bit_of_all, audit, bulk, document, item, key_of, refunds

from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import CAUSES, UNDECIDED_CAUSES
from ansible_collections.storeops.refunds.plugins.module_utils._report.compared import Change, Changes

WAIVER = {"bundle_id": "com.example.waived", "reason": "Sold", "until": "2999-12-31"}
HOSTILE = "<script>alert(1)</script> | `code` [link](https://x.example) *b* @someone #1\n# heading"


def short(changes: Json) -> dict[str, list[str]]:
    return {
        name: [found["bundle_id"].rpartition(".")[2] for found in changes[name]] for name in ("new", "gone", "still")
    }


def test_the_second_report_says_what_changed(tmp_path: Path) -> None:
    before = [item(f"com.example.{name}", "unauthenticated") for name in ("still", "solved", "left", "waived")]
    first = audit(tmp_path, bulk(*before, item("com.example.fine")))
    assert document(tmp_path)["changes"] is None and first.results["report"]["changes"] is None
    now = [
        item("com.example.still", "unauthenticated"),
        item("com.example.solved"),
        item("com.example.fresh", action="create"),
    ]
    second = audit(
        tmp_path,
        bulk(*now, item("com.example.waived", "unauthenticated")),
        waivers=[WAIVER],
        now=NOW + timedelta(days=1),
    )
    found = document(tmp_path)["changes"]
    assert found["since"] == "2026-11-23T12:00:00Z"
    assert short(found) == {"new": ["fresh"], "gone": ["left", "solved", "waived"], "still": ["still"]}
    assert [gone["why"] for gone in found["gone"]] == ["not audited", "solved", "waived"]
    assert second.results["report"]["changes"] == {"since": found["since"], "new": 1, "gone": 3, "still": 1, "open": 0}
    page, summary = ((tmp_path / f"refund-audit.{kind}").read_text() for kind in ("html", "md"))
    assert "New: 1 finding" in page and "solved (solved)" not in page and "com.example.left" in page
    assert "- 1 new: com.example.fresh (drift)" in summary and "- 1 still there" in summary


def test_a_finding_that_is_gone_is_told_from_one_that_is_still_there_at_another_tracker(tmp_path: Path) -> None:
    def at(tracker: str, environment: str = "production") -> Json:
        place = {"tracker": tracker, "environment": environment}
        return item("com.example.one", action="update", **place)

    audit(tmp_path, bulk(at("devtodev"), at("ledger"), at("ledger", "sandbox")))
    done = item("com.example.one", tracker="devtodev")
    audit(tmp_path, bulk(done, at("ledger"), at("ledger", "sandbox")), now=NOW + timedelta(days=1))
    page, summary = ((tmp_path / f"refund-audit.{kind}").read_text() for kind in ("html", "md"))
    assert "- 1 gone: com.example.one (drift at devtodev, solved)" in summary
    for told in ("drift at devtodev (solved)", "drift at ledger<", "drift at ledger sandbox<"):
        assert told in page


# What can be found of an app, and whether it was looked at then: Apple accepts the key, the tracker was compared.
FOUND: dict[str, tuple[Json, bool]] = {
    **{cause: (bulk(item("com.example.one", cause)), cause in ("accepted", "app_not_released")) for cause in CAUSES},
    "drift": (bulk(item("com.example.one", action="update")), True),
    "absent": (bulk(item("com.example.one", "not_checked", status="Absent", declared=None)), True),
    "tracker_failed": (bulk(item("com.example.one", status="Failed")), True),
    "tracker_unknown": (bulk(item("com.example.one", status="Unknown")), False),
    "plan_unknown": (bulk(item("com.example.one", action="unknown")), False),
    "not_tried": (bulk(item("com.example.one", "not_checked", outcome="not_tried", msg="Too late.")), False),
    "failed": (bulk(item("com.example.one", outcome="failed", msg="The tracker is down.")), False),
    "still_held": (bulk(item("com.example.one", finding="still_held")), True),
    "host_unreachable": ({"bundle_id": "com.example.one", "unreachable": True, "msg": "ssh"}, False),
}


# Apple answered: that it did not before is settled, whatever else is the matter.
ANSWERED = {"unauthenticated", "clock_skew", "tracker_unknown", "plan_unknown", "failed"}


# What is told of the app's host has no tracker: see below.
FAILURES: t.Final = [
    name
    for name in FOUND
    if name not in ("accepted", "absent", "app_not_released", "key_not_yet_created", "host_unreachable")
]


@pytest.mark.sweep
@pytest.mark.parametrize("before", FAILURES)
@pytest.mark.parametrize("now", FOUND)
def test_solved_is_only_what_was_looked_at(before: str, now: str, tmp_path: Path) -> None:
    if before == now:
        return
    audit(tmp_path, FOUND[before][0], fail_on=[])
    audit(tmp_path, FOUND[now][0], fail_on=[])
    found = document(tmp_path)["changes"]
    was_looked_at = FOUND[now][1] or (before in UNDECIDED_CAUSES and now in ANSWERED)
    mine = {name: [one.get("why") for one in found[name] if one["cause"] == before] for name in ("gone", "open")}
    assert mine == ({"gone": ["solved"], "open": []} if was_looked_at else {"gone": [], "open": [None]})
    texts = [(tmp_path / f"refund-audit.{kind}").read_text() for kind in ("html", "md")]
    assert all(("be checked this time" in text.lower()) is not was_looked_at for text in texts)
    assert was_looked_at or not any("solved" in text for text in texts[1:])
    # What isn't known now isn't forgotten.
    audit(tmp_path, FOUND[before][0], fail_on=[])
    again = document(tmp_path)["changes"]
    assert before in [one["cause"] for one in again["new" if was_looked_at else "still"]]


def of_refunds(bundle_id: str = "com.example.one", environment: str = "production", state: str = "complete") -> Json:
    """A registered result of refund_info about an app without refunds."""
    row = {**refunds()["coverage"][0], "bundle_id": bundle_id, "environment": environment, "state": state}
    return {**refunds(), "environment": environment, "sums": [], "coverage": [row], "declaration_faults": []}


# What is asked about refunds now, and whether it tells that the wrong number is gone.
ASKED: dict[str, tuple[list[Json], bool]] = {
    "nobody asked": ([], False),
    "skipped": ([{"skipped": True}], False),
    "unread": ([{"failed": True, "msg": "The ledger can't be read."}], False),
    "another ledger": ([of_refunds(state="never")], False),
    "another app": ([of_refunds("com.example.two")], False),
    "the sandbox": ([of_refunds(environment="sandbox")], False),
    **{state: ([of_refunds(state=state)], True) for state in ("complete", "incomplete", "unknown")},
}


@pytest.mark.parametrize("option", ["refunds", "declaration_faults"])
@pytest.mark.parametrize("now", ASKED)
def test_a_wrong_number_is_solved_only_where_refunds_were_looked_at(now: str, option: str, tmp_path: Path) -> None:
    """Once it is stored, the tracker has what is declared."""
    fault = {"bundle_id": "com.example.one", "environment": "production", "msg": "The payload names 1."}
    fine, known = bulk(item("com.example.one")), {**of_refunds(), "declaration_faults": [fault]}
    assert audit(tmp_path, fine, **{option: [known]}).results["failed"]
    results, was_looked_at = ASKED[now]
    audit(tmp_path, fine, **{option: results}, fail_on=[])
    found = document(tmp_path)["changes"]
    mine = {name: [(one["cause"], one.get("why")) for one in found[name]] for name in ("gone", "open")}
    assert mine == {
        "gone": [("wrong_apple_id", "solved")] if was_looked_at else [],
        "open": [] if was_looked_at else [("wrong_apple_id", None)],
    }
    # Nor is it forgotten.
    audit(tmp_path, fine, **{option: [known]}, fail_on=[])
    assert len(document(tmp_path)["changes"]["new" if was_looked_at else "still"]) == 1


def test_a_host_that_is_reached_again_is_solved(tmp_path: Path) -> None:
    """Nobody knew the app's tracker while its host couldn't be reached."""
    audit(tmp_path, FOUND["host_unreachable"][0], fail_on=[])
    audit(tmp_path, FOUND["accepted"][0], fail_on=[])
    (gone,) = document(tmp_path)["changes"]["gone"]
    assert (gone["cause"], gone["why"]) == ("host_unreachable", "solved")


def test_whether_there_are_several_trackers_is_looked_at_once() -> None:
    class Counted(tuple[Change, ...]):
        looks = 0

        def __iter__(self) -> t.Iterator[Change]:
            Counted.looks += 1
            return super().__iter__()

    changes = Changes("2026-11-23T12:00:00Z", Counted(), (), ())
    for _number in range(9):
        assert changes.about(Change("com.example.a", "sandbox", "ledger", "drift")) == "drift sandbox"
    assert Counted.looks == 1


@pytest.mark.parametrize("before", ["unreachable", "drift"])
@pytest.mark.parametrize("is_first", [True, False])
def test_of_two_projects_nothing_is_solved_that_was_not_looked_at_in_both(
    before: str, is_first: bool, tmp_path: Path
) -> None:
    """One app in two projects of a tracker: the report knows them by one name."""
    name = "com.example.one"
    was = item(name, before) if before == "unreachable" else item(name, action="update")
    fine, unasked = item(name), item(name, "not_checked", outcome="failed", msg="The page can't be reached.")
    audit(tmp_path, bulk(was, fine), fail_on=[])
    audit(tmp_path, bulk(*([unasked, fine] if is_first else [fine, unasked])), fail_on=[])
    found = document(tmp_path)["changes"]
    assert [one["cause"] for one in found["open"]] == [before] and found["gone"] == []
    audit(tmp_path, bulk(fine, fine), fail_on=[])
    assert {(one["cause"], one["why"]) for one in document(tmp_path)["changes"]["gone"]} >= {(before, "solved")}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "not JSON", '{"format": "storeops.refunds.audit_report"}', "[" * 9999]
)
def test_what_is_no_report_is_not_compared_with(text: str, tmp_path: Path) -> None:
    (tmp_path / "refund-audit.json").write_text(text)
    audit(tmp_path, a_bit_of_all())
    assert document(tmp_path)["changes"] is None


def test_a_damaged_report_is_compared_as_far_as_it_goes(tmp_path: Path) -> None:
    audit(tmp_path, a_bit_of_all())
    broken = document(tmp_path)
    broken["apps"] = [None, {"problems": 1}, {"problems": [None, {"result": "drift"}]}, *broken["apps"]]
    (tmp_path / "refund-audit.json").write_text(json.dumps(broken))
    audit(tmp_path, a_bit_of_all())
    assert len(document(tmp_path)["changes"]["gone"]) == 1


@pytest.mark.parametrize("results", [a_bit_of_all(), bulk(item("com.example.fine"))])
def test_the_same_audit_changes_nothing_although_it_is_compared(results: Json, tmp_path: Path) -> None:
    runs = [audit(tmp_path, results, now=NOW + timedelta(hours=hour)).results for hour in range(3)]
    assert [run["changed"] for run in runs] == [True, False, False]
    assert document(tmp_path)["changes"]["since"] == "2026-11-23T13:00:00Z"


def test_the_summary_groups_by_cause_and_names_each_hint_once(tmp_path: Path) -> None:
    same = [item(f"com.example.a{number:03}", "unauthenticated", hint="Check the Issuer ID.") for number in range(300)]
    audit(tmp_path, bulk(*same, item("com.example.fine"), item("com.example.drifted", action="update")))
    text = (tmp_path / "refund-audit.md").read_text()
    assert text.startswith(
        "## Refund tracking audit\n\n**301 of 302 apps need attention.** Written 2026-11-23 12:00 UTC."
    )
    assert text.count("Check the Issuer ID.") == 1 and "and 280 more" in text
    assert "### Refused: unauthenticated, 300 apps" in text.replace("&#95;", "_")
    assert "| Refused | Drift | OK |" in text and "| 300 | 1 | 1 |" in text
    assert len(text) < 2000


def test_nothing_and_all_well_are_said_plainly(tmp_path: Path) -> None:
    audit(tmp_path, bulk(item("com.example.fine")))
    assert "**1 app audited, none needs attention.**" in (tmp_path / "refund-audit.md").read_text()
    audit(tmp_path)
    assert "**Nothing was audited.**" in (tmp_path / "refund-audit.md").read_text()


def test_texts_from_outside_are_no_markdown(tmp_path: Path) -> None:
    audit(tmp_path, bulk(item(HOSTILE, "unauthenticated", hint=HOSTILE)), title=HOSTILE)
    text = (tmp_path / "refund-audit.md").read_text()
    assert not set("<>`[]@") & set(text.replace("<!--", "").replace("-->", ""))
    assert "\n# heading" not in text and [line for line in text.splitlines() if line.startswith("# ")] == []


def test_the_table_has_a_line_for_each_app(tmp_path: Path) -> None:
    named = {
        **item("com.example.named", "unauthenticated", hint="=1+1"),
        "app_name": "Game",
        "declared": {**key_of(OTHER_KEY), "key": "studio"},
    }
    audit(tmp_path, bulk(named, item("com.example.fine")))
    with (tmp_path / "refund-audit.csv").open(newline="") as file:
        rows: list[dict[str, t.Any]] = list(csv.DictReader(file))
    assert [row["bundle_id"] for row in rows] == ["com.example.fine", "com.example.named"]
    fields = ("name", "result", "cause", "hint", "key", "key_id")
    assert [rows[1][name] for name in fields] == ["Game", "refused", "unauthenticated", "'=1+1", "studio", OTHER_KEY]
    assert [app["key"] for app in document(tmp_path)["apps"]] == [None, "studio"]
    assert '"studio"' in (tmp_path / "refund-audit.html").read_text()


def test_the_console_says_in_a_line_that_all_is_well_and_what_was_waived(tmp_path: Path) -> None:
    apps = bulk(item("com.example.fine"), item("com.example.waived", "unauthenticated"))
    done = audit(tmp_path, apps, waivers=[WAIVER])
    place = f"The report: {tmp_path}/refund-audit.html"
    said = "Waived until 2999-12-31: com.example.waived (unauthenticated; Sold)."
    assert done.results["report"]["summary"] == (
        f"2 apps audited, none needs attention: 1 OK, 1 waived. {said} {place}"
    )
    assert "Waived until 2999-12-31: com.example.waived" in (tmp_path / "refund-audit.md").read_text()


def test_the_console_says_what_else_is_wrong_when_nothing_is_to_fail(tmp_path: Path) -> None:
    bad = {"key": "partner", "cause": "key_unreadable", "hint": "It is not there."}
    given = {**bulk(item("com.example.fine")), "keys_with_problems": [bad]}
    unread = [{"failed": True, "msg": "The ledger can't be read."}]
    said = audit(tmp_path, given, fail_on=[], refunds=unread).results["report"]["summary"]
    assert "1 key needs attention: partner." in said and "The ledger can't be read." in said


def test_the_console_says_each_cause_once(tmp_path: Path) -> None:
    same = [item(f"com.example.a{number}", "unauthenticated", hint="Check the Issuer ID.") for number in range(7)]
    lines = audit(tmp_path, bulk(*same, item("com.example.drifted", action="update"))).message.splitlines()
    assert lines[0] == "8 of 8 apps need attention (7 refused, 1 drift)."
    assert lines[1].endswith("com.example.a4 and 2 more: unauthenticated: Check the Issuer ID.")
    assert lines[2].startswith("com.example.drifted: drift: ") and lines[3].startswith("The report: ")
    assert len(lines) == 4
