# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files: JSON by its schema, JUnit as CI systems count it, HTML that stays inert; and how they are written."""

from __future__ import annotations

import copy
import html
import json
import os
import re
import stat
import threading
import typing as t
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator
from report_support import NOW, Json, a_bit_of_all, audit, bulk, document, item, refunds, sandbox_refunds
from unit_support import ROOT

from ansible_collections.storeops.refunds.plugins.module_utils._files import text as _files
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import FileError, InputError
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.audit.audit_report import FILES as ALL_FILES

SCHEMA = json.loads((ROOT / "docs/audit-report.schema.json").read_text())
HOSTILE = "</script><img src=x onerror=alert(1)> \"'& {{ 7*7 }} \u2028\u2029 \u202e\x1b[31m\x00 \ud800 ]]> \U0001f600"
WAIVERS = [
    {"bundle_id": "com.example.refused", "cause": "*", "reason": "Known", "until": "2999-12-31"},
    {"bundle_id": "com.example.old*", "reason": "Was known", "until": "2020-01-01"},
]
FILES = ("refund-audit.html", "refund-audit.json", "refund-audit.junit.xml", "refund-audit.md", "refund-audit.csv")


def strict(schema: t.Any) -> t.Any:
    """The schema without room for more: what is written and not described would pass it otherwise."""
    if isinstance(schema, dict):
        more = {"additionalProperties": False} if "properties" in schema else {}
        return {**{name: strict(part) for name, part in schema.items()}, **more}
    return [strict(part) for part in schema] if isinstance(schema, list) else schema


@pytest.mark.parametrize("with_refunds", [True, False])
def test_the_json_is_what_the_schema_says(with_refunds: bool, tmp_path: Path) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    bare = {"bundle_id": "com.example.gone", "failed": True, "unreachable": True, "msg": HOSTILE}
    audit(
        tmp_path, a_bit_of_all(), bare, waivers=WAIVERS, refunds=[refunds(), sandbox_refunds()] if with_refunds else []
    )
    found = document(tmp_path)
    assert [error.message for error in Draft202012Validator(strict(SCHEMA)).iter_errors(found)] == []
    for name in ("apps", "causes", "keys", "waivers"):
        broken = copy.deepcopy(found)
        assert broken[name]
        del broken[name][0]["bundle_ids" if name == "keys" else "cause" if name == "causes" else "bundle_id"]
        assert list(Draft202012Validator(SCHEMA).iter_errors(broken))


def test_the_json_counts_itself(tmp_path: Path) -> None:
    audit(tmp_path, a_bit_of_all(), waivers=WAIVERS)
    found = document(tmp_path)
    totals = dict(found["totals"])
    kinds = [app["result"] for app in found["apps"]]
    apps = {(app["bundle_id"], app["environment"]) for app in found["apps"]}
    assert (totals.pop("apps"), totals.pop("integrations"), totals.pop("would_change")) == (len(apps), len(kinds), 3)
    assert totals == {kind: kinds.count(kind) for kind in totals}
    assert sum(key["integrations"] for key in found["keys"]) == len(kinds)
    assert [(key["accepted"], key["integrations"]) for key in found["keys"]] == [(3, 5), (2, 3)]


def test_a_drift_names_its_tracker_and_the_json_its_project(tmp_path: Path) -> None:
    """One app at two trackers, and at one of them in two projects: its bundle ID alone tells too little."""
    name = "com.example.one"
    two = [
        item(name, action="create", tracker=tracker, label=label)
        for tracker, label in (("ledger", f"{name} at ledger"), ("devtodev", f"{name} at devtodev p2"))
    ]
    found = audit(tmp_path, bulk(*two, item("com.example.fine")))
    for text in (found.message, html.unescape((tmp_path / "refund-audit.md").read_text())):
        assert "The ledger doesn't have this integration." in text and "devtodev doesn't have this integration." in text
    labels = {app["label"] for app in document(tmp_path)["apps"]}
    assert labels == {f"{name} at ledger", f"{name} at devtodev p2", None}


def test_junit_counts_as_ci_systems_do(tmp_path: Path) -> None:
    audit(tmp_path, a_bit_of_all(), waivers=WAIVERS)
    root = ElementTree.parse(tmp_path / FILES[2]).getroot()
    suites = root.findall("testsuite")
    assert root.tag == "testsuites" and [suite.get("name") for suite in suites] == [
        "ledger production",
        "ledger sandbox",
    ]
    for node in (root, *suites):
        cases = list(node.iter("testcase"))
        counts = {name: sum(case.find(tag) is not None for case in cases) for name, tag in TAGS.items()}
        wanted = {"tests": len(cases), **counts}
        if node is root:
            del wanted["skipped"]
        assert {name: int(node.get(name, -1)) for name in wanted} == wanted
    found = {case.get("name"): [(part.tag, part.get("type")) for part in case] for case in root.iter("testcase")}
    assert found == {
        "com.example.fine": [],
        "com.example.sandboxed": [],
        "com.example.unreleased": [("skipped", None)],
        "com.example.refused": [("skipped", None)],
        "com.example.both": [("failure", "unauthenticated")],
        "com.example.drifted": [("failure", "drift")],
        "com.example.new": [("failure", "drift")],
        "com.example.limited": [("error", "rate_limited")],
    }
    (both,) = [case for case in root.iter("failure") if case.get("type") == "unauthenticated"]
    assert "drift:" in str(both.text) and both.get("message")


@pytest.mark.parametrize(
    ("fail_on", "wanted"),
    [
        (["refused"], {"both": "failure", "refused": "failure"}),
        (["drift"], {"both": "failure", "drifted": "failure", "new": "failure"}),
        (["unknown"], {"limited": "error"}),
        ([], {}),
    ],
)
def test_junit_fails_where_the_task_does(fail_on: list[str], wanted: Json, tmp_path: Path) -> None:
    done = audit(tmp_path, a_bit_of_all(), fail_on=fail_on)
    root = ElementTree.parse(tmp_path / FILES[2]).getroot()
    cases = {str(case.get("name")).rpartition(".")[2]: case for case in root.iter("testcase")}
    tags = {name: part.tag for name, case in cases.items() for part in case}
    noted = {"both", "refused", "drifted", "new", "limited"} - set(wanted)
    assert tags == {**wanted, **dict.fromkeys(noted, "system-out"), "unreleased": "skipped"}
    assert int(root.get("failures", -1)) + int(root.get("errors", -1)) == len(wanted)
    assert bool(done.results.get("failed")) == document(tmp_path)["failed"] == bool(wanted)
    if fail_on == ["drift"]:
        assert cases["both"].find("failure[@type='drift']") is not None
        assert "rate_limited" in str(cases["limited"].findtext("system-out"))


@pytest.mark.parametrize(("fail_on", "errors"), [(["drift"], "1"), ([], "0")])
def test_junit_of_nothing_is_no_success(fail_on: list[str], errors: str, tmp_path: Path) -> None:
    audit(tmp_path, fail_on=fail_on)
    root = ElementTree.parse(tmp_path / FILES[2]).getroot()
    assert (root.get("errors"), str(len(list(root.iter("error"))))) == (errors, errors)


TAGS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def test_hostile_texts_break_no_format(tmp_path: Path) -> None:
    hostile = item(HOSTILE, "unauthenticated", "update", hint=HOSTILE, tracker=HOSTILE, key=HOSTILE)
    audit(tmp_path, bulk(hostile), {"bundle_id": HOSTILE, "app_name": HOSTILE, "msg": HOSTILE}, title=HOSTILE)
    page = (tmp_path / FILES[0]).read_text()
    assert "<img" not in page and page.count("<script") == 2 and page.count("</script>") == 2
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)
    assert not set("<>&\u2028\u2029") & set(data)
    shown = HOSTILE.replace("\ud800", "?")
    assert shown in json.loads(data)["texts"] and html.escape(shown) in page
    root = ElementTree.parse(tmp_path / FILES[2]).getroot()
    (name, _other) = [str(case.get("name")) for case in root.iter("testcase")]
    assert "</script>" in name and "\x1b" not in name
    assert document(tmp_path)["title"] == shown


def test_a_key_in_the_wrong_place_is_not_written(tmp_path: Path) -> None:
    text = "-----BEGIN PRIVATE KEY-----\nMIGT\n-----END PRIVATE KEY-----"
    audit(tmp_path, {"bundle_id": "com.example.one", "failed": True, "msg": text})
    assert [name for name in FILES if "MIGT" in (tmp_path / name).read_text()] == []


def test_changed_does_not_look_at_times(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    predicted = audit(folder, a_bit_of_all(), check_mode=True)
    assert not folder.parent.exists()
    first = audit(folder, a_bit_of_all())
    assert predicted.results == first.results and first.results["changed"]
    later = json.loads(
        json.dumps(a_bit_of_all()).replace("11:05:09", "23:59:59").replace("3edf8508-ac4a", "00000000-0000")
    )
    again = audit(folder, later, now=NOW + timedelta(hours=5))
    assert not again.results["changed"] and document(folder)["generated_at"] == "2026-11-23T17:00:00Z"
    assert again.results["diff"]["before"] == again.results["diff"]["after"]
    other = audit(folder, bulk(item("com.example.fine")))
    assert other.results["changed"] and not other.results.get("failed")
    for name in FILES:
        (folder / name).unlink()
        assert audit(folder, bulk(item("com.example.fine"))).results["changed"]


def test_each_file_can_have_its_own_place(tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    done = audit(tmp_path, bulk(), path=None, json_path=str(own))
    assert done.results["report"]["paths"] == {**dict.fromkeys(ALL_FILES), "json": str(own)}
    assert os.listdir(tmp_path) == ["own.json"]
    for options in ({"path": None}, {"html_path": str(own), "json_path": str(own)}):
        with pytest.raises(InputError, match=r"^path: "):
            audit(tmp_path, bulk(), **options)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audit(tmp_path, bulk())
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    (tmp_path / FILES[1]).chmod(0o640)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(_files.os, "fsync", full)
        with pytest.raises(FileError, match="No space"):
            audit(tmp_path, a_bit_of_all())
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    audit(tmp_path, a_bit_of_all())
    assert stat.S_IMODE((tmp_path / FILES[1]).stat().st_mode) == 0o640
    (tmp_path / "file").write_text("")
    for check_mode in (True, False):
        with pytest.raises(FileError, match=r"^path: "):
            audit(tmp_path / "file", bulk(), check_mode=check_mode)


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("kept")
    (tmp_path / FILES[0]).symlink_to(target)
    audit(tmp_path, bulk())
    assert target.read_text() == "kept" and not (tmp_path / FILES[0]).is_symlink()


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_pipe_is_neither_waited_for_nor_replaced(check_mode: bool, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    came: list[bool] = []

    def wait_for_a_reader() -> None:
        with pipe.open("w"):
            came.append(True)

    writer = threading.Thread(target=wait_for_a_reader, daemon=True)
    writer.start()
    with pytest.raises(FileError, match=r"^html_path: .* is not a regular file"):
        audit(tmp_path, bulk(item("com.example.one")), path=None, html_path=str(pipe), check_mode=check_mode)
    assert stat.S_ISFIFO(pipe.lstat().st_mode) and not came
    descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    writer.join()
    os.close(descriptor)


def test_thousands_of_apps_give_a_small_result(tmp_path: Path) -> None:
    many: list[Json] = [item(f"com.example.a{number}", "unauthenticated") for number in range(1_500)]
    done = audit(tmp_path, bulk(*many))
    assert len(json.dumps(done.results)) < 30_000 and len(document(tmp_path)["apps"]) == 1_500
