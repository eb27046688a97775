# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What devtodev's page shows after the form was submitted, beside what was submitted."""

from __future__ import annotations

import typing as t
from types import SimpleNamespace

import pytest
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, OTHER_ISSUER, PACKAGE

from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev import _Attempt, _look
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev_page import Shown


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (Shown(BUNDLE_ID, ISSUER, KEY_ID, "Active"), ""),
        (Shown(None, None, None, "Active"), ""),
        (
            Shown(BUNDLE_ID, ISSUER, "OLDKEY0001", "Active"),
            f"it still shows key_id 'OLDKEY0001', and {KEY_ID} was submitted.",
        ),
        (
            Shown(BUNDLE_ID, OTHER_ISSUER, "", "Active"),
            f"it still shows issuer_id '{OTHER_ISSUER}', and {ISSUER} was submitted; key_id '', and {KEY_ID} was "
            "submitted.",
        ),
    ],
)
def test_both_values_are_told(shown: Shown, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{PACKAGE}._trackers.devtodev.picture_of", lambda _page, veil: f"Screenshot: {veil}")
    form = SimpleNamespace(open=lambda: shown, page=None, veil="/p.png")
    values = {"bundle_id": BUNDLE_ID, "issuer_id": ISSUER, "key_id": KEY_ID}
    attempt = _Attempt()
    problem = _look(t.cast(t.Any, form), values, attempt)
    assert attempt.shown is shown and (problem is None) is (told == "")
    assert problem is None or (problem.message, problem.next_step) == (told, "Screenshot: /p.png")
