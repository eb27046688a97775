# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for stores that can't be had here: `aws`, `op` and Vault's KV API, as their public documentation has them.

Called as `aws` or `op` they keep secrets in files of $STAND_IN_FOLDER; as `vault` they serve HTTP until killed. Where
the program `vault` or `bao` (OpenBao, the same API) is on the PATH, its development mode serves instead.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

FOLDER = Path(os.environ.get("STAND_IN_FOLDER", "."))
TOKEN = os.environ.get("STAND_IN_TOKEN", "")


def place(name: str) -> Path:
    return FOLDER / (name.replace("/", "_") + ".json")


def option(name: str) -> str:
    return sys.argv[sys.argv.index(name) + 1]


def aws() -> int:
    """docs.aws.amazon.com/cli/latest/reference/secretsmanager"""
    verb = sys.argv[2]
    if verb == "create-secret":
        if place(option("--name")).exists():
            sys.stderr.write("An error occurred (ResourceExistsException) when calling the CreateSecret operation\n")
            return 254
        assert option("--secret-string") == "file:///dev/stdin"
        if os.environ.get("STAND_IN_FAULT") == "write" and "-probe-" not in option("--name"):
            # It repeats what it was given, as no tool should.
            sys.stderr.write(f"An error occurred (InternalServiceError) at {sys.stdin.read()}\n")
            return 254
        place(option("--name")).write_text(sys.stdin.read())
        return 0
    found = place(option("--secret-id"))
    if not found.exists():
        sys.stderr.write("An error occurred (ResourceNotFoundException) when calling the operation\n")
        return 254
    if verb == "delete-secret":
        found.unlink()
        return 0
    text = found.read_text()
    if os.environ.get("STAND_IN_FAULT") == "damaged" and "-probe-" not in found.name:
        # Somebody's store that keeps the text, but not all of it.
        document = json.loads(text)
        held = json.loads(document["SecretString"]) if "SecretString" in document else document
        held["private_key"] = held["private_key"].replace("A", "B")
        text = json.dumps({**document, "SecretString": json.dumps(held)} if "SecretString" in document else held)
    print(text)
    return 0


def op() -> int:
    """developer.1password.com/docs/cli/reference/management-commands/item"""
    verb = sys.argv[2]
    if verb == "create":
        item = json.loads(sys.stdin.read())
        assert sys.argv[-1] == "-" and option("--vault") == "Studio"
        place(item["title"]).write_text(json.dumps(item))
        return 0
    found = place(sys.argv[3])
    if not found.exists():
        sys.stderr.write(f'[ERROR] "{sys.argv[3]}" isn\'t an item in the "Studio" vault.\n')
        return 1
    if verb == "delete":
        found.unlink()
        return 0
    print(found.read_text())
    return 0


class Vault(BaseHTTPRequestHandler):
    """developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2"""

    held: ClassVar[dict[str, object]] = {}

    def answer(self, status: int, document: object = None) -> None:
        body = json.dumps(document).encode() if document is not None else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        found = self.held.get(self.path)
        if self.headers["X-Vault-Token"] != TOKEN:
            return self.answer(403, {"errors": ["permission denied"]})
        if self.path in self.held and found is None:
            # Deleted, and kept all the same.
            gone = {"deletion_time": "2026-11-30T00:00:00Z", "destroyed": False, "version": 1}
            return self.answer(404, {"data": {"data": None, "metadata": gone}})
        return self.answer(200, {"data": {"data": found}}) if found else self.answer(404, {"errors": []})

    def do_POST(self) -> None:
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path in self.held and document["options"]["cas"] == 0:
            return self.answer(400, {"errors": ["check-and-set parameter did not match the current version"]})
        self.held[self.path] = document["data"]
        return self.answer(200, {"data": {"version": 1}})

    def do_DELETE(self) -> None:
        if self.path in self.held:
            self.held[self.path] = None
        else:
            self.held.pop(self.path.replace("/metadata/", "/data/"))
        self.answer(204)

    def log_message(self, *_args: object) -> None:
        pass


def real_vault(program: str) -> int:
    """Start Vault, or OpenBao, in its development mode, and wait until it answers."""
    # Bound and never listening, it keeps the port from others until Vault listens there, with SO_REUSEADDR too.
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    address = f"127.0.0.1:{kept.getsockname()[1]}"
    token = f"-dev-root-token-id={TOKEN}"
    command = [program, "server", "-dev", token, f"-dev-listen-address={address}", "-dev-no-store-token"]
    none = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=none, stdout=none, stderr=none, start_new_session=True)
    (FOLDER / "vault.url").write_text(f"http://{address}")
    (FOLDER / "vault.pid").write_text(str(process.pid))
    (FOLDER / "vault.real").touch()
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _number in range(3000):
        with contextlib.suppress(OSError), direct.open(f"http://{address}/v1/sys/health", timeout=60):
            return 0
        if process.poll() is not None:
            break
        time.sleep(0.1)
    process.kill()
    return 1


def vault() -> int:
    program = shutil.which("vault") or shutil.which("bao")
    if program:
        return real_vault(program)
    server = HTTPServer(("127.0.0.1", 0), Vault)
    (FOLDER / "vault.url").write_text(f"http://127.0.0.1:{server.server_port}")
    if os.fork():
        return 0
    os.setsid()
    (FOLDER / "vault.pid").write_text(str(os.getpid()))
    for descriptor in range(3):
        os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    name = sys.argv[1] if len(sys.argv) > 1 and sys.argv[1] == "serve-vault" else Path(sys.argv[0]).name
    sys.exit({"aws": aws, "op": op, "serve-vault": vault}[name]())
