# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task that may see but a part of all apps does not purge: by the variables, and in plays as Ansible runs them."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from bulk_support import Bulk, apps
from unit_forks import run_playbook
from unit_servers import Simulator

from ansible_collections.storeops.refunds.plugins.plugin_utils._partial_play import refusal_to_purge, refusal_to_report

Json = dict[str, t.Any]
HOSTS = ["a", "b", "c"]
NAMES = [f"com.example.{host}" for host in HOSTS]


def hosts(batch: str, every: str = "") -> Json:
    """Give the magic variables of a play; each letter is a host."""
    return {"ansible_play_hosts_all": list(every or batch), "ansible_play_batch": list(batch)}


@pytest.mark.parametrize(
    ("task_vars", "runs_once", "strategy", "expected"),
    [
        (hosts("a"), False, "linear", ""),
        (hosts("a"), False, "free", ""),
        (hosts("ab"), True, "linear", ""),
        (hosts("ab"), True, "ansible.builtin.linear", ""),
        (hosts("ab"), True, "debug", ""),
        (hosts("ab"), False, "linear", "purge: the task runs for each of 2 hosts"),
        (hosts("ab"), True, "free", "purge: the play has 2 hosts and the strategy 'free'"),
        (hosts("ab"), True, "mitogen_linear", "purge: the play has 2 hosts and the strategy 'mitogen_linear'"),
        (hosts("ab"), True, "ansible.builtin.host_pinned", "purge: the play has 2 hosts and the strategy"),
        (hosts("ab", "abc"), True, "linear", "purge: 1 of 3 hosts of the play are not here ('c')"),
        (hosts("a", "abc"), True, "linear", "purge: 2 of 3 hosts of the play are not here ('b')"),
        ({**hosts("a"), "ansible_limit": "a"}, True, "linear", "purge: the play is limited ('a')"),
        ({"awx_job_template_name": "Track", "awx_workflow_job_name": "Track"}, True, "linear", "purge: this is a job"),
        ({"awx_job_template_name": "Track", "awx_workflow_job_name": "Nightly"}, True, "linear", ""),
        ({"tower_job_slice_count": 3}, True, "linear", "purge: this is a job slice"),
        ({"awx_job_slice_count": 1, "awx_job_template_name": "Track"}, True, "linear", ""),
    ],
)
def test_where_apps_may_be_missing(task_vars: Json, runs_once: bool, strategy: str, expected: str) -> None:
    found = refusal_to_purge(task_vars, "yes", runs_once, strategy)
    assert found.startswith(expected) and bool(found) is bool(expected)
    assert refusal_to_purge(task_vars, False, runs_once, strategy) == ""


@pytest.mark.parametrize(
    ("strategy", "is_refused"),
    [
        *((name, True) for name in ("free", "host_pinned", "mitogen_free", "mitogen_host_pinned")),
        ("ansible.builtin.free", True),
        ("ansible.builtin.host_pinned", True),
        *((name, False) for name in ("linear", "debug", "ansible.builtin.linear", "mitogen_linear", "acme.own.waves")),
    ],
)
def test_a_report_is_written_unless_run_once_is_known_to_be_ignored(strategy: str, is_refused: bool) -> None:
    found = refusal_to_report(hosts("ab"), True, strategy)
    assert found.startswith("run_once: the play has 2 hosts") if is_refused else found == ""
    assert refusal_to_report(hosts("ab"), False, strategy) == refusal_to_report(hosts("a"), True, strategy) == ""


APPS: t.Final[Json] = {"hostvars": {name: {"app_bundle_id": f"com.example.{name}"} for name in "abc"}}
PARTS: t.Final[dict[str, Json]] = {
    "limit": {"ansible_limit": "a"},
    "slice": {"awx_job_template_name": "Audit", "awx_workflow_job_name": "Audit"},
}


@pytest.mark.parametrize("part", PARTS)
def test_a_report_about_a_part_of_the_apps_does_not_replace_that_of_all(part: str) -> None:
    found = refusal_to_report({**hosts("a"), **APPS, **PARTS[part]}, True, "linear")
    assert found.startswith(f"The play is {'limited' if part == 'limit' else 'a job slice'}")
    assert "Audit all hosts in one job." in found
    # Each host of a play without run_once writes its own; hosts that are no apps leave no app out.
    assert refusal_to_report({**hosts("a"), **APPS, **PARTS[part]}, False, "linear") == ""
    assert refusal_to_report({**hosts("a"), "hostvars": {"a": {}}, **PARTS[part]}, True, "linear") == ""
    assert refusal_to_report({**hosts("abc"), **APPS}, True, "linear") == ""


def play(bulk: Bulk, hosts_of_apps: str, before: list[Json], **keywords: t.Any) -> str:
    """Run a play over three hosts that purges what is not an app of these hosts; give its output."""
    start, end = '{"bundle_id": "com.example.', '", "key": "a"}'
    joined = f"'[{start}' ~ {hosts_of_apps} | join('{end}, {start}') ~ '{end}]'"
    listed = f"{{{{ ({joined}) | from_json }}}}"
    options = {**bulk.options([]), "apps": listed, "purge": True, "purge_limit": "100%", "credential_check": "skip"}
    task = {"storeops.refunds.refund_tracking_integrations": options, "run_once": True}
    plays = [{"hosts": "all", "gather_facts": False, "connection": "local", "tasks": [*before, task], **keywords}]
    book = bulk.folder / "play.yml"
    book.write_text(json.dumps(plays))
    ran = run_playbook(book, ",".join(HOSTS), folder=bulk.folder)
    return ran.output + ran.errors


@pytest.mark.parametrize(
    ("listed", "before", "keywords", "expected"),
    [
        (
            "ansible_play_hosts",
            [{"ansible.builtin.fail": {}, "when": "inventory_hostname == 'b'"}],
            {},
            "purge: 1 of 3 hosts of the play are not here ('b')",
        ),
        ("ansible_play_batch", [], {"serial": 1}, "purge: 2 of 3 hosts of the play are not here ('b')"),
        ("[inventory_hostname]", [], {"strategy": "free"}, "purge: the play has 3 hosts and the strategy 'free'"),
        ("ansible_play_hosts", [], {}, ""),
    ],
)
def test_that_no_host_loses_its_app(
    sim: Simulator, tmp_path: Path, listed: str, before: list[Json], keywords: Json, expected: str
) -> None:
    bulk = Bulk(sim, tmp_path)
    bulk.run(apps(*NAMES, "com.example.d"), credential_check="skip")
    output = play(bulk, listed, before, **keywords)
    assert expected in output, output
    assert bulk.held() == ([*NAMES, "com.example.d"] if expected else NAMES), output
