# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fault that meets all apps is one cause in the report, with one text, and no other cause beside it."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from bulk_support import Bulk, apps
from report_support import audit, document
from unit_servers import Simulator

NAMES = ["com.example.n0", "com.example.n1", "com.example.n2"]


@pytest.fixture
def bulk(sim: Simulator, tmp_path: Path) -> Bulk:
    made = Bulk(sim, tmp_path)
    made.world(NAMES)
    return made


def damage(bulk: Bulk) -> None:
    bulk.ledger.write_bytes(b"x" * 5000)


def a_folder(bulk: Bulk) -> None:
    bulk.ledger.unlink()
    bulk.ledger.mkdir()


@pytest.mark.parametrize("fault", [damage, a_folder])
def test_one_fault_is_one_cause(bulk: Bulk, fault: t.Callable[[Bulk], None]) -> None:
    bulk.run(apps(*NAMES))
    fault(bulk)
    done = bulk.run(apps(*NAMES), check_mode=True, on_faulty_app="report")
    folder = bulk.folder / "reports"
    why = done.results["integrations"][0]["msg"].removeprefix(f"{NAMES[0]}: ")
    said = audit(folder, done.results, refunds=[{"failed": True, "msg": why}]).message
    assert said.count(why) == 1 and "Refunds could not be read for the same reason." in said
    found = document(folder)
    assert [app["result"] for app in found["apps"]] == ["unknown"] * 3
    assert [(one["cause"], len(one["hints"])) for one in found["causes"]] == [("failed", 1)]
    text = (folder / "refund-audit.md").read_text()
    assert text.count("### Unknown") == 1 and text.count(f"{NAMES[0]}, {NAMES[1]}, {NAMES[2]}") == 1
