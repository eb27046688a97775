# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task that may see but a part of all apps doesn't purge, and lets no key go: by the variables, and in plays."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from bulk_support import Bulk, apps
from unit_forks import run_playbook
from unit_servers import Simulator

from ansible_collections.storeops.refunds.plugins.plugin_utils._partial_play import (
    keep_keys,
    missing_apps,
    refusal_to_purge,
    refusal_to_repeat,
    refusal_to_report,
    refusal_to_revoke,
)

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
    missing = missing_apps(task_vars, runs_once, strategy)
    found = refusal_to_purge(missing, "yes")
    assert found.startswith(expected) and bool(found) is bool(expected)
    assert refusal_to_purge(missing, False) == ""
    # The same look is taken at the keys that may go, and at the old one of a rotation.
    revokes = refusal_to_revoke(missing, "yes")
    assert revokes.startswith(expected.replace("purge: ", "revoke: ")) and bool(revokes) is bool(expected)
    assert refusal_to_revoke(missing, False) == ""
    for keys, check_mode in (([], False), (["old"], False), (["old", "older"], True)):
        result = {"removable_keys": keys, "summary": "1 app is Active."}
        kept = keep_keys(result, missing, check_mode)
        if not expected or not keys:
            assert kept == result
            continue
        begin = "The keys old, older would not be" if check_mode else "The key old was not"
        told = f"1 app is Active. {begin} removed or revoked: {missing.why}. To remove keys, run storeops.refunds.site "
        assert kept == {"removable_keys": [], "summary": f"{told}on one host with all apps, without --limit."}


@pytest.mark.parametrize("variable", ["refund_tracking_hosts", "field_check_hosts", ""])
@pytest.mark.parametrize(("host", "is_app"), [("one", True), ("one", False), ("localhost", True), ("localhost", False)])
def test_a_playbook_for_all_apps_works_on_no_host_that_stands_for_one(variable: str, host: str, is_app: bool) -> None:
    known = {"inventory_hostname": host, **({"app_bundle_id": "com.example.one"} if is_app else {})}
    found = refusal_to_repeat({**known, **({"storeops_refunds_working_hosts": variable} if variable else {})})
    assert found.startswith(f"{variable}: the host one stands for an app") is (
        host == "one" and is_app and bool(variable)
    )
    assert bool(found) is (host == "one" and is_app and bool(variable))


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
    found = refusal_to_report(hosts("ab"), True, strategy, "all")
    assert found.startswith("run_once: the play has 2 hosts") if is_refused else found == ""
    assert refusal_to_report(hosts("ab"), False, strategy, "all") == ""
    assert refusal_to_report(hosts("a"), True, strategy, "all") == ""


@pytest.mark.parametrize(
    ("batch", "left", "every", "others"),
    [
        ("a", "a", "a", ""),
        ("abc", "abc", "abc", ""),
        # A host that failed is one of the play: the audit takes it all the same.
        ("ac", "ac", "abc", ""),
        ("ab", "abc", "abc", "1 of 3"),
        ("b", "bc", "abc", "1 of 3"),
        ("a", "abc", "abc", "2 of 3"),
    ],
)
@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_a_report_is_not_written_by_every_batch(strategy: str, batch: str, left: str, every: str, others: str) -> None:
    known = {**hosts(batch, every), "ansible_play_hosts": list(left)}
    found = refusal_to_report(known, True, strategy, "all")
    assert found.startswith(f"serial: {others} hosts of the play are in other batches") is bool(others)
    assert bool(found) is (bool(others) or (strategy == "free" and len(every) > 1))
    assert refusal_to_report(known, False, strategy, "all") == ""


# Hosts that stand for apps, and one where work is done.
GROUPS: t.Final = {"apps": ["a", "b", "c"], "worker": ["w"], "all": ["a", "b", "c", "w"]}
INVENTORY: t.Final[Json] = {
    "groups": GROUPS,
    "hostvars": {name: {} if name == "w" else {"app_bundle_id": f"com.example.{name}"} for name in GROUPS["all"]},
}
SLICE: t.Final[Json] = {"awx_job_template_name": "Audit", "awx_workflow_job_name": "Audit"}
# What a limit leaves out of the hosts of a play; of apps alone it matters, and that a host is left.
LIMITS: t.Final[dict[str, dict[str, str]]] = {
    "": {"apps": "", "worker": "", "all": ""},
    "all": {"apps": "", "worker": "", "all": ""},
    "apps": {"apps": "", "worker": "every app", "all": ""},
    "a,b": {"apps": "1 of 3 apps", "worker": "every app", "all": "1 of 3 apps"},
    "worker": {"apps": "3 of 3 apps", "worker": "", "all": "3 of 3 apps"},
    "!worker": {"apps": "", "worker": "every app", "all": ""},
}


@pytest.mark.parametrize("pattern", ["apps", "worker", "all"])
@pytest.mark.parametrize("limit", LIMITS)
def test_a_report_about_a_part_of_the_apps_does_not_replace_that_of_all(limit: str, pattern: str) -> None:
    known = {**hosts("a"), **INVENTORY, "ansible_limit": limit}
    found = refusal_to_report(known, True, "linear", pattern)
    missing = LIMITS[limit][pattern]
    begin = f"The play is limited ({limit!r}), so a report would leave out {missing}, and take the place of the one"
    assert found.startswith(begin) if missing else found == ""
    # Each host of a play without run_once writes its own.
    assert refusal_to_report(known, False, "linear", pattern) == ""


@pytest.mark.parametrize(("pattern", "is_refused"), [("apps", True), ("worker", False), ("all", True)])
@pytest.mark.parametrize("limit", ["", "all"])
def test_a_slice_sees_but_a_part_of_the_apps(limit: str, pattern: str, is_refused: bool) -> None:
    known = {**hosts("a"), **INVENTORY, **SLICE, "ansible_limit": limit}
    found = refusal_to_report(known, True, "linear", pattern)
    assert found.startswith("The play is a job slice, so") if is_refused else found == ""


# A host that failed, batches, and a strategy out of step; with what refuses a report.
PLAYS: t.Final[list[tuple[list[Json], Json, str]]] = [
    ([{"ansible.builtin.fail": {}, "when": "inventory_hostname == 'b'"}], {}, ""),
    ([], {"serial": 1}, "serial: 2 of 3 hosts of the play are in other batches"),
    ([], {"serial": 3}, ""),
    ([], {"strategy": "free"}, "run_once: the play has 3 hosts and the strategy 'free'"),
    ([], {}, ""),
]


@pytest.mark.services
@pytest.mark.parametrize(("before", "keywords", "expected"), PLAYS)
def test_that_one_report_is_written(tmp_path: Path, before: list[Json], keywords: Json, expected: str) -> None:
    (tmp_path / "refund-audit.md").write_text("The whole report")
    options = {"path": str(tmp_path), "results": [], "stage": "begun"}
    task = {"storeops.refunds.refund_audit_report": options, "run_once": True, "check_mode": False}
    book = tmp_path / "play.yml"
    whole = {"hosts": "all", "gather_facts": False, "connection": "local", "tasks": [*before, task]}
    book.write_text(json.dumps([whole | keywords]))
    ran = run_playbook(book, ",".join(HOSTS), folder=tmp_path)
    output = ran.output + ran.errors
    assert expected in output, output
    assert ((tmp_path / "refund-audit.md").read_text() == "The whole report") is bool(expected), output


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


@pytest.mark.parametrize("limit", ["", "a"])
@pytest.mark.parametrize("names", ["a", "ab"])
def test_that_no_host_lets_a_key_go_that_another_may_need(
    sim: Simulator, tmp_path: Path, names: str, limit: str
) -> None:
    """Each host has its own app; that of the others may be held with the old key where this tool never looked."""
    bulk = Bulk(sim, tmp_path)
    bulk.run(apps(*NAMES), credential_check="skip")
    bulk.world(NAMES)
    gone = {"key": "old", "key_id": "OLDKEY0001", "state": "absent", "revoke": True}
    options = bulk.options([{"bundle_id": "com.example.{{ inventory_hostname }}", "key": "a"}])
    task = {"storeops.refunds.refund_tracking_integrations": {**options, "keys": [*bulk.keys, gone]}, "register": "it"}
    said = {"ansible.builtin.debug": {"msg": "{{ inventory_hostname }} {{ it.removable_keys }} {{ it.summary }}"}}
    plays = [{"hosts": "all", "gather_facts": False, "connection": "local", "tasks": [task, said]}]
    book = tmp_path / "play.yml"
    book.write_text(json.dumps(plays))
    ran = run_playbook(book, f"{','.join(names)},", *([f"--limit={limit}"] if limit else []), folder=tmp_path)
    told = "The key old was not removed or revoked" in ran.output
    assert told is (names != "a" or bool(limit)), ran.output + ran.errors
    assert ("a ['old']" in ran.output) is not told, ran.output
