# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-core 2.22 hides what a no_log option had in the whole run: their secrets, and nothing else of our tasks."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import cases
import pytest
import yaml
from playground import ISSUER_ID, STUDIO_A, Playground, chosen

Json = dict[str, t.Any]
SENTENCE = "the sandbox of studio com.example.one is fine, says revenuecat, project p1 in production"
BULK = "storeops.refunds.refund_tracking_integrations"
PEM = "{{ lookup('ansible.builtin.file', key_file) }}"


def _tasks(ledger: str, report: Path) -> list[Json]:
    one = {"bundle_id": "com.example.one", "issuer_id": ISSUER_ID, "key_id": STUDIO_A}
    key = {"key": "studio", "issuer_id": ISSUER_ID, "private_key_path": "{{ key_file }}"}
    own: Json = {"ledger": {"url": ledger}}
    trackers: Json = {
        "revenuecat": {"api_key": "sk_QmFyLWJhei1xdXV4LTEyMw", "project_id": "production", "app_name": "studio"},
        "qonversion": {"api_key": "sk_QmFyLWJhei1xdXV4LTEyNA", "project": "p1"},
        "devtodev": {"mode": "handoff", "project": "sandbox", "page": {"submit": {"name": "fine"}}},
    }
    audit = {"storeops.refunds.refund_tracking_integration": {**one, "private_key_content": PEM, **own, **trackers}}
    tasks: list[Json] = [
        {"storeops.refunds.appstore_iap_key": {"keys": [key]}},
        {**audit, "register": "audit"},
        {"storeops.refunds.refund_audit_report": {"results": ["{{ audit }}"], "path": str(report), "fail_on": []}},
    ]
    if cases.HAS_OPEN_LISTS:
        apps = [{"bundle_id": "com.example.one"}]
        tasks.append({BULK: {"issuer_id": ISSUER_ID, "private_key_path": "{{ key_file }}", "apps": apps, **own}})
    show: list[Json] = [{"ansible.builtin.debug": {"var": "audit"}}, {"ansible.builtin.debug": {"msg": SENTENCE}}]
    return tasks + show


@pytest.mark.newest
@pytest.mark.parametrize("way", ["in-process", "as-modules"])
def test_that_nothing_else_of_a_run_is_redacted(way: str, tmp_path: Path) -> None:
    with Playground(tmp_path) as playground:
        url = {"app_store_server_url": playground.app_store_server_url}
        tasks = _tasks(f"sqlite:///{tmp_path}/ledger.db", tmp_path / "report")
        defaults = {"group/storeops.refunds.apple": url}
        for task in tasks:
            if any(name.startswith("storeops") for name in task):
                task["module_defaults"] = defaults
        play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
        playbook = playground.write(tmp_path / "play.yml", yaml.safe_dump([play]))
        given = json.dumps({"key_file": str(playground.key_file)})
        ran = playground.run("-v", str(playbook), "-e", given, *chosen(way), TMPDIR=str(tmp_path.parent))
    assert ran.code == 0, ran.stdout[-3000:]
    assert SENTENCE in ran.stdout and ran.stdout.count("com.example.one") > 5
    assert "REDACTED" not in ran.stdout + ran.stderr, ran.stdout
    report = (tmp_path / "report/refund-audit.json").read_text()
    assert "com.example.one" in report and "REDACTED" not in report
