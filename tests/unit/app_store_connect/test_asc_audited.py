# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit says of a key that is declared absent: gone, still there, or that nobody could look."""

from __future__ import annotations

import json
import typing as t

import pytest
from asc_support import Person, key
from unit_support import KEY_ID, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.audit import audit_report

Json = dict[str, t.Any]
BY_ID: Json = {"key": "partner", "key_id": KEY_ID, "state": "absent"}
ASC = {"revoke": True}
FILE = "private_key_path"
FAILING = ["refused", "drift", "unknown"]
FINE: Json = {"bundle_id": "com.example.fine", "credential_check": {"cause": "accepted"}}


@pytest.mark.parametrize(
    ("declared", "world_state", "kind", "said"),
    [
        ((), "", "drift", "studio.p8 would be renamed"),
        ((), "no file", "", ""),
        (ASC, "", "drift", f"{KEY_ID} would be revoked."),
        (ASC, "no file", "drift", f"{KEY_ID} would be revoked."),
        (ASC, "revoked, no file", "", ""),
        (ASC, "revoked", "drift", "studio.p8 would be renamed"),
        (ASC, "expired", "unknown", "session"),
        (ASC, "expired, no file", "unknown", "session"),
        (ASC, "no session", "unknown", "session"),
        (ASC, "no session, no file", "unknown", "session"),
        ((), "no key", "unknown", "studio.p8"),
    ],
)
def test_a_key_that_is_declared_absent(
    world: t.Callable[..., Person], pem: str, declared: Json, world_state: str, kind: str, said: str
) -> None:
    state = set(world_state.split(", "))
    person = world(keys=[key(KEY_ID, **({"active": False} if "revoked" in state else {}))])
    if "expired" in state:
        person.change(expired=True)
    if "no file" not in state:
        write_key(person.path, "no key at all" if "no key" in state else pem)
    entry = {**BY_ID, FILE: str(person.path), "issuer_id": None, **dict(declared)}
    entry = {name: value for name, value in entry.items() if value is not None}
    session = {"session": None} if "no session" in state else {}
    asked = {"keys": [entry], "only_state": "absent", "name": None, FILE: None, **session}
    told = person.run(True, **asked).results["iap_keys"]
    assert person.changes() == [] and person.path.exists() == ("no file" not in state)
    folder = person.folder / "reports"
    done = run_task(
        audit_report.TASK, {"results": [FINE], "absent_keys": told, "path": str(folder), "fail_on": FAILING}
    )
    found = json.loads((folder / "refund-audit.json").read_text())["keys_with_problems"]
    assert [(one["key"], one["result"]) for one in found] == ([("partner", kind)] if kind else [])
    if not kind:
        assert not done.message and "none needs attention" in done.results["report"]["summary"]
        return
    (one,) = found
    assert one["hint"].startswith("Declared absent, and ") and said in one["hint"]
    assert (
        "1 key needs attention: partner." in done.message
        and f"partner: {one['cause']}: Declared absent" in done.message
    )
    for name in ("html", "md", "junit.xml"):
        assert "Declared absent, and " in (folder / f"refund-audit.{name}").read_text(), name
