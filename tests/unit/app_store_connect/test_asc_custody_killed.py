# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role iap_key_custody, killed once the key is on disk: the next run hands over that very key."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
import unit_forks
import yaml
from unit_servers import Simulator
from unit_support import ISSUER, ROOT

NAME = "For the vault"
Json = dict[str, t.Any]


# It begins no task while the file is there: the last one would remove it.
HOLD = """
import pathlib, time; from ansible.plugins.callback import CallbackBase
class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "aggregate", "hold"
    def v2_playbook_on_task_start(self, task, is_conditional):
        while pathlib.Path({key!r}).exists():
            time.sleep(0.1)
"""


class Person:
    """Somebody who is signed in, has an empty vault, and hands a fresh key over to it."""

    def __init__(self, sim: Simulator, folder: Path) -> None:
        self.sim, self.folder = sim, folder
        self.key, self.held = folder / "fresh.p8", folder / "key.vault.json"
        cookie = secrets.token_hex(20)
        team = {"issuer_id": ISSUER, "name": "Studio", "iap_keys": [], "apps": []}
        person = {"myacinfo": cookie, "email": "a@example.com", "teams": [ISSUER]}
        sim.control("PUT", "/world", {"teams": [team], "app_store_connect_sessions": [person]})
        role = {
            "role": "storeops.refunds.iap_key_custody",
            "iap_key_custody_store": "ansible_vault",
            "iap_key_custody_place": str(self.held),
            "iap_key_custody_ansible_vault": {"password": secrets.token_hex(16)},
            "iap_key_custody_private_key_path": str(self.key),
            "iap_key_custody_name": NAME,
            "iap_key_custody_keep_file": False,
            "iap_key_custody_session": json.dumps([{"name": "myacinfo", "value": cookie, "domain": "apple.com"}]),
            "iap_key_custody_app_store_connect_url": sim.announced["app_store_connect"],
        }
        self.play = folder / "play.yml"
        self.play.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "roles": [role]}]))

    def _environ(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        paths = {"ANSIBLE_COLLECTIONS_PATH": os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".cache/root"))}
        return {**own, **paths, "HOME": str(self.folder)}

    def start(self) -> subprocess.Popen[str]:
        """Run the role in a process that can be killed with all its workers, and stands still once the key is there."""
        plugins = self.folder / "callbacks"
        plugins.mkdir()
        (plugins / "hold.py").write_text(HOLD.format(key=str(self.key)))
        return subprocess.Popen(
            [str(Path(sys.executable).parent / "ansible-playbook"), str(self.play)],
            env={**self._environ(), "ANSIBLE_CALLBACK_PLUGINS": str(plugins)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self) -> unit_forks.Ran:
        """Run the role to its end."""
        ansible = unit_forks.ansible(Path(sys.executable))
        return ansible.run("ansible-playbook", str(self.play), environ=self._environ(), folder=self.folder)

    def keys(self) -> list[Json]:
        """Give what App Store Connect has."""
        return list(self.sim.control("GET", "/world")["teams"][0]["iap_keys"])


@pytest.mark.services
def test_a_kill_after_the_download_loses_nothing(sim: Simulator, tmp_path: Path) -> None:
    person = Person(sim, tmp_path)
    process = person.start()
    ends = time.monotonic() + 600
    while not person.key.exists():
        assert process.poll() is None and time.monotonic() < ends, process.communicate()[0]
        time.sleep(0.01)
    # Ansible's workers have sessions of their own.
    for pid in [process.pid, *_children(process.pid)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    shown = process.communicate()[0]
    assert person.key.stat().st_mode & 0o777 == 0o600 and len(person.keys()) == 1, shown
    again = person.run()
    shown += again.output + again.errors
    assert again.code == 0, shown
    (made,) = person.keys()
    assert made["name"] == NAME and not person.key.exists()
    assert person.held.read_text().startswith("$ANSIBLE_VAULT") and "PRIVATE KEY" not in shown
    # Nothing that was tried is left.
    assert [one.name for one in tmp_path.glob("*probe*")] == []


def _children(pid: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found += [int(folder.name), *_children(int(folder.name))]
    return found
