# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why refunds of an app aren't known, and the step that fits it: reading alone doesn't help where Apple refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_support import Json, audit, bulk, document, item, refunds

from ansible_collections.storeops.refunds.plugins.module_utils._model.refund_period import NEVER_READ

ONE = "com.example.one"
READ_ONLY = "Read until 2026-11-20T00:00:00Z only."
RUN = "Run storeops.refunds.refunds."
REFUSED = "The app is refused. Correct that first, then run storeops.refunds.refunds."


@pytest.mark.parametrize(
    ("fields", "state", "reason", "wanted", "is_missing"),
    [
        ({}, "never", NEVER_READ, NEVER_READ, True),
        ({}, "incomplete", f"{READ_ONLY} {RUN}", f"{READ_ONLY} {RUN}", True),
        ({}, "complete", None, None, False),
        ({"cause": "unauthenticated"}, "incomplete", f"{READ_ONLY} {RUN}", f"{READ_ONLY} {REFUSED}", True),
        ({"cause": "key_unreadable"}, "never", NEVER_READ, NEVER_READ.replace(RUN, REFUSED), True),
        ({"cause": "unauthenticated"}, "complete", None, None, False),
        # Only the tracker has trouble; Apple gives the refunds.
        ({"status": "Failed"}, "never", NEVER_READ, NEVER_READ, True),
        ({"cause": "app_not_released"}, "never", NEVER_READ, "isn't released yet, so there is nothing to read.", False),
        ({"cause": "app_not_released"}, "incomplete", f"{READ_ONLY} {RUN}", f"{READ_ONLY} {RUN}", True),
        ({"cause": "key_not_yet_created"}, "never", NEVER_READ, "Run storeops.refunds.site first.", True),
        # Of another environment.
        ({"cause": "unauthenticated", "environment": "sandbox"}, "never", NEVER_READ, NEVER_READ, True),
    ],
)
def test_the_reason_fits_the_app(
    fields: Json, state: str, reason: str | None, wanted: str | None, is_missing: bool, tmp_path: Path
) -> None:
    row = {**refunds()["coverage"][0], "bundle_id": ONE, "state": state, "reason": reason}
    audit(tmp_path, bulk(item(ONE, **fields)), refunds=[{**refunds(), "coverage": [row]}], fail_on=[])
    (found,) = document(tmp_path)["refunds"]["coverage"]
    assert (found["reason"] or "").endswith(wanted or "") and bool(found["reason"]) is bool(wanted)
    assert found["state"] == state
    for name in ("html", "md"):
        text = (tmp_path / f"refund-audit.{name}").read_text()
        assert (f"Refunds may be missing for 1 of 1 app: {ONE}." in text) is is_missing, name


@pytest.mark.parametrize(
    ("here", "is_refused"), [(["ledger"], True), (["ledger", "devtodev"], True), (["devtodev"], False)]
)
def test_an_app_at_several_trackers_is_read_with_the_key_of_the_ledger(
    here: list[str], is_refused: bool, tmp_path: Path
) -> None:
    items = [
        item(ONE, "unauthenticated" if tracker in here else "accepted", tracker=tracker)
        for tracker in ("ledger", "devtodev")
    ]
    row = {**refunds()["coverage"][0], "bundle_id": ONE, "state": "incomplete", "reason": f"{READ_ONLY} {RUN}"}
    audit(tmp_path, bulk(*items), refunds=[{**refunds(), "coverage": [row]}], fail_on=[])
    (found,) = document(tmp_path)["refunds"]["coverage"]
    assert found["reason"] == f"{READ_ONLY} {REFUSED if is_refused else RUN}"
