# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An app counts at the key that was tried, and where the tracker holds another one, the report names both."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path
from xml.etree import ElementTree

import pytest
from report_support import OTHER_KEY, Json, audit, bulk, document, item, key_of, single
from unit_support import KEY_ID

ONE, TWO, THREE = (f"com.example.{name}" for name in ("one", "two", "three"))
REFUSED = "unauthenticated"
UNKNOWN: Json = {"issuer_id": None, "key_id": None, "key_fingerprint": None}


def keys(folder: Path) -> list[tuple[str, int, int]]:
    """Key ID, apps for which it was accepted, and apps."""
    return [(key["key_id"], key["accepted"], key["integrations"]) for key in document(folder)["keys"]]


def page_keys(folder: Path) -> list[str]:
    """The Key IDs of the page's table of keys."""
    page = (folder / "refund-audit.html").read_text()
    section = page.partition('<h2 id="keys">')[2].partition("</section>")[0]
    return re.findall(r'data-label="Key ID"><div><code>(.*?)</code>', section)


def lines(folder: Path) -> list[str]:
    """What JUnit says of the only app, line by line."""
    root = ElementTree.parse(folder / "refund-audit.junit.xml").getroot()
    return [line for case in root.iter("testcase") for part in case for line in str(part.text).split("\n")]


def details(folder: Path) -> Json:
    """What the page's data have about the key of the only app: the tried one, and what differs."""
    page = (folder / "refund-audit.html").read_text()
    data = json.loads(re.findall(r'id="data">(.*?)</script>', page)[0])
    (row,) = data["rows"]
    name = data["texts"].__getitem__
    return {"key_id": name(row[8]), "contrasts": [[name(place) for place in found] for found in row[-1]]}


def test_apps_count_at_the_key_that_was_tried(tmp_path: Path) -> None:
    declared = key_of(OTHER_KEY)
    refused = [item(name, REFUSED, declared=declared, outcome="failed") for name in (ONE, TWO)]
    audit(tmp_path, bulk(*refused, item(THREE, declared=key_of(KEY_ID))))
    assert keys(tmp_path) == [(OTHER_KEY, 0, 2), (KEY_ID, 1, 1)]
    assert page_keys(tmp_path) == [OTHER_KEY, KEY_ID]


def test_an_app_that_the_tracker_does_not_hold_counts_too(tmp_path: Path) -> None:
    nothing = item(ONE, REFUSED, status="Absent", declared=key_of(OTHER_KEY), **UNKNOWN)
    audit(tmp_path, bulk(nothing))
    assert keys(tmp_path) == [(OTHER_KEY, 0, 1)]
    assert details(tmp_path) == {"key_id": OTHER_KEY, "contrasts": []} and len(lines(tmp_path)) == 1


def test_a_key_that_is_declared_but_not_known_leaves_the_held_one(tmp_path: Path) -> None:
    """So it is where the key was only predicted."""
    predicted = {**UNKNOWN, "issuer_id": key_of(OTHER_KEY)["issuer_id"]}
    audit(tmp_path, bulk(item(ONE, REFUSED, declared=predicted), item(TWO, declared=key_of(KEY_ID))))
    assert keys(tmp_path) == [(KEY_ID, 1, 2)] and page_keys(tmp_path) == [KEY_ID]


def test_a_key_of_which_less_is_declared_is_no_second_one(tmp_path: Path) -> None:
    some = {**key_of(KEY_ID), "key_fingerprint": None}
    audit(tmp_path, bulk(item(ONE, declared=some), item(TWO, declared=key_of(KEY_ID))))
    assert keys(tmp_path) == [(KEY_ID, 2, 2)]
    other = {**key_of(OTHER_KEY), "key_fingerprint": None}
    audit(tmp_path, bulk(item(ONE, declared=other)))
    assert document(tmp_path)["keys"][0]["key_fingerprint"] is None


@pytest.mark.parametrize("is_single", [True, False])
def test_both_keys_are_named_field_by_field(is_single: bool, tmp_path: Path) -> None:
    held, declared = key_of(KEY_ID), key_of(OTHER_KEY)
    audit(
        tmp_path, single(ONE, REFUSED, declared=declared) if is_single else bulk(item(ONE, REFUSED, declared=declared))
    )
    (app,) = document(tmp_path)["apps"]
    assert app["declared"] == declared and {name: app[name] for name in held} == held
    assert lines(tmp_path)[1:] == [f"{name}: declared {declared[name]}, held {held[name]}" for name in held]
    assert details(tmp_path) == {
        "key_id": OTHER_KEY,
        "contrasts": [[name, declared[name], held[name]] for name in held],
    }


def test_what_is_not_known_differs_from_nothing(tmp_path: Path) -> None:
    """A key that can't be read has no fingerprint."""
    unreadable = {**key_of(OTHER_KEY), "key_fingerprint": None}
    audit(tmp_path, bulk(item(ONE, "key_unreadable", declared=unreadable)))
    assert [line.partition(":")[0] for line in lines(tmp_path)[1:]] == ["issuer_id", "key_id"]
    assert keys(tmp_path) == [(OTHER_KEY, 0, 1)]
    predicted = {**UNKNOWN, "issuer_id": key_of(KEY_ID)["issuer_id"]}
    audit(tmp_path, bulk(item(ONE, "key_not_yet_created", declared=predicted)))
    assert keys(tmp_path) == [(KEY_ID, 0, 1)]


@pytest.mark.parametrize("older", [{}, {"declared": None}, {"declared": "something else"}])
def test_results_that_do_not_say_what_was_declared_count_at_what_is_held(older: Json, tmp_path: Path) -> None:
    for result in (bulk(item(ONE, REFUSED, **older)), single(ONE, REFUSED, **older)):
        audit(tmp_path, result)
        assert keys(tmp_path) == [(KEY_ID, 0, 1)] and document(tmp_path)["apps"][0]["declared"] is None
        assert details(tmp_path) == {"key_id": KEY_ID, "contrasts": []} and len(lines(tmp_path)) == 1


def test_a_key_in_a_wrong_place_is_not_written(tmp_path: Path) -> None:
    text: t.Final = "-----BEGIN PRIVATE KEY-----\nMIGT\n-----END PRIVATE KEY-----"
    audit(tmp_path, bulk(item(ONE, REFUSED, declared={**key_of(OTHER_KEY), "key_id": text})))
    assert not [path.name for path in tmp_path.iterdir() if "MIGT" in path.read_text()]


def test_what_nobody_declares_is_named_in_every_file(tmp_path: Path) -> None:
    held = {"bundle_id": "com.example.left", "environment": "production", "tracker": "ledger"}
    found = audit(tmp_path, {**bulk(item(ONE)), "undeclared": [held, held, {"bundle_id": None}, "noise"]})
    known = {**held, "label": "com.example.left"}
    assert found.results["report"]["undeclared"] == document(tmp_path)["undeclared"] == [known]
    told = ("Held in the ledger and not declared", "left", "Declare it, or remove it with state: absent, trackers: ")
    pages = [(tmp_path / f"refund-audit.{kind}").read_text() for kind in ("html", "md")]
    for text in (found.results["report"]["summary"], *pages):
        assert [part in text for part in told] == [True] * 3, text
    root = ElementTree.parse(tmp_path / "refund-audit.junit.xml").getroot()
    (suite,) = [suite for suite in root if suite.get("name") == "undeclared"]
    assert [(case.get("name"), [told.tag for told in case]) for case in suite] == [("com.example.left", ["skipped"])]
    assert (root.get("tests"), root.get("failures"), suite.get("skipped")) == ("2", "0", "1")


def test_where_nobody_could_be_asked_no_format_says_what_to_remove(tmp_path: Path) -> None:
    held = {"bundle_id": "com.example.left", "environment": "production", "tracker": "ledger"}
    for cause, is_told in (("unreachable", False), ("accepted", True)):
        told = audit(tmp_path, {**bulk(item(ONE, cause)), "undeclared": [held]})
        files = [(tmp_path / f"refund-audit.{kind}").read_text() for kind in ("html", "md", "junit.xml")]
        for text in (told.message or told.results["report"]["summary"], *files):
            assert ("com.example.left" in text) is ("state: absent" in text) is is_told, text
        assert [entry["bundle_id"] for entry in document(tmp_path)["undeclared"]] == ["com.example.left"]


def test_what_differs_from_a_declared_app_in_capitals_alone_gets_no_advice_to_remove_it(tmp_path: Path) -> None:
    twin = ONE.replace("one", "oNe")
    held: list[Json] = [
        {"bundle_id": name, "environment": "production", "tracker": "ledger"} for name in (ONE, "x.left")
    ]
    found = audit(tmp_path, {**bulk(item(twin, REFUSED)), "undeclared": held})
    said = f"with other capitals than declared: {ONE} (declared: {twin}). This is most likely the same app: keep it"
    removal = "Held in the ledger and not declared: x.left. Declare it, or remove it"
    for text in (found.message, found.results["report"]["summary"]):
        assert said in text and removal in text
    assert "the same app: keep it" in (tmp_path / "refund-audit.html").read_text()
    assert "the same app: keep it" in (tmp_path / "refund-audit.md").read_text()
    root = ElementTree.parse(tmp_path / "refund-audit.junit.xml").getroot()
    told = [skipped.get("message") or "" for skipped in root.iterfind("testsuite[@name='undeclared']/testcase/skipped")]
    assert [(said in text, "state: absent" in text) for text in told] == [(True, False), (False, True)]
    # An entry that has no place is of the ledger, in production.
    bare = audit(tmp_path, {**bulk(item(ONE)), "undeclared": [{"bundle_id": "x.left"}]}).results["report"]["summary"]
    assert f"{removal} with state: absent, trackers: [ledger], environment: production." in bare
    # The same name in the other environment is no slip; what another result has as an app is declared.
    other_place = [{**held[0], "environment": "sandbox"}, {**held[0], "label": f"{ONE} in the ledger"}]
    same = audit(tmp_path, {**bulk(item(ONE)), "undeclared": other_place}).results["report"]["summary"]
    assert "capitals" not in same and f"not declared: {ONE} (sandbox)." in same and "only for another" not in same


@pytest.mark.parametrize(
    ("held", "is_named"),
    [
        ({"status": "Active"}, False),
        ({"status": "Absent"}, True),
        # What is to be absent, and is still held, is no better declared.
        ({"status": "Active", "finding": "still_held"}, True),
    ],
)
def test_what_is_absent_in_one_project_may_be_left_in_another(held: Json, is_named: bool, tmp_path: Path) -> None:
    left = {"bundle_id": ONE, "environment": "production", "tracker": "devtodev"}
    left["label"] = f"{ONE} at devtodev (project Old)"
    result = {**bulk(item(ONE, tracker="devtodev", **held)), "undeclared": [left]}
    report = audit(tmp_path, result, fail_on=[]).results["report"]
    assert [entry["label"] for entry in report["undeclared"]] == [left["label"]] * is_named
