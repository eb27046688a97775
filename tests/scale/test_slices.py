# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apps as hosts, sliced: two ansible-runner processes at once, each with half of the inventory, on one ledger.

AWX cuts an inventory into slices and runs one such process for each. STOREOPS_SCALE_APPS sets another (even) number of
apps; with 1000, which takes minutes, the API has several pages.
"""

from __future__ import annotations

import collections
import json
import os
import subprocess
import sys
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
import yaml
from unit_servers import Simulator, simulator
from unit_support import ISSUER, KEY_ID, new_pem, public_pem, write_key

APPS = int(os.environ.get("STOREOPS_SCALE_APPS", "12"))
API_KEY_ID = "ASCKEY0001"
SLICES = {"first": f"all[0:{APPS // 2 - 1}]", "second": f"all[{APPS // 2}:{APPS - 1}]"}
# Never changed: a run that finds its integration right has nothing to do.
PLAY = """
- name: Refunds of every app are tracked
  hosts: all
  gather_facts: false
  tasks:
    - name: Its integration is Active
      storeops.refunds.refund_tracking_integration:
        bundle_id: "{{ app_bundle_id }}"
        app_apple_id: "{{ app_apple_id }}"
        environment: "{{ app_environment }}"
        issuer_id: "{{ lookup('ansible.builtin.env', 'FLEET_ISSUER_ID') }}"
        private_key_path: "{{ lookup('ansible.builtin.env', 'FLEET_KEY') }}"
        app_store_server_url: "{{ lookup('ansible.builtin.env', 'FLEET_URL') }}"
"""


@dataclass
class Slice:
    """What one process did: hosts by outcome, from the events that ansible-runner keeps."""

    code: int
    output: str
    done: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)


@dataclass
class Fleet:
    """A private folder per slice, and the environment that the processes get."""

    folder: Path
    sim: Simulator
    ledger_url: str
    environment: dict[str, str] = field(repr=False)

    def run(self, turn: str) -> dict[str, Slice]:
        """Run all slices at once."""
        started = {name: self._start(name, turn) for name in SLICES}
        codes = {name: process.wait() for name, process in started.items()}
        return {name: self._slice(self.folder / name / "artifacts" / turn, code) for name, code in codes.items()}

    def _start(self, name: str, turn: str) -> subprocess.Popen[bytes]:
        program = str(Path(sys.executable).with_name("ansible-runner"))
        command = [program, "run", str(self.folder / name), "--playbook", "fleet.yml", "--ident", turn]
        command += ["--limit", SLICES[name], "--forks", "5", "--quiet"]
        return subprocess.Popen(command, env=self.environment)

    def _slice(self, artifacts: Path, code: int) -> Slice:
        found = Slice(code, (artifacts / "stdout").read_text())
        for path in (artifacts / "job_events").glob("*.json"):
            event = json.loads(path.read_text())
            if event["event"] == "playbook_on_stats":
                stats = event["event_data"]
                found.done |= set(stats["ok"])
                found.changed |= set(stats["changed"])
        return found

    def calls(self) -> collections.Counter[str]:
        """Count the calls of Get Transaction Info by app since the last look, and forget them."""
        seen = self.sim.calls("?endpoint=get_transaction_info")["calls"]
        self.sim.control("DELETE", "/calls")
        return collections.Counter(call["bundle_id"] for call in seen)

    def held(self) -> list[tuple[t.Any, ...]]:
        """Read the ledger's integrations."""
        with psycopg.connect(self.ledger_url) as connection:
            cursor = connection.execute(
                "SELECT bundle_id, environment, status FROM refund_tracking_integrations ORDER BY 1"
            )
            return cursor.fetchall()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, ledger_url: str) -> t.Iterator[Fleet]:
    """A team with many apps, its two keys, and one private folder per slice."""
    folder = tmp_path_factory.mktemp("fleet")
    pem, api_pem = new_pem(), new_pem()
    key = write_key(folder / f"SubscriptionKey_{KEY_ID}.p8", pem)
    api_key = write_key(folder / f"AuthKey_{API_KEY_ID}.p8", api_pem)
    with simulator(pem, api_pem) as sim:
        sim.control("PUT", "/world", _world(pem, api_pem))
        inventory = {
            "plugin": "storeops.refunds.app_store_connect",
            "app_store_connect_api_url": sim.announced["app_store_connect_api"],
        }
        for name in SLICES:
            for part, text in (("project/fleet.yml", PLAY), ("inventory/storeops.yml", yaml.safe_dump(inventory))):
                path = folder / name / part
                path.parent.mkdir(parents=True)
                path.write_text(text)
        environment = {
            **os.environ,
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
            "STOREOPS_APP_STORE_CONNECT_API_ISSUER_ID": ISSUER,
            "STOREOPS_APP_STORE_CONNECT_API_PRIVATE_KEY_PATH": str(api_key),
            "STOREOPS_LEDGER_URL": ledger_url,
            "FLEET_ISSUER_ID": ISSUER,
            "FLEET_KEY": str(key),
            "FLEET_URL": sim.url,
        }
        yield Fleet(folder, sim, ledger_url, environment)


def _world(pem: str, api_pem: str) -> dict[str, t.Any]:
    apps = [{"bundle_id": f"com.example.app{number:05}", "apple_id": 1000 + number} for number in range(APPS)]
    team = {
        "issuer_id": ISSUER,
        "iap_keys": [{"key_id": KEY_ID, "public_key": public_pem(pem)}],
        "app_store_connect_keys": [{"key_id": API_KEY_ID, "public_key": public_pem(api_pem)}],
        "apps": apps,
    }
    return {"teams": [team], "rate_limits": {"get_transaction_info": 0}}


def test_two_slices_do_everything_once_and_then_nothing(fleet: Fleet) -> None:
    wanted = {f"com.example.app{number:05}" for number in range(APPS)}
    once = collections.Counter(wanted)

    slices = fleet.run("first_turn")
    for each in slices.values():
        assert each.code == 0, each.output[-2000:]
        assert len(each.changed) == APPS // 2 and each.changed == each.done
    first, second = slices.values()
    assert not first.changed & second.changed and first.changed | second.changed == wanted
    assert fleet.held() == [(bundle_id, "production", "Active") for bundle_id in sorted(wanted)]
    assert fleet.calls() == once

    for each in fleet.run("second_turn").values():
        assert each.code == 0, each.output[-2000:]
        assert each.changed == set() and len(each.done) == APPS // 2
    assert len(fleet.held()) == APPS
    assert fleet.calls() == once
