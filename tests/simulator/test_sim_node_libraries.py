# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apple's library for Node, and a client by somebody else, work against the simulator and verify what it signs."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from history_support import DAY, HOUR, app_of, history_world, put, refund_notice, refunded
from sim_support import APPLE_ID, BUNDLE_ID, ISSUER, KEY_ID, REFUND_DATE, KeyPair, Running

ROOT = Path(__file__).resolve().parents[2]
NODE = ROOT / ".cache" / "node"
FIRST = "3000000"
NOTICES = 45
JUDGES = ("apple", "agisboye")


def judged(name: str, sim: Running, pair: KeyPair, now: int) -> dict[str, Any]:
    """Let a library ask the simulator everything; give what it understood."""
    node = shutil.which("node")
    if node is None or not (NODE / "node_modules").is_dir():
        assert not os.environ.get("CI"), "In CI missing judges are a failure: npm is needed"
        pytest.skip("NO NODE HERE: npm is needed for these judges, then make matrix")
    root = sim.root_der()
    digest = hashlib.sha256(root).hexdigest().upper()
    job = {
        "base": sim.base(),
        "private_key": pair.private_pem,
        "key_id": KEY_ID,
        "issuer_id": ISSUER,
        "bundle_id": BUNDLE_ID,
        "apple_id": APPLE_ID,
        "root": base64.b64encode(root).decode(),
        "root_fingerprint": ":".join(digest[at : at + 2] for at in range(0, len(digest), 2)),
        "transaction_id": FIRST,
        "fields": ["transactionId", "bundleId", "price", "currency", "revocationDate", "revocationReason"],
        "request": {"startDate": now - 100 * DAY, "endDate": now, "notificationType": "REFUND"},
    }
    program = [node, ROOT / "tests/judges/judge.mjs", NODE, name]
    done = subprocess.run(program, input=json.dumps(job), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("name", JUDGES)
def test_a_library_of_others_understands_the_simulator(sim: Running, pair: KeyPair, name: str) -> None:
    world = history_world(pair)
    # These libraries say when a token was issued: the clock has to be theirs.
    del world["clock"]
    now = int(sim.control("GET", "/clock").json()["now_ms"])
    hers = [refunded(number, REFUND_DATE + number, customer="ann") for number in range(NOTICES)]
    app_of(world)["transactions"] += hers
    app_of(world)["notifications"] = [refund_notice(100 + at, now - (at + 1) * HOUR) for at in range(NOTICES)]
    put(sim, world)
    found = judged(name, sim, pair, now)
    assert found["decoded"] == {
        "transactionId": FIRST,
        "bundleId": BUNDLE_ID,
        "price": 9_990,
        "currency": "EUR",
        "revocationDate": REFUND_DATE,
        "revocationReason": 1,
    }
    assert found["forged"] and found["refused"]
    assert found["unknown"]["code"] == 4040010 and found["malformed"]["code"] == 4000006
    if name == "apple":
        assert (found["unknown"]["status"], found["malformed"]["status"]) == (404, 400)
    assert [len(page) for page in found["notifications"]] == [20, 20, 5]
    seen = sorted(tuple(notice) for page in found["notifications"] for notice in page)
    assert seen == [("REFUND", str(3_000_100 + at), 9_990) for at in range(NOTICES)]
    assert found["refunds"] == [str(3_000_000 + at) for at in range(NOTICES)]
    assert found["test_token"] == "string"
    assert {call["refusal"] for call in sim.calls()["calls"]} == {None, "unknown_key_id"}
