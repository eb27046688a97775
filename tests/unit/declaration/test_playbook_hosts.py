# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A playbook whose hosts match nothing fails: to Ansible, a play without hosts is a good end."""

from __future__ import annotations

import json
import re
import shutil
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from unit_forks import run_playbook
from unit_support import ROOT
from warm import warm

PLAYBOOKS: t.Final = sorted((ROOT / "playbooks").glob("*.yml"))
TAKING_HOSTS: t.Final = [
    path
    for path in PLAYBOOKS
    if any(play.get("hosts", "localhost") != "localhost" for play in yaml.safe_load(path.read_text()))
]


def test_most_playbooks_take_hosts() -> None:
    assert len(TAKING_HOSTS) == 6


@pytest.mark.parametrize("path", TAKING_HOSTS, ids=lambda path: path.stem)
def test_the_variable_that_is_named_is_the_one_that_is_read(path: Path) -> None:
    for play in (one for one in yaml.safe_load(path.read_text()) if one["hosts"] != "localhost"):
        (read,) = re.findall(r"(\w+_hosts) \|", play["hosts"])
        assert re.findall(r"play_hosts\('(\w+)', groups, ansible_limit", play["hosts"]) == [read]


def pythons(folder: Path, inventory: str) -> dict[str, set[tuple[str, str]]]:
    """Return what Python each host would have, by playbook, as the plays of the playbooks say it."""
    shutil.copytree(ROOT / "playbooks/vars", folder / "vars")
    known = "{{ ansible_python_interpreter | default(lookup('ansible.builtin.config', 'INTERPRETER_PYTHON')) }}"
    probes = []
    for path in PLAYBOOKS:
        for play in yaml.safe_load(path.read_text()):
            said = {"vars_files": play["vars_files"]} if "vars_files" in play else {}
            own = {name: text for name, text in play.get("vars", {}).items() if name == "ansible_python_interpreter"}
            hosts = "localhost" if play["hosts"] == "localhost" else "all"
            told = {"ansible.builtin.debug": {"msg": f"{path.stem} {{{{ inventory_hostname }}}} {known}"}}
            probes.append({"hosts": hosts, "gather_facts": False, "vars": own, "tasks": [told], **said})
    (folder / "probe.yml").write_text(yaml.safe_dump(probes))
    ran = run_playbook(folder / "probe.yml", inventory, folder=folder)
    assert ran.code == 0 and "vars_files" not in ran.output + ran.errors
    found: dict[str, set[tuple[str, str]]] = {}
    for book, host, python in re.findall(r'"msg": "(\w+) (\w+) (.*)"', ran.output):
        found.setdefault(book, set()).add((host, python))
    return found


@pytest.mark.ansible
@pytest.mark.services
@pytest.mark.parametrize("place", ["ansible.cfg", "environment", "inventory", "nothing"])
def test_a_play_leaves_the_python_of_other_hosts_alone(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On this machine, it is the Python that runs Ansible, which has the libraries."""
    inventory, theirs = "localhost,web1,", "auto" if place == "nothing" else "/theirs"
    monkeypatch.delenv("ANSIBLE_PYTHON_INTERPRETER", raising=False)
    monkeypatch.setenv("ANSIBLE_CONFIG", str(tmp_path / "ansible.cfg"))
    (tmp_path / "ansible.cfg").write_text("[defaults]\n" + "interpreter_python=/theirs\n" * (place == "ansible.cfg"))
    if place == "environment":
        monkeypatch.setenv("ANSIBLE_PYTHON_INTERPRETER", "/theirs")
    elif place == "inventory":
        inventory = str(tmp_path / "hosts.yml")
        host = {"ansible_python_interpreter": "/theirs"}
        (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"localhost": host, "web1": host}}}))
    found = pythons(tmp_path, inventory)
    # What a fork of Ansible takes for its own Python.
    python = str(warm(Path(sys.executable)).python)
    ours = ("localhost", python)
    # An audit runs on this machine whatever the hosts are, which stand for apps.
    on_hosts = {path.stem: {("web1", python if path.stem == "audit" else theirs)} for path in TAKING_HOSTS}
    assert found == {path.stem: {ours} | on_hosts.get(path.stem, set()) for path in PLAYBOOKS}


def variable_of(path: Path) -> str:
    """Return the name of the variable that has the hosts of a playbook."""
    return {"audit": "refund_audit_hosts", "field_check": "field_check_hosts"}.get(path.stem, "refund_tracking_hosts")


@pytest.mark.services
@pytest.mark.parametrize("path", TAKING_HOSTS, ids=lambda path: path.stem)
def test_hosts_that_are_not_there_fail_the_playbook(path: Path, tmp_path: Path) -> None:
    name = variable_of(path)
    ran = run_playbook(path, "web1,web2", "-e", f"{name}=wbe1", folder=tmp_path)
    assert ran.code != 0 and f"{name}: no host of the inventory matches wbe1" in ran.output + ran.errors
    assert set(re.findall(r"TASK \[(.*)\]", ran.output)) <= {"Note that there is no new report yet"}


@pytest.mark.services
@pytest.mark.parametrize("path", TAKING_HOSTS, ids=lambda path: path.stem)
def test_a_limit_that_leaves_no_host_fails_the_playbook(path: Path, tmp_path: Path) -> None:
    ran = run_playbook(path, "web1,web2", "--limit", "web1", folder=tmp_path)
    assert ran.code != 0 and "--limit web1 leaves none of the hosts" in ran.output + ran.errors
    assert "TASK [" not in ran.output


APPS: t.Final = {name: {"app_bundle_id": f"com.example.{name}"} for name in ("one", "two")}


@pytest.mark.services
@pytest.mark.parametrize("path", [path for path in TAKING_HOSTS if path.stem != "audit"], ids=lambda path: path.stem)
def test_work_for_all_apps_is_not_done_on_each_host_that_stands_for_one(path: Path, tmp_path: Path) -> None:
    inventory, name = tmp_path / "hosts.json", variable_of(path)
    inventory.write_text(json.dumps({"all": {"hosts": APPS}}))
    needed = {"iap_key_rotation_old_key_id": "OLDKEY0001", "iap_key_rotation_private_key_path": "/k/new.p8"}
    given = {name: "all", "field_check_options": {}, "refund_export_folder": "/reports", **needed}
    ran = run_playbook(path, str(inventory), "-e", json.dumps(given), folder=tmp_path)
    said = ran.output + ran.errors
    for host in APPS:
        assert (
            f"{name}: the host {host} stands for an app (app_bundle_id), and this playbook would do its whole" in said
        )
    tasks = [name for name in re.findall(r"TASK \[(.*)\]", ran.output) if "Validating arguments" not in name]
    assert ran.code != 0 and len(tasks) == 1, said


@pytest.mark.services
@pytest.mark.parametrize("name", ["site", "refunds"])
def test_hosts_that_stand_for_apps_are_declared_as_the_guide_says(name: str, tmp_path: Path) -> None:
    """Two of a team's keys and no word of which it is: every app is told, so every app was declared."""
    inventory, guide = tmp_path / "hosts.json", (ROOT / "docs/guides/fleet.md").read_text()
    inventory.write_text(json.dumps({"all": {"children": {"app_store_released": {"hosts": APPS}}}}))
    (listed,) = re.findall(r'^refund_tracking_apps: "(.*)"$', guide, re.MULTILINE)
    keys = [{"key": key, "private_key_path": f"/k/SubscriptionKey_{key.upper()}.p8"} for key in ("studio", "partner")]
    given = json.dumps({"refund_tracking_apps": listed, "refund_tracking_keys": keys})
    ran = run_playbook(ROOT / f"playbooks/{name}.yml", str(inventory), "-e", given, folder=tmp_path)
    said = ran.output + ran.errors
    assert ran.code != 0, said
    for host in APPS:
        assert f"(com.example.{host}): has no key (declared keys: partner, studio). Set refund_audit_key" in said, said
    assert said.count('"changed": false') <= 1


# Each playbook with each variable of defaults that it reads.
DEFAULTS: t.Final = [
    (path, name)
    for path in TAKING_HOSTS
    for name in sorted(set(re.findall(r"\b(refund_\w+_defaults) \|", path.read_text())))
]


@pytest.mark.services
@pytest.mark.parametrize(("path", "name"), DEFAULTS, ids=[f"{path.stem}-{name}" for path, name in DEFAULTS])
def test_a_slip_in_the_defaults_is_told_of_the_variable_that_has_it(path: Path, name: str, tmp_path: Path) -> None:
    needed = {"iap_key_rotation_old_key_id": "OLDKEY0001", "iap_key_rotation_private_key_path": "/k/new.p8"}
    given = {name: {"ledgr": {}}, "refund_audit_path": str(tmp_path), **needed}
    ran = run_playbook(path, "web1,", "-e", json.dumps(given), folder=tmp_path)
    said = ran.output + ran.errors
    assert ran.code != 0 and f"{name}: ledgr is not an option of these modules. Did you mean ledger?" in said
    others = {one for _path, one in DEFAULTS} - {name}
    assert not any(f"{other}: ledgr" in said for other in others)
