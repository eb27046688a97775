# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The floor of reading refunds: three lists of each app over the whole reach, verified by Apple's library as it is.

python bare_refunds.py variables.json THREADS verify|calls
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
from appstoreserverlibrary.models.Environment import Environment
from appstoreserverlibrary.signed_data_verifier import SignedDataVerifier
from cryptography.hazmat.primitives.serialization import load_pem_private_key

KINDS = ("REFUND", "REFUND_REVERSED", "REFUND_DECLINED")
REACH_MS = 179 * 86_400_000
local = threading.local()


def main() -> int:
    declared = json.loads(Path(sys.argv[1]).read_text())
    verifies = sys.argv[3] == "verify"
    root = Path(declared["bench_root_certificate_path"]).read_bytes()
    url = declared["refund_tracking_defaults"]["app_store_server_url"].replace("{environment}", "production")
    keys: dict[str, tuple[dict[str, str], Any]] = {
        key["key"]: (key, load_pem_private_key(Path(key["private_key_path"]).read_bytes(), None))
        for key in declared["refund_tracking_keys"]
    }
    end = int(time.time() * 1000)

    def page(app: dict[str, Any], kind: str, token: str | None) -> dict[str, Any]:
        key, private_key = keys[app["key"]]
        now = int(time.time())
        claims = {"iss": key["issuer_id"], "iat": now - 60, "exp": now + 300, "aud": "appstoreconnect-v1"}
        claims["bid"] = app["bundle_id"]
        bearer = jwt.encode(claims, private_key, algorithm="ES256", headers={"kid": key["key_id"]})
        if not hasattr(local, "session"):
            local.session = requests.Session()
            local.session.trust_env = False
        body = {"startDate": end - REACH_MS, "endDate": end, "notificationType": kind}
        answer = local.session.post(
            f"{url}/inApps/v1/notifications/history",
            params={"paginationToken": token} if token else None,
            json=body,
            headers={"Authorization": f"Bearer {bearer}"},
            timeout=30,
        )
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def read(asked: tuple[dict[str, Any], str]) -> int:
        app, kind = asked
        verifier = SignedDataVerifier([root], False, Environment.PRODUCTION, app["bundle_id"], app["app_apple_id"])
        token, count = None, 0
        while True:
            found = page(app, kind, token)
            for item in found["notificationHistory"] if verifies else ():
                notice = verifier.verify_and_decode_notification(item["signedPayload"])
                verifier.verify_and_decode_signed_transaction(notice.data.signedTransactionInfo)
            count += len(found["notificationHistory"])
            token = found.get("paginationToken")
            if not found["hasMore"]:
                return count

    asked = [(app, kind) for app in declared["refund_tracking_apps"] for kind in KINDS]
    with ThreadPoolExecutor(int(sys.argv[2])) as pool:
        print(f"{sum(pool.map(read, asked))} notifications")
    return 0


if __name__ == "__main__":
    sys.exit(main())
