# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An audit that sees but a part of the apps leaves the whole report where it is, or says why there is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from unit_forks import run_playbook
from unit_support import ROOT

pytestmark = pytest.mark.services
HOSTS = {"all": {"hosts": {name: {"app_bundle_id": f"com.example.{name}"} for name in ("one", "two")}}}
SLICE = {"awx_job_template_name": "Audit", "awx_workflow_job_name": "Audit"}
FILES = ("refund-audit.html", "refund-audit.json", "refund-audit.junit.xml", "refund-audit.md", "refund-audit.csv")


def audited(folder: Path, *arguments: str, **more: object) -> tuple[int, str]:
    """Run the playbook over hosts that are apps, where a report lies."""
    (folder / "hosts.json").write_text(json.dumps(HOSTS))
    for name in FILES:
        (folder / name).write_text(f"The whole report: {name}")
    given = {"refund_audit_path": str(folder), "refund_audit_hosts": "all", "refund_audit_keys": [], **more}
    hosts = str(folder / "hosts.json")
    ran = run_playbook(ROOT / "playbooks/audit.yml", hosts, "-e", json.dumps(given), *arguments, folder=folder)
    return ran.code, ran.output + ran.errors


@pytest.mark.parametrize("limit", ["one", "localhost", "localhost,one", "nobody"])
def test_with_a_limit_all_files_stay(limit: str, tmp_path: Path) -> None:
    code, said = audited(tmp_path, "--limit", limit)
    assert code != 0 and ("limit" in said), said
    assert {name: (tmp_path / name).read_text() for name in FILES} == {
        name: f"The whole report: {name}" for name in FILES
    }
    assert not list(tmp_path.glob("*.previous*"))


def test_in_a_slice_the_files_say_why_and_the_report_is_kept(tmp_path: Path) -> None:
    code, said = audited(tmp_path, **SLICE)
    assert code != 0 and "a job slice" in said, said
    told = json.loads((tmp_path / "refund-audit.json").read_text())
    assert "a job slice" in json.dumps(told) and "Audit all hosts in one job." in json.dumps(told)
    assert (tmp_path / "refund-audit.previous.json").read_text() == "The whole report: refund-audit.json"
