# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Until an audit has finished, its files say so, and the last report is kept beside them as it was."""

from __future__ import annotations

import json
import os
import typing as t
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from report_support import a_bit_of_all, audit

from ansible_collections.storeops.refunds.plugins.module_utils._report.unfinished import (
    Unfinished,
    earlier_of,
    render,
)
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.audit.audit_report import FILES

HOSTILE = "</title><script>alert(1)</script> ]]> \x1b[31m =cmd| \ud800"
POINTER = "The last report that was finished: "
NAMES = {kind: name for kind, (name, _render) in FILES.items()}
Results = list[dict[str, t.Any]]


def stage(folder: Path, name: str, *results: dict[str, t.Any], **more: t.Any) -> None:
    audit(folder, *results, stage=name, fail_on=[], **more)


def bytes_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.stat().st_mode & 0o777, path.read_bytes()) for path in folder.iterdir()}


def test_the_last_report_is_kept_as_it_was_until_there_is_another(tmp_path: Path) -> None:
    audit(tmp_path, a_bit_of_all(), fail_on=[])
    (tmp_path / NAMES["html"]).chmod(0o640)
    before = bytes_of(tmp_path)
    for _again in range(2):
        stage(tmp_path, "begun")
        stage(tmp_path, "stopped", {"failed": True, "msg": "Why."})
    now = bytes_of(tmp_path)
    kept = {name.replace(".previous", ""): found for name, found in now.items() if ".previous." in name}
    assert kept == before and len(now) == 10
    assert now[NAMES["html"]][0] == 0o640 and b"Why." in now[NAMES["html"]][1]
    audit(tmp_path, a_bit_of_all(), fail_on=[])
    assert bytes_of(tmp_path).keys() == before.keys() and bytes_of(tmp_path)[NAMES["html"]][0] == 0o640


def test_what_was_finished_is_not_called_stopped(tmp_path: Path) -> None:
    stage(tmp_path, "begun")
    audit(tmp_path, a_bit_of_all(), fail_on=[])
    before = bytes_of(tmp_path)
    stage(tmp_path, "stopped", {"failed": True, "msg": "Apps need attention."})
    assert bytes_of(tmp_path) == before


@pytest.mark.parametrize("stages", [(), ("begun",), ("begun", "stopped"), ("begun", "stopped", "begun", "stopped")])
@pytest.mark.parametrize("has_report", [False, True])
def test_a_file_that_nobody_kept_aside_is_left_alone(tmp_path: Path, has_report: bool, stages: tuple[str, ...]) -> None:
    if has_report:
        audit(tmp_path, a_bit_of_all(), fail_on=[])
    reports = {found for _mode, found in bytes_of(tmp_path).values()}
    own = {".previous".join(os.path.splitext(name)) for name in NAMES.values()}
    for name in own:
        (tmp_path / name).write_text(f"{name} of somebody")
    before = bytes_of(tmp_path)
    claimed = f"{POINTER}refund-audit.previous.csv"
    for name in stages:
        stage(tmp_path, name, {"failed": True, "msg": claimed})
        now = bytes_of(tmp_path)
        assert {one: now[one] for one in own} == {one: before[one] for one in own}
        kept = now.keys() - own - set(NAMES.values())
        assert {now[one][1] for one in kept} == reports
        for kind, file in NAMES.items():
            noted = earlier_of(kind, now[file][1].decode())
            assert noted == (os.path.splitext(file)[0] + ".previous-2" + Path(file).suffix if has_report else "")
    audit(tmp_path, a_bit_of_all(), fail_on=[])
    now = bytes_of(tmp_path)
    assert now.keys() == own | set(NAMES.values())
    assert {one: now[one] for one in own} == {one: before[one] for one in own}
    assert (json.loads(now[NAMES["json"]][1])["changes"] is not None) is has_report


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("name", ["a--b.previous.html", 'ä, "b" & <c>\'.previous-3.csv', "=a.previous", "a%2D-->.md"])
def test_the_name_that_is_noted_is_the_one_that_is_read(kind: str, name: str) -> None:
    told = Unfinished(HOSTILE.encode("utf-8", "replace").decode(), "2026-11-23T12:00:00Z", f"{POINTER}other", name)
    assert earlier_of(kind, render(kind, told)) == name
    without = replace(told, earlier="")
    assert earlier_of(kind, render(kind, without)) == "" == earlier_of(kind, f"no report {render(kind, told)}")


@pytest.mark.parametrize("kind", NAMES)
def test_a_name_elsewhere_is_not_removed(kind: str, tmp_path: Path) -> None:
    """Whoever may write into the folder may write a name into the file, too."""
    for name in ("../victim", "victim", f"../{tmp_path.name}/victim"):
        victim = tmp_path.parent / "victim" if name == "../victim" else tmp_path / "victim"
        victim.write_text("somebody's own")
        told = Unfinished("", "2026-11-23T12:00:00Z", "", name)
        (tmp_path / NAMES[kind]).write_text(render(kind, told))
        audit(tmp_path, a_bit_of_all(), fail_on=[])
        assert victim.read_text() == "somebody's own"


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    audit(tmp_path, a_bit_of_all(), fail_on=[])
    before = bytes_of(tmp_path)
    stage(tmp_path, "begun", check_mode=True)
    assert bytes_of(tmp_path) == before


@pytest.mark.parametrize("kind", NAMES)
def test_texts_from_outside_do_nothing(kind: str, tmp_path: Path) -> None:
    stage(tmp_path, "begun", title=HOSTILE)
    stage(tmp_path, "stopped", {"failed": False, "msg": "sound"}, {"failed": True, "msg": HOSTILE}, title=HOSTILE)
    text = (tmp_path / NAMES[kind]).read_text()
    assert "sound" not in text and "alert" in text
    assert "<script" not in text or kind in ("json", "csv")
    if kind == "junit":
        assert [one.get("type") for one in ElementTree.fromstring(text).iter("error")] == ["unfinished"]
    assert os.path.getsize(tmp_path / NAMES[kind]) < 20_000


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("name", ["begun", "stopped", "finished"])
def test_a_reader_sees_no_markup(name: str, kind: str, tmp_path: Path) -> None:
    if name == "finished":
        audit(tmp_path, a_bit_of_all(), fail_on=[])
        audit(tmp_path, a_bit_of_all(), fail_on=[])
    else:
        stage(tmp_path, "begun")
        stage(tmp_path, name, {"failed": True, "msg": "Why."})
    text = (tmp_path / NAMES[kind]).read_text()
    assert not any(mark in text for mark in ("&#60;", "&lt;", "&amp;"))
    assert "<time" not in text or (kind == "html" and name == "finished")
    assert name == "finished" or "2026-11-23 12:00 UTC" in text
