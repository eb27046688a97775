# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Download the example world's keys from the simulator into ~/keys. A file that is there is never replaced.

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
        if path.exists():
            print(f"{path} is there already, and stays as it is. A simulator that was started anew has another key:")
            print("then move the file away, and run this again.")
            continue
        text = private_key(key_id)
        folder.mkdir(mode=0o700, exist_ok=True)
        with open(path, "x", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(text)
        print(f"{path} is written.")
    return 0


def private_key(key_id: str) -> str:
    """Return a key's text, which the simulator gives once; one that was just started is waited for."""
    ends = time.monotonic() + PATIENCE_S
    while True:
        try:
            with OPENER.open(f"{SIMULATOR}/iap_keys/{key_id}/private_key", timeout=10) as answer:
                return str(json.load(answer)["private_key"])
        except urllib.error.HTTPError as error:
            sys.exit(f"{SIMULATOR} gives no key {key_id} ({error}). It gives each once: start the simulator again.")
        except OSError as error:
            if time.monotonic() > ends:
                sys.exit(f"No simulator answers at {SIMULATOR} ({error}). Start it: make sim SIM_ARGS=...")
            time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
