# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever a run would write: check mode says it before, and fails where the ledger can't be written."""

from __future__ import annotations

import shutil
import typing as t
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from bulk_support import Bulk, apps
from unit_servers import Simulator

from ansible_collections.storeops.refunds.plugins.module_utils._decisions.decision import standing
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration
from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import Verdict
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.writing import Writer

NAME = "com.example.n0"


@pytest.fixture
def bulk(sim: Simulator, tmp_path: Path) -> Bulk:
    made = Bulk(sim, tmp_path)
    made.world([NAME], unreleased=[NAME])
    return made


def nothing(_bulk: Bulk) -> dict[str, t.Any]:
    return {}


def new_path(bulk: Bulk) -> dict[str, t.Any]:
    shutil.copy2(bulk.folder / "mine.p8", bulk.folder / "copy.p8")
    return {"keys": [{**bulk.keys[0], "private_key_path": str(bulk.folder / "copy.p8")}]}


def new_status(bulk: Bulk) -> dict[str, t.Any]:
    bulk.world([NAME])
    return {}


def new_number(_bulk: Bulk) -> dict[str, t.Any]:
    return {"apps": apps(NAME, app_apple_id=7)}


@pytest.mark.parametrize(
    ("change", "field", "is_written"),
    [
        (nothing, None, False),
        (new_path, "private_key_path", True),
        (new_number, "app_apple_id", True),
        # An observation: written, and no change.
        (new_status, None, True),
    ],
)
def test_check_mode_tells_what_is_written(
    bulk: Bulk, monkeypatch: pytest.MonkeyPatch, change: t.Callable[[Bulk], t.Any], field: str | None, is_written: bool
) -> None:
    bulk.run(apps(NAME))
    asked = {"apps": apps(NAME), **change(bulk)}
    with monkeypatch.context() as patch:

        def refuse(_ledger: Ledger) -> t.NoReturn:
            raise LedgerError("ledger.url: it is not writable.")

        patch.setattr(Ledger, "check_place", refuse)
        for check_mode in (True, False):
            refused = bulk.run(check_mode=check_mode, **asked)
            assert ("is not writable" in refused.message) == is_written == bool(refused.message), refused.message
    before = bulk.ledger.read_bytes()
    done = bulk.both(**asked)
    assert done.results["changed"] == bool(field) and (bulk.ledger.read_bytes() != before) == is_written
    assert (f"{field}" in str(done.results["diff"])) == bool(field)
    again = bulk.both(**asked)
    assert (
        not again.results["changed"]
        and not again.results["diff"]["after"]
        and "would change" not in again.results["summary"]
    )


def test_a_removal_needs_a_ledger_that_can_be_written_and_nothing_to_remove_does_not(
    bulk: Bulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bulk.world([NAME, f"{NAME}0"])
    bulk.run(apps(NAME, f"{NAME}0"))

    def refuse(_ledger: Ledger) -> t.NoReturn:
        raise LedgerError("ledger.url: it is not writable.")

    monkeypatch.setattr(Ledger, "check_place", refuse)
    for gone, purge in ((f"{NAME}1", False), (NAME, False), (None, True)):
        listed = [*apps(f"{NAME}0"), *(apps(gone, state="absent") if gone else ())]
        done = bulk.both(listed, purge=purge)
        assert ("is not writable" in done.message) == bool(done.message) == (gone != f"{NAME}1"), done
        assert bulk.held() == [NAME, f"{NAME}0"]
    listed = [*apps(NAME, f"{NAME}0")]
    assert not bulk.both(listed, purge=True).message, "nothing is to go"


@pytest.mark.parametrize(("is_writable", "left"), [(True, 9.0), (False, 9.0), (True, 0.0), (False, 0.0)])
@pytest.mark.parametrize("check_mode", [False, True])
def test_what_any_later_run_finds_out_as_well_fails_nothing(is_writable: bool, left: float, check_mode: bool) -> None:
    """That Apple accepts by now what a person was only asked to enter at devtodev."""
    noted: list[Integration] = []

    def check_place() -> None:
        if not is_writable:
            raise LedgerError("ledger.url: it is not writable.")

    held = Integration(Identity("devtodev", "p", "production", NAME), "i", "k", "f", "Pending", None, 1)
    decision = standing(held, held.identity, Verdict("accepted", "", "production"))
    decision.step = replace(decision.step, desired=held)
    decision.credentials = t.cast(t.Any, object())
    tracker = SimpleNamespace(check_place=check_place, note=noted.append)
    transport = SimpleNamespace(remaining=lambda: left, limit="the deadline")
    context = SimpleNamespace(check_mode=check_mode, transport=transport)
    assert decision.is_only_news
    Writer(t.cast(t.Any, tracker), t.cast(t.Any, context)).add(decision)
    assert not decision.error and not decision.is_untried
    assert noted == [held] * (is_writable and left > 0 and not check_mode)
