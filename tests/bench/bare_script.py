# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The floor: the signed call for each app with requests and PyJWT, without Ansible and without this collection.

python bare_script.py variables.json THREADS
"""

from __future__ import annotations

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import requests
from cryptography.hazmat.primitives.serialization import load_pem_private_key

local = threading.local()


def main() -> int:
    declared = json.loads(Path(sys.argv[1]).read_text())
    threads = int(sys.argv[2])
    server = declared["refund_tracking_defaults"]["app_store_server_url"].replace("{environment}", "production")
    url = f"{server}/inApps/v1/transactions/1000000000000001"
    keys: dict[str, tuple[dict[str, str], Any]] = {
        key["key"]: (key, load_pem_private_key(Path(key["private_key_path"]).read_bytes(), None))
        for key in declared["refund_tracking_keys"]
    }

    def ask(app: dict[str, str]) -> bool:
        key, private_key = keys[app["key"]]
        now = int(time.time())
        claims = {"iss": key["issuer_id"], "iat": now - 60, "exp": now + 300, "aud": "appstoreconnect-v1"}
        claims["bid"] = app["bundle_id"]
        token = jwt.encode(claims, private_key, algorithm="ES256", headers={"kid": key["key_id"]})
        if not hasattr(local, "session"):
            local.session = requests.Session()
            local.session.trust_env = False
        answer = local.session.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=15)
        return bool(answer.status_code == 404 and answer.json()["errorCode"] == 4040010)

    if threads == 1:
        accepted = [ask(app) for app in declared["refund_tracking_apps"]]
    else:
        with ThreadPoolExecutor(threads) as pool:
            accepted = list(pool.map(ask, declared["refund_tracking_apps"]))
    print(f"{sum(accepted)} of {len(accepted)} accepted")
    return 0 if all(accepted) else 1


if __name__ == "__main__":
    sys.exit(main())
