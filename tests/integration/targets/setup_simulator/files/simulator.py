# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``start`` makes a folder with keys, starts the simulator, puts the world there and prints the folder.

``tell URL REQUESTS`` asks its control API, one request (method, path, body) after the other, and prints the answers.
``stop FOLDER`` ends that process, by its ID, and removes the folder. A playbook that is killed, or ends without its
``always``, is noticed by ``guard``, which then does the same.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import typing as t
import urllib.request
from pathlib import Path

PATIENCE = 300.0
NOWHERE = subprocess.DEVNULL


def start() -> int:
    folder = Path(tempfile.mkdtemp(prefix="refunds-integration-"))
    process = None
    try:
        with (folder / "simulator.out").open("wb") as out, (folder / "simulator.err").open("wb") as err:
            command = [sys.executable, str(_simulator()), "--port", "0"]
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
            )
        (folder / "pid").write_text(str(process.pid))
        facts = _furnish(folder, _urls(folder, process))
        (folder / "facts.json").touch(mode=0o600)
        (folder / "facts.json").write_text(json.dumps(facts))
    except BaseException:
        if process is not None:
            process.kill()
            process.wait()
        shutil.rmtree(folder)
        raise
    playbook = _playbook()
    if playbook:
        guard_it = [sys.executable, __file__, "guard", str(folder), str(playbook)]
        subprocess.Popen(guard_it, start_new_session=True, stdin=NOWHERE, stdout=NOWHERE, stderr=NOWHERE)
    print(folder)
    return 0


def guard(folder: Path, playbook: int) -> int:
    """Wait for the end of the playbook, or of the folder."""
    while folder.exists():
        if not Path(f"/proc/{playbook}").exists() or _is_zombie(playbook):
            return stop(folder)
        time.sleep(0.5)
    return 0


def _playbook() -> int | None:
    """The process ID of the ansible-playbook that runs this: the last of our ancestors of that name."""
    found, pid = None, os.getppid()
    while pid > 1 and Path("/proc/self").exists():
        if b"ansible-playbook" in Path(f"/proc/{pid}/cmdline").read_bytes():
            found = pid
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return found


def stop(folder: Path) -> int:
    """End the simulator, and the server that a target noted in extra.json."""
    notes = folder / "extra.json"
    extra = json.loads(notes.read_text()) if notes.exists() else {}
    for pid in (int((folder / "pid").read_text()), extra.get("pid")):
        if pid:
            _end(pid)
    if "folder" in extra:
        shutil.rmtree(extra["folder"])
    shutil.rmtree(folder)
    return 0


def _end(pid: int) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        ends = time.monotonic() + 60
        try:
            os.kill(pid, number)
            while time.monotonic() < ends:
                os.kill(pid, 0)
                if _is_zombie(pid):
                    return
                time.sleep(0.02)
        except ProcessLookupError:
            return


def _is_zombie(pid: int) -> bool:
    """In a container nobody may collect what has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


def _simulator() -> Path:
    """Find the collection's own simulator: ansible-test copies this file into a folder of the collection."""
    for parent in Path(__file__).resolve().parents:
        if (parent / "extensions/simulator/__main__.py").is_file():
            return parent / "extensions/simulator"
    raise SystemExit("extensions/simulator is not above this file")


def _urls(folder: Path, process: subprocess.Popen[bytes]) -> dict[str, t.Any]:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        line = (folder / "simulator.out").read_text()
        if line.endswith("\n"):
            urls: dict[str, t.Any] = json.loads(line)
            return urls
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise SystemExit("The simulator did not start: " + (folder / "simulator.err").read_text())


def tell(url: str, requests: list[tuple[str, str, t.Any]]) -> int:
    print(json.dumps([_ask(url + path, method, body) for method, path, body in requests]))
    return 0


def _ask(url: str, method: str, body: t.Any) -> t.Any:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=PATIENCE) as answer:
        text = answer.read().decode()
    return json.loads(text) if text.startswith(("{", "[")) else text


def _furnish(folder: Path, urls: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    import material  # It takes longer than all that stop does.

    pairs = {name: material.make_pair() for name in material.KEYS}
    _ask(f"{urls['control']}/world", "PUT", material.world(pairs))
    root = folder / "root.pem"
    root.write_text(_ask(f"{urls['control']}/root_certificate?format=pem", "GET", None))
    paths = material.write_files(folder, pairs)
    keys = {
        name: {
            "issuer_id": issuer_id,
            "key_id": key_id,
            "path": paths[name],
            "pem": pairs[name].private_pem,
            "fingerprint": pairs[name].fingerprint,
        }
        for name, (key_id, issuer_id) in material.KEYS.items()
    }
    return {
        "ansible_lookup_url_timeout": PATIENCE,
        "sim_folder": str(folder),
        "sim_root": str(root),
        "sim_tell": [sys.executable, str(Path(__file__).resolve()), "tell", urls["control"]],
        "sim_commands": [sys.executable, str(Path(__file__).resolve().with_name("commands.py"))],
        "sim_urls": urls,
        "sim_app_store_server_url": urls["app_store_server"]["production"].replace("/production", "/{environment}"),
        "sim_keys": keys,
        "sim_files": {name: path for name, path in paths.items() if name not in material.KEYS},
    }


if __name__ == "__main__":
    commands = {
        "start": start,
        "tell": lambda: tell(sys.argv[2], json.loads(sys.argv[3])),
        "stop": lambda: stop(Path(sys.argv[2])),
        "guard": lambda: guard(Path(sys.argv[2]), int(sys.argv[3])),
    }
    sys.exit(commands[sys.argv[1]]())
