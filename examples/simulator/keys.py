# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put the keys of the example world into ~/keys, and the settings for playbooks into .cache/simulator of this clone.

A key that is there is never replaced. A simulator that was started again has new keys, so of a file that is there, its
public part goes to the simulator. The simulator's root certificate is new then, too, and replaces the last one's.
The address of the simulator's control endpoint may be given; port 8765 of this machine is asked otherwise.
"""

from __future__ import annotations

import json
import os
import pathlib
import sys
import time
import urllib.error
import urllib.request

KEY_IDS = ("2X9R4HXF34", "9ABCDEF123")
SIMULATOR = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8765/_sim"
PLACE = pathlib.Path(__file__).resolve().parents[2] / ".cache" / "simulator"
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# The first `make sim` sets up: it makes a virtual environment and fetches some 40 packages.
PATIENCE_S = 900
TOLD_EVERY_S = 15
SETTINGS = """---
# Written by examples/simulator/keys.py. It stands last: -e @refunds.yml -e @.cache/simulator/simulator.yml
refund_tracking_defaults:
  app_store_server_url: {base}/app-store-server/{{environment}}
  # What the simulator signs isn't Apple's.
  root_certificate_path: {place}/root.pem
  # Apart from the real ledger.
  ledger:
    url: sqlite:///{place}/ledger.db
# For keys that are made and revoked by a playbook: who is signed in, as in world.yml.
refund_tracking_app_store_connect_url: {base}/app-store-connect
refund_tracking_session: '[{{"name": "myacinfo", "value": "simulated", "domain": "apple.com"}}]'
# For rotate_key: the rotation's own session is a real one.
iap_key_rotation_session_path: ""
"""


def main() -> int:
    put_keys(pathlib.Path.home() / "keys")
    PLACE.mkdir(parents=True, exist_ok=True)
    (PLACE / "root.pem").write_bytes(fetch("GET", "root_certificate?format=pem"))
    settings = SETTINGS.format(base=SIMULATOR.removesuffix("/_sim"), place=PLACE)
    (PLACE / "simulator.yml").write_text(settings, encoding="utf-8")
    print(f"Settings for playbooks: {PLACE}/simulator.yml")
    return 0


def put_keys(folder: pathlib.Path) -> None:
    for key_id in KEY_IDS:
        path = folder / f"SubscriptionKey_{key_id}.p8"
        if path.exists() and path.read_bytes().startswith(b"$ANSIBLE_VAULT"):
            print(f"{path} is encrypted (ansible-vault) and stays as it is. The simulator can't be shown its key.")
            continue
        if path.exists():
            ask("PATCH", f"iap_keys/{key_id}", {"public_key": public_part(path)})
            print(f"{path} is there and stays as it is. The simulator knows it now.")
            continue
        text = ask("GET", f"iap_keys/{key_id}/private_key")["private_key"]
        folder.mkdir(mode=0o700, exist_ok=True)
        with open(path, "x", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(text)
        print(f"{path} is written.")


def public_part(path: pathlib.Path) -> str:
    """Return the public key of a .p8 as a PEM."""
    try:
        from cryptography.hazmat.primitives import serialization
    except ImportError:
        sys.exit(f"{path} is there. To show it to the simulator, run this with the Python of your Ansible.")
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except ValueError:
        sys.exit(f"{path} is there, and isn't a key. If you don't need it, move it away and run this again.")
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, kind).decode()


def ask(method: str, path: str, body: dict[str, str] | None = None) -> dict[str, str]:
    """Return the simulator's answer to what is asked as JSON."""
    return dict(json.loads(fetch(method, path, body)))


def fetch(method: str, path: str, body: dict[str, str] | None = None) -> bytes:
    """Return the simulator's answer; one that was just started is waited for."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{SIMULATOR}/{path}", data, headers, method=method)
    began = told = time.monotonic()
    while True:
        try:
            with OPENER.open(request, timeout=10) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            sys.exit(f"{SIMULATOR}/{path}: {error}. The simulator gives each key once: start it again.")
        except OSError as error:
            now = time.monotonic()
            if now > began + PATIENCE_S:
                sys.exit(f"No simulator answers at {SIMULATOR} ({error}). Start it: make sim SIM_ARGS=...")
            if now >= told:
                print(f"Waiting for the simulator at {SIMULATOR}. Its first start sets up, for minutes.", flush=True)
                told = now + TOLD_EVERY_S
            time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
