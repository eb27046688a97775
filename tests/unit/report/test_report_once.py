# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One report about several hosts is written once, whatever the strategy: in plays as Ansible runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from unit_forks import run_playbook

pytestmark = pytest.mark.services


def play(folder: Path, strategy: str, runs_once: bool) -> str:
    """Run a play of two hosts that reports into ``folder``; give its output."""
    options = {"results": [], "path": str(folder / "{{ place }}"), "fail_on": []}
    task = {"storeops.refunds.refund_audit_report": options, "run_once": runs_once}
    place = "report" if runs_once else "{{ inventory_hostname }}"
    keywords = {"gather_facts": False, "connection": "local", "strategy": strategy, "vars": {"place": place}}
    book = folder / "play.yml"
    book.write_text(json.dumps([{"hosts": "all", "tasks": [task], **keywords}]))
    ran = run_playbook(book, "a,b", folder=folder)
    return ran.output + ran.errors


@pytest.mark.parametrize(
    ("strategy", "runs_once", "written"),
    [
        ("linear", True, ["report"]),
        ("free", True, []),
        ("ansible.builtin.host_pinned", True, []),
        ("free", False, ["a", "b"]),
    ],
)
def test_one_report_of_several_hosts(strategy: str, runs_once: bool, written: list[str], tmp_path: Path) -> None:
    output = play(tmp_path, strategy, runs_once)
    assert sorted(path.parent.name for path in tmp_path.glob("*/refund-audit.html")) == written, output
    refused = f"the play has 2 hosts and the strategy '{strategy}', which ignores it" in output
    assert refused is (not written), output
