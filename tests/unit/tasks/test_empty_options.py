# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A CI secret that is not set arrives as an empty text. Which option or key has it is said, and nothing is done."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from unit_support import ISSUER, KEY_ID, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key, iap_key_info
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import (
    credential_check_info,
    integration,
    integrations,
)

APP = "com.example.game"


@pytest.mark.parametrize("empty", ["", " "])
@pytest.mark.parametrize("option", ["issuer_id", "key_id", "private_key_path", "private_key_content"])
def test_which_option_is_empty(tmp_path: Path, option: str, empty: str) -> None:
    key: dict[str, t.Any] = {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": str(tmp_path / "key.p8")}
    key[option] = empty
    ledger = {"url": f"sqlite:///{tmp_path}/ledger.db"}
    for task in (integration.TASK, iap_key.TASK):
        outcome = run_task(task, {"bundle_id": APP, "ledger": ledger, **key})
        assert outcome.results["failed"] and f"{option}: is given but empty." in outcome.message
    for task in (integrations.TASK, credential_check_info.TASK):
        outcome = run_task(task, {"keys": [{"key": "studio", "apps": [APP], **key}], "ledger": ledger})
        assert outcome.results["failed"] and "is given but empty." in outcome.message and option in outcome.message
    assert list(tmp_path.iterdir()) == []


def test_an_empty_session_is_none(tmp_path: Path) -> None:
    """What the environment has counts then, and without it the task goes on as without a session."""
    outcome = run_task(iap_key_info.TASK, {"session": ""})
    assert outcome.message.startswith("session: this or private_key_path is required.")
    outcome = run_task(iap_key_info.TASK, {"session": ""}, environ={"FASTLANE_SESSION": "[oops"})
    assert outcome.message.startswith("FASTLANE_SESSION: ")
    made = {"name": "studio", "private_key_path": str(tmp_path / "key.p8"), "session": ""}
    assert "does not exist" in run_task(iap_key.TASK, made).message
    revoked = run_task(iap_key.TASK, {"key_id": KEY_ID, "state": "absent", "revoke": True, "session": ""})
    assert revoked.message.startswith("session: is given but empty.")
