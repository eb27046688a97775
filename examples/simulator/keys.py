# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put the keys of the simulator's world into ~/keys, and the settings for playbooks into this clone's .cache/simulator.

A key that is there is never replaced. A simulator that was started again has new keys, so of a file that is there, its
public part goes to the simulator. Its root certificate is new then, too: the settings are written at each run.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time
import typing as t
import urllib.error
import urllib.request

CONTROL = "http://127.0.0.1:8765/_sim"
PLACE = pathlib.Path(__file__).resolve().parents[2] / ".cache" / "simulator"
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# The first `make sim` sets up: it makes a virtual environment and fetches some 40 packages.
PATIENCE_S = 900
# What is said while nobody answers, each once: after so many seconds.
TOLD = (
    (0, "Waiting for the simulator at {control}. The first `make sim` in a clone sets up, for a minute or more."),
    (60, "Still waiting for it. Look at what `make sim` printed: it may have stopped."),
)
SETTINGS = """---
# Written by examples/simulator/keys.py. It stands last: -e @refunds.yml -e @.cache/simulator/simulator.yml
# Ansible doesn't merge mappings: it stands in for your own refund_tracking_defaults. What you need of those, add here.
refund_tracking_defaults:
  app_store_server_url: {base}/app-store-server/{{environment}}
  # What the simulator signs isn't Apple's.
  root_certificate_path: {place}/root.pem
  # Apart from the real ledger.
  ledger:
    url: sqlite:///{place}/ledger.db
  # Every other service as well: a real API key that an app or the environment has goes to none but the simulator.
  app_store_connect_api_url: {base}/app-store-connect-api
  revenuecat:
    url: {base}/revenuecat/v2
  qonversion:
    url: {base}/qonversion
  devtodev:
    url: {base}/devtodev
# For playbooks that make and revoke keys: somebody who is signed in, as in the world.
refund_tracking_app_store_connect_url: {base}/app-store-connect
refund_tracking_session: '{session}'
# rotate_key: empty, so that the session above is used instead of the file in your rotation.yml.
iap_key_rotation_session_path: ""
"""


class Simulator:
    """A running simulator. ``control``: the address of its control endpoint."""

    def __init__(self, control: str) -> None:
        self.control = control

    def ask(self, method: str, path: str, body: dict[str, str] | None = None) -> dict[str, t.Any]:
        """Return the simulator's answer to what is asked as JSON."""
        return dict(json.loads(self.fetch(method, path, body)))

    def fetch(self, method: str, path: str, body: dict[str, str] | None = None) -> bytes:
        """Return the simulator's answer; one that was just started is waited for."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.control}/{path}", data, headers, method=method)
        began = time.monotonic()
        untold = list(TOLD)
        while True:
            try:
                # A key is given once: who gives up too early has lost it.
                with OPENER.open(request, timeout=120) as answer:
                    return bytes(answer.read())
            except urllib.error.HTTPError:
                raise
            except OSError as error:
                waited = time.monotonic() - began
                if waited > PATIENCE_S:
                    sys.exit(f"No simulator answers at {self.control} ({error}). Start it: make sim SIM_ARGS=...")
                while untold and waited >= untold[0][0]:
                    print(untold.pop(0)[1].format(control=self.control), flush=True)
                time.sleep(0.2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("control", nargs="?", default=CONTROL, help=f"the simulator's control endpoint ({CONTROL})")
    simulator = Simulator(parser.parse_args().control.rstrip("/"))
    try:
        world = simulator.ask("GET", "world")
        # First: those of the last start are of no use any more, whatever becomes of the keys.
        write_settings(simulator, world)
        key_ids = [key["key_id"] for team in world["teams"] for key in team["iap_keys"]]
        missing = [one for one in key_ids if not put_key(simulator, pathlib.Path.home() / "keys", one)]
    except (urllib.error.HTTPError, ValueError, KeyError) as error:
        parser.error(f"{simulator.control} doesn't answer like the simulator ({error!r}). Give its `control` address.")
    if not key_ids:
        print('The simulator\'s world has no iap_keys. Start it with a world: make sim SIM_ARGS="--world world.yml"')
    return 1 if missing or not key_ids else 0


def write_settings(simulator: Simulator, world: t.Mapping[str, t.Any]) -> None:
    PLACE.mkdir(parents=True, exist_ok=True)
    (PLACE / "root.pem").write_bytes(simulator.fetch("GET", "root_certificate?format=pem"))
    signed_in = world["app_store_connect_sessions"][:1]
    cookies = [{"name": "myacinfo", "value": one["myacinfo"], "domain": "apple.com"} for one in signed_in]
    session = json.dumps(cookies) if cookies else ""
    base = simulator.control.removesuffix("/_sim")
    settings = SETTINGS.format(base=base, place=PLACE, session=session)
    (PLACE / "simulator.yml").write_text(settings, encoding="utf-8")
    print(f"Settings for playbooks: {PLACE}/simulator.yml")


def put_key(simulator: Simulator, folder: pathlib.Path, key_id: str) -> bool:
    """Let the simulator and the folder have the same key; say so, and return False where they can't."""
    path = folder / f"SubscriptionKey_{key_id}.p8"
    if path.exists():
        text = readable(path)
        if text is None:
            print(
                f"{path} is encrypted (ansible-vault) and stays as it is. The simulator can't be shown its key: set "
                "ANSIBLE_VAULT_PASSWORD_FILE and run this again.",
                file=sys.stderr,
            )
            return False
        simulator.ask("PATCH", f"iap_keys/{key_id}", {"public_key": public_part(path, text)})
        print(f"{path} is there and stays as it is. The simulator knows it now.")
        return True
    try:
        text = simulator.ask("GET", f"iap_keys/{key_id}/private_key")["private_key"]
    except urllib.error.HTTPError as error:
        if error.code != 410:
            raise
        print(
            f"{path} is missing, and the simulator can't give it: it gives a key that it made once, and has only the "
            "public part of a key that its world names. Put the .p8 there, or start the simulator again; then run this "
            "again.",
            file=sys.stderr,
        )
        return False
    folder.mkdir(mode=0o700, exist_ok=True)
    with open(path, "x", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(text)
    print(f"{path} is written.")
    return True


def readable(path: pathlib.Path) -> bytes | None:
    """Return a file's text, None where it is encrypted and ansible-vault doesn't decrypt it. Nothing is written."""
    text = path.read_bytes()
    if not text.startswith(b"$ANSIBLE_VAULT"):
        return text
    try:
        command = ["ansible-vault", "view", path]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def public_part(path: pathlib.Path, text: bytes) -> str:
    """Return the public key of a .p8 as a PEM."""
    try:
        from cryptography.hazmat.primitives import serialization
    except ImportError:
        sys.exit(f"{path} is there. To show it to the simulator, run this with the Python of your Ansible.")
    try:
        key = serialization.load_pem_private_key(text, None)
    except ValueError:
        sys.exit(f"{path} is there, and isn't a key. If you don't need it, move it away and run this again.")
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, kind).decode()


if __name__ == "__main__":
    sys.exit(main())
