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

from ansible_collections.storeops.refunds.plugins.module_utils._decisions.integration import Decision
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.declaration import Declaration
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.keys import KeySource
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import put_integrations
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration
from ansible_collections.storeops.refunds.plugins.module_utils._model.secret import Secret
from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import Verdict
from ansible_collections.storeops.refunds.plugins.module_utils._plan import plan
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import key_removal
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.key_removal import Rest, removal

NOW = "2026-11-28T00:00:00Z"


def filled(tmp_path: Path, *entries: Integration) -> Secret:
    """Make a ledger; give its URL."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    ledger = Ledger(find_place(url, {}), False, lambda text: None)
    put_integrations(ledger, entries, NOW)
    ledger.close()
    return Secret(url)


OLD, OTHER = "OLD1234567", "OTHER12345"
KEYS = {"old": KeySource(ISSUER, OLD, None, None, "strict"), "nameless": KeySource(ISSUER, None, None, None, "strict")}


def may_go(
    url: Secret,
    keys: t.Sequence[str],
    trouble: str = "",
    decisions: t.Sequence[Decision] = (),
    check_mode: bool = False,
) -> key_removal.Removal:
    """Ask about keys."""
    transport = SimpleNamespace(remaining=lambda: 100.0)
    context: t.Any = SimpleNamespace(check_mode=check_mode, environ={}, transport=transport, warn=lambda text: None)
    return removal(keys, Declaration(KEYS, ()), decisions, trouble, Rest(url, context))


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
    assert may_go(url, keys, decisions=[decided(replace(entry, status="Active"))]).keys == (keys or ())


def test_a_key_of_an_app_that_is_not_active_yet_stays(tmp_path: Path) -> None:
    found = may_go(filled(tmp_path), ["old"], decisions=[decided(at("ledger", "a", OTHER, "Pending"))])
    assert found == key_removal.Removal((), "The key old was not removed or revoked: not Active yet: com.example.a.")


def test_after_trouble_the_ledger_is_not_asked(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"no database" * 200)
    found = may_go(Secret(f"sqlite:///{tmp_path}/ledger.db"), ["old"], "The list failed.")
    assert found == key_removal.Removal((), "The key old was not removed or revoked: The list failed.")


@pytest.mark.parametrize(("keys", "them"), [(["old"], "it"), (["old", "nameless"], "them")])
def test_a_ledger_that_can_not_be_read_lets_no_key_go(tmp_path: Path, keys: list[str], them: str) -> None:
    (tmp_path / "ledger.db").write_bytes(b"no database" * 200)
    found = may_go(Secret(f"sqlite:///{tmp_path}/ledger.db"), keys)
    assert found.keys == () and f": what the ledger holds with {them} could not be read: ledger.url: " in found.note


def test_a_ledger_that_is_only_read_is_not_made_and_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Ledger] = []

    def note(ledger: Ledger) -> None:
        closed.append(ledger)

    monkeypatch.setattr(Ledger, "close", note)
    assert may_go(Secret(f"sqlite:///{tmp_path}/none.db"), ["old"]).keys == ["old"]
    (ledger,) = closed
    assert ledger.read_only and not ledger.for_writing and list(tmp_path.iterdir()) == []
