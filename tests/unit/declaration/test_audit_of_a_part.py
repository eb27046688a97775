# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An audit that sees but a part of the apps leaves the whole report where it is, and one of all of them doesn't."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from unit_forks import run_playbook
from unit_support import ROOT

pytestmark = pytest.mark.services
APPS = {name: {"app_bundle_id": f"com.example.{name}"} for name in ("one", "two")}
HOSTS = {"all": {"children": {"apps": {"hosts": APPS}, "workers": {"hosts": {"worker": {}}}}}}
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


# Why no report is begun: by a limit, by one that leaves no host, and in a slice.
REASONS: dict[str, tuple[list[str], dict[str, str], str]] = {
    **{limit: (["--limit", limit], {}, "limit") for limit in ("one", "localhost", "localhost,one", "nobody", "worker")},
    "slice": ([], SLICE, "a job slice"),
    "slice of all": (["--limit", "all"], SLICE, "a job slice"),
}


@pytest.mark.parametrize("reason", REASONS)
def test_where_no_report_is_begun_the_folder_stays_as_it_is(reason: str, tmp_path: Path) -> None:
    arguments, more, expected = REASONS[reason]
    code, said = audited(tmp_path, *arguments, **more)
    assert code != 0 and expected in said, said
    assert {path.name: path.read_text() for path in tmp_path.iterdir() if path.name != "hosts.json"} == {
        name: f"The whole report: {name}" for name in FILES
    }


@pytest.mark.parametrize("limit", ["all", "localhost,apps", "apps", "apps:!worker"])
def test_a_limit_that_leaves_all_apps_is_none(limit: str, tmp_path: Path) -> None:
    code, said = audited(tmp_path, "--limit", limit)
    assert (code != 0 and "needs attention" in said) or "need attention" in said, said
    assert json.loads((tmp_path / "refund-audit.json").read_text())["totals"]["apps"] == 2


def test_no_strategy_is_complained_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configured one is that of the play which keeps the last report aside, on one host."""
    monkeypatch.setenv("ANSIBLE_STRATEGY", "free")
    code, said = audited(tmp_path)
    assert code != 0 and "need attention" in said and "run_once" not in said, said
