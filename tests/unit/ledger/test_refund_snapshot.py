# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read together belongs together, whatever another process writes in the meantime."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from ledger_support import NOW, entry, ledger_at
from refund_rows_support import Placed, fill, refund
from test_ledger_postgresql import Cluster, cluster
from test_ledger_upgrades import write_old
from unit_support import Outcome, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._ledger import ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger._migrations import HEAD, MIGRATIONS
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import (
    list_integrations,
    put_integration,
)
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.refunds import App
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import LedgerError
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.refunds import (
    refund_export,
    refund_info,
    refund_ledger_copy,
)

# A fixture, used by its name alone.
__all__ = ["cluster"]

MINE = App("apple", "production", "com.example.a")


def write(url: str) -> None:
    """Record one more refund, and an app."""
    other = ledger_at(url, lock_timeout=0.2)
    fill(other, [Placed(MINE, refund(number)) for number in (1, 2)])
    put_integration(other, entry("com.example.new"), NOW)
    other.close()


def after_writing(url: str, function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """Do the same once somebody else has written."""

    def done(*given: t.Any) -> t.Any:
        write(url)
        return function(*given)

    return done


def ask_while_it_grows(url: str, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """Ask for everything; between the sums and the rows another connection records one more refund."""
    page = refund_info.page

    def recorded_before(*given: t.Any) -> t.Any:
        # SQLite lets the writer wait until all is read.
        with contextlib.suppress(*([LedgerError] if url.startswith("sqlite") else [])):
            write(url)
        return page(*given)

    with monkeypatch.context() as patch:
        patch.setattr(refund_info, "page", recorded_before)
        return run_task(refund_info.TASK, {"ledger": {"url": url}})


def check(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare the parts of a result with each other."""
    made = ledger_at(url)
    fill(made, [Placed(MINE, refund(1))])
    made.close()
    results = ask_while_it_grows(url, monkeypatch).results
    assert (results["total"], len(results["refunds"]), results["sums"][0]["count"]) == (1, 1, 1)
    assert [one["bundle_id"] for one in results["coverage"]] == ["com.example.a"]
    write(url)
    after = run_task(refund_info.TASK, {"ledger": {"url": url}}).results
    assert (after["total"], len(after["refunds"]), len(after["coverage"])) == (2, 2, 2)


def test_on_postgresql(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.run("CREATE DATABASE snapshot")
    check(cluster.url("snapshot"), monkeypatch)


def test_on_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    check(url, monkeypatch)


@pytest.mark.parametrize("name", ["page", "tallies", "_publish"])
def test_an_export_from_sqlite_keeps_no_writer_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    made = ledger_at(url)
    fill(made, [Placed(MINE, refund(1))])
    made.close()
    monkeypatch.setattr(refund_export, name, after_writing(url, getattr(refund_export, name)))
    options = {"ledger": {"url": url}, "path": str(tmp_path / "files")}
    results = run_task(refund_export.TASK, options).results
    assert results["export"]["refunds"] == 1
    assert [len((tmp_path / "files" / one).read_text().splitlines()) for one in ("refunds.csv", "refunds.jsonl")] == [
        2,
        1,
    ]


@pytest.mark.parametrize("until", [HEAD, MIGRATIONS[-2].revision])
def test_a_writer_may_commit_until_the_copy_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: str
) -> None:
    """Else the copy waits for the writer, which waits for what made out that a copy is needed."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    write_old(url, until)
    monkeypatch.setattr(ledger, "private_copy", after_writing(url, ledger.private_copy))
    # Of an older schema, any reader makes a copy.
    reader = replace(ledger_at(url, read_only=True), is_snapshot=until == HEAD)
    names = [one.identity.bundle_id for one in list_integrations(reader, "ledger", "", "production")]
    reader.close()
    assert names == ["com.example.new", "com.example.one"]


@pytest.mark.parametrize(
    ("name", "check_mode"),
    [
        ("refuse_another", True),
        ("count", True),
        *((name, False) for name in ("refuse_another", "count", "copy", "verify")),
    ],
)
def test_a_copy_of_sqlite_keeps_no_writer_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, check_mode: bool
) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    made = ledger_at(url)
    fill(made, [Placed(MINE, refund(1))])
    made.close()
    monkeypatch.setattr(refund_ledger_copy, name, after_writing(url, getattr(refund_ledger_copy, name)))
    options = {"from_ledger": {"url": url}, "to_ledger": {"url": f"sqlite:///{tmp_path}/copy.db"}}
    results = run_task(refund_ledger_copy.TASK, options, check_mode).results
    assert results["ledger_copy"]["verified"] is not check_mode
    assert results["ledger_copy"]["tables"]["refund_tracking_refunds"] == {"rows": 1, "copied": 1}
    # The file of the snapshot itself is in no folder.
    assert {one.name for one in tmp_path.iterdir()} <= {"ledger.db", "copy.db"}
