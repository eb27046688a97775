# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real ansible-rulebook with Java, a simulated Apple, a ledger, and a server that notes what rules do."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import typing as t
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.events import record
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integration
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place
from ansible_collections.storeops.refunds.plugins.module_utils._model.event import Event
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/unit"))

from unit_ports import free_port  # noqa: E402

VENV = ROOT / ".venvs" / "events"
ISSUER, KEY_ID = "57246542-96fe-1a63-e053-0824d011072a", "2X9R4HXF34"
BUNDLE_ID, APPLE_ID = "com.example.one", 1234567890
URL = "https://refunds.example.com"
# Apple waits for a receiver as long as this machine may need.
CALM = {"rate_limits": {"get_notification_history": 0}, "server_notifications": {"send_timeout_s": 300}}
# A first start of Java on a busy machine takes long.
PATIENCE_S = 600.0
LOOK_S = 0.05
FOREIGN = ("ANSIBLE_", "STOREOPS_", "PYTEST_")


def until(holds: t.Callable[[], t.Any], what: str, seconds: float = PATIENCE_S) -> t.Any:
    """Wait for a condition; give what it gave. A machine that stands still meanwhile takes one look from the bound."""
    for _look in range(round(seconds / LOOK_S)):
        found = holds()
        if found:
            return found
        time.sleep(LOOK_S)
    raise AssertionError(f"never: {what}")


class Sink(ThreadingHTTPServer):
    """Takes what rules post, whatever the path: ``posted`` has (path, headers, body)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _SinkHandler)
        self.posted: list[tuple[str, dict[str, str], t.Any]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def to(self, path: str) -> list[t.Any]:
        """Give the bodies that came to a path."""
        return [body for at, _headers, body in self.posted if at == path]


class _SinkHandler(BaseHTTPRequestHandler):
    server: Sink

    def do_POST(self) -> None:
        """Note it."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.posted.append((self.path, dict(self.headers), body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@dataclass
class Scene:
    """One folder with all that a rulebook needs."""

    folder: Path
    sink: Sink
    announced: dict[str, t.Any]
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False
        self.ledger_url = f"sqlite:///{self.folder}/ledger.db"
        self.port = free_port()
        found = self.session.get(f"{self.announced['root_certificate']}?format=pem", timeout=120)
        (self.folder / "root.pem").write_bytes(found.content)
        hosts = {"localhost": {"ansible_connection": "local"}}
        (self.folder / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))

    def control(self, method: str, path: str, body: object = None) -> t.Any:
        """Call the simulator's control API."""
        answer = self.session.request(method, f"{self.announced['control']}{path}", json=body, timeout=120)
        assert answer.ok, answer.text
        return answer.json()

    def declare(self) -> None:
        """Make the app, its key, its integration, and the way from Apple to the receiver."""
        key = ec.generate_private_key(ec.SECP256R1())
        encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        path = self.folder / f"SubscriptionKey_{KEY_ID}.p8"
        path.touch(0o600)
        path.write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain))
        public = key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        app = {"bundle_id": BUNDLE_ID, "apple_id": APPLE_ID, "subscription_status_url": f"{URL}/apple"}
        app |= {"subscription_status_url_version": "V2"}
        team = {"issuer_id": ISSUER, "iap_keys": [{"key_id": KEY_ID, "public_key": public}], "apps": [app]}
        self.control("PUT", "/world", {"teams": [team], **CALM})
        self.control("PUT", "/notification_routes", [{"url": URL, "to": f"http://127.0.0.1:{self.port}"}])
        ledger = Ledger(find_place(self.ledger_url, {}), False, lambda text: None)
        identity = Identity("ledger", "", "production", BUNDLE_ID)
        put_integration(
            ledger, Integration(identity, ISSUER, KEY_ID, None, "Active", str(path), APPLE_ID), "2026-01-01T00:00:00Z"
        )
        ledger.close()

    def tell(self, kind: str, number: int, **more: object) -> dict[str, t.Any]:
        """Let Apple tell of something; give what became of it."""
        now = int(time.time() * 1000)
        transaction: dict[str, object] = {
            "transaction_id": str(2_000_000_000_000_000 + number),
            "product_id": "coins",
            "price": 9990,
            "currency": "EUR",
            "purchase_date": now - 3_600_000,
            "app_account_token": "11111111-2222-3333-4444-555555555555",
        }
        if kind == "REFUND":
            transaction |= {"revocation_date": now, "revocation_reason": 1, "revocation_percentage": 100_000}
        note = {"type": kind, "signed_date": now, "transaction": transaction, **more}
        told: dict[str, t.Any] = self.control("POST", f"/apps/{BUNDLE_ID}/notifications", note)["notifications"][0]
        return told

    def record_sandbox_refund(self) -> None:
        """Record the event of a refund in the sandbox."""
        ledger = Ledger(find_place(self.ledger_url, {}), False, lambda text: None)
        now = int(time.time() * 1000)
        refund = Event("refund", "of the sandbox", now, {"transaction_id": "7", "is_family_shared": False})
        app = {"source": "other:0", "environment": "sandbox", "bundle_id": BUNDLE_ID}
        with ledger.writing() as connection:
            record(connection, app, [refund], "2026-01-01T00:00:00Z")
        ledger.close()

    def done(self) -> int:
        """Give the number of the last event that a consumer is done with."""
        with contextlib.closing(sqlite3.connect(self.folder / "ledger.db", timeout=PATIENCE_S)) as connection:
            return int(connection.execute("SELECT max(position) FROM refund_tracking_consumers").fetchone()[0] or 0)

    def variables(self, mode: str, **more: object) -> dict[str, object]:
        """Give the variables of a rulebook."""
        server = str(self.announced["app_store_server"]["production"]).replace("/production", "/{environment}")
        return {
            "refund_events_mode": mode,
            "refund_events_interval": 2,
            "refund_events_port": self.port,
            "refund_events_path": "/apple",
            "refund_events_root_certificate_path": str(self.folder / "root.pem"),
            "refund_events_app_store_server_url": server,
            **more,
        }

    def start(self, rulebook: str, variables: dict[str, object], *options: str) -> Rulebook:
        """Start a rulebook of the collection, or a file."""
        name = secrets.token_hex(4)
        given = self.folder / f"{name}.yml"
        given.write_text(yaml.safe_dump(variables))
        own = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        env = {
            **own,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache/root"),
            "STOREOPS_LEDGER_URL": self.ledger_url,
            "HOME": str(self.folder),
            "PATH": f"{VENV}/bin{os.pathsep}{own['PATH']}",
        }
        env.pop("PYTHONPATH", None)
        command = [str(VENV / "bin/ansible-rulebook"), "-r", rulebook, "-i", str(self.folder / "inventory.yml")]
        command += ["--vars", str(given), "--print-events", *options]
        log = self.folder / f"{name}.log"
        with log.open("w") as file:
            process = subprocess.Popen(
                command, env=env, cwd=self.folder, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
            )
        return Rulebook(process, log)


@dataclass
class Rulebook:
    """A running ansible-rulebook."""

    process: subprocess.Popen[bytes]
    log: Path

    def says(self, text: str) -> bool:
        """Tell whether it has said something; fails when it has ended."""
        said = self.log.read_text()
        assert text in said or self.process.poll() is None, said[-4000:]
        return text in said

    def wait_for(self, text: str) -> None:
        """Wait until it says something."""
        until(lambda: self.says(text), f"{text} in {self.log.read_text()[-3000:] if self.log.exists() else ''}")

    def end(self, number: int = signal.SIGTERM) -> None:
        """End it with all that it started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        self.process.wait(timeout=120)
        # Shown with a test that failed.
        print(self.log.read_text()[-4000:])


def simulator() -> subprocess.Popen[str]:
    """Start the simulator; its first line tells where it is."""
    command = [sys.executable, str(ROOT / "extensions" / "simulator"), "--port", "0"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
