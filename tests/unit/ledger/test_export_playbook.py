# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook export_refunds asks about the environment that site and refunds work in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ledger_support import ledger_at
from unit_forks import run_playbook
from unit_support import ISSUER, KEY_ID, ROOT

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integrations
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration

pytestmark = pytest.mark.services


@pytest.mark.parametrize(
    ("defaults", "own", "expected"),
    [
        ({}, {}, "production"),
        ({"environment": "sandbox"}, {}, "sandbox"),
        ({"environment": "sandbox"}, {"environment": "production"}, "production"),
    ],
)
def test_the_environment_of_the_defaults(
    defaults: dict[str, str], own: dict[str, str], expected: str, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    ledger = ledger_at(url)
    identity = Identity("ledger", "", "production", "com.example.one")
    put_integrations(ledger, [Integration(identity, ISSUER, KEY_ID, None, "Active")], "2026-01-01T00:00:00Z")
    ledger.close()
    given = {
        "refund_tracking_defaults": {"ledger": {"url": url}, **defaults},
        "refund_export_options": own,
        "refund_export_folder": str(tmp_path / "exported"),
    }
    ran = run_playbook(ROOT / "playbooks/export_refunds.yml", "web1,", "-e", json.dumps(given), folder=tmp_path)
    assert ran.code != 0 and f"never read the refunds of any app ({expected}," in ran.output, ran.output
