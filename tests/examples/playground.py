# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A temporary folder with keys, a simulator that knows them, and ansible-playbook to use both."""

from __future__ import annotations

import json
import os
import secrets
import ssl
import subprocess
import sys
import typing as t
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from example_refunds import app_with_a_forgery, app_with_refunds, milliseconds

sys.path.append(str(Path(__file__).resolve().parents[1] / "unit"))

from warm import warm

from ansible_collections.storeops.refunds.plugins.module_utils._apple.root_certificate import apple_root

ROOT = Path(__file__).resolve().parents[2]
ISSUER_ID, OTHER_ISSUER_ID = "57246542-96fe-1a63-e053-0824d011072a", "69a6de70-0000-47e3-e053-5b8c7c11a4d1"
STUDIO_A, STUDIO_B = "2X9R4HXF34", "9ABCDEF123"
# A second one of the first studio's, for tests of two keys of one team; its text is that of STUDIO_B.
SECOND = "8HXF213K4R"
API_KEY_ID = "9XK2M4N6P8"
APPS = ("com.example.one", "com.example.two", "com.example.three")
FORGED = "com.example.five"
FIRST_APPLE_ID = 1_000_000_000
# A user's own settings must not reach the tests; ANSIBLE_COLLECTIONS_PATH alone is kept.
FOREIGN = ("ANSIBLE_", "STOREOPS_")


@dataclass(frozen=True)
class Key:
    """``private_pem`` is the text of a .p8, ``scalar`` the private number in it, ``public_pem`` Apple's half."""

    private_pem: str
    public_pem: str
    scalar: bytes


def make_key() -> Key:
    handle = ec.generate_private_key(ec.SECP256R1())
    private = handle.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = handle.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return Key(private.decode(), public.decode(), handle.private_numbers().private_value.to_bytes(32, "big"))


@dataclass(frozen=True)
class Ran:
    """An ansible-playbook that has ended."""

    code: int
    stdout: str
    stderr: str


def chosen(way: str) -> tuple[str, str]:
    """Return the arguments that have the modules run in Ansible's own process, or as modules."""
    return "-e", json.dumps({"storeops_refunds_in_process": way == "in-process"})


class Playground:
    """Use it in a ``with``: the simulator ends with it. The folder is the caller's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = {key_id: make_key() for key_id in (STUDIO_A, STUDIO_B, API_KEY_ID)}
        self.keys_folder = folder / "keys"
        self.keys_folder.mkdir(mode=0o700)
        self.key_file = self.keys_folder / f"SubscriptionKey_{STUDIO_A}.p8"
        self.write(self.key_file, self.keys[STUDIO_A].private_pem)
        self.api_key_file = self.keys_folder / f"AuthKey_{API_KEY_ID}.p8"
        self.write(self.api_key_file, self.keys[API_KEY_ID].private_pem)
        self.cookie = secrets.token_hex(24)
        self.session = json.dumps([{"name": "myacinfo", "value": self.cookie, "domain": "apple.com"}])
        self.session_file = self.write(folder / "session.json", self.session)
        self.ledger_url = f"sqlite:///{folder}/ledger.db"

    def write(self, path: Path, text: str) -> Path:
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    def __enter__(self) -> Playground:
        path = self.write(self.folder / "world.json", json.dumps(self._world()))
        simulator = ROOT / "extensions/simulator/__main__.py"
        command = [str(warm().python), str(simulator), "--port", "0", "--world", str(path)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            self._process.wait(timeout=120)
            raise RuntimeError("the simulator did not start")
        urls = json.loads(line)
        self.app_store_server_url = urls["app_store_server"]["production"].replace("/production", "/{environment}")
        self.control_url = urls["control"]
        self.app_store_connect_url = urls["app_store_connect"]
        self.app_store_connect_api_url = urls["app_store_connect_api"]
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(f"{urls['root_certificate']}?format=pem", timeout=120) as answer:
            self.root_certificate = self.write(self.folder / "root.pem", answer.read().decode())
        # Where HOME is.
        self.write(self.folder / "apple.pem", ssl.DER_cert_to_PEM_cert(apple_root().der))
        return self

    def _world(self) -> dict[str, t.Any]:
        own, other = (
            {
                "key_id": key_id,
                "name": f"Key {key_id}",
                "public_key": self.keys[key_id].public_pem,
                "last_used_at": 1_760_000_000,
            }
            for key_id in (STUDIO_A, STUDIO_B)
        )
        second = {**other, "key_id": SECOND, "name": f"Key {SECOND}"}
        api_key = {"key_id": API_KEY_ID, "public_key": self.keys[API_KEY_ID].public_pem}
        now = milliseconds()
        told = {APPS[0]: app_with_refunds(now), FORGED: app_with_a_forgery(now)}
        apps = [
            {"bundle_id": bundle_id, "apple_id": FIRST_APPLE_ID + number, **told.get(bundle_id, {})}
            for number, bundle_id in enumerate((*APPS, FORGED))
        ]
        session = {"myacinfo": self.cookie, "email": "release@example.com", "teams": [ISSUER_ID]}
        # The last of APPS is the other studio's.
        theirs = [apps.pop(len(APPS) - 1)]
        team = {"issuer_id": ISSUER_ID, "name": "Studio A", "iap_keys": [own, second], "apps": apps}
        team["app_store_connect_keys"] = [api_key]
        partner = {"issuer_id": OTHER_ISSUER_ID, "name": "Studio B", "iap_keys": [other], "apps": theirs}
        return {"teams": [team, partner], "app_store_connect_sessions": [session]}

    def __exit__(self, *exc_info: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=120)
        if self._process.stdout:
            self._process.stdout.close()

    def run(self, *arguments: str, program: str = "ansible-playbook", **variables: str) -> Ran:
        """Run ansible-playbook (or another program beside it) with ``variables`` in its environment."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        fixed = {
            "ANSIBLE_COLLECTIONS_PATH": os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".cache/root")),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
            "HOME": str(self.folder),
        }
        command = [str(warm().programs / program), *arguments]
        ran = subprocess.run(
            command, env={**own, **fixed, **variables}, cwd=self.folder, capture_output=True, text=True, check=False
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def module_defaults(self, options: t.Mapping[str, t.Collection[str]]) -> dict[str, dict[str, t.Any]]:
        """Defaults by module, for the options that each has.

        Not by group: the group defaults of an example would replace them as a whole.
        """
        wanted = {
            "app_store_server_url": self.app_store_server_url,
            "app_store_connect_url": self.app_store_connect_url,
            "app_store_connect_api_url": self.app_store_connect_api_url,
            "root_certificate_path": str(self.root_certificate),
            "ledger": {"url": self.ledger_url},
        }
        return {
            f"storeops.refunds.{name}": {option: value for option, value in wanted.items() if option in known}
            for name, known in options.items()
        }
