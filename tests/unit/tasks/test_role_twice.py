# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role refund_tracking in a play that ran it before: it tells what this run removed, not what the last one did."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import unit_forks
from unit_servers import Simulator
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, write_key


def test_a_removal_is_told_once(sim: Simulator, tmp_path: Path) -> None:
    new = {"key": "new", "issuer_id": ISSUER, "key_id": KEY_ID, "private_key_content": sim.pem, "apps": [BUNDLE_ID]}
    old = {"key": "old", "issuer_id": ISSUER, "key_id": "OLDKEY0001", "state": "absent"}
    old["private_key_path"] = str(write_key(tmp_path / "SubscriptionKey_OLDKEY0001.p8", sim.other_pem))

    def role(*keys: dict[str, t.Any]) -> dict[str, t.Any]:
        return {
            "ansible.builtin.include_role": {"name": "storeops.refunds.refund_tracking"},
            "vars": {"refund_tracking_keys": list(keys), "refund_tracking_apps": []},
        }

    ledger = {"ledger": {"url": f"sqlite:///{tmp_path}/ledger.db"}}
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "module_defaults": {
            "group/storeops.refunds.apple": {"app_store_server_url": sim.url},
            "group/storeops.refunds.ledger": ledger,
        },
        "tasks": [role(new), role(new, old), role(new)],
    }
    book = tmp_path / "play.yml"
    book.write_text(json.dumps([play]))
    ended = unit_forks.run_playbook(book, "localhost,", folder=tmp_path)
    assert ended.code == 0, ended
    said = [line for line in ended.output.splitlines() if '"msg": "1 app: ' in line]
    assert [".p8 was removed" in line for line in said] == [False, True, False], ended.output
