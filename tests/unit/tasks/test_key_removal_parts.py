# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which keys may go: none that the ledger knows to be in use, or that may be."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from unit_support import ISSUER

from ansible_collections.storeops.refunds.plugins.module_utils._decisions.decision import Decision
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.declaration import Declaration
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.keys import KeySource
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integrations
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import (
    CONFIRMED,
    Identity,
    Integration,
    Observation,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.secret import Secret
from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import Verdict
from ansible_collections.storeops.refunds.plugins.module_utils._plan import plan
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import key_removal
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.key_removal import removal, rest_of
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.key_troubles import KeyTrouble

NOW = "2026-11-28T00:00:00Z"


def filled(tmp_path: Path, *entries: Integration) -> Secret:
    """Make a ledger; give its URL."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    ledger = Ledger(find_place(url, {}), False, lambda text: None)
    with ledger.writing():
        """Make its tables."""
    put_integrations(ledger, entries, NOW)
    ledger.close()
    return Secret(url)


OLD, OTHER = "OLD1234567", "OTHER12345"
IDS = {"old": OLD, "twin": OLD, "other": "FREE123456", "nameless": None}
KEYS = {name: KeySource(ISSUER, key_id, None, None, "strict", is_absent=True) for name, key_id in IDS.items()}


def may_go(
    url: Secret,
    keys: t.Sequence[str],
    trouble: str = "",
    decisions: t.Sequence[Decision] = (),
    check_mode: bool = False,
    *present: KeySource,
) -> key_removal.Removal:
    """Ask about keys. ``present``: those that are to be there."""
    transport = SimpleNamespace(remaining=lambda: 100.0)
    context: t.Any = SimpleNamespace(check_mode=check_mode, environ={}, transport=transport, warn=lambda text: None)
    declared = {**{one.name: one for one in present}, **KEYS}
    return removal(keys, Declaration(declared, ()), decisions, trouble, rest_of(url, context))


def at(
    tracker: str, name: str, key_id: str | None, status: t.Any = "Active", environment: t.Any = "production"
) -> t.Any:
    """An integration anywhere."""
    identity = Identity(tracker, "" if tracker == "ledger" else "game", environment, f"com.example.{name}")
    return Integration(identity, ISSUER, key_id, "f", status)


def decided(entry: Integration) -> Decision:
    """A decision about it."""
    return Decision(Verdict("accepted", "", "production"), plan(entry, entry), entry)


@pytest.mark.parametrize(
    ("entry", "keys", "is_free"),
    [
        (at("ledger", "a", OTHER), ["old"], True),
        (at("ledger", "a", OLD), ["old"], False),
        (at("ledger", "a", OLD, environment="sandbox"), ["old"], False),
        (at("devtodev", "a", OLD), ["old"], False),
        (at("devtodev", "a", OLD, environment="sandbox"), ["old"], False),
        (at("devtodev", "a", None), ["old"], False),
        (at("devtodev", "a", OLD, "Absent"), ["old"], True),
        # The key of before may be there until the tracker has taken over this one.
        (at("devtodev", "a", OTHER), ["old"], True),
        (at("devtodev", "a", OTHER, "Pending"), ["old"], False),
        (at("devtodev", "a", OTHER, "Pending").seen_as(Observation("Pending", CONFIRMED)), ["old"], True),
        (at("devtodev", "a", OTHER, "Failed").seen_as(Observation("Failed", "Error")), ["old"], False),
        # These two have no Key ID in the ledger until the save is proven.
        (at("revenuecat", "a", OTHER, "Pending"), ["old"], True),
        (at("qonversion", "a", OTHER, "Pending"), ["old"], True),
        (at("qonversion", "a", OLD, "Pending"), ["old"], False),
        (at("revenuecat", "a", None, "Pending"), ["old"], False),
        (at("ledger", "a", OTHER, "Pending"), ["old"], True),
        # Whose ID nobody knows may be any.
        (at("ledger", "a", OTHER), ["nameless"], False),
        (at("ledger", "a", OTHER), ["old", "nameless"], False),
        (at("ledger", "a", OLD), [], True),
    ],
)
def test_a_key_that_something_else_uses_stays(
    tmp_path: Path, entry: Integration, keys: list[str], is_free: bool
) -> None:
    url = filled(tmp_path, entry)
    for check_mode in (False, True):
        found = may_go(url, keys, check_mode=check_mode)
        assert (list(found.keys) == keys, bool(found.note)) == (is_free, not is_free)
        assert is_free or (found.keys == () and "com.example.a" in found.note)
        assert is_free or ("would not be" in found.note) is check_mode
    # What the task has decided about is known better.
    known = decided(replace(entry, status="Active", key_id=OTHER))
    assert may_go(url, keys, decisions=[known]).keys == (keys or ())


@pytest.mark.parametrize("trouble", ["", "1 of 1 app needs attention."])
@pytest.mark.parametrize(("key_id", "path"), [(OLD, "/k/a.p8"), (None, f"/k/SubscriptionKey_{OLD}.p8")])
def test_a_key_that_another_entry_wants_to_be_there_stays(
    tmp_path: Path, trouble: str, key_id: str | None, path: str
) -> None:
    """Its entry may have its name alone: the Key ID is known only when the key was found."""
    studio = KeySource(ISSUER, key_id, path, None, "strict", where="keys[4] (studio): ", name="studio")
    another = replace(studio, key_id=OTHER, path="/k/b.p8", name="another")
    found = may_go(filled(tmp_path), ["old", "other"], trouble, (), False, studio, another)
    told = f"keys[4] (studio) is the same key ({OLD}). Correct one of the two entries."
    assert found.keys == () and found.unknown == {"old": told}
    assert found.note == f"The keys old, other were not removed or revoked: old is to be absent, and {told}"
    assert KeyTrouble("old", "failed", f"Declared absent, and {told}") in found.troubles()
    assert may_go(filled(tmp_path), ["other"], "", (), False, studio, another).keys == ["other"]


def test_a_key_that_a_declared_app_has_stays(tmp_path: Path) -> None:
    """Its Key ID may be known from the ledger alone."""
    one = decided(at("ledger", "a", OLD))
    found = may_go(filled(tmp_path), ["old"], decisions=[one])
    told = f"com.example.a in the ledger, which is to stay, has the same key ({OLD}). "
    told += "Give it another one, or keep this one."
    assert (found.keys, found.unknown) == ((), {"old": told}) and told in found.note
    # What failed, or is to be absent itself, is told as that.
    for change in ({"is_absent": True}, {"error": "503"}):
        assert may_go(filled(tmp_path), ["old"], "", [replace(one, **change)]).unknown == {}


def test_a_key_of_an_app_that_is_not_active_yet_stays(tmp_path: Path) -> None:
    found = may_go(filled(tmp_path), ["old"], decisions=[decided(at("ledger", "a", OTHER, "Pending"))])
    assert found == key_removal.Removal((), "The key old was not removed or revoked: com.example.a isn't Active yet.")


def test_an_unreleased_app_whose_key_nobody_knows_keeps_the_key(tmp_path: Path) -> None:
    entry = at("revenuecat", "a", None, "Unknown")
    one = Decision(Verdict("app_not_released", "", "production"), plan(entry, entry), entry)
    found = may_go(filled(tmp_path), ["old"], decisions=[one])
    assert found == key_removal.Removal((), "The key old was not removed or revoked: com.example.a isn't Active yet.")


def test_after_trouble_a_ledger_that_can_not_be_read_is_no_news(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"no database" * 200)
    found = may_go(Secret(f"sqlite:///{tmp_path}/ledger.db"), ["old"], "The list failed.")
    assert found == key_removal.Removal((), "The key old was not removed or revoked: The list failed.")


@pytest.mark.parametrize(("keys", "them"), [(["old"], "it"), (["old", "nameless"], "them")])
def test_a_ledger_that_can_not_be_read_lets_no_key_go(tmp_path: Path, keys: list[str], them: str) -> None:
    (tmp_path / "ledger.db").write_bytes(b"no database" * 200)
    found = may_go(Secret(f"sqlite:///{tmp_path}/ledger.db"), keys)
    assert found.keys == () and found.used == {} and list(found.unknown) == keys
    (said,) = set(found.unknown.values())
    assert said.startswith(f"what the ledger holds with {them} could not be read: ledger.url: ")
    assert found.note.endswith(f" not removed or revoked: {said}")


def test_of_each_key_it_is_told_where_it_may_be_in_use(tmp_path: Path) -> None:
    entry = at("ledger", "a", OLD)
    url, keys = filled(tmp_path, entry), ["old", "twin", "other"]
    for trouble in ("", "The list failed."):
        found = may_go(url, keys, trouble)
        assert found.keys == () and found.used == {name: [entry.identity.place] for name in keys[:2]}
        assert found.unknown == {}
    assert may_go(url, keys).note.count(entry.identity.place) == 1


def test_a_ledger_that_is_not_there_is_not_made_and_lets_no_key_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Ledger] = []

    def note(ledger: Ledger) -> None:
        closed.append(ledger)

    monkeypatch.setattr(Ledger, "close", note)
    for place in ("none.db", "not-mounted/none.db"):
        lost = may_go(Secret(f"sqlite:///{tmp_path}/{place}"), ["old"])
        assert lost.keys == () and f"{tmp_path}/{place} had nothing before this run, so " in lost.unknown["old"], (
            "nobody knows what it would hold"
        )
        assert lost.unknown["old"] in lost.note
    assert len(closed) == 4 and list(tmp_path.iterdir()) == []


def test_an_audit_is_told_which_absent_keys_may_be_in_use() -> None:
    found = key_removal.Removal(
        (),
        "",
        {"old": ["com.example.a in the ledger"]},
        {"nameless": "nobody knows."},
        {"twin": {"x": "Click there.", "y": "Click there."}},
    )
    assert found.troubles() == [
        KeyTrouble(
            "old",
            "key_in_use",
            "Declared absent, and com.example.a in the ledger may still use it and isn't declared. Declare it for "
            "the same tracker, below another key or with state: absent. What a tracker can't remove, remove there by "
            "hand.",
        ),
        KeyTrouble(
            "twin",
            "key_in_use",
            "Declared absent, and x, y, which still have to be removed, may use it. Click there.",
        ),
        KeyTrouble("nameless", "failed", "Declared absent, and nobody knows."),
    ]
    assert key_removal.Removal().troubles() == []


@pytest.mark.parametrize("check_mode", [False, True])
def test_check_mode_counts_on_the_key_that_would_be_made(tmp_path: Path, check_mode: bool) -> None:
    entry = at("ledger", "a", OTHER, "Pending")
    made = Decision(Verdict("key_not_yet_created", "", "production"), plan(entry, entry), entry)
    assert (may_go(filled(tmp_path), ["old"], decisions=[made], check_mode=check_mode).keys == ["old"]) is check_mode


def test_what_could_not_be_asked_about_is_not_said_to_be_held(tmp_path: Path) -> None:
    entry = at("devtodev", "a", OLD, "Unknown")
    unknown = Decision(Verdict("not_checked", "", "production"), plan(None, None), entry, error="503", is_absent=True)
    found = may_go(filled(tmp_path), ["old"], "1 of 1 app needs attention.", decisions=[unknown])
    assert found.keys == () and found.kept == {} and found.troubles() == []
