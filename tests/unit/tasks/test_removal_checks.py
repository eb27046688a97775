# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing goes, and nothing counts as gone, that the ledger can't be told of; to look for that changes nothing."""

from __future__ import annotations

import typing as t
from pathlib import Path
from types import SimpleNamespace

import pytest
from unit_support import ISSUER

from ansible_collections.storeops.refunds.plugins.module_utils._decisions.decision import Decision
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import (
    list_elsewhere,
    put_integrations,
)
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration, absent
from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import Verdict
from ansible_collections.storeops.refunds.plugins.module_utils._plan import plan
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.engine import Engine
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.writing import Writer

THERE = Identity("revenuecat", "proj1", "production", "com.example.a")
NOTED = Integration(THERE, ISSUER, "KEY1234567", "f", "Active")
VERDICT = Verdict("not_checked", "No key is needed.", "production")


def ledger_with(folder: Path, *entries: Integration) -> Ledger:
    """Make a ledger that knows what was last applied."""
    made = Ledger(find_place(f"sqlite:///{folder}/ledger.db", {}), False, lambda text: None)
    put_integrations(made, entries, "2026-11-28T00:00:00Z")
    return made


def seen_absent(ledger: Ledger, check_mode: bool) -> Decision:
    """Let the engine end with an app that is declared absent, and isn't at its tracker."""
    decision = Decision(VERDICT, plan(None, None), absent(THERE), is_absent=True)
    engine: t.Any = SimpleNamespace(
        trackers=SimpleNamespace(ledger=ledger), context=SimpleNamespace(check_mode=check_mode)
    )
    Engine._forget(engine, [decision])
    return decision


@pytest.mark.parametrize("check_mode", [True, False])
def test_an_app_that_is_gone_at_its_tracker_is_forgotten_or_fails(
    tmp_path: Path, check_mode: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = ledger_with(tmp_path, NOTED)

    def refuse(_ledger: Ledger) -> t.NoReturn:
        raise LedgerError("ledger.url: it is not writable.")

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "check_place", refuse)
        failed = seen_absent(ledger, check_mode)
    told = "com.example.a: is gone at revenuecat, and the ledger may still name it: ledger.url: it is not writable."
    assert failed.error == told, "a key that it names must not go"
    assert seen_absent(ledger, check_mode).error == ""
    assert bool(list_elsewhere(ledger, "production")) is check_mode
    ledger.close()


def test_where_nothing_was_noted_nothing_has_to_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = ledger_with(tmp_path)
    monkeypatch.setattr(Ledger, "check_place", lambda _ledger: pytest.fail("it is only read"))
    assert seen_absent(ledger, False).error == ""
    ledger.close()


def test_a_fault_while_looking_is_no_change() -> None:
    def fault() -> t.NoReturn:
        raise ValueError("nobody foresaw it")

    tracker: t.Any = SimpleNamespace(check_place=fault, remove=lambda _identity: pytest.fail("nothing may go"))
    context: t.Any = SimpleNamespace(check_mode=False, transport=SimpleNamespace(remaining=lambda: 100.0))
    decision = Decision(VERDICT, plan(NOTED, None), absent(THERE), is_absent=True)
    Writer(tracker, context).add(decision)
    assert "nobody foresaw it" in decision.error and "may have been made" not in decision.error
    assert decision.held == NOTED and not decision.step.changed
