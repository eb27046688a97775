# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of keys that lag behind what was done: nothing that worked is told as failed, and no key is made twice."""

from __future__ import annotations

import typing as t

import pytest
from asc_support import CREATE, NAME, READ, REVOKE, Person, key
from unit_support import KEY_ID, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_connect import AppStoreConnect

Enter = t.Callable[..., Person]


@pytest.fixture(params=range(6))
def lag(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """After each change, let so many lists show what was there before it."""
    number: int = request.param
    listed, left, stale = AppStoreConnect.list_keys, [0], []

    def lagging(self: AppStoreConnect) -> list[t.Any]:
        if left[0]:
            left[0] -= 1
        else:
            stale[:] = listed(self)
        return list(stale)

    def changing(name: str) -> None:
        change = getattr(AppStoreConnect, name)

        def changed(self: AppStoreConnect, *given: t.Any) -> t.Any:
            if not left[0]:
                stale[:] = listed(self)
            left[0] = number
            return change(self, *given)

        monkeypatch.setattr(AppStoreConnect, name, changed)

    monkeypatch.setattr(AppStoreConnect, "list_keys", lagging)
    for name in ("create", "download", "revoke"):
        changing(name)
    return number


TAKEN = f"App Store Connect took the revocation of {KEY_ID}, but the team 'Studio A' still lists it as active."


@pytest.mark.parametrize("is_listed", [False, True])
def test_revoked(world: Enter, pem: str, lag: int, is_listed: bool) -> None:
    person = world(keys=[key(KEY_ID)])
    write_key(person.path, pem)
    options: dict[str, t.Any] = {"state": "absent", "revoke": True}
    if is_listed:
        entry = {"key": "a", "name": NAME, "private_key_path": str(person.path), **options}
        options = {"keys": [entry], "name": None, "private_key_path": None}
    outcome = person.run(**options)
    assert outcome.results["changed"] and person.active() == [] and person.changes() == [REVOKE]
    assert bool(outcome.results.get("failed")) is person.path.exists() is (lag > 3)
    (own,) = outcome.results["iap_keys"] if is_listed else [outcome.results]
    (record,) = [one for one in own["irreversible"] if one["step"] == "revoke_key"]
    assert record["outcome"].startswith("begun" if lag > 3 else "done")
    if lag > 3:
        assert TAKEN in outcome.message and "Run again" in outcome.message
        again = person.run(**options).results
        assert again["changed"] and not again.get("failed") and not person.path.exists()


def test_made_anew(world: Enter, pem: str, lag: int) -> None:
    """Its file is in its place again where no new key was made."""
    person = world(keys=[key(KEY_ID, downloadable=False)])
    write_key(person.path, pem)
    outcome = person.run(regenerate="always", environ={"TMPDIR": str(person.folder)})
    assert outcome.results["changed"]
    if lag > 3:
        assert TAKEN in outcome.message and "No new key was made." in outcome.message
        assert person.changes() == [REVOKE] and person.path.read_text() == pem
        return
    assert not outcome.results.get("failed"), outcome.message
    (made,) = person.active()
    assert person.changes() == [REVOKE, CREATE, READ] and person.fits(made)


def test_made(person: Person, lag: int) -> None:
    assert lag >= 0 and not person.run().results.get("failed")
    (made,) = person.active()
    assert person.changes() == [CREATE, READ] and person.fits(made)
