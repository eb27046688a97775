# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every playbook, role, module and plugin, and every callback of ansible-core: none shows a secret."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
import time
import typing as t
import urllib.request
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cases
import pytest
import yaml
from playground import API_KEY_ID, FIRST_APPLE_ID, ISSUER_ID, ROOT, STUDIO_A, Ran
from processes import Watcher
from scanner import Finding
from test_no_key_material import Scene, assert_as_announced, scene
from unit_ports import free_port

# A fixture, used by its name alone.
__all__ = ["scene"]
Json = dict[str, t.Any]
APP = {"bundle_id": "com.example.one", "app_apple_id": FIRST_APPLE_ID}
STUDIO = {**cases.STUDIO, "apps": [APP]}
# The same key by its path, which the ledger keeps for the event source.
BY_PATH: Json = {"key": "studio", "private_key_path": "{{ key_file }}", "issuer_id": ISSUER_ID, "apps": [APP]}
API: Json = {
    "api_issuer_id": ISSUER_ID,
    "api_key_id": API_KEY_ID,
    "api_private_key_content": "{{ vault_api }}",
}
SESSION = "{{ vault_session }}"
SECRET = "{{ vault_db_password }}"
EVENT = {
    **{name: "x" for name in ("what", "product_id", "price", "transaction_id", "signed_at", "answer_until")},
    "notification_uuid": "x",
    "bundle_id": "com.example.one",
    "environment": "sandbox",
}
# What each playbook is given; {url} is a server that takes everything.
PLAYBOOKS: dict[str, Json] = {
    "site": {"refund_tracking_keys": [BY_PATH]},
    "refunds": {"refund_tracking_keys": [STUDIO], "api": API},
    "audit": {
        "refund_tracking_keys": [STUDIO],
        "refund_audit_path": "{{ work }}/../report",
        "refund_audit_fail_on": [],
    },
    "export_refunds": {"refund_export_folder": "{{ work }}/../export"},
    "rotate_key": {
        "refund_tracking_keys": [{**STUDIO, "key_id": STUDIO_A}],
        "iap_key_rotation_name": "A new key",
        "iap_key_rotation_private_key_path": "{{ work }}/new.p8",
        "iap_key_rotation_old_key_id": STUDIO_A,
        "iap_key_rotation_session": SESSION,
        "iap_key_rotation_wait": 0,
    },
    "field_check": {
        "field_check_folder": "{{ work }}/../report",
        "field_check_options": {
            "bundle_id": "com.example.one",
            "issuer_id": ISSUER_ID,
            "key_id": STUDIO_A,
            "private_key_content": "{{ vault_a }}",
            "session": SESSION,
            **API,
            "revenuecat": {"api_key": f"sk_{SECRET}", "project_id": "proj1ab2c3d4", "url": "{url}"},
            "qonversion": {"api_key": f"sk_{SECRET}", "url": "{url}"},
        },
    },
    "refund_message": {"ansible_eda": {"event": EVENT}, "refund_chat_url": "{url}/" + SECRET},
    "refund_ticket": {
        "ansible_eda": {"event": EVENT},
        "refund_ticket_url": "{url}",
        "refund_ticket_headers": {"Authorization": f"Token {SECRET}"},
        "refund_ticket_fields": {},
    },
}


class _Taken(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Take it."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def do_GET(self) -> None:
        """Give back what came along, as a service that repeats what it was sent."""
        data = json.dumps({"message": f"{self.headers.get('Authorization')} {self.path}"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_args: t.Any) -> None:
        """Stay silent."""


@contextlib.contextmanager
def taking() -> t.Iterator[str]:
    """Serve; give the URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Taken) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def ledger_of(scene: Scene) -> str:
    """Give the ledger that all of them share."""
    return f"sqlite:///{scene.folder}/shared.db"


def variables(scene: Scene, name: str, url: str) -> Path:
    """Write a playbook's variables: of all services, and its own."""
    own = dict(PLAYBOOKS[name])
    playground = scene.playground
    defaults = {
        "app_store_server_url": playground.app_store_server_url,
        "app_store_connect_url": playground.app_store_connect_url,
        "app_store_connect_api_url": playground.app_store_connect_api_url,
        "root_certificate_path": str(playground.root_certificate),
        "ledger": {"url": ledger_of(scene)},
        **own.pop("api", {}),
    }
    if name == "field_check":
        services = ("app_store_server_url", "app_store_connect_url", "app_store_connect_api_url")
        own["field_check_options"] = own["field_check_options"] | {one: defaults[one] for one in services}
    if name == "rotate_key":
        own["iap_key_rotation_app_store_connect_url"] = playground.app_store_connect_url
    text = json.dumps({"refund_tracking_defaults": defaults, **own}).replace("{url}", url)
    return playground.write(scene.folder / f"{name}.json", text)


@pytest.mark.newest
def test_that_no_playbook_shows_a_secret(scene: Scene) -> None:
    """In the order of a user's life: what one stores, the next one reads."""
    shown: list[Finding] = []
    for name in PLAYBOOKS:
        with taking() as url:
            given = ("-e", f"@{scene.vault}", "-e", f"@{variables(scene, name, url)}")
            ran, found = scene.run(f"playbook-{name}", f"storeops.refunds.{name}", *given)
        assert ran.code == 0, f"{name}: {_failures(ran)}"
        shown += [replace(one, where=f"{name}: {one.where}") for one in found]
    assert not shown
    assert not scene.scanner.scan("ledger", (scene.folder / "shared.db").read_bytes().decode("latin-1"))


# What an HTTP client can't send, it shows in its message, which Ansible prints in spite of no_log.
@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("refund_message", {"refund_chat_url": f"hooks.example.com/{SECRET}"}),
        ("refund_message", {"refund_chat_url": f"https://hooks.example.com/{SECRET} x"}),
        ("refund_ticket", {"refund_ticket_url": f"http://tickets.corp/{SECRET}"}),
        ("refund_ticket", {"refund_ticket_headers": {"Authorization": f"Token {SECRET}\n"}}),
        ("refund_ticket", {"refund_ticket_headers": {f"Token {SECRET}": "x"}}),
    ],
)
def test_that_a_secret_that_can_not_be_sent_is_not_shown(scene: Scene, name: str, given: Json) -> None:
    with taking() as url:
        arguments = ("-e", f"@{scene.vault}", "-e", f"@{variables(scene, name, url)}", "-e", json.dumps(given))
        ran, found = scene.run(f"unsendable-{given}", f"storeops.refunds.{name}", *arguments)
    assert ran.code == 2 and f"{next(iter(given))}: " in ran.stdout, _failures(ran)
    assert not found


def _failures(ran: Ran) -> str:
    """Give what failed in a run that tells everything."""
    begins = ("TASK [", "fatal:", "failed:", "[ERROR]", "ERROR", "localhost ")
    lines = [line for line in ran.stdout.splitlines() if line.startswith(begins)]
    return "\n".join([*lines[-12:], ran.stderr[-2000:]])


def _role(name: str, **given: t.Any) -> Json:
    return {"name": name, "ansible.builtin.include_role": {"name": f"storeops.refunds.{name}"}, "vars": given}


def roles() -> list[Json]:
    """Roles that no playbook has."""
    custody: Json = {
        "iap_key_custody_store": "ansible_vault",
        "iap_key_custody_place": "{{ work }}/key.vault.json",
        "iap_key_custody_ansible_vault": {"password": SECRET},
        "iap_key_custody_private_key_path": "{{ work }}/custody.p8",
        "iap_key_custody_name": "A key for the vault, {{ way }}",
        "iap_key_custody_keep_file": False,
        "iap_key_custody_session": SESSION,
        "iap_key_custody_app_store_connect_url": "{{ connect_url }}",
    }
    app = {**APP, "notification_url": "https://refunds.example.com/apple"}
    urls = _role("notification_urls", refund_tracking_keys=[{**cases.STUDIO, "apps": [app]}])
    # Nothing is there that takes the file: it fails before Apple is asked.
    broken = {**custody, "iap_key_custody_place": "/nonexistent/key.json", "iap_key_custody_name": "Never made"}
    rescue = [{"name": "It failed as it should", "ansible.builtin.debug": {"msg": "rescued"}}]
    return [
        _role("iap_key_custody", **custody),
        _role("iap_key_custody", **custody),
        {"name": "No store", "block": [_role("iap_key_custody", **broken)], "rescue": rescue},
        {
            "name": "URLs",
            "module_defaults": {"storeops.refunds.app_store_notification_url": {**API, **_urls()}},
            "block": [urls],
        },
    ]


def _urls() -> Json:
    return {"app_store_connect_api_url": "{{ connect_api_url }}", "ledger": {"url": "{{ ledger_url }}"}}


# What a module of a role shows, the newest version shows without a role as well.
@pytest.mark.parametrize("way", [pytest.param("in-process", marks=pytest.mark.newest), "as-modules"])
def test_that_no_role_shows_a_secret(scene: Scene, way: str) -> None:
    name = f"roles-{way}"
    given: Json = {
        "way": way,
        "connect_url": scene.playground.app_store_connect_url,
        "connect_api_url": scene.playground.app_store_connect_api_url,
        "ledger_url": f"sqlite:///{scene.left(name)}/ledger.db",
    }
    tasks = [cases.integrations()[0], *roles()]
    playbook = scene.playbook(name, tasks)
    arguments = ("-e", f"@{scene.vault}", "-e", json.dumps(given))
    ran, found = scene.run(name, playbook, *arguments, way=way, ANSIBLE_PIPELINING="1")
    assert ran.code == 0 and "TASK [It failed as it should]" in ran.stdout, _failures(ran)
    assert not found


STAND_IN = ROOT / "tests/integration/targets/role_iap_key_custody/files"


@contextlib.contextmanager
def vault(token: str) -> t.Iterator[str]:
    """Serve Vault's API for one token; give the URL."""
    spec = importlib.util.spec_from_file_location("custody_stand_in", STAND_IN / "stand_in.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.TOKEN = token
    with ThreadingHTTPServer(("127.0.0.1", 0), module.Vault) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def stores(folder: Path, url: str) -> tuple[list[Json], list[Json]]:
    """Give what hands a key that is known here to each store, and what fails at one."""
    key: Json = {"iap_key_custody_private_key_path": "{{ key_file }}", "iap_key_custody_issuer_id": ISSUER_ID}

    def to(store: str, **given: t.Any) -> Json:
        place = f"{folder}/key.sops.yaml" if store == "sops" else f"studio/{store}"
        own = {"iap_key_custody_store": store, "iap_key_custody_place": place}
        return _role("iap_key_custody", **key, **own, **given)

    def at_vault(url: str, token: str) -> Json:
        return to("hashicorp_vault", iap_key_custody_hashicorp_vault={"url": url, "token": token})

    sound = [at_vault(url, f"{SECRET}\n"), to("onepassword", iap_key_custody_onepassword={"vault": "Studio"})]
    sound += [to("sops")] if (Path(sys.executable).parent / "sops").exists() else []
    # The stand-in for aws has a fault, see below: it repeats what it was given.
    broken = [to("aws_secrets_manager"), at_vault(url, "wrong")]
    broken += [at_vault("https://127.0.0.1:1", f"{SECRET}\nx"), at_vault(f"vault.corp/{SECRET}", SECRET)]
    broken += [at_vault(f"https://127.0.0.1:1/{SECRET} x", SECRET), at_vault(f"http://vault.corp/{SECRET}", SECRET)]
    return sound, broken


def test_that_no_store_of_the_custody_shows_a_secret(scene: Scene, tmp_path: Path) -> None:
    """Also a program that repeats the key, and what Vault can't be sent."""
    for program in ("aws", "op"):
        path = tmp_path / "bin" / program
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!{sys.executable}\n{(STAND_IN / 'stand_in.py').read_text()}")
        path.chmod(0o755)
    subprocess.run([sys.executable, str(STAND_IN / "age_key.py"), str(tmp_path)], check=True)
    programs = (tmp_path / "bin", Path(sys.executable).parent, os.environ["PATH"])
    environment = {"PATH": os.pathsep.join(map(str, programs)), "STAND_IN_FOLDER": str(tmp_path)}
    environment |= {"STAND_IN_FAULT": "write", "SOPS_AGE_KEY_FILE": str(tmp_path / "age.txt")}
    rescue = [{"name": "It failed as it should", "ansible.builtin.debug": {"msg": "rescued"}}]
    with vault(json.loads(scene.variables.read_text())["vault_db_password"]) as url:
        sound, broken = stores(tmp_path, url)
        tasks = [*sound, *({"name": "Broken", "block": [one], "rescue": rescue} for one in broken)]
        given = ("-e", f"@{scene.vault}")
        ran, found = scene.run("stores", scene.playbook("stores", tasks), *given, ANSIBLE_PIPELINING="1", **environment)
    assert ran.code == 0 and ran.stdout.count("TASK [It failed as it should]") == len(broken), _failures(ran)
    assert "aws ended with exit code 254 and said: An error occurred (InternalServiceError)" in ran.stdout
    assert not found


# The default one shows every other run of these tests. Of a pair one shows a run, and the other writes beside it.
CALLBACKS = (("minimal", "tree"), ("oneline", "junit"))


def test_that_these_are_all_callbacks(scene: Scene) -> None:
    ran = scene.playground.run("-t", "callback", "-l", "ansible.builtin", program="ansible-doc")
    listed = set(re.findall(r"^ansible\.builtin\.(\w+)", ran.stdout, re.MULTILINE))
    assert listed == {"default", *(name for pair in CALLBACKS for name in pair)}, "a callback that isn't scanned"


@pytest.mark.newest
@pytest.mark.parametrize(("shows", "writes"), CALLBACKS)
def test_that_no_callback_shows_a_secret(scene: Scene, shows: str, writes: str) -> None:
    tasks = [*cases.bulk()[2:4], *cases.integrations()[2:4], *cases.notification_urls()[1:3]]
    name = f"callback-{shows}-{writes}"
    left = scene.left(name)
    chosen: dict[str, str] = {"ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml", "JUNIT_OUTPUT_DIR": str(left / "junit")}
    chosen["ANSIBLE_CALLBACK_TREE_DIR"] = str(left / "tree")
    chosen["ANSIBLE_STDOUT_CALLBACK"] = f"ansible.builtin.{shows}"
    chosen["ANSIBLE_CALLBACKS_ENABLED"] = f"captured_results,ansible.builtin.{writes}"
    ran, found = scene.run(name, scene.playbook(name, tasks), "-e", f"@{scene.vault}", **chosen)
    assert_as_announced(scene, name, ran)
    assert "TASK [" not in ran.stdout, "the default callback showed it"
    assert list((left / writes).iterdir())
    assert not found


SOURCE = """
import asyncio, importlib.util, json, logging, sys
logging.basicConfig(level=logging.DEBUG)
given = json.load(sys.stdin)
spec = importlib.util.spec_from_file_location("refund_events", given["file"])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
class Printed:
    async def put(self, event):
        print(event, flush=True)
asyncio.run(module.main(Printed(), given["args"]))
"""


@contextlib.contextmanager
def source(args: Json, folder: Path, watcher: Watcher) -> t.Iterator[subprocess.Popen[str]]:
    """Run the event source, once it is watched; what it shows is in ``stdout`` and ``stderr`` of the folder."""
    file = ROOT / "extensions/eda/plugins/event_source/refund_events.py"
    environment = {**os.environ, "MARKER": str(folder), "TMPDIR": str(folder), "HOME": str(folder)}
    command = [sys.executable, "-c", SOURCE]
    with (folder / "stdout").open("w") as out, (folder / "stderr").open("w") as err:
        streams: Json = {"stdin": subprocess.PIPE, "stdout": out, "stderr": err}
        with subprocess.Popen(command, env=environment, text=True, **streams) as process:
            try:
                assert process.stdin is not None
                end = time.monotonic() + 300
                while not watcher.command_lines and time.monotonic() < end:
                    time.sleep(0.05)
                process.stdin.write(json.dumps({"file": str(file), "args": args}))
                process.stdin.close()
                yield process
            finally:
                process.kill()


def until(process: subprocess.Popen[str], file: Path, word: str) -> None:
    """Wait until something is shown."""
    end = time.monotonic() + 120
    while word not in file.read_text():
        shown = (file.parent / "stderr").read_text()[-2000:]
        assert process.poll() is None and time.monotonic() < end, f"no {word}: {shown}"
        time.sleep(0.05)


def at_simulator(scene: Scene, method: str, path: str, body: t.Any) -> None:
    """Call its control API."""
    headers = {"Content-Type": "application/json"}
    url = f"{scene.playground.control_url}{path}"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=120) as answer:
        assert answer.status < 300


def tell(scene: Scene) -> None:
    """Let Apple tell of a refund."""
    now = int(time.time() * 1000)
    bought = {"transaction_id": str(now), "product_id": "coins", "price": 9990, "currency": "EUR"}
    bought |= {"purchase_date": now - 60_000, "revocation_date": now, "revocation_reason": 1}
    note = {"type": "REFUND", "signed_date": now, "transaction": bought}
    at_simulator(scene, "POST", f"/apps/{APP['bundle_id']}/notifications", note)


def source_args(scene: Scene, ledger: Json, **more: t.Any) -> Json:
    """Give what each of them is given."""
    services = {"app_store_server_url": scene.playground.app_store_server_url}
    return {**services, "ledger": ledger, "root_certificate_path": str(scene.playground.root_certificate), **more}


def scanned(scene: Scene, watcher: Watcher, folder: Path) -> list[Finding]:
    """Scan all that a source showed and left behind."""
    assert watcher.environments and watcher.command_lines
    streams = {"command lines": "\n".join(watcher.command_lines), "environments": "\n".join(watcher.environments)}
    found = [one for where, text in streams.items() for one in scene.scanner.scan(where, text)]
    return found + scene.scanner.scan_files(folder)


@pytest.mark.parametrize("mode", ["poll", "listen"])
def test_that_the_event_source_shows_no_secret(scene: Scene, mode: str, tmp_path: Path) -> None:
    """It polls with the key that was stored; or it listens, and a further URL with a secret can't be reached."""
    ledger = {"url": f"sqlite:///{scene.folder}/events-{mode}.db"}
    key = {**cases.integrations()[0]["storeops.refunds.refund_tracking_integration"]}
    key |= {"private_key_content": "{{ omit }}", "private_key_path": "{{ key_file }}", "ledger": ledger}
    made = {"name": "integration", "storeops.refunds.refund_tracking_integration": {**key, **APP}}
    name = f"for-events-{mode}"
    assert scene.run(name, scene.playbook(name, [made]), "-e", f"@{scene.vault}")[0].code == 0
    secret = json.loads(scene.variables.read_text())["vault_db_password"]
    port, closed = free_port(), free_port()
    more: Json = {"interval": 1}
    if mode == "listen":
        more = {"port": port, "forward_to": [f"http://127.0.0.1:{closed}/{secret}?key={secret}"]}
    args = source_args(scene, ledger, mode=mode, **more)
    out, err = tmp_path / "stdout", tmp_path / "stderr"
    with Watcher(f"MARKER={tmp_path}") as watcher, source(args, tmp_path, watcher) as process:
        if mode == "listen":
            until(process, err, "refund_events listens on")
            # Another test may have set the app's URL to something else.
            url = "https://example.com/notifications"
            own = {"subscription_status_url": url, "subscription_status_url_version": "V2"}
            at_simulator(scene, "PATCH", f"/apps/{APP['bundle_id']}", own)
            at_simulator(scene, "PUT", "/notification_routes", [{"url": url, "to": f"http://127.0.0.1:{port}/"}])
        else:
            # The first poll has asked Apple.
            until(process, err, "/notifications/history")
        try:
            tell(scene)
            until(process, out, "'kind': 'refund'")
            if mode == "listen":
                until(process, err, f"A notification was not taken by 127.0.0.1:{closed}")
        finally:
            at_simulator(scene, "PUT", "/notification_routes", [])
    assert not scanned(scene, watcher, tmp_path)


@pytest.mark.parametrize(
    ("name", "mode", "word"),
    [
        ("url", "poll", "LedgerError: ledger.url: PostgreSQL 127.0.0.1"),
        ("url", "listen", "LedgerError: ledger.url: PostgreSQL 127.0.0.1"),
        ("uri", "poll", "InputError: ledger: is a mapping with url."),
        ("forward_to", "poll", "InputError: forward_to: needs mode: listen."),
        ("forward_to", "listen", "InputError: forward_to[0]: this isn't an http(s) URL."),
    ],
)
def test_that_an_event_source_that_cannot_begin_shows_no_secret(
    scene: Scene, name: str, mode: str, word: str, tmp_path: Path
) -> None:
    secret = json.loads(scene.variables.read_text())["vault_db_password"]
    url = cases.POSTGRESQL.replace("{{ vault_db_password }}", secret)
    args = source_args(scene, {"url" if name == "forward_to" else name: url}, mode=mode)
    if name == "forward_to":
        args["forward_to"] = [f"{'https://' if mode == 'poll' else ''}hooks.example.com/{secret}"]
    with Watcher(f"MARKER={tmp_path}") as watcher, source(args, tmp_path, watcher) as process:
        assert process.wait(timeout=120) == 1
    assert word in (tmp_path / "stderr").read_text().splitlines()[-1]
    assert not scanned(scene, watcher, tmp_path)


def test_that_nothing_is_left_out() -> None:
    """A new module, role, playbook or plugin has to be run above, or in test_no_key_material.py."""
    texts = [path.read_text() for path in Path(__file__).parent.glob("*.py")]
    assert {path.stem for path in (ROOT / "playbooks").glob("*.yml")} == set(PLAYBOOKS)
    texts += [path.read_text() for path in (ROOT / "playbooks").glob("*.yml")]
    run = set(re.findall(r"storeops\.refunds\.(\w+)|\"(\w+)\"", "\n".join(texts)))
    names = {name for pair in run for name in pair if name}
    assert {path.name for path in (ROOT / "roles").iterdir()} - names == set()
    texts += [path.read_text() for path in (ROOT / "roles").rglob("*.yml")]
    names |= set(re.findall(r"storeops\.refunds\.(\w+)", "\n".join(texts)))
    assert {path.stem for path in (ROOT / "plugins/modules").glob("*.py")} - names == set()
    plugins = {path.stem for kind in ("inventory", "filter") for path in (ROOT / "plugins" / kind).glob("*.py")}
    assert plugins - names == set()
    known = {"action", "doc_fragments", "filter", "inventory", "module_utils", "modules", "plugin_utils"}
    assert {path.name for path in (ROOT / "plugins").iterdir() if path.is_dir() and path.name[0] != "_"} == known
    assert [path.stem for path in (ROOT / "extensions/eda/plugins").rglob("*.py")] == ["refund_events"]


@pytest.mark.newest
def test_that_a_planted_leak_is_found_wherever_it_is(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """In each place that is scanned: what tasks show, a fact that is cached, a temporary file, a command line."""
    values, left = json.loads(scene.variables.read_text()), scene.left("planted")

    class Telling(Watcher):
        """Writes a file for each that it has seen."""

        def _note(self, folder: Path) -> None:
            super()._note(folder)
            if any(values["vault_db_password"] in text for text in self.command_lines):
                (left / "seen-command").touch()
            if any(values["vault_cookie"] in text for text in self.environments):
                (left / "seen-environment").touch()

    monkeypatch.setattr("test_no_key_material.Watcher", Telling)
    # Each lives until it was seen, or for five minutes.
    loop = 'n=0; until [ -e "$0" ] || [ $n -gt 3000 ]; do n=$((n+1)); sleep 0.1; done'
    until_seen = f"sh -c '{loop}' {left}/seen-"
    tasks: list[Json] = [
        {"name": "Fact", "ansible.builtin.set_fact": {"leaked": "{{ vault_a }}", "cacheable": True}},
        {"name": "File", "ansible.builtin.copy": {"dest": "{{ work }}/../tmp/leak", "content": "{{ vault_b }}"}},
        {"name": "Command", "ansible.builtin.command": f"{until_seen}command {{{{ vault_db_password }}}}"},
        {
            "name": "Environment",
            "ansible.builtin.command": f"{until_seen}environment",
            "environment": {"LEAK": "{{ vault_cookie }}"},
        },
    ]
    playbook = scene.playbook("planted", tasks)
    ran, found = scene.run("planted", playbook, "-e", f"@{scene.variables}", verbosity="-v")
    assert ran.code == 0, ran.stdout[-2000:]
    where = {one.where for one in found}
    assert {"command lines", "environments", "leak", "ansible.log", "journal.log"} <= where, where
    assert any("localhost" in place for place in where), "the fact cache"


def test_the_shared_variables_are_real(scene: Scene) -> None:
    """What a playbook is given is encrypted, and holds each secret that is looked for."""
    assert scene.vault.read_text().startswith("$ANSIBLE_VAULT")
    text = scene.variables.read_text()
    assert {one.what for one in scene.scanner.scan("variables", yaml.safe_dump(json.loads(text)))} >= {
        "first key",
        "second key",
        "API key",
        "database password",
        "cookie",
    }
