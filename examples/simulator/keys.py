# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put the keys of the example world into ~/keys. A file that is there is never replaced.

A simulator that was started again has new keys. So of a file that is there, its public part goes to the simulator.
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


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
PATIENCE_S = 30


def main() -> int:
    folder = pathlib.Path.home() / "keys"
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
    return 0


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
    """Return the simulator's answer; one that was just started is waited for."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{SIMULATOR}/{path}", data, headers, method=method)
    ends = time.monotonic() + PATIENCE_S
    while True:
        try:
            with OPENER.open(request, timeout=10) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            sys.exit(f"{SIMULATOR}/{path}: {error}. The simulator gives each key once: start it again.")
        except OSError as error:
            if time.monotonic() > ends:
                sys.exit(
                    f"No simulator answers at {SIMULATOR} ({error}). "
                    "Start it: make sim SIM_ARGS=... The first start sets up for a minute or more: run this again then."
                )
            time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
