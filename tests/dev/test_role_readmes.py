# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each role has a README, made from its argument specification."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "dev"))

import role_readmes


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Set C(serial) or O(apps[].key=a).", "Set `serial` or `apps[].key=a`."),
        (r"V(a \(b\)) of M(storeops.refunds.refund_info)", "`a (b)` of `storeops.refunds.refund_info`"),
        (
            "P(storeops.refunds.app_store_connect#inventory), B(not) I(now)",
            "`storeops.refunds.app_store_connect`, **not** *now*",
        ),
        (
            "L(Apple, https://apple.example) and U(https://x.example)",
            "[Apple](https://apple.example) and <https://x.example>",
        ),
        ("RV(report.paths), E(HOME)", "`report.paths`, `HOME`"),
    ],
)
def test_markup(written: str, shown: str) -> None:
    assert role_readmes.markdown(written) == shown


def test_every_role_has_a_specification() -> None:
    folders = [folder for folder in (role_readmes.ROOT / "roles").iterdir() if folder.is_dir()]
    assert sorted(folders) == role_readmes.roles()


@pytest.mark.parametrize("folder", role_readmes.roles(), ids=lambda folder: folder.name)
def test_readmes_are_current(folder: Path) -> None:
    path = folder / "README.md"
    assert path.exists() and path.read_text() == role_readmes.readme(folder), 'run "make readmes" and commit'
