# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook site takes what can't be undone last: a notification URL that fails keeps the keys that are to go."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from bulk_support import Bulk
from unit_forks import run_playbook
from unit_servers import Simulator
from unit_support import ROOT, new_pem, write_key

pytestmark = pytest.mark.services
STAY = "The keys that are declared absent stay until no notification URL fails."


def test_a_notification_url_that_fails_keeps_the_keys_that_are_to_go(sim: Simulator, tmp_path: Path) -> None:
    bulk, old = Bulk(sim, tmp_path), tmp_path / "SubscriptionKey_OLDKEY0001.p8"
    write_key(old, new_pem())
    gone = {"key": "old", "private_key_path": str(old), "state": "absent"}

    def site(keys: list[dict[str, t.Any]], app: dict[str, t.Any]) -> tuple[int, str]:
        defaults = {"ledger": {"url": f"sqlite:///{bulk.ledger}"}, "app_store_server_url": sim.url}
        present = {**bulk.keys[0], "apps": [{"bundle_id": "com.example.one", **app}]}
        given = {"refund_tracking_keys": [present, *keys], "refund_tracking_defaults": defaults}
        ran = run_playbook(ROOT / "playbooks/site.yml", "nobody,", "-e", json.dumps(given), folder=tmp_path)
        return ran.code, ran.output + ran.errors

    # Keys are removed by a run that began with a ledger.
    assert site([], {})[0] == 0
    # No key of the App Store Connect API.
    code, said = site([gone], {"notification_url": "https://refunds.example.com/apple"})
    assert code != 0 and "api_private_key_path" in said and STAY in said, said
    assert old.exists(), said
    code, said = site([gone], {})
    assert code == 0 and not old.exists() and STAY not in said, said
