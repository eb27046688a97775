# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Until an audit has finished, its files say so, and the last report is kept beside them as it was."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path
from xml.etree import ElementTree

import pytest
from report_support import a_bit_of_all, audit

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.audit.audit_report import FILES

HOSTILE = "</title><script>alert(1)</script> ]]> \x1b[31m =cmd| \ud800"
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


def test_a_file_that_nobody_kept_aside_is_left_alone(tmp_path: Path) -> None:
    own = tmp_path / "refund-audit.previous.html"
    own.write_text("somebody's own")
    audit(tmp_path, a_bit_of_all(), fail_on=[])
    assert own.read_text() == "somebody's own"


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
