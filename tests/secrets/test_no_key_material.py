# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""No run of anything here shows, logs or leaves behind a private key, a token, a cookie or a password."""

from __future__ import annotations

import base64
import importlib
import json
import os
import secrets
import typing as t
import zlib
from dataclasses import dataclass
from pathlib import Path

import cases
import pytest
import yaml
from playground import API_KEY_ID, ISSUER_ID, ROOT, STUDIO_A, STUDIO_B, Playground, Ran, chosen
from processes import Watcher
from scanner import ALIKE, PIECE, Finding, Scanner

MODULES = "ansible_collections.storeops.refunds.plugins.modules"
Json = dict[str, t.Any]
# What decides whether the modules run in Ansible's own process.
WAYS = ("in-process", "as-modules")
GIVEN = {"STOREOPS_LEDGER_URL"}
# What AnsibleModule would send to journald, it sends to this stand-in: everything it logs about an invocation.
JOURNAL = """
import os
class journal:
    @staticmethod
    def send(MESSAGE="", **fields):
        with open(os.environ["JOURNAL_FILE"], "a") as file:
            file.write(f"{MESSAGE} {fields}" + chr(10))
    @classmethod
    def sendv(cls, *fields):
        cls.send(str(fields))
class daemon:
    booted = staticmethod(lambda: True)
"""


@dataclass
class Scene:
    """One playground with its secrets, and the folders where a run may leave something."""

    playground: Playground
    folder: Path
    variables: Path
    vault: Path
    scanner: Scanner

    def left(self, name: str) -> Path:
        """Return the folder of a run. ansible-core 2.22 keeps a socket there, whose path must not be long."""
        return self.folder / f"{zlib.crc32(name.encode()):08x}"

    def run(
        self, name: str, *arguments: str, way: str = "in-process", verbosity: str = "-vvvv", **environment: str
    ) -> tuple[Ran, list[Finding]]:
        """Run with everything switched on that may show something, and scan all that there is afterwards."""
        left = self.left(name)
        for part in ("tmp", "work", "journal/systemd"):
            (left / part).mkdir(parents=True)
        (left / "journal/systemd/__init__.py").write_text(JOURNAL)
        path = os.pathsep.join(filter(None, [str(left / "journal"), os.environ.get("PYTHONPATH")]))
        switched_on = {
            "ANSIBLE_INJECT_INVOCATION": "true",
            "ANSIBLE_LOG_PATH": str(left / "ansible.log"),
            "ANSIBLE_LOCAL_TEMP": str(left / "tmp"),
            "ANSIBLE_REMOTE_TEMP": str(left / "tmp"),
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/examples/callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "captured_results",
            "CAPTURED_RESULTS": str(left / "results.jsonl"),
            "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(left / "facts"),
            "JOURNAL_FILE": str(left / "journal.log"),
            "PYTHONPATH": path,
            "TMPDIR": str(left / "tmp"),
            "XDG_STATE_HOME": str(left / "state"),
        }
        given = [verbosity, "--diff", "-e", f"work={left}/work", "--vault-password-file", str(self.folder / "password")]
        with Watcher(f"JOURNAL_FILE={left}/") as watcher:
            ran = self.playground.run(*given, *chosen(way), *arguments, **{**switched_on, **environment})
        streams = {"stdout": ran.stdout, "stderr": ran.stderr, "command lines": "\n".join(watcher.command_lines)}
        # What a test gives in the environment on purpose is there, and goes nowhere else.
        streams["environments"] = "" if environment.keys() & GIVEN else "\n".join(watcher.environments)
        found = [finding for where, text in streams.items() for finding in self.scanner.scan(where, text)]
        assert watcher.command_lines and watcher.environments
        for file in (left / "work").iterdir():
            file.unlink()  # key files, where keys belong
        return ran, found + self.scanner.scan_files(left) + self.scanner.scan_files(self.playground.folder / ".ansible")

    def results(self, name: str) -> list[Json]:
        return [json.loads(line) for line in (self.left(name) / "results.jsonl").read_text().splitlines()]

    def playbook(self, name: str, tasks: list[Json], ledger: str = "ledger.db") -> str:
        """Write a playbook; its ledger lies beside what the run leaves behind, and is scanned with it."""
        own = {
            "app_store_server_url": self.playground.app_store_server_url,
            "app_store_connect_url": self.playground.app_store_connect_url,
            "app_store_connect_api_url": self.playground.app_store_connect_api_url,
            "root_certificate_path": str(self.playground.root_certificate),
            "ledger": {"url": f"sqlite:///{self.left(name)}/{ledger}"},
        }
        defaults: Json = {
            f"storeops.refunds.{file.stem}": {name: value for name, value in own.items() if name in _options(file.stem)}
            for file in (ROOT / "plugins/modules").glob("*.py")
        }
        play = {"hosts": "localhost", "gather_facts": False, "module_defaults": defaults, "tasks": tasks}
        return str(self.playground.write(self.folder / f"{name}.yml", yaml.safe_dump([{"name": name, **play}])))


def _options(module: str) -> t.Collection[str]:
    names: t.Collection[str] = importlib.import_module(f"{MODULES}.{module}").TASK.argument_spec
    return names


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Scene]:
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "playground").mkdir()
    with Playground(folder / "playground") as playground:
        one, other, api = (playground.keys[key_id] for key_id in (STUDIO_A, STUDIO_B, API_KEY_ID))
        password = "pw" + secrets.token_hex(16)
        values = {
            "vault_a": one.private_pem,
            "vault_a_escaped": one.private_pem.replace("\n", "\\n"),
            "vault_a_base64": base64.b64encode(one.private_pem.encode()).decode(),
            "vault_b": other.private_pem,
            "vault_api": api.private_pem,
            "vault_db_password": password,
            "vault_session": playground.session,
            "vault_cookie": playground.cookie,
            "key_file": str(playground.key_file),
            "api_key_file": str(playground.api_key_file),
        }
        keys = {"first key": one, "second key": other, "API key": api}
        pems = {name: (key.private_pem, key.scalar) for name, key in keys.items()}
        scanner = Scanner(pems, {"database password": password, "cookie": playground.cookie})
        variables = playground.write(folder / "variables.json", json.dumps(values))
        vault = playground.write(folder / "vault.json", json.dumps(values))
        playground.write(folder / "password", secrets.token_hex(16))
        encrypt = ["encrypt", "--vault-password-file", str(folder / "password"), str(vault)]
        assert playground.run(*encrypt, program="ansible-vault").code == 0
        assert vault.read_text().startswith("$ANSIBLE_VAULT")
        yield Scene(playground, folder, variables, vault, scanner)


def assert_as_announced(scene: Scene, name: str, ran: Ran) -> None:
    """Every task took its turn, and failed when its name says so, for else it shows nothing."""
    assert ran.code == 0, ran.stdout[-4000:]
    results = scene.results(name)
    assert results
    wrong = [entry["task"] for entry in results if entry["failed"] != entry["task"].endswith("(fails)")]
    # The roles' own task, which says what is wrong with a declaration.
    assert not [task for task in wrong if task != "Check the declaration"]
    broken = [entry["result"]["msg"] for entry in results if "fault of storeops" in str(entry["result"].get("msg"))]
    assert not broken


@pytest.mark.newest
@pytest.mark.parametrize("way", WAYS)
def test_that_no_task_shows_a_secret(scene: Scene, way: str, pytestconfig: pytest.Config) -> None:
    name = f"tasks-{way}"
    tasks = [*cases.checks(), *cases.bulk(), *cases.integrations()[:3], *cases.refunds(), *cases.notification_urls()]
    tasks += [*cases.keys(), *cases.integrations()[3:], *cases.copies(f"sqlite:///{scene.left(name)}/ledger.db")]
    tasks += cases.role()
    # A module takes a second, and what ours say is the same for all versions: the others are shown what Ansible says.
    if way == "as-modules" and pytestconfig.getoption("-m") == "newest":
        tasks = cases.told_by_ansible(tasks)
    # Of the modules some go without pipelining, and then leave files on their way; the others with it.
    for made in cases.one_of_each(tasks):
        made["vars"] = {"ansible_pipelining": False}
    # ansible-core 2.22 hides what it decrypts, so one way is shown secrets that don't come from the vault.
    source = scene.vault if way == "in-process" else scene.variables
    # What a user keeps of a result is cached.
    kept = {"name": "Keep", "ansible.builtin.set_fact": {"kept": "{{ kept }}", "cacheable": True}}
    tasks += [{**cases.integrations()[0], "register": "kept"}, kept]
    playbook = scene.playbook(name, tasks)
    ran, found = scene.run(name, playbook, "-e", f"@{source}", way=way, ANSIBLE_PIPELINING="1")
    assert_as_announced(scene, name, ran)
    assert ("storeops.refunds: in-process" in ran.stdout) == (way == "in-process")
    journal = scene.left(name) / "journal.log"
    if way == "in-process":
        assert not journal.exists(), "no module ran"
    else:
        assert "Invoked with" in journal.read_text()
        # A module that is sent to the host as a file is made executable there.
        assert 0 < ran.stdout.count("EXEC /bin/sh -c 'chmod u+rwx") < len(tasks)
    left = ("ledger.db", "ansible.log", "report/refund-audit.html")
    assert [file for file in left if not (scene.left(name) / file).exists()] == []
    # The name has a prefix with some versions.
    (cached,) = (scene.left(name) / "facts").glob("*localhost")
    assert "com.example.one" in cached.read_text()
    assert not found


INVENTORY_KEYS: dict[str, Json] = {
    "text": {"api_private_key_content": "PEM"},
    "template": {"api_private_key_content": "{{ vault_api }}"},
    "path": {"api_private_key_path": "PATH"},
    "cut off": {"api_private_key_content": "{{ vault_api[:160] }}"},
    "list": {"api_private_key_content": ["PEM"]},
    "refused": {"api_private_key_content": "PEM", "api_issuer_id": cases.WRONG_ISSUER},
    "misplaced": {"api_private_key_content": "PEM", "api_key_id": "PEM"},
}


@pytest.mark.parametrize("case", INVENTORY_KEYS)
def test_that_the_inventory_shows_no_secret(scene: Scene, case: str) -> None:
    playground, name = scene.playground, f"inventory-{case.replace(' ', '-')}"
    own: Json = {
        "plugin": "storeops.refunds.app_store_connect",
        "api_issuer_id": ISSUER_ID,
        "api_key_id": API_KEY_ID,
        "app_store_connect_api_url": playground.app_store_connect_api_url,
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": f"{scene.left(name)}/cache",
        **INVENTORY_KEYS[case],
    }
    stand_ins = {'"PEM"': json.dumps(playground.keys[API_KEY_ID].private_pem), "PATH": str(playground.api_key_file)}
    text = json.dumps(own)
    for stand_in, value in stand_ins.items():
        text = text.replace(stand_in, value)
    inventory = playground.write(scene.folder / f"{name}.app_store_connect.yml", text)
    # All variables of the host but those of this run itself.
    hosts = "{{ hostvars[inventory_hostname] | dict2items | rejectattr('key', 'match', 'vault_') }}"
    show = {"name": "Show", "ansible.builtin.debug": {"msg": hosts}}
    plays = yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [show]}])
    playbook = playground.write(scene.folder / f"{name}.yml", plays)
    ran, found = scene.run(name, "-i", str(inventory), str(playbook), "-e", f"@{scene.variables}")
    is_sound = case in ("text", "template", "path")
    assert ("com.example.two" in ran.stdout) == is_sound, ran.stdout[-4000:] + ran.stderr[-4000:]
    assert is_sound or "api_" in ran.stdout + ran.stderr
    assert not found


@pytest.mark.newest
@pytest.mark.parametrize(("way", "arguments"), [("in-process", ()), ("in-process", ("--check",)), ("as-modules", ())])
def test_that_the_playbook_shows_no_secret(scene: Scene, way: str, arguments: tuple[str, ...]) -> None:
    name = f"site-{way}" + "".join(arguments)
    own = {
        "refund_tracking_defaults": {
            "app_store_server_url": scene.playground.app_store_server_url,
            "ledger": {"url": f"sqlite:///{scene.left(name)}/ledger.db"},
        },
        "refund_tracking_keys": [{**cases.STUDIO, "private_key_path": "{{ work }}/a.p8", "apps": ["com.example.one"]}],
    }
    variables = scene.playground.write(scene.folder / f"{name}.json", json.dumps(own))
    ran, found = scene.run(
        name,
        "storeops.refunds.site",
        "-e",
        f"@{scene.vault}",
        "-e",
        f"@{variables}",
        *arguments,
        way=way,
        ANSIBLE_PIPELINING="1",
    )
    assert ran.code == 0, ran.stdout[-4000:]
    assert not found


@pytest.mark.newest
@pytest.mark.parametrize("way", WAYS)
def test_that_a_password_from_the_environment_is_not_shown(scene: Scene, way: str) -> None:
    values = json.loads(scene.variables.read_text())
    url = cases.POSTGRESQL.replace("{{ vault_db_password }}", values["vault_db_password"])
    one = {"name": "list (fails)", "storeops.refunds.refund_tracking_integration_info": {}, "ignore_errors": True}
    playbook = scene.playground.write(
        scene.folder / "environment.yml",
        yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [one]}]),
    )
    name = f"environment-{way}"
    ran, found = scene.run(name, str(playbook), way=way, STOREOPS_LEDGER_URL=url)
    assert_as_announced(scene, name, ran)
    assert not found


@pytest.mark.parametrize("way", WAYS)
def test_that_malformed_options_of_trackers_show_nothing(scene: Scene, way: str) -> None:
    name = f"malformed-{way}"
    # A module takes a second: some of them will do.
    tasks = [*cases.malformed()[:: 1 if way == "in-process" else 4], cases.integrations()[0]]
    ran, found = scene.run(name, scene.playbook(name, tasks), "-e", f"@{scene.vault}", way=way)
    assert_as_announced(scene, name, ran)
    assert not found
    results = scene.results(name)
    shown = next(str(entry["result"]) for entry in results if entry["task"] == "integration")
    named = ("com.example.one", ISSUER_ID, STUDIO_A, "Active", "'tracker': 'ledger'")
    assert not cases.HAS_OPEN_LISTS or all(text in shown for text in named)


@pytest.mark.parametrize("way", WAYS)
def test_that_our_own_messages_cut_a_misplaced_secret_short(scene: Scene, way: str) -> None:
    name = f"misplaced-{way}"
    # The messages are the same in both ways, so what is slow shows but some of them.
    tasks = cases.misplaced() if way == "in-process" else cases.one_of_each(cases.misplaced())
    playbook = scene.playbook(name, tasks)
    ran, _log = scene.run(name, playbook, "-e", f"@{scene.vault}", way=way, ANSIBLE_PIPELINING="1")
    assert_as_announced(scene, name, ran)
    shown = {
        entry["task"]: scene.scanner.scan("msg", str({**entry["result"], "invocation": None}))
        for entry in scene.results(name)
    }
    assert not {task: found for task, found in shown.items() if found}


@pytest.mark.newest
def test_that_the_scanner_finds_what_a_careless_task_shows(scene: Scene) -> None:
    texts = ["{{ vault_a }}", "{{ vault_a.splitlines()[2][:30] }}", "{{ vault_a_base64 }}", "{{ vault_db_password }}"]
    texts.append("{{ vault_cookie }}")
    tasks = [{"name": "Careless", "ansible.builtin.debug": {"msg": text}} for text in texts]
    # Not from the vault: ansible-core 2.22 hides all that it decrypts.
    playbook = scene.playbook("careless", tasks)
    ran, found = scene.run("careless", playbook, "-e", f"@{scene.variables}", verbosity="-v")
    assert ran.code == 0
    assert {finding.where for finding in found} >= {"stdout", "ansible.log"}
    shown = [line for line in ran.stdout.splitlines() if '"msg": ' in line]
    assert len(shown) == len(texts)
    for text, line in zip(texts, shown, strict=True):
        assert scene.scanner.scan("stdout", line), f"{text} was not found"
    assert scene.scanner.scan("here", "Bearer eyJhbGciOiJFUzI1NiJ9.e30.x") == [Finding("here", "token")]
    scalar = scene.playground.keys[STUDIO_B].scalar
    body = "".join(scene.playground.keys[STUDIO_B].private_pem.splitlines()[1:-1])
    pieces = [f"{{{body[start : start + PIECE]}}}" for start in range(ALIKE, len(body) - PIECE + 1)]
    for text in (scalar.hex(), base64.b64encode(scalar).decode(), str(int.from_bytes(scalar, "big")), *pieces):
        assert scene.scanner.scan("here", text) == [Finding("here", "second key")]
