# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin app_store_connect through ansible-inventory, against the simulator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from unit_forks import ansible
from unit_servers import Simulator
from unit_support import ISSUER, ROOT, public_pem, write_key

API_KEY_ID = "ASCKEY0001"
EVIL = "{{ lookup('ansible.builtin.pipe', 'touch {file}') }}{{ 7919 * 6841 }}"
# What it would come to: too long to stand in a path or a port by chance.
EVALUATED = "54173879"
PREFIX = "STOREOPS_APP_STORE_CONNECT_API_"
Json = dict[str, t.Any]
OWN = Path(sys.executable)
IDS = [str(number) for number in range(21, 27)]
# The versions of ansible-core that are there; the running one always is.
CORES = sorted({OWN, *(path.with_name("python") for path in ROOT.glob(".venvs/3.*/bin/ansible-inventory"))})


@dataclass
class Run:
    """What a program of Ansible said."""

    output: str
    errors: str

    @property
    def everything(self) -> str:
        return " ".join((self.output + self.errors).split())

    @property
    def inventory(self) -> Json:
        return dict(json.loads(self.output))

    def variables(self, host: str) -> Json:
        """A host's variables, without the marks of untrusted texts."""
        held = self.inventory["_meta"]["hostvars"][host]
        return {
            name: value.get("__ansible_unsafe") if isinstance(value, dict) else value for name, value in held.items()
        }

    def group(self, name: str) -> list[str]:
        return list(self.inventory.get(name, {}).get("hosts", []))


@dataclass
class Fleet:
    """An inventory file for the simulator's first team."""

    sim: Simulator
    folder: Path
    environ: dict[str, str] = field(default_factory=dict, repr=False)

    def write(self, name: str = "apps.app_store_connect.yml", **options: t.Any) -> Path:
        """Write an inventory file; None takes an option away."""
        every = {
            "plugin": "storeops.refunds.app_store_connect",
            "api_issuer_id": ISSUER,
            "api_private_key_path": f"AuthKey_{API_KEY_ID}.p8",
            "app_store_connect_api_url": self.sim.announced["app_store_connect_api"],
            **options,
        }
        path = self.folder / name
        path.write_text(yaml.safe_dump({key: value for key, value in every.items() if value is not None}))
        return path

    def run(self, path: Path, *arguments: str, program: str = "ansible-inventory", core: Path = OWN) -> Run:
        """Run a program of Ansible on an inventory."""
        environ = {**os.environ, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true", **self.environ}
        done = ansible(core).run(program, "-i", str(path), *arguments, environ=environ, folder=self.folder)
        return Run(done.output, done.errors)

    def list(self, **options: t.Any) -> Run:
        """List the inventory that these options make."""
        return self.run(self.write(**options), "--list")

    def asked(self) -> int:
        """How many requests the service saw."""
        return int(self.sim.calls("?vendor=app_store_connect_api")["count"])


@pytest.fixture
def fleet(sim: Simulator, tmp_path: Path) -> Fleet:
    """Three apps, the last one not released, and the API key's file."""
    apps: list[Json] = [
        {"bundle_id": "com.example.one", "apple_id": 11, "name": "One", "sku": "ONE"},
        {"bundle_id": "com.example.two", "apple_id": 12, "name": EVIL.replace("{file}", str(tmp_path / "touched"))},
        {"bundle_id": "org.example.three", "apple_id": 13, "name": "Three", "released": False},
    ]
    key = {"key_id": API_KEY_ID, "public_key": public_pem(sim.pem)}
    sim.control("PUT", "/world", {"teams": [{"issuer_id": ISSUER, "app_store_connect_keys": [key], "apps": apps}]})
    write_key(tmp_path / f"AuthKey_{API_KEY_ID}.p8", sim.pem)
    return Fleet(sim, tmp_path)


def test_every_app_is_a_host_on_this_machine(fleet: Fleet) -> None:
    run = fleet.list()
    assert run.variables("com.example.one") == {
        "app_bundle_id": "com.example.one",
        "app_apple_id": 11,
        "app_name": "One",
        "app_sku": "ONE",
        "app_environment": "production",
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
    }
    assert run.group("ungrouped") == ["com.example.one", "com.example.two", "org.example.three"]
    assert "WARNING" not in run.errors and fleet.asked() == 1


def test_the_program_itself_says_the_same(fleet: Fleet) -> None:
    """Nothing of a run comes from the process that it was forked from."""
    fleet.environ["ANSIBLE_INVENTORY_ENABLED"] = "storeops.refunds.app_store_connect"
    for options in ({"query_released": True}, {"api_issuer_id": "studio"}):
        path = fleet.write(**options)
        environ = {**os.environ, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true", **fleet.environ}
        command = [OWN.with_name("ansible-inventory"), "-i", path, "--list"]
        alone = subprocess.run(command, capture_output=True, text=True, env=environ, cwd=fleet.folder, check=False)
        assert fleet.run(path, "--list") == Run(alone.stdout, alone.stderr)


def test_groups_names_and_what_is_switched_off(fleet: Fleet) -> None:
    run = fleet.list(
        query_released=True,
        environment="sandbox",
        hostname="apple_id",
        hostname_prefix="sandbox.",
        set_connection=False,
        set_python_interpreter=False,
        strict=True,
        keyed_groups=[{"key": "app_bundle_id.split('.')[0]", "prefix": "top"}],
        groups={"games": "app_apple_id > 11"},
        compose={"label": "app_name ~ ' of ' ~ app_environment"},
    )
    assert run.group("app_store_released") == ["sandbox.11", "sandbox.12"]
    assert run.group("app_store_not_released") == ["sandbox.13"]
    assert (run.group("top_com"), run.group("games")) == (["sandbox.11", "sandbox.12"], ["sandbox.12", "sandbox.13"])
    assert run.variables("sandbox.13") == {
        "app_bundle_id": "org.example.three",
        "app_apple_id": 13,
        "app_name": "Three",
        "app_sku": "org.example.three",
        "app_environment": "sandbox",
        "app_released": False,
        "label": "Three of sandbox",
    }


def test_a_template_in_an_apps_name_is_never_evaluated(fleet: Fleet) -> None:
    evil = EVIL.replace("{file}", str(fleet.folder / "touched"))
    composed = {"same": "app_name", "inside": "'<{{ ' ~ app_name ~ ' }}>'", "again": "app_name | upper | lower"}
    path = fleet.write(
        strict=True,
        compose=composed,
        groups={"found": f"'{EVALUATED}' in app_name", "all_of_them": "app_name is defined"},
        keyed_groups=[{"key": "app_name", "prefix": "named"}, {"key": "same", "prefix": "same"}],
    )
    play = fleet.folder / "play.yml"
    tasks = [{"ansible.builtin.debug": {"msg": f"{{{{ {name} }}}}"}} for name in ("app_name", *composed)]
    tasks.append({"ansible.builtin.debug": {"msg": "{{ 'one ' ~ same }}"}})
    tasks.append({"ansible.builtin.debug": {"msg": "{{ lookup('ansible.builtin.vars', 'app_name') }}"}})
    play.write_text(yaml.safe_dump([{"hosts": "com.example.two", "gather_facts": False, "tasks": tasks}]))
    listed = fleet.run(path, "--list")
    assert (listed.variables("com.example.two")["same"], listed.group("found")) == (evil, [])
    assert listed.group("all_of_them")
    fleet.environ["ANSIBLE_CALLBACK_RESULT_FORMAT"] = "yaml"
    run = fleet.run(path, str(play), program="ansible-playbook")
    assert "failed=0" in run.output and f"ok={len(tasks)}" in run.output, run.everything
    assert EVALUATED not in run.output and run.output.count("7919 * 6841") == len(tasks)
    assert not (fleet.folder / "touched").exists()


def test_only_some_apps_and_a_warning_for_the_others(fleet: Fleet) -> None:
    run = fleet.list(bundle_ids=["com.example.two", "com.example.Two"])
    assert run.group("ungrouped") == ["com.example.two"]
    assert "no app with the bundle ID com.example.Two" in run.everything


def test_the_key_from_the_environment_and_from_a_template(fleet: Fleet) -> None:
    fleet.environ |= {f"{PREFIX}ISSUER_ID": ISSUER, f"{PREFIX}KEY_ID": API_KEY_ID}
    fleet.environ[f"{PREFIX}PRIVATE_KEY_CONTENT"] = fleet.sim.pem
    assert len(fleet.list(api_issuer_id=None, api_private_key_path=None).group("ungrouped")) == 3
    key = f"{{{{ lookup('ansible.builtin.file', '{fleet.folder}/AuthKey_{API_KEY_ID}.p8') }}}}"
    run = fleet.list(api_issuer_id=f"{{{{ '{ISSUER}' }}}}", api_private_key_path=None, api_private_key_content=key)
    assert len(run.group("ungrouped")) == 3


@pytest.mark.parametrize("core", CORES, ids=[core.parts[-3] for core in CORES])
def test_a_value_of_the_environment_is_no_template(fleet: Fleet, core: Path) -> None:
    evil = EVIL.replace("{file}", str(fleet.folder / "touched"))
    fleet.environ = {f"{PREFIX}{name}": evil for name in ("ISSUER_ID", "KEY_ID", "PRIVATE_KEY_CONTENT")}
    none = {"api_issuer_id": None, "api_private_key_path": None}
    run = fleet.run(fleet.write(**none), "--list", core=core)
    assert "api_" in run.everything and "app_store_connect" in run.everything, run.everything
    fleet.environ = {f"{PREFIX}PRIVATE_KEY_PATH": evil}
    named = fleet.write(api_private_key_path=None, api_key_id=API_KEY_ID)
    assert "does not exist" in fleet.run(named, "--list", core=core).everything
    assert not (fleet.folder / "touched").exists()
    # The same text in the inventory file is one: the attack itself works.
    fleet.run(fleet.write(api_private_key_path=evil), "--list", core=core)
    assert (fleet.folder / "touched").exists()


def test_an_app_with_a_groups_name_is_left_out(fleet: Fleet) -> None:
    names = ("all", "localhost", "ungrouped", "127.0.0.1", "web", "com.example.one")
    apps = [{"bundle_id": name, "apple_id": number} for number, name in enumerate(names, 21)]
    key = {"key_id": API_KEY_ID, "public_key": public_pem(fleet.sim.pem)}
    world = {"teams": [{"issuer_id": ISSUER, "app_store_connect_keys": [key], "apps": apps}]}
    fleet.sim.control("PUT", "/world", world)
    run = fleet.list()
    assert list(run.inventory["_meta"]["hostvars"]) == ["com.example.one"]
    assert run.errors.count("is left out") == 5 and "hostname_prefix" in run.everything
    for more, wanted in (
        ({"hostname_prefix": "app-"}, [f"app-{name}" for name in names]),
        ({"hostname": "apple_id"}, IDS),
    ):
        run = fleet.list(**more)
        assert sorted(run.inventory["_meta"]["hostvars"]) == sorted(wanted) and "left out" not in run.everything


def test_the_cache_is_used_flushed_and_holds_no_secret(fleet: Fleet) -> None:
    held = fleet.folder / "cache"
    cached = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(held)}
    key = {"api_private_key_path": None, "api_key_id": API_KEY_ID, "api_private_key_content": fleet.sim.pem}
    first = fleet.list(**cached, **key)
    again = fleet.list(**cached, **key)
    assert fleet.asked() == 1 and first.output == again.output and len(first.group("ungrouped")) == 3
    texts = [path.read_text() for path in held.iterdir()]
    assert len(texts) == 1 and "com.example.two" in texts[0]
    assert not [line for line in fleet.sim.pem.splitlines() if line in texts[0]] and "eyJ" not in texts[0]
    fleet.run(fleet.write(**cached, **key), "--list", "--flush-cache")
    assert fleet.asked() == 2
    assert fleet.list(**cached, **key, bundle_ids=["com.example.one"]).group("ungrouped") == ["com.example.one"]
    assert fleet.asked() == 3
    odd = json.dumps([{"bundle_id": "{{ 1 }}"}])
    for asked, text in enumerate((odd, json.dumps({"__payload__": odd}), "no json"), 4):
        for path in held.iterdir():
            path.write_text(text)
        assert fleet.list(**cached, **key).output == first.output
        assert fleet.asked() == asked


def test_a_vaulted_key(fleet: Fleet) -> None:
    password = fleet.folder / "password"
    password.write_text("hunter2")
    vault = str(Path(sys.executable).with_name("ansible-vault"))
    command = [
        vault,
        "encrypt_string",
        "--vault-password-file",
        str(password),
        "--stdin-name",
        "api_private_key_content",
    ]
    done = subprocess.run(command, input=fleet.sim.pem, capture_output=True, text=True, check=True)
    path = fleet.write(api_private_key_path=None, api_key_id=API_KEY_ID)
    path.write_text(path.read_text() + done.stdout)
    assert len(fleet.run(path, "--list", "--vault-password-file", str(password)).group("ungrouped")) == 3
