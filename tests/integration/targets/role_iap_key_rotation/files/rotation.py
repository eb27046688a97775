# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``rotation.py FOLDER URLS VARIABLES WHOLE``: storeops.refunds.rotate_key as a user runs it.

WHOLE, as JSON: whether it is stopped in several places, which no version of Ansible changes, and whether the next key
comes from Ansible's vault, as the keys of tests/secrets do.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
import typing as t
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "setup_simulator/files"))
import commands

ISSUER = "57246542-96fe-1a63-e053-0824d011072a"
OLD, NAME = "OLDKEY0001", "devtodev API Key 2"
# In the order in which the ledger gives them.
APPS = ("com.example.one", "com.example.three", "com.example.two")
PATIENCE = 300.0
Json = t.Any


class Stage:
    """The simulator, the folder, and the playbooks."""

    def __init__(self, folder: Path, urls: Json, way: Json) -> None:
        self.folder = folder
        self.urls = urls
        self.way = way
        self.cookie = secrets.token_hex(24)
        self.bin = Path(sys.executable).parent
        self.forks = commands.forks()
        self.ansible = self.forks.ansible(Path(sys.executable))
        self.vault = folder / "vault"
        self.vault.mkdir(mode=0o700)
        self.defaults = {
            "app_store_server_url": urls["app_store_server"]["production"].replace("/production", "/{environment}"),
            "ledger": {"url": f"sqlite:///{folder}/ledger.db"},
            "request_timeout": 120,
            "deadline": 600,
        }
        self.shown = ""
        # The one declaration that site, audit and rotation read.
        old = {"issuer_id": ISSUER, "key_id": OLD, "private_key_path": str(folder / "old.p8")}
        self.keys = [{"key": "studio", **old, "apps": list(APPS)}]

    def control(self, method: str, path: str, body: Json = None) -> Json:
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.urls['control']}{path}", data, headers, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def fault(self, **fault: Json) -> None:
        self.control("POST", "/faults", fault)

    def calls(self, query: str) -> list[Json]:
        return list(self.control("GET", f"/calls?{query}")["calls"])

    def furnish(self) -> None:
        """Three apps on the old key, and one signed-in person."""
        apps = [{"bundle_id": name, "apple_id": number + 1} for number, name in enumerate(APPS)]
        person = {"myacinfo": self.cookie, "email": "release@example.com", "teams": [ISSUER]}
        team = {"issuer_id": ISSUER, "iap_keys": [{"key_id": OLD, "name": "old key"}], "apps": apps}
        self.control("PUT", "/world", {"teams": [team], "app_store_connect_sessions": [person]})
        old = self.folder / "old.p8"
        old.touch(mode=0o600)
        old.write_text(self.control("GET", f"/iap_keys/{OLD}/private_key")["private_key"])
        variables = {
            "refund_tracking_defaults": self.defaults,
            "refund_tracking_keys": self.keys,
        }
        code, output = self.play("site", variables)
        assert code == 0, output

    def words(self, playbook: str, variables: Json, *arguments: str) -> list[str]:
        """Give the command of a playbook, as words of a shell."""
        values = self.folder / "variables.json"
        values.touch(mode=0o600)
        values.write_text(json.dumps({**self.way, **variables}))
        return ["ansible-playbook", f"storeops.refunds.{playbook}", "-e", f"@{values}", *arguments]

    def play(self, playbook: str, variables: Json, *arguments: str) -> tuple[int, str]:
        done = commands.ran(self.ansible, self.words(playbook, variables, *arguments))
        output = done["stdout"] + "\n" + done["stderr"]
        self.shown += output
        return done["rc"], output

    def rotation(self, **more: Json) -> Json:
        """The variables of the rotation."""
        return {
            "refund_tracking_defaults": self.defaults,
            "refund_tracking_keys": self.keys,
            "iap_key_rotation_name": NAME,
            "iap_key_rotation_private_key_path": str(self.folder / "new.p8"),
            "iap_key_rotation_old_key_id": OLD,
            "iap_key_rotation_session": json.dumps([{"name": "myacinfo", "value": self.cookie, "domain": "apple.com"}]),
            "iap_key_rotation_app_store_connect_url": self.urls["app_store_connect"],
            # From the home folder, as the run sees it.
            "iap_key_rotation_hook": "~/" + os.path.relpath(Path(__file__).with_name("hook.yml"), Path.home()),
            "iap_key_rotation_wait": 0,
            "iap_key_rotation_revoke_old": True,
            "rotation_vault": str(self.vault),
            **more,
        }

    def kill(self, until: t.Callable[[], object], **more: Json) -> None:
        """Start a rotation and kill it with all its children once something is so."""
        program, *arguments = self.words("rotate_key", self.rotation(**more))
        process = subprocess.Popen(
            [self.bin / program, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        ends = time.monotonic() + PATIENCE
        while not until():
            assert process.poll() is None and time.monotonic() < ends, process.communicate()[0]
            time.sleep(0.05)
        # Ansible's workers have sessions of their own, and one that is left over would go on with the rotation.
        for pid in [process.pid, *descendants(process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.shown += process.communicate()[0]

    def module(self, name: str, **options: Json) -> Json:
        """Run one module by itself; its results."""
        # Without Ansible around it: this sets a scene, or looks at it.
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**self.defaults, **options}})
        done = self.forks.run_module(f"ansible_collections.storeops.refunds.plugins.modules.{name}", arguments)
        assert done.code == 0, done
        return json.loads(done.output)

    def give_to_devtodev(self, bundle_id: str, key_id: str, path: Path) -> None:
        """Hand an app's key over to devtodev, as the ledger remembers it."""
        key = {"issuer_id": ISSUER, "key_id": key_id, "private_key_path": str(path)}
        devtodev = {"mode": "handoff", "project": "game", "confirmed": True}
        self.module("refund_tracking_integration", bundle_id=bundle_id, tracker="devtodev", devtodev=devtodev, **key)

    def held(self) -> dict[str, str]:
        """The Key ID of every app, each Active and checked with Apple at this moment."""
        entries = self.module("refund_tracking_integration_info", environment="production")["integrations"]
        assert {entry["status"] for entry in entries} == {"Active"}, entries
        assert all(entry["credential_check"]["accepted"] for entry in entries), entries
        assert {entry["bundle_id"] for entry in entries} == set(APPS)
        return {entry["bundle_id"]: entry["key_id"] for entry in entries}

    def active(self) -> dict[str, str]:
        """Names of the active keys by ID."""
        keys = self.control("GET", "/world")["teams"][0]["iap_keys"]
        return {key["key_id"]: key["name"] for key in keys if key.get("active", True)}


def recap(output: str) -> str:
    return re.findall(r"ok=\d+.*", output)[-1]


def descendants(pid: int) -> list[int]:
    """Return the process IDs of all children, and of theirs."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = list(children.get(pid, []))
    for child in found:
        found += children.get(child, [])
    return found


def rotate_from_the_vault(stage: Stage, old: str) -> str:
    """The next key is declared with its text from Ansible's vault, and nothing is left at its path."""
    path, password = stage.folder / "last.p8", stage.folder / "password"
    names = {"name": "devtodev API Key 3", "private_key_path": str(path), "old_key_id": old, "revoke_old": False}
    given = {f"iap_key_rotation_{name}": value for name, value in names.items()}
    code, output = stage.play("rotate_key", stage.rotation(**given))
    assert code == 0 and "Put the new key into your list of keys" in output, output
    (last,) = stage.active().keys() - {old}
    for _time in range(2):
        stage.give_to_devtodev(APPS[0], last, path)
    text = path.read_text()
    password.write_text(secrets.token_hex())
    os.environ["ANSIBLE_VAULT_PASSWORD_FILE"] = str(password)
    subprocess.run([stage.bin / "ansible-vault", "encrypt", path], check=True, capture_output=True)
    vaulted = path.rename(stage.vault / "last.p8")
    content = "{{ lookup('ansible.builtin.file', '" + str(vaulted) + "') }}"
    key = {"key": "last", "issuer_id": ISSUER, "key_id": last, "private_key_content": content, "apps": list(APPS)}
    given |= {"refund_tracking_keys": [key], "iap_key_rotation_revoke_old": True}
    for arguments in ([], ["--check"]):
        code, output = stage.play("rotate_key", stage.rotation(**given), *arguments)
        assert code == 0 and "Put the new key into" not in output and "as revoke: true" not in output, output
        assert stage.active() == {last: names["name"]} and not path.exists()
    return text


def look_only(stage: Stage) -> None:
    """What is refused, and what is only planned."""
    # A path that would lead into the role: told before anything is asked, let alone made.
    stage.control("DELETE", "/calls")
    code, output = stage.play("rotate_key", stage.rotation(iap_key_rotation_hook="hook.yml"))
    assert code != 0 and "hook: hook.yml is relative" in " ".join(output.split()) and not stage.calls(""), output

    # The plan, on the state before: nothing is made, and nothing changes.
    stage.control("DELETE", "/calls")
    code, output = stage.play("rotate_key", stage.rotation(), "--check", "--diff")
    assert code == 0 and "failed=0" in recap(output) and "changed=2" in recap(output), output
    assert all(name in output for name in (*APPS, OLD, NAME)) and "3 integrations (" in output, output
    assert f") would be moved from {OLD} to the new key." in " ".join(output.split()), output
    assert {call["method"] for call in stage.calls("")} == {"GET"}, "check mode only looks"
    assert stage.active() == {OLD: "old key"} and not list(stage.vault.iterdir())


def stop(stage: Stage) -> str:
    """Stop it wherever it hurts, and return the new key's ID: it is made once, and nothing is lost."""
    # The answer to the creation is lost.
    stage.fault(kind="reset", match={"endpoint": "create_subscription_key"}, times=1)
    code, output = stage.play("rotate_key", stage.rotation())
    assert code != 0 and "next run" in output, output
    (new,) = stage.active().keys() - {OLD}
    assert not (stage.folder / "new.p8").exists() and not list(stage.vault.iterdir())

    # The hook fails: where the key is, is told, and nothing else was done.
    stage.control("DELETE", "/calls")
    hook = stage.folder / "fails.yml"
    hook.write_text("- ansible.builtin.fail: {msg: no vault here}\n")
    code, output = stage.play("rotate_key", stage.rotation(iap_key_rotation_hook=str(hook)))
    told = " ".join(output.split())
    assert code != 0 and "no vault here" in told, output
    assert f"The new key {new} was put at {stage.folder}/new.p8. This run moved no integration" in told, output
    assert not stage.calls("endpoint=get_transaction_info"), "nothing was moved"

    # Killed while the hook runs, before anything else: it had the key.
    stage.control("DELETE", "/calls")
    (stage.vault / "hold").touch()
    stage.kill((stage.vault / new).exists)
    assert (stage.vault / new).read_text() == (stage.folder / "new.p8").read_text()
    assert not stage.calls("endpoint=get_transaction_info"), "the hook comes first"
    (stage.vault / "hold").unlink()

    # Killed while Apple is asked about the second app: nothing was moved yet.
    stage.control("DELETE", "/calls")
    one_app = {"endpoint": "get_transaction_info", "bundle_id": APPS[1], "key_id": new}
    stage.fault(kind="delay", seconds=600, match=one_app)
    stage.kill(lambda: stage.calls(f"endpoint=get_transaction_info&key_id={new}&bundle_id={APPS[1]}"))
    stage.control("DELETE", "/faults")
    assert stage.held() == dict.fromkeys(APPS, OLD) and OLD in stage.active()

    # Production refuses the new key for an app that it accepted before, and the sandbox accepts it: the old key stays,
    # active, and applied to that app.
    refused = {**one_app, "bundle_id": APPS[2]}
    stage.fault(kind="status", status=401, body="Unauthenticated", match={**refused, "environment": "production"})
    code, output = stage.play("rotate_key", stage.rotation())
    assert code != 0 and f"{OLD} stays active" in output and APPS[2] in output and OLD in stage.active(), output
    stage.control("DELETE", "/faults")
    assert stage.held() == {APPS[0]: new, APPS[1]: new, APPS[2]: OLD}

    # Another tracker still has the old key: it would stop working, so the key stays.
    stage.give_to_devtodev(APPS[0], OLD, stage.folder / "old.p8")
    code, output = stage.play("rotate_key", stage.rotation())
    assert code != 0 and f"{APPS[0]} at devtodev" in output and OLD in stage.active(), output

    # It was told of the new key, and somebody has confirmed that it is Active with it.
    for _time in range(2):
        stage.give_to_devtodev(APPS[0], new, stage.folder / "new.p8")
    return new


def main() -> None:
    sys.path.insert(0, os.environ["ANSIBLE_COLLECTIONS_PATH"])
    os.environ.pop("FASTLANE_SESSION", None)
    os.environ |= {"ANSIBLE_PIPELINING": "true", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"}
    stage = Stage(Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3]))
    stage.furnish()
    look_only(stage)
    is_whole = json.loads(sys.argv[4])
    made = [stop(stage)] if is_whole else []

    # It goes on to the end, and then nothing is left to do, in check mode neither.
    code, output = stage.play("rotate_key", stage.rotation())
    assert code == 0 and list(stage.active().values()) == [NAME], output
    (new,) = stage.active()
    assert made in ([], [new])
    posts = len(stage.calls("endpoint=create_subscription_key"))
    assert stage.held() == dict.fromkeys(APPS, new)
    code, output = stage.play("rotate_key", stage.rotation())
    assert code == 0 and "changed=0" in recap(output), output
    assert len(stage.calls("endpoint=create_subscription_key")) == posts == (not made), "one POST in all"

    texts = [(stage.folder / "new.p8").read_text()]
    if is_whole:
        texts.append(rotate_from_the_vault(stage, new))

    everything = stage.shown + json.dumps(stage.control("GET", "/calls"))
    assert stage.cookie not in everything, "the cookie is shown"
    for text in texts:
        assert text.splitlines()[1] not in everything, "the private key is shown"
    shutil.rmtree(stage.vault)


if __name__ == "__main__":
    main()
