# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A database's password that is a word of the data: results, page, JSON and JUnit keep it, and waivers match."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from report_support import a_bit_of_all, audit

from ansible_collections.storeops.refunds.plugins.module_utils._model.masking import MASK, Masker

WAIVER = {"bundle_id": "com.example.refused", "cause": "unauthenticated", "reason": "Moves", "until": "2099-12-31"}
WORDS = ["example", "com.example.refused", "refused", "unauthenticated", "production", "ledger", "create", "Active"]


@pytest.mark.parametrize("password", WORDS)
def test_the_report_is_the_same_and_the_waiver_matches(password: str, tmp_path: Path) -> None:
    results = a_bit_of_all()
    masked = Masker([f"postgresql://app:{password}@db.example.com/ledger"]).mask(results)
    assert masked == results
    outcome = audit(tmp_path, masked, waivers=[WAIVER])
    report = outcome.results["report"]
    assert report["counts"]["waived"] == 1 and not report["unused_waivers"]
    texts = [path.read_text() for path in tmp_path.rglob("refund-audit.*")]
    assert len(texts) >= 3 and not [text for text in texts if MASK in text]
    document = json.loads((tmp_path / "refund-audit.json").read_text())
    assert "com.example.refused" in str(document)
