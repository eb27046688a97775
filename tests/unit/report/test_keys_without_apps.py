# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A declared key that can't be used is told although no app of the task tells of it, and fails the audit."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bulk_support import Bulk
from report_support import audit, document
from unit_servers import Simulator
from unit_support import BUNDLE_ID, KEY_ID, Outcome

Json = dict[str, t.Any]
TWO = "com.example.two"


@pytest.fixture
def bulk(sim: Simulator, tmp_path: Path) -> Bulk:
    return Bulk(sim, tmp_path)


def partner(bulk: Bulk, **changes: t.Any) -> Json:
    return bulk.key("partner", **{"private_key_path": str(bulk.folder / "nowhere.p8"), **changes})


def problems(done: Outcome) -> list[tuple[str | None, str]]:
    return [(one["key"], one["cause"]) for one in done.results["keys_with_problems"]]


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({}, "key_unreadable"),
        ({"apps": [{"bundle_id": TWO, "state": "absent"}]}, "key_unreadable"),
        ({"apps": [{"bundle_id": TWO, "trackers": ["devtodev"], "devtodev": {"mode": "lax"}}]}, "key_unreadable"),
        ({"issuer_id": None}, "failed"),
        ({"issuer_id": "nonsense"}, "failed"),
        ({"private_key_path": None}, "failed"),
    ],
)
def test_a_key_that_no_app_tells_of_fails_the_task_and_the_audit(bulk: Bulk, changes: Json, cause: str) -> None:
    keys = [{**bulk.keys[0], "apps": [BUNDLE_ID]}, partner(bulk, **changes)]
    done = bulk.both([], keys=keys, on_faulty_app="report")
    assert problems(done) == [("partner", cause)] and len(re.findall(r"key partner: |\(partner\): ", done.message)) == 1
    assert "1 of 2 keys needs attention" in done.message.split("\n")[0]
    folder = bulk.folder / "reports"
    found = audit(folder, done.results)
    assert "1 key needs attention: partner." in found.message and f"{cause}: " in found.message
    (written,) = document(folder)["keys_with_problems"]
    assert (written["key"], written["cause"]) == ("partner", cause) and document(folder)["failed"]
    for name in ("html", "md", "junit.xml"):
        text = (folder / f"refund-audit.{name}").read_text().replace("&#95;", "_")
        assert "partner" in text and cause in text, name
    root = ElementTree.parse(folder / "refund-audit.junit.xml").getroot()
    tag, count = ("error", "errors") if cause == "failed" else ("failure", "failures")
    (case,) = (one for one in root.iter("testcase") if one.get("classname") == "keys")
    assert case.find(tag) is not None and int(root.get(count, "0")) == len(list(root.iter(tag)))
    assert int(root.get("tests", "0")) == len(list(root.iter("testcase")))


def test_a_key_whose_app_tells_of_it_is_told_once(bulk: Bulk) -> None:
    keys = [{**bulk.keys[0], "apps": [BUNDLE_ID]}, partner(bulk, apps=[TWO])]
    done = bulk.both([], keys=keys, on_faulty_app="report")
    assert problems(done) == [] and "key partner: key_unreadable: " in done.message


def test_a_key_to_be_absent_and_one_to_be_made_are_no_problems(bulk: Bulk) -> None:
    keys = [{**bulk.keys[0], "apps": [BUNDLE_ID]}, partner(bulk, state="absent")]
    assert problems(bulk.both([], keys=keys)) == []
    made = [{"key": "partner", "predicted": True, "failed": False}]
    planned = bulk.run([], keys=[keys[0], partner(bulk)], iap_keys=made, check_mode=True)
    assert not planned.message and problems(planned) == []


def test_what_failed_in_the_task_before_is_told_also_of_a_key_to_be_absent(bulk: Bulk) -> None:
    keys = [{**bulk.keys[0], "apps": [BUNDLE_ID]}, partner(bulk, state="absent")]
    failed = [{"key": "partner", "failed": True, "msg": "It could not be revoked."}]
    done = bulk.both([], keys=keys, iap_keys=failed)
    assert problems(done) == [("partner", "key_unreadable")] and "It could not be revoked." in done.message


def test_an_audit_of_keys_alone_names_them(bulk: Bulk) -> None:
    done = bulk.run([], keys=[partner(bulk)], check_mode=True)
    for fail_on, is_failed in ((["refused"], True), (["drift"], True), ([], False)):
        found = audit(bulk.folder / "reports", done.results, fail_on=fail_on)
        assert bool(found.message) is is_failed
        assert "partner" in (bulk.folder / "reports" / "refund-audit.md").read_text()


def test_a_revoked_key_is_counted_alike_by_site_and_audit(bulk: Bulk) -> None:
    """Whether its apps tell of it, as here, or no app does."""
    bulk.sim.control("PATCH", f"/iap_keys/{KEY_ID}", {"active": False})
    keys = [{**bulk.keys[0], "apps": [BUNDLE_ID, TWO]}]
    folder, waiver = bulk.folder / "reports", {"cause": "unauthenticated", "reason": "Known", "until": "2999-12-31"}
    name = bulk.keys[0]["key"]
    told_of: list[tuple[list[Json], str, str]] = [([], "1 of 1 key needs", name)]
    told_of += [([partner(bulk)], "2 of 2 keys need", f"{name}, partner")]
    for more, count, names in told_of:
        done = bulk.both([], keys=[*keys, *more], on_faulty_app="report")
        assert done.message.split("\n")[0] == f"2 of 2 apps need attention, {count} attention."
        told = f"{count[0]} {count[7:]} attention: {names}."
        found = audit(folder, done.results)
        assert document(folder)["totals"]["keys_needing_attention"] == 1 + len(more)
        assert found.message.partition("\n")[0] == f"2 of 2 apps need attention (2 refused). {told}"
        for name in ("html", "md"):
            text = re.sub("</?bdi>", "", (folder / f"refund-audit.{name}").read_text())
            assert f"2 of 2 apps need attention. {told}" in text, name
        assert told in audit(folder, done.results, fail_on=[]).results["report"]["summary"]
        # The count is of what fails the task, and of what nobody waived.
        assert "key" not in audit(folder, done.results, fail_on=["drift"]).results.get("msg", "")
        audit(folder, done.results, fail_on=[], waivers=[{**waiver, "bundle_id": "*"}])
        left = "1 key needs attention: partner." in (folder / "refund-audit.md").read_text()
        assert left is bool(more)
